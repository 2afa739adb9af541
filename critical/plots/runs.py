"""Pictures of runs that belong to no figure: one run by epoch, and a sweep over one of its settings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from critical.inference.arms import has_failed
from critical.plots import marks, style
from critical.plots.labels import End, EndLabels

SHADES = (style.ARM_COLOURS["deficit"], style.OTHER_COLOURS[3])
"""Of windows: of the first one and the second."""
BAR = style.ARM_COLOURS["dose_matched"]
"""Of stabilisers."""
LEAST_POINTS = 5.0
"""Of accuracy that an axis shows at least."""
MOST_TICKS = 12
"""Up to so many swept values each has its tick."""
ORDERS = 100.0
"""From this ratio of the largest to the smallest value on, a swept setting has a logarithmic axis."""


def by_epoch(
    rows: pd.DataFrame,
    windows: Sequence[tuple[float, float, str]],
    title: str,
    treated: Sequence[tuple[float, float, str]] = (),
) -> Figure:
    """Draws accuracy and trace of one run by epoch, its windows shaded.

    Args:
        rows: A row an epoch: `epoch` (epochs trained), and where they were measured `test_accuracy`,
            `test_accuracy_deficient` (percent) and `fisher_trace`.
        windows: Beginning, end (epochs trained before and after) and name of each deficit.
        title: Above both panels.
        treated: The same of each stabiliser, which is a bar above.

    Returns:
        The figure; call it and save it within `style.style()`.
    """
    made, axes = style.figure(1, 2, panel=(4.2, 3.0))
    accuracy, trace = axes[0]
    clean = _line(accuracy, rows, "test_accuracy", style.OTHER_COLOURS[4], "clean test\nimages", "-")
    deficient = _line(accuracy, rows, "test_accuracy_deficient", style.arm_colour("deficit"), "deficient\ntest images",
                      "--")  # fmt: skip
    if deficient:
        EndLabels(accuracy, [*clean, *deficient])
    _wide(accuracy)
    _line(trace, rows, "fisher_trace", style.OTHER_COLOURS[4], "trace", "-")
    accuracy.set_ylabel("test accuracy (%)")
    trace.set_ylabel("trace of the Fisher information")
    for axis in (accuracy, trace):
        axis.set_xlabel("epochs trained")
        axis.set_xlim(0, max(1, int(rows["epoch"].max())))
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        for number, (start, end, name) in enumerate(treated):
            height = 1.03 + 0.07 * number
            axis.plot((start, end), (height, height), transform=axis.get_xaxis_transform(), clip_on=False, linewidth=3,
                      color=BAR, solid_capstyle="butt")  # fmt: skip
            axis.annotate(f" {name}", (end, height), xycoords=("data", "axes fraction"), va="center", fontsize=8,
                          color=BAR, annotation_clip=False)  # fmt: skip
        for number, (start, end, name) in enumerate(windows):
            axis.axvspan(start, end, color=SHADES[number % len(SHADES)], alpha=0.12, linewidth=0)
            axis.annotate(name, ((start + end) / 2, 1 - 0.07 * number), xycoords=("data", "axes fraction"), ha="center",
                          va="top", color=SHADES[number % len(SHADES)], fontsize=8.5)  # fmt: skip
    made.suptitle(title, fontsize=10)
    return made


def over_setting(runs: pd.DataFrame, x: str, series: Sequence[str], title: str) -> Figure:
    """Draws the accuracy at the end over a swept setting: every seed, the mean, its interval.

    Args:
        runs: A row a run: `seed`, `accuracy` (percent), `failure`, `x` and the columns of `series`.
        x: The setting.
        series: Further settings that vary; each of their combinations is a line.
        title: Above the panel.

    Returns:
        The figure; call it and save it within `style.style()`.
    """
    made, axes = style.figure(1, 1, panel=(5.0, 3.4))
    axis, finished = axes[0, 0], runs[~has_failed(runs) & runs["accuracy"].notna()].copy()
    numbers = pd.to_numeric(finished[x], errors="coerce")
    if numbers.notna().all():
        finished["place"] = numbers
        positive = numbers[numbers > 0]
        if len(positive) == len(numbers) and numbers.max() / numbers.min() >= ORDERS:
            axis.set_xscale("log")
        values = sorted(set(numbers))
        if len(values) <= MOST_TICKS:
            axis.set_xticks(values, [f"{value:g}" for value in values])
            axis.xaxis.set_minor_locator(NullLocator())
    else:
        names = list(dict.fromkeys(finished[x].astype(str)))
        finished["place"] = finished[x].astype(str).map(names.index).astype(float)
        axis.set_xticks(np.arange(len(names)), names)
    colours = (style.arm_colour("dose_matched"), style.arm_colour("deficit"), *style.OTHER_COLOURS)
    groups = list(finished.groupby(list(series), sort=False, dropna=False)) if series else [((), finished)]
    for number, (held, rows) in enumerate(groups):
        label = ", ".join(f"{name}={value}" for name, value in zip(series, held, strict=True))
        marks.seeds_and_interval(axis, rows, "place", "accuracy", colour=colours[number % len(colours)], label=label,
                                 interval="bars")  # fmt: skip
    _wide(axis)
    axis.set_xlabel(x)
    axis.set_ylabel("test accuracy at the end (%)")
    axis.set_title(title)
    if series:
        style.legend(made)
    failed = runs[has_failed(runs)]
    marks.failed_runs(axis, [f"{x}={row[x]}, {row['failure']}" for _, row in failed.iterrows()])
    return made


def _line(axis: Axes, rows: pd.DataFrame, column: str, colour: str, label: str, linestyle: str) -> list[End]:
    """Draws a column by epoch where it was measured; returns its end, if it was."""
    known = rows.dropna(subset=[column]) if column in rows else rows[:0]
    if known.empty:
        return []
    # The last point lies on the edge, and is drawn whole.
    axis.plot(known["epoch"], known[column], color=colour, label=label, linestyle=linestyle, marker=".", clip_on=False)
    return [End(label, colour, float(known["epoch"].iloc[-1]), float(known[column].iloc[-1]))]


def _wide(axis: Axes) -> None:
    """Lets an axis of accuracies show `LEAST_POINTS` at least, so that noise does not look like an effect."""
    low, high = axis.get_ylim()
    if high - low < LEAST_POINTS:
        low = max(0.0, min((low + high - LEAST_POINTS) / 2, 100.0 - LEAST_POINTS + (high - low) / 20))
        axis.set_ylim(low, low + LEAST_POINTS)
