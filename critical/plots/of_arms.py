"""Panels that show several columns of an arm: curves in one scale, shares on top of each other, small images."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray

from critical.inference.arms import Arm, has_failed, rows_of
from critical.measures.depth import layers
from critical.plots.curves import curve
from critical.plots.labels import End, EndLabels
from critical.plots.panel import Look, Panel
from critical.plots.panels import Curves

MOST_NAMES = 10
"""Layers that are named; of deeper networks those with the largest shares at the end."""


@dataclass(frozen=True, kw_only=True)
class ByColumn(Curves):
    """Several columns of one arm by epoch, in one scale.

    Attributes:
        arm: The arm.
        columns: Column → its look.
    """

    kind: ClassVar[str] = "by column"
    arm: Arm
    columns: Mapping[str, Look]
    column: str = ""
    lines: Sequence[tuple[Look, Arm]] = ()

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arm."""
        return (self.arm,)

    curve_arms = arms

    def draw(self, axis: Axes, runs: pd.DataFrame, epochs: pd.DataFrame) -> None:
        """Draws the panel."""
        if self.logarithmic:
            axis.set_yscale("log")
        rows, ends = epochs[epochs["arm_id"] == self.arm.id], []
        for column, look in self.columns.items():
            if end := curve(axis, rows, column, colour=look.colour, linestyle=look.linestyle):
                ends.append(End(look.label, look.colour, *end))
        EndLabels(axis, ends)
        low, high = axis.get_ylim()
        if self.logarithmic and np.floor(np.log10(high)) >= np.ceil(np.log10(low)):
            axis.yaxis.set_minor_formatter(NullFormatter())  # powers of ten do, and numbers between them crowd
        super().draw(axis, runs, epochs)


@dataclass(frozen=True, kw_only=True)
class Stacked(Curves):
    """Shares of the layers of one arm by epoch, the first layer at the bottom: means over seeds.

    Attributes:
        arm: The arm.
        column: Beginning of the columns, before the name of a module; normalisations count for the layer before them.
    """

    kind: ClassVar[str] = "stacked"
    arm: Arm
    lines: Sequence[tuple[Look, Arm]] = ()
    ylabel: str = "share of each layer"

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arm."""
        return (self.arm,)

    curve_arms = arms

    def shares(self, epochs: pd.DataFrame) -> pd.DataFrame:
        """Returns the mean shares: a row an epoch, a column a layer, from the images to the answer."""
        held = [column for column in map(str, epochs) if column.startswith(self.column)]
        rows = epochs.loc[epochs["arm_id"] == self.arm.id, ["epoch", *held]].dropna()
        grouped = layers(column.removeprefix(self.column) for column in held)
        summed = pd.DataFrame({
            layer: rows[[f"{self.column}{module}" for module in modules]].sum(axis=1)
            for layer, modules in grouped.items()
        }, index=rows.index)  # fmt: skip
        return summed.div(summed.sum(axis=1), axis=0).groupby(rows["epoch"]).mean()

    def draw(self, axis: Axes, runs: pd.DataFrame, epochs: pd.DataFrame) -> None:
        """Draws the panel."""
        shares = self.shares(epochs)
        if len(shares):
            tops = shares.cumsum(axis=1)
            named = set(shares.iloc[-1].nlargest(MOST_NAMES).index)
            colours = matplotlib.colormaps["cividis"](np.linspace(0, 0.85, shares.shape[1]))
            ends = []
            for layer, colour in zip(shares, map(to_hex, colours), strict=True):
                low, high = tops[layer] - shares[layer], tops[layer]
                # Before the shading of a window, which would change their colours.
                axis.fill_between(shares.index, low, high, color=colour, linewidth=0, zorder=1.5)
                axis.plot(shares.index, high, color=axis.get_facecolor(), linewidth=0.6)
                if layer in named:
                    name = str(layer).replace("_1x1", "").replace("_", " ")
                    ends.append(End(name, colour, shares.index[-1], (low.iloc[-1] + high.iloc[-1]) / 2))
            EndLabels(axis, ends)
        axis.set_ylim(0, 1)
        super().draw(axis, runs, epochs)


@dataclass(frozen=True, kw_only=True)
class Images(Panel):
    """Small images that stand in the table of runs, a row an arm, of its first seed: dark is negative, light positive.

    Attributes:
        rows: Pairs of a look and an arm, from top to bottom; the label stands at the row.
        prefix: Beginning of the columns `prefix<number>/<channel>_<row>_<column>`, from −1 to 1.
    """

    kind: ClassVar[str] = "images"
    rows: Sequence[tuple[Look, Arm]]
    prefix: str

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that are shown."""
        return tuple(dict.fromkeys(arm for _, arm in self.rows))

    def draw(self, axis: Axes, runs: pd.DataFrame, epochs: pd.DataFrame) -> None:
        """Draws the panel."""
        strips: list[NDArray[np.float64] | None] = []
        for _, arm in self.rows:
            held = rows_of(runs, arm)
            held = held[~has_failed(held)]
            strips.append(self._strip(held.iloc[0]) if len(held) else None)
        shapes = [strip.shape for strip in strips if strip is not None]
        if shapes:
            height, width = shapes[0][:2]
            for rank, strip in enumerate(strips):
                if strip is not None:
                    extent = (0.0, width, (rank + 1) * height, rank * height + 1.0)
                    axis.imshow(strip[1:], extent=extent, interpolation="nearest")
            axis.set_xlim(0, width)
            axis.set_ylim(len(strips) * height + 0.5, 0)
            middles = [rank * height + (height + 1) / 2 for rank in range(len(strips))]
            axis.set_yticks(middles, [look.label for look, _ in self.rows])
        axis.set_xticks([])
        axis.tick_params(axis="y", length=0)
        axis.grid(False)
        axis.spines[:].set_visible(False)
        super().draw(axis, runs, epochs)

    def _strip(self, row: pd.Series) -> NDArray[np.float64] | None:
        """Returns the images side by side, (height + 1, width, 4) from 0 to 1, with a transparent line between them."""
        found: dict[int, dict[tuple[int, int, int], float]] = {}
        for column, value in row.items():
            name = re.fullmatch(rf"{self.prefix}(\d+)/(\d+)_(\d+)_(\d+)", str(column))
            if name and np.isfinite(value):
                number, channel, height, width = map(int, name.groups())
                found.setdefault(number, {})[channel, height, width] = float(value)
        if not found:
            return None
        places = [place for held in found.values() for place in held]
        channels, height, width = (1 + max(place[axis] for place in places) for axis in range(3))
        drawn = np.zeros((height + 1, len(found) * (width + 1), 4))
        for rank, number in enumerate(sorted(found)):
            image = np.zeros((channels, height, width))
            for where, value in found[number].items():
                # Neither end is the colour of the page.
                image[where] = (1 + 0.8 * value) / 2
            shown: Any = image if channels == 3 else image.mean(0, keepdims=True).repeat(3, axis=0)
            left = rank * (width + 1)
            drawn[1:, left : left + width, :3] = shown.transpose(1, 2, 0)
            drawn[1:, left : left + width, 3] = 1
        return drawn
