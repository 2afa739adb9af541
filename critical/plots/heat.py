"""Cells: a number over two others as colours, written into them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray


def heat(
    axis: Axes,
    means: NDArray[np.float64],
    across: Sequence[float],
    up: Sequence[float],
    *,
    signed: bool = True,
    below: NDArray[np.object_] | None = None,
) -> None:
    """Draws cells with their numbers.

    Args:
        axis: Where.
        means: What the cells hold, (up, across); NaN leaves one empty.
        across: The columns, from left to right.
        up: The rows, from the bottom.
        signed: Whether 0 is the middle of the colours; red is above it, so that a cost is red.
        below: A second line for each cell, (up, across).
    """
    most = float(np.nanmax(np.abs(means))) if np.isfinite(means).any() else 1.0
    limits = {"vmin": -most, "vmax": most, "cmap": "RdBu_r"} if signed else {"cmap": "cividis"}
    image = axis.imshow(means, origin="lower", aspect="auto", **limits)
    for row, column in np.argwhere(np.isfinite(means)):
        bright = np.dot(np.asarray(image.cmap(image.norm(means[row, column])))[:3], (0.299, 0.587, 0.114))
        words = [number(means[row, column], ".1f"), "" if below is None else below[row, column]]
        axis.text(column, row, "\n".join(filter(None, words)), ha="center", va="center", fontsize=8,
                  color="white" if bright < 0.5 else "black")  # fmt: skip
    axis.set_xticks(range(len(across)), [number(place) for place in across])
    axis.set_yticks(range(len(up)), [number(place) for place in up])
    axis.grid(False)


def number(value: float, form: str = "g") -> str:
    """Returns a number with a minus sign instead of a hyphen."""
    return format(value, form).replace("-", "−")
