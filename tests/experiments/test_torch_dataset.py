"""The example that turns a torch Dataset into data: what it yields is what trains."""

import importlib.util
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from PIL import Image
from torch.utils.data import TensorDataset

from critical.data import load
from critical.training.loop import train as train_run
from experiments import train

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "torch_dataset.py"
RANDOM = np.random.default_rng(0)


@pytest.fixture
def example(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    spec = importlib.util.spec_from_file_location("torch_dataset", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Pictures:
    """As torchvision's classes are: PIL images and plain labels."""

    classes = ("cat", "dog")

    def __init__(self, root, train, download):
        self.images = RANDOM.integers(0, 256, (40 if train else 10, 8, 8, 3), dtype=np.uint8)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, place):
        return Image.fromarray(self.images[place]), place % 2


def offered(monkeypatch, **names):
    monkeypatch.setitem(sys.modules, "offered", types.SimpleNamespace(**names))


def test_a_class_of_pictures_trains(example, monkeypatch, capsys):
    offered(monkeypatch, Pictures=Pictures)
    example.main(["offered:Pictures", "mine.npz"])
    said, command = capsys.readouterr().out.splitlines()
    assert said == "mine.npz: mine (3×8×8), 40 examples, 2 classes, 10 for testing"
    assert command == f"{sys.executable} -m experiments.train data=arrays data.path=mine.npz"
    small = [text for text in tiny.TINY if not text.startswith("data")]
    run = train.run_spec(tiny.composed("train", *small, *command.split()[3:], "epochs=2"))
    held = load(run.data)
    assert held.classes == Pictures.classes
    assert held.train.views[0].dtype == torch.uint8
    assert held.train.labels.tolist() == [0, 1] * 20
    assert len(train_run(run)) == 2


def test_pixels_are_those_of_the_dataset(example, monkeypatch):
    made = []
    offered(monkeypatch, Pictures=lambda: made.extend([Pictures("", True, True), Pictures("", False, True)]) or made)
    example.main(["offered:Pictures", "mine.npz"])
    held = dict(np.load("mine.npz"))
    assert np.array_equal(held["view_a"], made[0].images.transpose(0, 3, 1, 2))
    assert np.array_equal(held["test_view_a"], made[1].images.transpose(0, 3, 1, 2))


def test_a_function_of_two_views(example, monkeypatch, capsys):
    def parts():
        labels = torch.arange(30) % 3
        return [TensorDataset(torch.rand(30, 1, 8, 8), torch.rand(30, 5), labels) for _ in range(2)]

    offered(monkeypatch, parts=parts)
    example.main(["offered:parts", "mine.npz"])
    assert "mine (1×8×8 and 1×5), 30 examples, 3 classes" in capsys.readouterr().out


def test_images_of_several_sizes_are_refused_in_a_line(example, monkeypatch):
    offered(monkeypatch, parts=lambda: [[(torch.rand(1, 8, side), side % 2) for side in (8, 9)]] * 2)
    with pytest.raises(SystemExit, match=r"^error: view_a: the examples differ in shape"):
        example.main(["offered:parts", "mine.npz"])


def test_what_was_normalised_is_refused_in_a_line(example, monkeypatch):
    labels = torch.arange(30) % 3
    offered(monkeypatch, parts=lambda: [TensorDataset(torch.randn(30, 1, 8, 8), labels)] * 2)
    with pytest.raises(SystemExit, match=r"^error: data=arrays: view_a of mine\.npz has values from .* normalised"):
        example.main(["offered:parts", "mine.npz"])
