"""The few kinds of panel that figures are made of.

A panel names arms, terms or contrasts and finds their values in the table itself, so a figure says once what it
compares. Every kind draws each seed, the mean and a Student interval, and says in a sentence what is seen.

| kind         | shows                                                                       |
| ------------ | --------------------------------------------------------------------------- |
| `Series`     | values against a number, such as the epoch of removal                       |
| `Curves`     | a column by epoch                                                           |
| `Dots`       | values side by side, a row each                                             |
| `Histograms` | shares over bins                                                            |
| `HeatMap`    | the mean of a value over two numbers                                        |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from critical.inference.arms import Arm, rows_of
from critical.inference.statistics import mean_interval
from critical.plots import marks
from critical.plots.curves import curve
from critical.plots.panel import Look, Panel, Value, distinct, long_form, per_seed

ZERO = "#8A8A8A"


@dataclass(frozen=True, kw_only=True)
class Series(Panel):
    """Values against a number: each seed a dot, the mean a line with its interval.

    Attributes:
        lines: Pairs of a look and {position: value}.
        levels: Pairs of a look and a value, drawn as a horizontal line at its mean.
        logarithmic: Whether the horizontal scale is logarithmic to base 2.
        categories: Whether positions stand side by side, whatever their distance.
        zero: Whether a line marks 0.
        overlay: Curves by epoch in the same panel.
    """

    kind: ClassVar[str] = "series"
    lines: Sequence[tuple[Look, Mapping[Any, Value]]]
    levels: Sequence[tuple[Look, Value]] = ()
    logarithmic: bool = False
    categories: bool = False
    zero: bool = False
    overlay: Curves | None = None

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that are shown."""
        drawn = [value for _, line in self.lines for value in line.values()] + [value for _, value in self.levels]
        return distinct([*drawn, *self.curve_arms])

    @property
    def curve_arms(self) -> tuple[Arm, ...]:
        """The arms whose epochs are shown."""
        return self.overlay.arms if self.overlay else ()

    def draw(self, axis: Axes, runs: pd.DataFrame, epochs: pd.DataFrame) -> None:
        """Draws the panel."""
        given = sorted({place for _, line in self.lines for place in line})
        at = {place: float(rank) if self.categories else place for rank, place in enumerate(given)}
        places = list(at.values())
        if self.logarithmic:
            axis.set_xscale("log", base=2)
        if self.logarithmic or len(places) <= 9:
            axis.set_xticks(places, [f"{place:g}" for place in given], minor=False)
        gap = float(np.diff(places).min()) if len(places) > 1 else 1.0
        if len(places) == 1:
            axis.set_xlim(places[0] - 1, places[0] + 1)
        for look, value in self.levels:
            level = per_seed(runs, value).mean()
            axis.axhline(level, color=look.colour, linestyle=":", linewidth=1.0, label=look.label)
        for look, line in self.lines:
            rows = pd.concat([long_form(runs, value, place=at[place]) for place, value in line.items()])
            if len(rows):
                marks.seeds_and_interval(axis, rows, "place", "value", colour=look.colour, label=look.label,
                                         linestyle=look.linestyle, marker=look.marker, interval="bars",
                                         gap=None if self.logarithmic else gap)  # fmt: skip
        if self.overlay:
            self.overlay.lines_on(axis, epochs)
        if self.zero:
            axis.axhline(0, color=ZERO, linewidth=0.8)
        super().draw(axis, runs, epochs)


@dataclass(frozen=True, kw_only=True)
class Curves(Panel):
    """A column by epoch: each seed a faint line, the mean a strong one.

    Attributes:
        lines: Pairs of a look and an arm.
        column: What is drawn.
        marks: Epochs that a vertical line marks.
        logarithmic: Whether the vertical scale is logarithmic.
    """

    kind: ClassVar[str] = "curves"
    lines: Sequence[tuple[Look, Arm]]
    column: str
    marks: Sequence[int] = ()
    logarithmic: bool = False
    xlabel: str = "epoch"

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that are shown."""
        return tuple(dict.fromkeys(arm for _, arm in self.lines))

    curve_arms = arms

    def lines_on(self, axis: Axes, epochs: pd.DataFrame) -> None:
        """Draws the lines alone."""
        for look, arm in self.lines:
            rows = epochs[epochs["arm_id"] == arm.id]
            curve(axis, rows, self.column, colour=look.colour, label=look.label, linestyle=look.linestyle)

    def draw(self, axis: Axes, runs: pd.DataFrame, epochs: pd.DataFrame) -> None:
        """Draws the panel."""
        self.lines_on(axis, epochs)
        for mark in self.marks:
            axis.axvline(mark, color=ZERO, linewidth=0.7, linestyle=":")
        if self.logarithmic:
            axis.set_yscale("log")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        super().draw(axis, runs, epochs)


@dataclass(frozen=True, kw_only=True)
class Dots(Panel):
    """Values side by side, a row each: every seed a dot, the mean with its interval.

    Attributes:
        rows: Pairs of a look and a value, from top to bottom; the label stands at the row.
        zero: Whether a line marks 0.
        reach: Values up to this size are shaded: less than anybody cares about. None: nothing is.
    """

    kind: ClassVar[str] = "dots"
    rows: Sequence[tuple[Look, Value]]
    zero: bool = True
    reach: float | None = None

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that are shown."""
        return distinct(value for _, value in self.rows)

    def draw(self, axis: Axes, runs: pd.DataFrame, epochs: pd.DataFrame) -> None:
        """Draws the panel."""
        if self.reach is not None:
            axis.axvspan(-self.reach, self.reach, color="#BBBBBB", alpha=0.25, linewidth=0)
        if self.zero:
            axis.axvline(0, color=ZERO, linewidth=0.8)
        for row, (look, value) in enumerate(self.rows):
            held = per_seed(runs, value)
            if held.empty:
                continue
            found = mean_interval(held)
            axis.plot(held, [row + 0.24] * len(held), ".", color=look.colour, alpha=0.4, markersize=3.5)
            axis.plot([found.low, found.high], [row, row], color=look.colour, linewidth=1.3)
            axis.plot([found.mean], [row], look.marker, color=look.colour)
        axis.set_yticks(range(len(self.rows)), [look.label for look, _ in self.rows])
        axis.set_ylim(len(self.rows) - 0.4, -0.6)
        super().draw(axis, runs, epochs)


@dataclass(frozen=True, kw_only=True)
class Histograms(Panel):
    """Shares over equal bins, read from columns `prefix00`, `prefix01`, …: a staircase a seed, the mean a strong one.

    Attributes:
        lines: Pairs of a look and an arm.
        prefix: Beginning of the columns.
        bins: Their number.
        edges: First and last edge.
    """

    kind: ClassVar[str] = "histograms"
    lines: Sequence[tuple[Look, Arm]]
    prefix: str
    bins: int
    edges: tuple[float, float] = (-1.0, 1.0)

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that are shown."""
        return tuple(dict.fromkeys(arm for _, arm in self.lines))

    def draw(self, axis: Axes, runs: pd.DataFrame, epochs: pd.DataFrame) -> None:
        """Draws the panel."""
        columns = [f"{self.prefix}{number:02d}" for number in range(self.bins)]
        edges = np.linspace(*self.edges, self.bins + 1)
        for look, arm in self.lines:
            shares = rows_of(runs, arm)[columns].dropna().to_numpy(dtype=float)
            for share in shares:
                axis.stairs(share, edges, color=look.colour, alpha=0.25, linewidth=0.6)
            if len(shares):
                axis.stairs(shares.mean(0), edges, color=look.colour, linewidth=1.5, label=look.label)
        axis.set_ylim(bottom=0)
        super().draw(axis, runs, epochs)


@dataclass(frozen=True, kw_only=True)
class HeatMap(Panel):
    """The mean of a value over two numbers, written into the cells.

    Attributes:
        cells: (x, y) → value.
        signed: Whether 0 is the middle of the colours.
    """

    kind: ClassVar[str] = "heat map"
    cells: Mapping[tuple[float, float], Value]
    signed: bool = True

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that are shown."""
        return distinct(self.cells.values())

    def draw(self, axis: Axes, runs: pd.DataFrame, epochs: pd.DataFrame) -> None:
        """Draws the panel."""
        across, up = (sorted({place[side] for place in self.cells}) for side in (0, 1))
        held = np.full((len(up), len(across)), np.nan)
        for (x, y), value in self.cells.items():
            found = per_seed(runs, value)
            held[up.index(y), across.index(x)] = found.mean() if len(found) else np.nan
        most = float(np.nanmax(np.abs(held))) if np.isfinite(held).any() else 1.0
        limits = {"vmin": -most, "vmax": most, "cmap": "RdBu"} if self.signed else {"cmap": "cividis"}
        axis.imshow(held, origin="lower", aspect="auto", **limits)
        for row, column in np.argwhere(np.isfinite(held)):
            dark = self.signed and abs(held[row, column]) > 0.6 * most
            axis.text(column, row, f"{held[row, column]:.1f}".replace("-", "−"), ha="center", va="center", fontsize=8,
                      color="white" if dark else "black")  # fmt: skip
        axis.set_xticks(range(len(across)), [f"{place:g}" for place in across])
        axis.set_yticks(range(len(up)), [f"{place:g}" for place in up])
        axis.grid(False)
        super().draw(axis, runs, epochs)
