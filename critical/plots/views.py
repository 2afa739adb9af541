"""Panels for networks with two views: which of them the units prefer, and what is usable of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import pandas as pd
from matplotlib.axes import Axes

from critical.inference.arms import Arm
from critical.plots import style
from critical.plots.curves import curve
from critical.plots.labels import End, EndLabels
from critical.plots.panel import Look
from critical.plots.panels import Curves, Histograms

ENDS = {-1.0: "only\nview b", 0.0: "both\nalike", 1.0: "only\nview a"}
"""What the ends and the middle of relative source variance mean."""

ROOM = 0.11
"""For the name of an arm, as a share of the height of the staircases."""


@dataclass(frozen=True, kw_only=True)
class Preferences(Histograms):
    """Histograms of relative source variance: views are named at the ends of the axis, arms within it.

    Attributes:
        names: Where arms are named: at the `left`, or in the `middle` where the histograms lie at both ends.
    """

    kind: ClassVar[str] = "preferences"
    names: Literal["left", "middle"] = "left"

    def draw(self, axis: Axes, runs: pd.DataFrame, epochs: pd.DataFrame) -> None:
        """Draws the panel."""
        super().draw(axis, runs, epochs)
        axis.set_xticks(list(ENDS), list(ENDS.values()))
        place, align = (0.5, "center") if self.names == "middle" else (0.0, "left")
        # Above the staircases: units may lie at any place, the ends most of all.
        axis.set_ylim(top=axis.get_ylim()[1] * (1 + ROOM * len(self.lines)))
        for rank, (look, _) in enumerate(self.lines):
            axis.annotate(look.label, (place, 1), xycoords="axes fraction", xytext=(4 - 8 * place, -4 - 11 * rank),
                          va="top", ha=align, textcoords="offset points",
                          color=style.seen(look.colour, style.TEXT_CONTRAST))  # fmt: skip
        for drawn in axis.patches:
            drawn.set_label("_")  # named already, so no legend has it


@dataclass(frozen=True, kw_only=True)
class ByView(Curves):
    """What is measured of each view of one arm, by epoch: the columns `column` + view.

    Attributes:
        arm: The arm.
        views: View → its look.
    """

    kind: ClassVar[str] = "by view"
    arm: Arm
    views: Mapping[str, Look]
    lines: Sequence[tuple[Look, Arm]] = ()

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arm."""
        return (self.arm,)

    curve_arms = arms

    def draw(self, axis: Axes, runs: pd.DataFrame, epochs: pd.DataFrame) -> None:
        """Draws the panel."""
        rows, ends = epochs[epochs["arm_id"] == self.arm.id], []
        for view, look in self.views.items():
            if end := curve(axis, rows, f"{self.column}{view}", colour=look.colour, linestyle=look.linestyle):
                ends.append(End(look.label, look.colour, *end))
        EndLabels(axis, ends)
        super().draw(axis, runs, epochs)
