"""Values side by side in the order of their size, against all that there was to gain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import pandas as pd
from matplotlib.axes import Axes

from critical.inference.arms import Arm
from critical.plots import style
from critical.plots.panel import Value, arms_of, distinct, per_seed
from critical.plots.panels import Dots


@dataclass(frozen=True, kw_only=True)
class Ranked(Dots):
    """Rows by the mean of their values, those without one at the bottom.

    Attributes:
        most_first: Whether the largest stands on top, else the smallest.
        whole: A value that a dotted line marks at its mean: all that there was to gain. Say so in `xlabel`.
    """

    kind: ClassVar[str] = "dots"
    most_first: bool = True
    whole: Value | None = None

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that are shown."""
        shown = [] if self.whole is None else arms_of(self.whole)
        return tuple(dict.fromkeys((*distinct(value for _, value in self.rows), *shown)))

    def draw(self, axis: Axes, runs: pd.DataFrame, epochs: pd.DataFrame) -> None:
        """Draws the panel."""
        means = [per_seed(runs, value).mean() for _, value in self.rows]
        sign = -1 if self.most_first else 1
        order = sorted(range(len(means)), key=lambda row: (pd.isna(means[row]), sign * means[row]))
        Dots.draw(replace(self, rows=[self.rows[row] for row in order]), axis, runs, epochs)
        if self.whole is not None and len(held := per_seed(runs, self.whole)):
            axis.axvline(held.mean(), color=style.ink(), linewidth=1.2, linestyle=":")
