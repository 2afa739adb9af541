import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
import tiny

from critical.plotting import figure as canvas
from critical.spec import SpecError
from experiments.loggers import Logger, WandbLogger, logger
from experiments.protocol import FRESH

ROOT = Path(__file__).resolve().parents[2]
SPEC = tiny.protocol(seeds=(0,), recovery=2).arm(0, FRESH).spec
ROWS = [{"epoch": 1, "test_accuracy": 10.0, "fisher_trace": None}, {"epoch": 2, "test_accuracy": 20.0}]


def wandb_logger(tmp_path, **settings):
    return logger({"name": "wandb", "folder": str(tmp_path / "results"), **settings})


def test_loggers_are_built_from_settings(tmp_path):
    assert type(logger({"name": "none"})) is Logger
    made = wandb_logger(tmp_path, mode="disabled")
    assert isinstance(made, WandbLogger)
    assert made.mode == "disabled"
    with pytest.raises(SpecError, match="did you mean 'wandb'"):
        logger({"name": "wand"})


def test_no_logger_does_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    none = logger({"name": "none"})
    none.log_run(SPEC, ROWS, {"figure": "x"})
    none.log_figure("x", tmp_path / "missing.png")
    assert capsys.readouterr() == ("", "")
    assert not any(tmp_path.iterdir())


class FakeRun:
    def __init__(self, log):
        self.log_lines = log

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def define_metric(self, *arguments, **settings):
        self.log_lines.append(("metric", arguments, settings))

    def log(self, row):
        self.log_lines.append(("row", row))


@pytest.fixture
def wandb(monkeypatch):
    return pytest.importorskip("wandb")


def test_what_is_sent(wandb, monkeypatch, tmp_path):
    begun, lines = [], []
    monkeypatch.setattr(wandb, "init", lambda **settings: begun.append(settings) or FakeRun(lines))
    wandb_logger(tmp_path).log_run(SPEC, ROWS, {"figure": "iclr2019/deficit_removal", "arm": "fresh"})
    (settings,) = begun
    assert settings["id"] == SPEC.run_id, "the same run twice is one run"
    assert settings["group"] == "iclr2019/deficit_removal"
    assert settings["mode"] == "offline"
    assert settings["config"]["model"] == SPEC.describe()["model"]
    assert settings["config"]["arm"] == "fresh"
    assert [line[1] for line in lines if line[0] == "row"] == [{"epoch": 1, "test_accuracy": 10.0}, ROWS[1]]
    assert ("metric", ("*",), {"step_metric": "epoch"}) in lines


@pytest.mark.parametrize("error", [ConnectionError("no\nnetwork"), ValueError(""), AttributeError("gone")])
def test_a_failing_service_is_one_line(wandb, monkeypatch, tmp_path, capsys, error):
    def fail(**_):
        raise error

    monkeypatch.setattr(wandb, "init", fail)
    wandb_logger(tmp_path).log_run(SPEC, ROWS, {"figure": "x"})
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
def test_offline_needs_no_account(wandb, monkeypatch, tmp_path, capsys):
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    made, _ = canvas(1, 1)
    made.savefig(tmp_path / "figure.png")
    mirror = wandb_logger(tmp_path)
    mirror.log_run(SPEC, ROWS, {"figure": "x"})
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
        "print([name for name in ('wandb', 'hydra', 'omegaconf', 'experiments') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_the_logger_is_no_part_of_a_run():
    assert not [field.name for field in dataclasses.fields(SPEC) if "logger" in field.name]
