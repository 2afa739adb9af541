"""Curves: a quantity by epoch, when something acted, and the colours of curves with an order among them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.ticker import Locator
from matplotlib.transforms import ScaledTranslation

from critical.inference.statistics import mean_interval
from critical.plots import marks, style
from critical.plots.labels import SIZE

BAR_POINTS = 9.5
"""Distance of bars that say when something acted."""


def curve(axis: Axes, table: pd.DataFrame, y: str, *, colour: str, linestyle: str = "-") -> tuple[float, float] | None:
    """Draws a quantity by epoch: the mean over seeds as a line in the band of its 95 % interval (Student's t).

    On a logarithmic scale, which has to be set before, both are of logarithms: the line is the geometric mean.

    Args:
        axis: Where to draw.
        table: One row per seed and epoch, with columns `seed`, `epoch` and `y`. Epochs without a value
            (not measured, or after a failure) are left out.
        y: Column of the value.
        colour: Of line and band.
        linestyle: Of the line.

    Returns:
        Where the line ends; None when nothing was measured, and nothing is drawn.
    """
    known = table.dropna(subset=[y]) if y in table else table.iloc[:0]
    logarithmic = axis.get_yscale() == "log"
    if logarithmic and y in known:
        known = known[known[y] > 0]
    if known.empty:
        return None
    values = np.log(known[y]) if logarithmic else known[y]
    found = [mean_interval(held) for _, held in values.groupby(known["epoch"])]
    epochs = np.unique(known["epoch"])
    mean, low, high = (
        np.array([getattr(one, side) for one in found], dtype=float) for side in ("mean", "low", "high")
    )
    if logarithmic:
        mean, low, high = np.exp(mean), np.exp(low), np.exp(high)
    colour = style.seen(colour)
    ends = np.column_stack([np.tile(epochs, 2), np.concatenate([low, high])])
    with marks.intervals(axis, [one.n for one in found] * 2, ends):
        axis.fill_between(epochs, low, high, color=colour, alpha=0.16, linewidth=0)
    axis.plot(epochs, mean, color=colour, linestyle=linestyle, linewidth=1.6)
    return float(epochs[-1]), float(mean[-1])


def acting(axis: Axes, windows: Sequence[tuple[str, str, int, int]]) -> None:
    """Says below the curves when something acted: a bar for each window, its name at its end, the first on top.

    A single window is shaded as well.

    Args:
        axis: The axes, with everything in them; they become higher, so that the bars cover nothing.
        windows: Name, colour, first epoch and end of each.
    """
    figure, place = axis.figure, axis.get_subplotspec()
    rows = place.get_gridspec().nrows if place else 1
    height = 0.65 * 72 * figure.bbox.height / figure.dpi / rows  # of the axes, in points, less titles and ticks
    room = min(0.6, BAR_POINTS * (len(windows) + 0.7) / height)
    scale = axis.yaxis.get_transform()
    least = axis.get_ylim()[0]
    low, high = scale.transform(axis.get_ylim())
    axis.set_ylim(*scale.inverted().transform([low - room / (1 - room) * (high - low), high]))
    axis.yaxis.set_major_locator(_From(axis.yaxis.get_major_locator(), least))
    axis.yaxis.set_minor_locator(_From(axis.yaxis.get_minor_locator(), least))
    axis.set_xlim(left=min(start for _, _, start, _ in windows))
    for rank, (name, colour, start, end) in enumerate(reversed(windows)):
        up = ScaledTranslation(0, (rank + 0.7) * BAR_POINTS / 72, figure.dpi_scale_trans)
        where = axis.get_xaxis_transform() + up
        axis.plot([start, end], [0, 0], color=style.seen(colour), linewidth=4, transform=where, solid_capstyle="butt")
        axis.annotate(name, (end, 0), xycoords=where, xytext=(4, 0), textcoords="offset points", va="center_baseline",
                      fontsize=SIZE - 1, color=style.seen(colour, style.TEXT_CONTRAST))  # fmt: skip
        if len(windows) == 1:
            axis.axvspan(start, end, color=style.faint(), alpha=0.14, linewidth=0)


class _From(Locator):
    """Ticks of another locator, from a value on: none beside the bars."""

    def __init__(self, other: Locator, least: float) -> None:
        self.other, self.least = other, least

    def __call__(self) -> Sequence[float]:
        return [place for place in self.other() if place >= self.least]


def ordered_colours(count: int) -> list[str]:
    """Returns colours, light to dark, for series with an order, such as epochs of removal."""
    scale = LinearSegmentedColormap.from_list("ordered", ["#E69F00", "#D55E00", "#7A2400"])
    return [to_hex(colour) for colour in scale(np.linspace(0, 1, count))]
