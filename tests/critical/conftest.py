"""What the tests of workers share: a store, and a log of what was trained."""

import pytest
from helpers import counting

from critical.execution import workers
from critical.execution.store import RunStore
from critical.training.loop import Trainer


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "store")


@pytest.fixture
def log(tmp_path, monkeypatch):
    """Every epoch that this process trains leaves a line in this file."""
    path = tmp_path / "trained.log"
    monkeypatch.setattr(Trainer, "train_epoch", counting(path))
    monkeypatch.setattr(workers, "PATIENCE_SECONDS", 0.01)
    return path
