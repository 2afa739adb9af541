"""What the tests of sweeps share: tiny settings, the command, tables as files."""

from __future__ import annotations

import pandas as pd
import tiny

from experiments import sweep

CLEAN = [*tiny.MLP, "recovery=1"]
TINY = [*CLEAN, "deficit=blur", "deficit.factor=2"]


def call(monkeypatch, capsys, *arguments):
    return tiny.call(monkeypatch, capsys, sweep.main, *arguments)


def read(path):
    frame = pd.read_csv(path, dtype={"run_id": str, "failure": str}, keep_default_na=False, na_values=["nan", ""])
    return frame.fillna({"failure": ""}) if "failure" in frame else frame
