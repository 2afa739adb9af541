"""Pictures of runs: accuracy, loss and trace by epoch, the windows of deficits shaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from critical.core.files import writing
from critical.core.spec import SpecError
from critical.plots import style
from critical.results import Results
from experiments.runs.texts import acting

SUFFIXES = (".png", ".pdf", ".svg")
COLOURS = (style.ARM_COLOURS["dose_matched"], *style.OTHER_COLOURS)
PANELS = (
    ("test_accuracy", "test accuracy (%)"),
    ("test_loss", "test loss (nats)"),
    ("fisher_trace", "trace of the Fisher\ninformation"),
)


def plot(results: Results, runs: Sequence[str], to: Path | None = None) -> list[Path]:
    """Draws runs into one picture.

    Args:
        results: Where they are.
        runs: Their ids, each once.
        to: A PNG, PDF or SVG; when left out, all three beside the record of the first run, as `curves`.

    Returns:
        The files that were written.

    Raises:
        SpecError: No epoch was measured yet, too many runs, or another kind of file.
        WriteError: The folder cannot be written.
    """
    runs = tuple(dict.fromkeys(runs))
    if len(runs) > len(COLOURS):
        raise SpecError(f"plot: {len(runs)} runs are more than {len(COLOURS)} colours; make several pictures")
    if to is not None and to.suffix.lower() not in SUFFIXES:
        raise SpecError(f"--to {to}: give a name that ends in {', '.join(SUFFIXES)}")
    with style.style():
        made = drawn({run: (results.record(run), results.epochs(run)) for run in runs})
        if to is None:
            return list(style.save(made, results.root / "runs" / runs[0], "curves"))
        with writing(to.parent):
            to.parent.mkdir(parents=True, exist_ok=True)
            made.savefig(to, dpi=2 * style.DOTS_PER_INCH)
    return [to]


def drawn(runs: Mapping[str, tuple[Mapping[str, Any], pd.DataFrame]]) -> Figure:
    """Returns the picture of runs, in the style that acts: a panel for each quantity that was measured.

    Args:
        runs: By id the record and a row an epoch.

    Raises:
        SpecError: Nothing was measured yet.
    """
    shown = [
        (column, words)
        for column, words in PANELS
        if any(column in epochs and epochs[column].notna().any() for _, epochs in runs.values())
    ]
    if not shown:
        raise SpecError(f"plot: nothing was measured yet in {', '.join(runs)}")
    made, axes = style.figure(1, len(shown))
    for (column, words), axis in zip(shown, axes[0], strict=True):
        for colour, (run, (record, epochs)) in zip(COLOURS, runs.items(), strict=False):
            _shade(axis, record, style.seen(colour) if len(runs) > 1 else style.faint())
            _line(axis, epochs, column, style.seen(colour), _label(run, record))
        axis.set_xlabel("epochs trained")
        axis.set_ylabel(words)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        if column == "fisher_trace":
            axis.set_yscale("log")
    style.legend(made)
    return made


def _line(axis: Axes, epochs: pd.DataFrame, column: str, colour: str, label: str) -> None:
    known = epochs.dropna(subset=[column]) if column in epochs else epochs.iloc[:0]
    if known.empty:
        return
    marker = "o" if len(known) < 30 else None
    axis.plot(known["epoch"], known[column], color=colour, marker=marker, markersize=2.5, label=label)
    seen = f"{column}_deficient"
    if seen in epochs and epochs[seen].notna().any():
        axis.plot(epochs["epoch"], epochs[seen], color=colour, linestyle=":", label=f"{label}, on deficient images")


def _shade(axis: Axes, record: Mapping[str, Any], colour: str) -> None:
    """Shades the epochs in which a deficit acts: those between so many trained and so many."""
    for window in record["timeline"]["windows"]:
        if window["deficit"]["name"] != "none":
            axis.axvspan(window["start"], window["end"], color=colour, alpha=0.15, linewidth=0)


def _label(run: str, record: Mapping[str, Any]) -> str:
    windows = record["timeline"]["windows"]
    said = [
        acting({"view": None, **held["deficit"], "deficit": name, "onset": held["start"], "removal": held["end"]})
        for held in windows
        for name in [held["deficit"]["name"]]
    ]
    return f"{run[:8]}: {', '.join(said) or 'no deficit'}, seed {record['seed']}"
