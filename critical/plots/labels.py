"""Names at the ends of lines, or at their starts, moved apart so that none lies on another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox, IdentityTransform
from numpy.typing import ArrayLike, NDArray

from critical.plots import style

SIZE = 8.5
GAP = 5.0
"""Points between the axes and the names."""


class End(NamedTuple):
    """Where a line ends, and what it is called.

    Attributes:
        label: May have several lines; nothing is written where it is empty.
        colour: Of the line; the name gets as much contrast as words need.
        x: Its end (or start), in data.
        y: The same.
    """

    label: str
    colour: str
    x: float
    y: float


def apart(centres: ArrayLike, heights: ArrayLike, low: float, high: float) -> NDArray[np.float64]:
    """Moves boxes on a line as little as they have to, so that none lies on another.

    Their order stays; of equals the first is on top. It is an isotonic regression by pooling adjacent violators, so
    the sum of squared moves is the least.

    Args:
        centres: Where the boxes would lie, (n,).
        heights: How high they are, (n,).
        low: Where the lowest may begin.
        high: Where the highest may end. Where they do not all fit, they lie about the middle.

    Returns:
        The new centres, (n,).
    """
    wanted, tall = np.asarray(centres, dtype=float), np.asarray(heights, dtype=float)
    if not len(wanted):
        return wanted
    order = np.lexsort((-np.arange(len(wanted)), wanted))
    tall = tall[order]
    stacked = np.concatenate([[0.0], np.cumsum((tall[:-1] + tall[1:]) / 2)])
    pools: list[list[float]] = []  # mean and count of neighbours that touch
    for value in wanted[order] - stacked:
        pools.append([value, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (mean, count), (last, more) = pools[-2], pools.pop()
            pools[-1] = [(mean * count + last * more) / (count + more), count + more]
    least, most = low + tall[0] / 2, high - tall[-1] / 2 - stacked[-1]
    if least > most:
        least = most = (least + most) / 2
    moved = np.empty(len(wanted))
    moved[order] = np.clip(np.repeat([mean for mean, _ in pools], [int(count) for _, count in pools]), least, most)
    moved[order] += stacked
    return moved


class EndLabels(Artist):
    """Names beside axes, each at the height of the end of its line: at the right, or at the left those of starts.

    They find their places each time the figure is drawn or laid out, from its size and limits at that time. A thin line
    leads from the end to a name that had to be moved, or whose line ends earlier.
    """

    def __init__(self, axis: Axes, ends: Sequence[End], left: bool = False) -> None:
        super().__init__()
        self.left = left
        self.ends = tuple(end for end in ends if end.label and np.isfinite(end.y))
        self.texts, self.leaders = [], []
        for end in self.ends:
            colour = style.seen(end.colour, style.TEXT_CONTRAST)
            self.texts.append(Text(0, 0, end.label, color=colour, fontsize=SIZE, va="center", linespacing=1.0,
                                   ha="right" if left else "left"))  # fmt: skip
            self.leaders.append(Line2D([], [], color=style.seen(end.colour), linewidth=0.7, alpha=0.7))
        for artist in (*self.texts, *self.leaders):
            artist.set_figure(axis.figure)
            artist.set_transform(IdentityTransform())
        self.set_clip_on(False)
        axis.add_artist(self)

    def get_children(self) -> list[Artist]:
        """Returns the names and the lines to them."""
        return [*self.texts, *self.leaders]

    def place(self, renderer: RendererBase) -> None:
        """Puts the names where they belong."""
        axis = self.axes
        assert isinstance(axis, Axes)
        point, box = axis.figure.dpi / 72, axis.bbox
        found = [axis.transData.transform((end.x, end.y)) for end in self.ends]
        sizes = [text.get_window_extent(renderer) for text in self.texts]
        places = apart([y for _, y in found], [size.height + point for size in sizes], box.y0, box.y1)
        edge, out = (box.x0, -point) if self.left else (box.x1, point)
        for text, leader, (x, y), place in zip(self.texts, self.leaders, found, places, strict=True):
            text.set_position((edge + GAP * out, place))
            early = abs(edge - x) > 0.2 * box.width
            leads = abs(place - y) > 2 * point or early
            leader.set_linestyle((0, (1, 2)) if early else "-")
            leader.set_data([x, edge + (GAP - 1.5) * out] if leads else [], [y, place] if leads else [])

    def get_window_extent(self, renderer: RendererBase | None = None) -> Bbox:
        """Returns the box of all names."""
        if not self.texts:
            return Bbox.null()
        held = renderer or self.axes.figure.canvas.get_renderer()  # type: ignore[union-attr]
        self.place(held)
        return Bbox.union([text.get_window_extent(held) for text in self.texts])

    def get_tightbbox(self, renderer: RendererBase | None = None) -> Bbox:
        """Returns the box for which the layout makes room."""
        return self.get_window_extent(renderer)

    def draw(self, renderer: RendererBase) -> None:
        """Draws the names."""
        self.place(renderer)
        for artist in self.get_children():
            artist.draw(renderer)
        self.stale = False
