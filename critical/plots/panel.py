"""What all panels share: the values they draw, how a series looks, labels, and the sentence for the caption."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd
from matplotlib.axes import Axes

from critical.inference.arms import Among, Arm, Contrast, Pooled, Term, Within, has_failed, rows_of, term_values
from critical.plots import style
from critical.plots.curves import ordered_colours
from critical.plots.marks import failed_runs, fitted

SHADED = "grey: too small to matter"
"""Below panels that shade the values up to the smallest effect of interest."""

Value = Arm | Term | Contrast | Pooled | Among | Within


def per_seed(table: pd.DataFrame, value: Value) -> pd.Series:
    """Returns what is drawn, by seed; seeds without a number are left out."""
    if isinstance(value, (Contrast, Pooled, Among, Within)):
        return value.per_seed(table).dropna()
    return term_values(table, Term(value) if isinstance(value, Arm) else value).dropna()


def arms_of(value: Value) -> tuple[Arm, ...]:
    """Returns the arms of what is drawn."""
    if isinstance(value, (Contrast, Pooled, Among, Within)):
        return tuple(term.arm for term in value.terms)
    return (value,) if isinstance(value, Arm) else (value.arm,)


@dataclass(frozen=True)
class Look:
    """How a series is drawn and called.

    Attributes:
        label: Its name in plain words, at the end of its line; may have several lines.
        colour: Of everything; what it lacks in contrast to the ground is added when it is drawn.
        linestyle: Of the mean.
        marker: Of the mean.
    """

    label: str
    colour: str
    linestyle: str = "-"
    marker: str = "o"


def role(name: str, label: str, linestyle: str = "-", marker: str = "o") -> Look:
    """Returns the look of an arm with a fixed colour: `deficit`, `dose_matched`, `fresh` or `clean`."""
    return Look(label, style.arm_colour(name), linestyle, marker)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What all kinds share.

    Attributes:
        title: Above the panel, in bold.
        xlabel: Below it.
        ylabel: Above the vertical axis, with the unit. Panels of a row that have the same share their scale.
        note: A sentence that the caption needs besides.
        across: First and last value of the horizontal axis, for panels above each other that share it.
    """

    kind: ClassVar[str] = ""
    title: str = ""
    xlabel: str = ""
    ylabel: str = ""
    note: str = ""
    across: tuple[float, float] | None = None

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that are shown."""
        return ()

    @property
    def curve_arms(self) -> tuple[Arm, ...]:
        """The arms whose epochs are shown."""
        return ()

    def draw(self, axis: Axes, runs: pd.DataFrame, epochs: pd.DataFrame) -> None:
        """Draws the panel.

        Args:
            axis: Where.
            runs: A row a run.
            epochs: A row an epoch of the arms in `curve_arms`.
        """
        # Words lie, so that nobody has to turn the head, and the panel is the wider for it.
        measure = fitted(axis, self.ylabel, 8.5)
        if measure:
            axis.annotate(measure, (0, 1), xycoords="axes fraction", xytext=(0, 4), textcoords="offset points",
                          va="bottom", fontsize=8.5, annotation_clip=False)  # fmt: skip
        height = 10.5 * len(measure.split("\n")) + 7 if measure else 5
        axis.set_title(fitted(axis, self.title, 9.5), x=0, ha="left", fontweight="bold", pad=height)
        if self.across is not None:
            axis.set_xlim(*self.across)
        shaded = SHADED if getattr(self, "unit", "") else ""
        axis.set_xlabel("\n".join(filter(None, (fitted(axis, self.xlabel, 9), shaded))))
        failed_runs(axis, [row for arm in self.arms for row in _failed(runs, arm)])

    def sentence(self) -> str:
        """Returns what is seen, for the caption."""
        # "Accuracy by epoch (%)" has said against what.
        twice = re.search(rf"\bby {re.escape(self.xlabel.partition(' (')[0])}\b", self.ylabel.replace("\n", " "))
        against = f" against {self.xlabel}" if not twice else ""
        what = (f"{self.ylabel}{against}" if self.ylabel else self.xlabel).replace("\n", " ")
        where = f" ({self.title})".replace("\n", " ") if self.title else ""
        return " ".join(filter(None, (f"{what[:1].upper()}{what[1:]}{where}.", self.note)))


def _failed(runs: pd.DataFrame, arm: Arm) -> list[str]:
    rows = rows_of(runs, arm)
    return [f"{arm}, seed {seed}: {text}" for seed, text in rows.loc[has_failed(rows), "failure"].items()]


def shades(labels: Sequence[str]) -> list[Look]:
    """Returns looks, light to dark, for series with an order among them."""
    return [Look(label, colour) for label, colour in zip(labels, ordered_colours(len(labels)), strict=True)]


def distinct(values: Iterable[Value]) -> tuple[Arm, ...]:
    """Returns the arms of several values, each once."""
    return tuple(dict.fromkeys(arm for value in values for arm in arms_of(value)))


def long_form(runs: pd.DataFrame, value: Value, **columns: Any) -> pd.DataFrame:
    """Returns a row a seed: `seed`, `value`, and the given columns."""
    held = per_seed(runs, value)
    return pd.DataFrame({"seed": held.index, "value": held.to_numpy(), **columns})
