"""What all panels share: the values they draw, how a series looks, labels, and the sentence for the caption."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd
from matplotlib.axes import Axes

from critical.inference.arms import Arm, Contrast, Pooled, Term, Within, has_failed, rows_of, term_values
from critical.plots import marks, style
from critical.plots.curves import ordered_colours

Value = Arm | Term | Contrast | Pooled | Within


def per_seed(table: pd.DataFrame, value: Value) -> pd.Series:
    """Returns what is drawn, by seed; seeds without a number are left out."""
    if isinstance(value, (Contrast, Pooled, Within)):
        return value.per_seed(table).dropna()
    return term_values(table, Term(value) if isinstance(value, Arm) else value).dropna()


def arms_of(value: Value) -> tuple[Arm, ...]:
    """Returns the arms of what is drawn."""
    if isinstance(value, (Contrast, Pooled, Within)):
        return tuple(term.arm for term in value.terms)
    return (value,) if isinstance(value, Arm) else (value.arm,)


@dataclass(frozen=True)
class Look:
    """How a series is drawn and called.

    Attributes:
        label: Its entry in the legend.
        colour: Of everything.
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
        title: Above the panel.
        xlabel: Below it.
        ylabel: At its left, with the unit.
        note: A sentence that the caption needs besides.
    """

    kind: ClassVar[str] = ""
    title: str = ""
    xlabel: str = ""
    ylabel: str = ""
    note: str = ""

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
        axis.set_title(self.title)
        axis.set_xlabel(self.xlabel)
        axis.set_ylabel(self.ylabel)
        marks.failed_runs(axis, [row for arm in self.arms for row in _failed(runs, arm)])

    def sentence(self) -> str:
        """Returns what is seen, for the caption."""
        what = (f"{self.ylabel} against {self.xlabel}" if self.ylabel else self.xlabel).replace("\n", " ")
        where = f" ({self.title})".replace("\n", " ") if self.title else ""
        return " ".join(filter(None, (f"{what[:1].upper()}{what[1:]}{where}.", self.note)))


def _failed(runs: pd.DataFrame, arm: Arm) -> list[str]:
    rows = rows_of(runs, arm)
    return [f"{arm}, seed {seed}: {text}" for seed, text in rows.loc[has_failed(rows), "failure"].items()]


def shades(labels: Sequence[str]) -> list[Look]:
    """Returns looks, dark to light, for series with an order among them."""
    return [Look(label, colour) for label, colour in zip(labels, ordered_colours(len(labels)), strict=True)]


def distinct(values: Iterable[Value]) -> tuple[Arm, ...]:
    """Returns the arms of several values, each once."""
    return tuple(dict.fromkeys(arm for value in values for arm in arms_of(value)))


def long_form(runs: pd.DataFrame, value: Value, **columns: Any) -> pd.DataFrame:
    """Returns a row a seed: `seed`, `value`, and the given columns."""
    held = per_seed(runs, value)
    return pd.DataFrame({"seed": held.index, "value": held.to_numpy(), **columns})
