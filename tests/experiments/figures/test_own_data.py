"""Data and networks of one's own in the figures of their family: the cheapest of each, trained and drawn."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from PIL import Image

from critical.data import DataError
from critical.execution.store import RunStore
from critical.training.loop import Trainer
from experiments.design import profile
from experiments.design.facts import DataFacts
from experiments.design.registry import FIGURES
from experiments.output import pipeline, tables
from experiments.tracking.logger import Logger

RANDOM = np.random.default_rng(0)
FEW = ("profile=smoke", "device=cpu", "protocol.seeds=[0]", "protocol.recovery=1", "data.subset=64",
       "data.test_subset=20")  # fmt: skip
CHEAPEST = {
    "vision": "iclr2019/deficit_removal",
    "two_streams": "cvpr2023/rsv_blur",
    "modalities": "multimodal/modality_dropout",
}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Two threads wait for each other on so little work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def saved(folder: Path, **shapes) -> str:
    """The path of a file of arrays, classes 0 to 3, 70 examples for training and 30 for testing."""
    held = {}
    for part, count in (("", 70), ("test_", 30)):
        labels = np.arange(count) % 4
        held[f"{part}labels"] = labels
        for name, shape in shapes.items():
            noise = RANDOM.random((count, *shape))
            held[f"{part}{name}"] = (0.5 * noise + 0.12 * labels.reshape(-1, *[1] * len(shape))).astype(np.float32)
    path = folder / "mine.npz"
    np.savez(path, **held)
    return str(path)


def made(folder, family, *overrides):
    """A figure through the pipeline: its record and its tables."""
    config = tiny.composed("figures", *FEW, f"data_root={folder}/root", *overrides)
    figure, results = FIGURES[CHEAPEST[family]], folder / "results"
    store = RunStore(results / "runs")
    setting = pipeline.Setting("smoke", results, lambda needed, _: tiny.train_here(needed, store), Logger())
    settings = profile.figure_settings(config, figure, profile.protocol(config, family))
    record = pipeline.make(figure, *settings, setting)
    return record, tables.read(setting.tables, figure.name).runs


def check(record, runs):
    assert len(runs)
    assert (runs["failure"].fillna("") == "").all()
    assert runs["accuracy"].between(0, 100).all()
    assert record.verdicts


def test_arrays_of_one_view_in_a_figure_of_vision(tmp_path):
    path = saved(tmp_path, view_a=(2, 8, 8))
    record, runs = made(tmp_path, "vision", "data=arrays", f"data.path={path}", "deficit.factor=2")
    check(record, runs)
    assert "mine (2×8×8), 64 examples" in record.caption
    assert runs["fisher_trace"].notna().all()


def test_arrays_of_two_views_in_a_figure_of_two_streams(tmp_path):
    path = saved(tmp_path, view_a=(1, 8, 8), view_b=(1, 8, 8))
    given = ("data@two_streams.data=arrays", f"two_streams.data.path={path}")
    record, runs = made(tmp_path, "two_streams", *given)
    check(record, runs)
    assert "mine (1×8×8 and 1×8×8), 70 examples" in record.caption


def test_a_folder_and_a_table_in_a_figure_of_modalities(tmp_path):
    rows = ["file,a,b,c,d,e"]
    for number in range(60):
        kind = "xyz"[number % 3]
        path = tmp_path / "tree" / kind / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RANDOM.integers(0, 200, (8, 8), dtype=np.uint8)).save(path)
        rows.append(",".join([path.name, *(f"{value:.3f}" for value in RANDOM.normal(number % 3, 1, 5))]))
    (tmp_path / "table.csv").write_text("\n".join(rows))
    given = ("data@modalities.data=folder_and_table", f"modalities.data.path={tmp_path}/tree",
             f"modalities.data.table={tmp_path}/table.csv", "modalities.data.label=mine",
             "modalities.data.split=0.3")  # fmt: skip
    record, runs = made(tmp_path, "modalities", *given)
    check(record, runs)
    assert "mine 8×8 and 5 features, 42 examples" in record.caption


@pytest.mark.parametrize(("model", "arch"), [("torchvision", "shufflenet_v2_x0_5"), ("timm", "test_resnet")])
def test_a_network_of_somebody_else_trains_for_two_steps_through_a_figure(tmp_path, monkeypatch, model, arch):
    if model == "timm" and importlib.util.find_spec("timm") is None:
        pytest.skip("timm is not installed: pip install 'critical[timm]'")
    steps, real = [], Trainer._step
    monkeypatch.setattr(Trainer, "_step", lambda self, number, *rest: steps.append(number) or real(self, number, *rest))
    given = ("optimizer.batch_size=32", f"model={model}", f"model.arch={arch}", "model.small_stem=true")
    record, runs = made(tmp_path, "vision", *given)
    check(record, runs)
    assert max(steps) == 1
    assert (runs["fisher_trace"] > 0).all()




@pytest.mark.parametrize("fingerprint", ["0123456789abcdef", "sha256-0123456789abcdef"])
def test_runs_made_elsewhere_are_composed_by_their_fingerprint_and_refused_where_it_is_not_that(tmp_path, fingerprint):
    """Also by one of names and sizes, from before there were fingerprints of content."""
    given = ("data=folder", "data.label=pets", f"data.fingerprint={fingerprint}", "arithmetic.instructions=portable")
    config = tiny.composed("figures", "profile=smoke", "device=cpu", *given)
    held = profile.protocol(config, facts=DataFacts("pets 8×8, 20 images", 4)).parts.data
    assert (held.fingerprint, held.path) == (fingerprint, "")
    for part, kind in ((part, kind) for part in ("train", "test") for kind in "ab"):
        (tmp_path / part / kind).mkdir(parents=True)
        Image.new("L", (8, 8)).save(tmp_path / part / kind / "0.png")
    config = tiny.composed("figures", "profile=smoke", "device=cpu", *given, f"data.path={tmp_path}",
                           f"data_root={tmp_path}/root")  # fmt: skip
    with pytest.raises(DataError, match=rf"has fingerprint .*, not {fingerprint}: what it holds has changed"):
        profile.protocol(config)
