import dataclasses
import json
import shutil

import pandas as pd
import pytest
import tiny
from helpers import process

from critical import stabilizers
from critical.core.spec import SpecError
from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.plots.style import figure as canvas
from critical.stabilizers import StabilizerWindow
from experiments.output.loggers import Logger, WandbLogger, logger, sent_to, series

PERIOD = StabilizerWindow(stabilizers.WeightDecay(), 1, 2)
PROTOCOL = tiny.protocol(seeds=(0,), recovery=2)
SPEC = PROTOCOL.window(0, 1, stabilizers=(PERIOD,)).deficit.of_seed(0)
TAGS = {"figure": "iclr2019/deficit_removal", "profile": "quick", "role": "deficit", "schedule": "restart"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The record of a run of three epochs: a deficit in the first, then a fork, and a stabiliser in the second."""
    store = RunStore(tmp_path_factory.mktemp("store"))
    tiny.train_here(plan([SPEC, PROTOCOL.window(0, 1).deficit.of_seed(0)]), store)
    return store.root / "runs" / SPEC.run_id


def wandb_logger(tmp_path, **settings):
    return logger({"name": "wandb", "folder": str(tmp_path / "results"), **settings})


def test_loggers_are_built_from_settings(tmp_path):
    assert type(logger({"name": "none"})) is Logger
    made = wandb_logger(tmp_path, mode="disabled")
    assert isinstance(made, WandbLogger)
    assert made.mode == "disabled"
    with pytest.raises(SpecError, match="did you mean 'wandb'"):
        logger({"name": "wand"})
    with pytest.raises(SpecError, match="mode=onlin"):
        wandb_logger(tmp_path, mode="onlin")


def test_no_logger_does_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    none = logger({"name": "none"})
    none.log_run(tmp_path / "missing", {"figure": "x"})
    none.log_figure("x", tmp_path / "missing.png")
    assert capsys.readouterr() == ("", "")
    assert not any(tmp_path.iterdir())


class FakeRun:
    def __init__(self, log):
        self.log_lines, self.summary, self.status = log, {}, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def define_metric(self, *arguments, **settings):
        self.log_lines.append(("metric", arguments, settings))

    def log(self, row):
        self.log_lines.append(("row", row))

    def finish(self, exit_code):
        self.log_lines.append(("end", exit_code, dict(self.summary)))


@pytest.fixture
def wandb(monkeypatch):
    monkeypatch.delenv("WANDB_SWEEP_ID", raising=False)
    return pytest.importorskip("wandb")


@pytest.fixture
def sent(wandb, monkeypatch):
    """What `wandb.init` was called with, and what the run was told."""
    begun, lines = [], []
    monkeypatch.setattr(wandb, "init", lambda **settings: begun.append(settings) or FakeRun(lines))
    return begun, lines


def test_what_is_sent(sent, tmp_path, folder):
    (begun, lines), record = sent, json.loads((folder / "run.json").read_text())
    assert wandb_logger(tmp_path).log_run(folder, TAGS)
    (settings,) = begun
    assert settings["id"] == SPEC.run_id, "the same run twice is one run"
    assert settings["group"] == "iclr2019/deficit_removal"
    assert settings["tags"] == ["iclr2019/deficit_removal", "quick", "deficit"]
    assert (settings["mode"], settings["job_type"]) == ("offline", "run")
    config = settings["config"]
    assert {key: config[key] for key in SPEC.describe()} == json.loads(json.dumps(SPEC.describe()))
    assert config["forked_from"] == record["forked_from"] == {"key": SPEC.keys[1], "epoch": 1}
    assert config["experiment"] == TAGS
    assert (config["deficit"], config["stabilizer"]) == ("blur", "weight_decay")
    assert ("metric", ("*",), {"step_metric": "epoch"}) in lines
    rows = [line[1] for line in lines if line[0] == "row"]
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert [row["deficit_active"] for row in rows] == [1, 0, 0]
    assert [row["stabilizer_active"] for row in rows] == [0, 1, 0]
    table = pd.read_csv(folder / "epochs.csv")
    for column in ("test_accuracy", "test_loss", "train_loss", "rate"):
        told = table[column].dropna()
        assert {place: row[column] for place, row in enumerate(rows) if column in row} == pytest.approx(told.to_dict())
        assert len(told) >= 2
    assert all(isinstance(value, (int, float)) for row in rows for value in row.values())
    assert lines[-1] == ("end", 0, {})
    assert not (folder / "wandb.json").exists(), "an offline run has been sent nowhere"


def test_every_measurement_is_a_series(tmp_path):
    """Traces a layer and shares of two views too; what was not measured in an epoch is left out."""
    text = "epoch,deficit,reset_optimizer,rate,fisher_trace,fisher_trace/head,rsv_mean\n1,none,False,0.1,2.5,1.5,\n"
    (tmp_path / "epochs.csv").write_text(text + "2,,True,0.1,,,0.25\n")
    always = {"stabilizer": {"name": "l2_init"}, "start": 1, "end": None}
    first, second = series({"stabilizers": [always]}, tmp_path / "epochs.csv")
    assert first == {"epoch": 1, "rate": 0.1, "fisher_trace": 2.5, "fisher_trace/head": 1.5,
                     "deficit_active": 0, "stabilizer_active": 0}  # fmt: skip
    assert second == {"epoch": 2, "rate": 0.1, "rsv_mean": 0.25, "deficit_active": 0, "stabilizer_active": 1}
    # A record from before there were stabilisers names none.
    assert [row["stabilizer_active"] for row in series({}, tmp_path / "epochs.csv")] == [0, 0]


def test_within_a_sweep_the_run_is_the_sweeps(sent, tmp_path, folder, monkeypatch):
    monkeypatch.setenv("WANDB_SWEEP_ID", "abcd1234")
    wandb_logger(tmp_path).log_run(folder, {"figure": "train"})
    assert "id" not in sent[0][0]
    assert sent[0][0]["group"] == "abcd1234"


def test_a_failed_run_is_sent_as_one(sent, tmp_path, folder):
    copied = shutil.copytree(folder, tmp_path / "failed")
    record = json.loads((copied / "run.json").read_text()) | {"failure": "non-finite loss"}
    (copied / "run.json").write_text(json.dumps(record))
    assert wandb_logger(tmp_path).log_run(copied, TAGS)
    assert sent[1][-1] == ("end", 1, {"failure": "non-finite loss"})


def test_what_is_sent_online_is_marked(sent, tmp_path, folder):
    copied = shutil.copytree(folder, tmp_path / "one")
    for project in ("a", "b", "a"):
        assert wandb_logger(tmp_path, mode="online", project=project).log_run(copied, TAGS)
    marked = sent_to(copied)
    assert set(marked) == {"a", "b"}
    assert marked["a"]["id"] == SPEC.run_id


def test_hundreds_of_runs_do_not_wait_for_a_service_that_is_away(wandb, monkeypatch, tmp_path, folder, capsys):
    calls = []
    monkeypatch.setattr(wandb, "init", lambda **_: calls.append(1) or (_ for _ in ()).throw(TimeoutError("away")))
    mirror = wandb_logger(tmp_path)
    assert not any(mirror.log_run(folder, TAGS) for _ in range(5))
    assert len(calls) == 3
    *_, last = capsys.readouterr().err.splitlines()
    assert "make sync" in last


def test_a_folder_that_cannot_be_written_to_is_one_line(sent, monkeypatch, tmp_path, folder, capsys):
    """The user root may write everywhere, so it is asked by a stand-in."""
    monkeypatch.setattr("os.access", lambda *_: False)
    assert not wandb_logger(tmp_path).log_run(folder, TAGS)
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot be written to" in line
    assert not sent[0]


@pytest.mark.parametrize("error", [ConnectionError("no\nnetwork"), ValueError(""), AttributeError("gone")])
def test_a_failing_service_is_one_line(wandb, monkeypatch, tmp_path, folder, capsys, error):
    def fail(**_):
        raise error

    monkeypatch.setattr(wandb, "init", fail)
    wandb_logger(tmp_path).log_run(folder, {"figure": "x"})
    wandb_logger(tmp_path).log_figure("a/b", tmp_path / "missing.png")
    first, second = capsys.readouterr().err.splitlines()
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    assert first == f"wandb: run {SPEC.run_id} was not logged ({reason}); the record on disk is complete"
    assert second.startswith("wandb: figure a/b was not logged")


def test_a_run_that_is_trained_survives_a_failing_service(wandb, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(wandb, "init", lambda **_: (_ for _ in ()).throw(RuntimeError("refused")))
    given = [*tiny.TINY, "epochs=1", f"results={tmp_path}/r", "logger=wandb", f"logger.folder={tmp_path}/r"]
    status, lines, out = tiny.call(monkeypatch, capsys, tiny.train_main, *given)
    assert status == 0
    assert [line for line in lines if "refused" in line] == lines
    assert "test accuracy" in out
    assert len(list((tmp_path / "r").rglob("run.json"))) == 1


@pytest.mark.slow
def test_offline_needs_no_account(wandb, monkeypatch, tmp_path, folder, capsys):
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    made, _ = canvas(1, 1)
    made.savefig(tmp_path / "figure.png")
    mirror = wandb_logger(tmp_path)
    mirror.log_run(folder, {"figure": "x"})
    mirror.log_figure("x/y", tmp_path / "figure.png")
    assert "was not logged" not in capsys.readouterr().err
    runs = list((tmp_path / "results" / "wandb").glob("offline-run-*"))
    assert sorted(path.name.split("-", 3)[-1] for path in runs) == sorted([SPEC.run_id, "figure-x-y"])
    assert all(list(path.glob("*.wandb")) for path in runs)


def test_the_library_imports_no_front_end():
    code = (
        "import critical, pkgutil, importlib, sys\n"
        "names = [m.name for m in pkgutil.walk_packages(critical.__path__, 'critical.')]\n"
        "[importlib.import_module(name) for name in names]\n"
        "assert len(names) > 20, names\n"
        "found = [name for name in ('wandb', 'hydra', 'omegaconf', 'experiments') if name in sys.modules]\n"
        "assert not found, found"
    )
    # In a child of the fork server, which knows the library only.
    with process(exec, code, {}) as child:
        child.join(120)
    assert child.exitcode == 0


def test_the_logger_is_no_part_of_a_run():
    assert not [field.name for field in dataclasses.fields(SPEC) if "logger" in field.name]
