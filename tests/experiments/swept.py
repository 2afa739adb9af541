"""What the tests of sweeps share: tiny settings, tables as files, and a place where nothing is drawn."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import tiny

from critical.plots import style
from experiments import sweep

CLEAN = [*tiny.MLP, "recovery=1"]
TINY = [*CLEAN, "deficit=blur", "deficit.factor=2"]


def call(monkeypatch, capsys, *arguments):
    return tiny.call(monkeypatch, capsys, sweep.main, *arguments)


def read(path):
    frame = pd.read_csv(path, dtype={"run_id": str, "failure": str}, keep_default_na=False, na_values=["nan", ""])
    return frame.fillna({"failure": ""}) if "failure" in frame else frame


@pytest.fixture
def drawn_here(monkeypatch, tmp_path):
    """Runs are trained in this process, nothing is written elsewhere."""
    monkeypatch.setattr(sweep, "run_all", tiny.train_here)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def here(drawn_here, monkeypatch):
    """The same without pictures, which take longer than runs so small."""
    monkeypatch.setattr(style, "save", lambda figure, folder, name: style.Saved(*[Path(folder) / name] * 3))
    return drawn_here
