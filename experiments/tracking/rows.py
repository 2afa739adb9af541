"""From the epochs of a run to what is logged of them: points of its series, and its summary."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from critical.training.runs import RunSpec

NO_SERIES = ("epoch", "deficit", "reset_optimizer", "failure")
HISTOGRAM = "rsv_histogram/"
RSV = "rsv"
"""The point's histogram of the relative source variance: twenty shares, from −1 to 1."""


def csv_rows(path: Path) -> list[dict[str, Any]]:
    """Reads the epochs of a finished run as the store holds them; what was not measured is left out."""
    with path.open(newline="") as lines:
        return [
            {name: _value(name, text) for name, text in row.items() if text or name == "deficit"}
            for row in csv.DictReader(lines)
        ]


def _value(name: str, text: str) -> Any:
    if name in ("deficit", "failure"):
        return text
    if name == "reset_optimizer":
        return text == "True"
    return int(text) if name == "epoch" else float(text)


def point(record: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what is logged of an epoch.

    Args:
        record: What `RunSpec.describe` gives, or the content of `run.json`.
        row: The epoch.

    Returns:
        `epoch`; `deficit_active` and `stabilizer_active`, 0 or 1; every column that holds a number; and the histogram
        of the relative source variance as one tuple, `rsv`.
    """
    epoch = row["epoch"]
    acting = [
        window
        for window in record.get("stabilizers", [])
        if window["stabilizer"]["name"] != "none" and window["start"] < epoch <= (window["end"] or epoch)
    ]
    found: dict[str, Any] = {
        "epoch": epoch,
        "deficit_active": int(bool(set(row["deficit"].split("+")) - {"", "none"})),
        "stabilizer_active": int(bool(acting)),
    }
    numbers = {name: value for name, value in row.items() if name not in NO_SERIES and not math.isnan(value)}
    shares = [numbers.pop(name) for name in sorted(numbers) if name.startswith(HISTOGRAM)]
    return {**found, **numbers, **({RSV: tuple(shares)} if shares else {})}


def summary(rows: Iterable[Mapping[str, Any]], spec: RunSpec | None) -> dict[str, Any]:
    """Returns what is said of a run as a whole.

    Args:
        rows: Its epochs.
        spec: The run; None where this version cannot build it.

    Returns:
        As far as it was measured: `final_accuracy` (percent) and `final_loss` (nats), `accuracy_deficient` (percent,
        on deficient images at the removal), `trace_peak`, `trace_peak_epoch` and `trace_final` of the Fisher
        information, and `failure`, why it stopped.
    """
    rows = list(rows)
    last = rows[-1] if rows else {}
    found = {"final_accuracy": last.get("test_accuracy"), "final_loss": last.get("test_loss")}
    removal = spec.timeline.removal if spec else 0
    if spec is not None and 0 < removal <= len(rows):
        # As in the tables: where a view was absent the number means nothing.
        removed = any(deficit.removes(removal - 1) for deficit in spec.timeline.active(removal - 1))
        found["accuracy_deficient"] = None if removed else rows[removal - 1].get("test_accuracy_deficient")
    traces = {row["epoch"]: row["fisher_trace"] for row in rows if not math.isnan(row.get("fisher_trace", math.nan))}
    if traces:
        peak = max(traces, key=traces.__getitem__)
        found |= {"trace_peak": traces[peak], "trace_peak_epoch": peak, "trace_final": traces[max(traces)]}
    return {name: value for name, value in found.items() if value is not None} | (
        {"failure": last["failure"]} if last.get("failure") else {}
    )
