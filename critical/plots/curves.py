"""Curves: a quantity by epoch, and the colours of curves with an order among them."""

from __future__ import annotations

import matplotlib.colors
import numpy as np
import pandas as pd
from matplotlib.axes import Axes


def curve(
    axis: Axes, table: pd.DataFrame, y: str, *, colour: str, label: str, linestyle: str = "-"
) -> None:
    """Draws a quantity by epoch: every seed as a faint line, the mean over seeds as a strong one.

    Args:
        axis: Where to draw.
        table: One row per seed and epoch, with columns `seed`, `epoch` and `y`. Epochs without a value
            (not measured, or after a failure) are left out.
        y: Column of the value.
        colour: Of all lines.
        label: Entry in the legend; none when nothing was measured.
        linestyle: Of all lines.
    """
    if y not in table:
        return
    known = table.dropna(subset=[y])
    if known.empty:
        return
    for _, rows in known.groupby("seed"):
        axis.plot(rows["epoch"], rows[y], color=colour, alpha=0.22, linewidth=0.6, linestyle=linestyle)
    mean = known.groupby("epoch")[y].mean()
    axis.plot(mean.index, mean, color=colour, linestyle=linestyle, linewidth=1.4, label=label)


def ordered_colours(count: int) -> list[str]:
    """Returns colours, dark to light, for series with an order, such as strengths of a blur."""
    # The last fifth of cividis is a yellow too light for a line on white.
    shades = matplotlib.colormaps["cividis"](np.linspace(0.0, 0.8, count))
    return [matplotlib.colors.to_hex(shade) for shade in shades]
