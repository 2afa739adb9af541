"""The examples run, and what they take from the suite acts."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from helpers import same
from sklearn.datasets import load_digits
from sklearn.utils import Bunch

LOOP = Path(__file__).resolve().parents[1] / "examples" / "own_loop.py"
TWO = ("--epochs", "2")


def loaded(path, monkeypatch):
    """The script as a module, on 195 training digits: three batches an epoch."""
    spec = importlib.util.spec_from_file_location("own_loop", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "own_loop", module)
    spec.loader.exec_module(module)
    held = load_digits()
    monkeypatch.setattr(module, "load_digits", lambda: Bunch(images=held.images[:260], target=held.target[:260]))
    return module


@pytest.fixture(autouse=True)
def one_thread():
    """Two threads wait for each other on so little work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def loop(monkeypatch, capsys):
    """Runs the example for three epochs: rows as printed, network, and the images that each trace was taken on."""
    module = loaded(LOOP, monkeypatch)
    measured = []

    def spied(model, batches, **rest):
        measured.append(torch.cat(batches))
        return trace_of_fisher(model, batches, **rest)

    trace_of_fisher = module.trace_of_fisher
    monkeypatch.setattr(module, "trace_of_fisher", spied)

    def run(*arguments):
        measured.clear()
        network = module.main(["--epochs", "3", *arguments])
        return [line.split() for line in capsys.readouterr().out.splitlines()[1:]], network.state_dict(), [*measured]

    return run


def blurred(images):
    """Whether these 8×8 images were enlarged from 2×2: the two rows at the edge are then equal."""
    return torch.allclose(images[:, :, 0], images[:, :, 1], atol=1e-6)


def test_the_deficit_acts_in_its_epochs_and_no_other(loop):
    rows, _, seen = loop("--blur", "1", "2")
    assert [row[3] for row in rows] == ["-", "blur", "-"]
    assert [blurred(images) for images in seen] == [False, True, False]
    later = loop("--blur", "2", "3")[0]
    assert later[0] == rows[0]
    assert later[1] != rows[1]


def test_the_trace_is_positive_and_the_digits_are_learnt(loop):
    rows = loop("--blur", "0", "1")[0]
    assert all(float(row[4]) > 0 for row in rows)
    assert float(rows[-1][2].rstrip("%")) > 30


def test_the_stabiliser_changes_the_weights(loop):
    assert not same(loop("--weight", "0.01", *TWO)[1], loop("--weight", "0", *TWO)[1])


def test_the_same_seed_gives_the_same(loop):
    (rows, weights, _), (again, twice, _) = loop("--seed", "3", *TWO), loop("--seed", "3", *TWO)
    assert rows == again
    assert same(weights, twice)
    assert not same(weights, loop("--seed", "4", *TWO)[1])


def test_without_the_marked_lines_it_is_a_plain_script_that_trains_the_same(loop, monkeypatch, tmp_path, capsys):
    """Until the deficit begins, the suite's lines change no bit."""
    rows = loop("--blur", "2", "3", "--weight", "0")[0]
    plain = [line for line in LOOP.read_text().splitlines() if "# critical" not in line]
    body = "\n".join(plain).split('"""', 2)[2]
    assert "critical" not in body
    (tmp_path / "plain.py").write_text(body)
    loaded(tmp_path / "plain.py", monkeypatch).main(["--epochs", "2"])
    assert [line.split() for line in capsys.readouterr().out.splitlines()[1:]] == [row[:3] for row in rows[:2]]


def test_in_half_precision_the_stabiliser_keeps_its_effect(loop):
    """The gradients are then multiplied by tens of thousands, and the penalty's with them."""
    settings = (("--weight", "0.1"), ("--weight", "0.1", "--half"), ("--weight", "0", "--half"))
    plain, half, none = (float(loop("--blur", "0", "1", *given)[0][-1][4]) for given in settings)
    assert half < 0.5 * none
    assert half == pytest.approx(plain, rel=0.25)
