"""Puts this folder on the path: its helpers serve the tests of every room below. What commands are tested in."""

import os
from pathlib import Path

import pytest
import tiny
import wandb_server

from critical.plots import style
from experiments import sweep

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def here_with_pictures(monkeypatch, tmp_path):
    """Runs are trained in this process, nothing is written elsewhere."""
    monkeypatch.setattr(sweep, "Workers", tiny.WorkersHere)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def here(here_with_pictures, monkeypatch):
    """The same without pictures, which take longer than runs so small."""
    monkeypatch.setattr(style, "save", lambda figure, folder, name: style.Saved(*[Path(folder) / name] * 3))
    return here_with_pictures


@pytest.fixture
def service(monkeypatch, tmp_path):
    """The stand-in service, and an account that exists nowhere else."""
    wandb = pytest.importorskip("wandb")
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    for name in ("HOME", "WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_ARTIFACT_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    with wandb_server.service() as held:
        monkeypatch.setenv("WANDB_BASE_URL", held.url)
        wandb.teardown()  # a connection of an earlier test would go where that one went
        yield held
        # What it could not send is not to be waited for.
        held.faults = lambda what: None
        wandb.teardown()
