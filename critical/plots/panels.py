"""The few kinds of panel that figures are made of.

A panel names arms, terms or contrasts and finds their values in the table itself, so a figure says once what it
compares. What is drawn is the mean with a Student interval and, where there is room for it, every seed.

| kind         | shows                                                                       | names stand            |
| ------------ | --------------------------------------------------------------------------- | ---------------------- |
| `Series`     | values against a number, such as the epoch of removal; every seed a dot     | at the ends of lines   |
| `Curves`     | a column by epoch, with a band, and when a deficit acted                    | at the ends of lines   |
| `Dots`       | values side by side, a row each; every seed a dot                           | left of rows, or above |
| `Histograms` | shares over bins; every seed a faint staircase                              | in a legend            |
| `HeatMap`    | the mean of a value over two numbers                                        |                        |
| `ByColumn`   | several columns of an arm by epoch, in one scale                            | at the ends of lines   |
| `Stacked`    | shares of the layers of an arm by epoch, as areas on each other             | at the ends of areas   |
| `Images`     | small images out of the table, such as filters: a row an arm                | left of rows           |

The last three are in `critical.plots.of_arms`.

Names are those of the looks; write them short, with a line break where they would be wide: their room is taken from
the panel. `unit` says what differences are in, a key of `critical.inference.effects.SMALLEST`: 0 is marked then, and
what is too small to matter is shaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from critical.inference.arms import Arm, rows_of
from critical.inference.claims import Claim
from critical.inference.effects import SMALLEST
from critical.inference.statistics import mean_interval
from critical.plots import marks, style
from critical.plots.curves import acting, curve
from critical.plots.heat import heat, number
from critical.plots.labels import SIZE, End, EndLabels
from critical.plots.panel import Look, Panel, Value, distinct, long_form, per_seed


@dataclass(frozen=True, kw_only=True)
class Series(Panel):
    """Values against a number: each seed a dot, the mean a line with its interval, its name at its end.

    Attributes:
        lines: Pairs of a look and {position: value}.
        levels: Pairs of a look and a value, drawn as a horizontal line at its mean: what has no position.
        logarithmic: Whether the horizontal scale is logarithmic to base 2.
        categories: Whether positions stand side by side, whatever their distance.
        zero: Whether a line marks 0.
        unit: What differences are in: 0 is marked, and what is too small to matter is shaded. Empty: values are none.
        names: Whether names stand at the `end` of lines, or at their `start`, where they lie further apart there.
    """

    kind: ClassVar[str] = "series"
    lines: Sequence[tuple[Look, Mapping[Any, Value]]]
    levels: Sequence[tuple[Look, Value]] = ()
    logarithmic: bool = False
    categories: bool = False
    zero: bool = False
    unit: str = ""
    names: Literal["end", "start"] = "end"

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that are shown."""
        held = [value for _, line in self.lines for value in line.values()]
        return distinct([*held, *(value for _, value in self.levels)])

    def draw(self, axis: Axes, runs: pd.DataFrame, epochs: pd.DataFrame) -> None:
        """Draws the panel."""
        given = sorted({place for _, line in self.lines for place in line})
        at = {place: float(rank) if self.categories else place for rank, place in enumerate(given)}
        places = list(at.values())
        if self.logarithmic:
            axis.set_xscale("log", base=2)
        if self.logarithmic or len(places) <= 9:
            axis.set_xticks(places, [number(place) for place in given], minor=False)
        gap = float(np.diff(places).min()) if len(places) > 1 else 1.0
        if len(places) == 1:
            axis.set_xlim(places[0] - 1, places[0] + 1)
        if self.unit:
            reach = SMALLEST[self.unit].effect
            axis.axhspan(-reach, reach, color=style.faint(), alpha=0.18, linewidth=0)
        if self.zero or self.unit:
            axis.axhline(0, color=style.faint(), linewidth=0.8)
        ends, start = [], self.names == "start"
        for look, line in self.lines:
            rows = pd.concat([long_form(runs, value, place=at[place]) for place, value in line.items()])
            if len(rows):
                drawn = marks.seeds_and_interval(
                    axis, rows, "place", "value", colour=look.colour, linestyle=look.linestyle, marker=look.marker,
                    interval="bars", gap=None if self.logarithmic else gap,
                )  # fmt: skip
                ends.append(End(look.label, look.colour, *drawn[["place", "mean"]].iloc[0 if start else -1]))
        for look, value in self.levels:
            level = per_seed(runs, value).mean()
            axis.axhline(level, color=style.seen(look.colour), linestyle=":", linewidth=1.2)
            ends.append(End(look.label, look.colour, axis.get_xlim()[0 if start else 1], level))
        EndLabels(axis, ends, left=start)
        if start:
            axis.yaxis.tick_right()
            axis.spines[["left", "right"]].set_visible(False)
        super().draw(axis, runs, epochs)


@dataclass(frozen=True, kw_only=True)
class Curves(Panel):
    """A column by epoch: the mean over seeds in the band of its interval, its name at its end.

    Attributes:
        lines: Pairs of a look and an arm.
        column: What is drawn.
        windows: What acted, and when: (look, first epoch, end). Each is a bar below the curves with the label of its
            look beside it; a line of the same look needs no other name. A single window is shaded as well.
        logarithmic: Whether the vertical scale is logarithmic.
    """

    kind: ClassVar[str] = "curves"
    lines: Sequence[tuple[Look, Arm]]
    column: str
    windows: Sequence[tuple[Look, int, int]] = ()
    logarithmic: bool = False
    xlabel: str = "epoch"

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that are shown."""
        return tuple(dict.fromkeys(arm for _, arm in self.lines))

    curve_arms = arms

    def draw(self, axis: Axes, runs: pd.DataFrame, epochs: pd.DataFrame) -> None:
        """Draws the panel."""
        if self.logarithmic:
            axis.set_yscale("log")
        ends, named = [], [look for look, _, _ in self.windows]
        for look, arm in self.lines:
            rows = epochs[epochs["arm_id"] == arm.id]
            end = curve(axis, rows, self.column, colour=look.colour, linestyle=look.linestyle)
            if end and look not in named:
                ends.append(End(look.label, look.colour, *end))
        EndLabels(axis, ends)
        axis.margins(x=0.02)
        if self.windows:
            acting(axis, [(look.label, look.colour, start, end) for look, start, end in self.windows])
        axis.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
        super().draw(axis, runs, epochs)


@dataclass(frozen=True, kw_only=True)
class Dots(Panel):
    """Values side by side, a row each: every seed a dot, the mean with its interval.

    Attributes:
        rows: Pairs of a look and a value, from top to bottom; the label stands at the row.
        zero: Whether a line marks 0.
        unit: What differences are in: what is too small to matter is shaded. Empty: values are none.
        names: Where labels stand: `left` of the rows, or `above` each, which leaves the panel its width.
    """

    kind: ClassVar[str] = "dots"
    rows: Sequence[tuple[Look, Value]]
    zero: bool = True
    unit: str = ""
    names: Literal["left", "above"] = "left"

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that are shown."""
        return distinct(value for _, value in self.rows)

    def draw(self, axis: Axes, runs: pd.DataFrame, epochs: pd.DataFrame) -> None:
        """Draws the panel."""
        if self.unit:
            reach = SMALLEST[self.unit].effect
            # Over the ground of labels, which would cut it into stripes, and below the marks.
            axis.axvspan(-reach, reach, color=style.faint(), alpha=0.18, linewidth=0, zorder=1.9)
        if self.zero:
            axis.axvline(0, color=style.faint(), linewidth=0.8, zorder=1.5)
        for row, (look, value) in enumerate(self.rows):
            held = per_seed(runs, value)
            if held.empty:
                continue
            found, colour = mean_interval(held), style.seen(look.colour)
            axis.plot(held, [row + 0.24] * len(held), ".", color=colour, alpha=style.dots_alpha(), markersize=3.5)
            with marks.intervals(axis, [found.n] * 2, [(found.low, row), (found.high, row)]):
                axis.plot([found.low, found.high], [row, row], color=colour, linewidth=1.3)
            axis.plot([found.mean], [row], look.marker, color=colour)
        labels = [look.label for look, _ in self.rows]
        above = self.names == "above"
        # Few: numbers such as −0.050 would touch each other.
        axis.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axis.set_yticks(range(len(labels)), [] if above else labels)
        axis.set_ylim(len(labels) - 0.4, -0.7 if above else -0.6)
        axis.tick_params(axis="y", length=0)
        axis.grid(not above, axis="y")
        for row, label in enumerate(labels if above else ()):  # fmt: skip
            # On the ground's colour and below the marks: the line of 0 does not run through the words.
            axis.annotate(label, (0, row), xycoords=axis.get_yaxis_transform(), xytext=(2, 5),
                          textcoords="offset points", fontsize=SIZE - 0.5, zorder=1.8,
                          bbox={"facecolor": axis.get_facecolor(), "linewidth": 0, "pad": 0.6})
        super().draw(axis, runs, epochs)


def contrasts(claims: Sequence[Claim], unit: str, **words: Any) -> Dots:
    """Returns a panel of what claims compare, a row each under its short name, what is too small to matter shaded.

    Args:
        claims: Those of another unit are left out.
        unit: A key of `critical.inference.effects.SMALLEST`.
        **words: Fields of the panel: title, labels, note.
    """
    rows = [(Look(claim.short, style.arm_colour("clean")), claim.contrast) for claim in claims if claim.unit == unit]
    return Dots(rows=rows, unit=unit, names="above", **words)


@dataclass(frozen=True, kw_only=True)
class Histograms(Panel):
    """Shares over equal bins, read from columns `prefix00`, `prefix01`, …: a staircase a seed, the mean a strong one.

    Attributes:
        lines: Pairs of a look and an arm.
        prefix: Beginning of the columns.
        suffix: End of the columns, such as `@8` of what was measured after epoch 8.
        bins: Their number.
        edges: First and last edge.
    """

    kind: ClassVar[str] = "histograms"
    lines: Sequence[tuple[Look, Arm]]
    prefix: str
    suffix: str = ""
    bins: int
    edges: tuple[float, float] = (-1.0, 1.0)

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that are shown."""
        return tuple(dict.fromkeys(arm for _, arm in self.lines))

    def draw(self, axis: Axes, runs: pd.DataFrame, epochs: pd.DataFrame) -> None:
        """Draws the panel."""
        columns = [f"{self.prefix}{number:02d}{self.suffix}" for number in range(self.bins)]
        edges = np.linspace(*self.edges, self.bins + 1)
        for look, arm in self.lines:
            shares = rows_of(runs, arm)[columns].dropna().to_numpy(dtype=float)
            for share in shares:
                axis.stairs(share, edges, color=style.seen(look.colour), alpha=0.25, linewidth=0.6)
            if len(shares):
                axis.stairs(shares.mean(0), edges, color=style.seen(look.colour), linewidth=1.6, label=look.label)
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
    cells: Mapping[Any, Value]
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
        heat(axis, held, across, up, signed=self.signed)
        super().draw(axis, runs, epochs)
