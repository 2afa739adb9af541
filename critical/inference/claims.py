"""Claims as data: a sentence of a paper, and what in the tidy table of runs would bear it out.

A claim selects its arms by the columns of the table and says what is compared between them, in which
direction, and how large an effect has to be to count. What the runs say to it is decided in
`critical.inference.verdicts`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import pandas as pd

from critical.core.spec import SpecError, closest

FIRST_CALIBRATION_SEED = 1000
"""Seeds from here on chose settings, and never serve a claim; seeds of claims are 0 … 999."""

Direction = Literal["greater", "less", "none"]
Statistic = Callable[[pd.DataFrame], pd.Series]


class Arm(Mapping[str, Any]):
    """Selects the runs of one arm: a frozen mapping of column → value, or → a tuple of values.

    For example `Arm(arm="deficit", removal=18, schedule="restart")`. It has to name at most one row per seed.
    """

    __slots__ = ("_items",)

    def __init__(self, **columns: Any) -> None:
        """Takes the columns and what they hold; lists and sets are kept as tuples."""
        self._items = {
            column: tuple(value) if isinstance(value, (list, set, frozenset)) else value
            for column, value in columns.items()
        }

    def __getitem__(self, column: str) -> Any:
        return self._items[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return f"Arm({', '.join(f'{column}={value!r}' for column, value in self._items.items())})"

    def __str__(self) -> str:
        return ", ".join(f"{column}={value}" for column, value in self._items.items()) or "every run"

    def but(self, **columns: Any) -> Arm:
        """Returns the arm with some columns replaced or added."""
        return Arm(**{**self._items, **columns})


@dataclass(frozen=True)
class Claim:
    """One sentence of a paper, and what in the table would bear it out.

    Either `minuend` and `subtrahend` are given, and the effect is the mean over seeds of minuend − subtrahend
    in `column`; or `statistic`, which maps the rows of `uses` to one value per seed, for whatever else is
    paired within seeds (a difference of recovery exponents, say).

    Attributes:
        id: Short and unique, e.g. `"deficit_removal.late_harms"`.
        source: Paper and figure.
        sentence: What is claimed, in the terms of the paper.
        direction: The claimed sign of the effect: "greater" or "less" than 0, or "none".
        minuend: Arm a of a − b.
        subtrahend: Arm b of a − b.
        column: The compared column, e.g. `"accuracy"` (percent).
        statistic: Rows → Series of values indexed by seed; a seed without a run is left out or NaN.
        uses: The arms whose rows the statistic gets, several rows per seed allowed; empty means every row.
        control: The arm whose standard deviation over seeds in `column` sets the margin,
            max(floor, 3 s.d.); or, for a statistic in another unit, a statistic of its own over the same
            rows; None: the floor alone is the margin.
        floor: Least margin in the unit of the effect, > 0.
        alpha: Level of the test and of the interval (1 − alpha).
        unit: Unit of the effect.
        differs: What differs from the paper's setting; empty if nothing does.

    Raises:
        SpecError: Neither or both ways to state the effect, an unknown direction, or a floor or alpha out of
            range.
    """

    id: str
    source: str
    sentence: str
    direction: Direction
    minuend: Arm | None = None
    subtrahend: Arm | None = None
    column: str = "accuracy"
    statistic: Statistic | None = None
    uses: tuple[Arm, ...] = ()
    control: Arm | Statistic | None = None
    floor: float = 1.0
    alpha: float = 0.05
    unit: str = "points"
    differs: str = ""

    def __post_init__(self) -> None:
        where = f"claim '{self.id}'"
        if self.direction not in get_args(Direction):
            hint = closest(str(self.direction), get_args(Direction))
            raise SpecError(f"{where}: there is no direction '{self.direction}'; {hint}")
        arms = (self.minuend is not None) + (self.subtrahend is not None)
        if arms != (0 if self.statistic else 2):
            raise SpecError(f"{where}: give both minuend and subtrahend, or a statistic and neither of them")
        if self.uses and not self.statistic:
            raise SpecError(f"{where}: 'uses' belongs to a statistic; a contrast names its arms already")
        if not (self.floor > 0 and math.isfinite(self.floor)):
            raise SpecError(f"{where}: floor is {self.floor}; an effect must have a least size, give one > 0")
        if not 0 < self.alpha < 1:
            raise SpecError(f"{where}: alpha is {self.alpha}; it lies between 0 and 1, e.g. 0.05")

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that the claim rests on, the control among them."""
        control = (self.control,) if isinstance(self.control, Arm) else ()
        return tuple(dict.fromkeys((*self.contrasted, *control)))

    @property
    def contrasted(self) -> tuple[Arm, ...]:
        """The arms that the effect is made of: all but the control."""
        if self.minuend is not None and self.subtrahend is not None:
            return (self.minuend, self.subtrahend)
        return self.uses or (Arm(),)
