"""What benchmarks share: medians with quartiles, and tables that docs/performance.md is made from."""

from __future__ import annotations

import csv
import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from critical.core import environment

COLUMNS = ("what", "ratio", "low", "high", "ms_a_step", "setting", "machine", "torch", "load")


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Returns the median, the lower and the upper quartile."""
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return statistics.median(values), low, high


def ratio(values: Sequence[float]) -> str:
    """Writes median and quartiles: "1.04 (1.03 to 1.05)"."""
    return "{:.2f} ({:.2f} to {:.2f})".format(*quartiles(values))


def write(path: Path, setting: str, rows: Mapping[str, tuple[Sequence[float], float]]) -> None:
    """Writes a table with where it was measured, as CSV.

    Args:
        path: The file.
        setting: What was timed, in a line.
        rows: By what is compared: ratios, one a round, and milliseconds a step.
    """
    where = [setting, environment.machine(), torch.__version__.partition("+")[0], f"{os.getloadavg()[0]:.1f}"]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for what, (ratios, step) in rows.items():
            table.writerow([what, *(f"{value:.3f}" for value in quartiles(ratios)), f"{step:.2f}", *where])
