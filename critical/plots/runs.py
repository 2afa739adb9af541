"""The picture of one run by epoch. `critical.plots.sweeps` has those of many."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from critical.plots import style
from critical.plots.labels import End, EndLabels

SHADES = (style.ARM_COLOURS["deficit"], style.OTHER_COLOURS[3])
"""Of windows: of the first one and the second."""
BAR = style.ARM_COLOURS["dose_matched"]
"""Of stabilisers."""
LEAST_POINTS = 5.0
"""Of accuracy that an axis shows at least."""


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
    at_least_wide(accuracy)
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


def _line(axis: Axes, rows: pd.DataFrame, column: str, colour: str, label: str, linestyle: str) -> list[End]:
    """Draws a column by epoch where it was measured; returns its end, if it was."""
    known = rows.dropna(subset=[column]) if column in rows else rows[:0]
    if known.empty:
        return []
    # The last point lies on the edge, and is drawn whole.
    axis.plot(known["epoch"], known[column], color=colour, label=label, linestyle=linestyle, marker=".", clip_on=False)
    return [End(label, colour, float(known["epoch"].iloc[-1]), float(known[column].iloc[-1]))]


def at_least_wide(axis: Axes, accuracy: bool = True) -> None:
    """Lets an axis show `LEAST_POINTS` at least, so that noise does not look like an effect.

    Args:
        axis: Of accuracies in percent, or of differences of them.
        accuracy: Whether it ends at 0 and at 100.
    """
    low, high = axis.get_ylim()
    if high - low < LEAST_POINTS:
        low, margin = (low + high - LEAST_POINTS) / 2, (high - low) / 20
        low = max(0.0, min(low, 100.0 - LEAST_POINTS + margin)) if accuracy else low
        axis.set_ylim(low, low + LEAST_POINTS)
