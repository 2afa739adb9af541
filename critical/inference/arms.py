"""Arms and contrasts: what is trained, what is compared, said once.

An *arm* is a run without its seed. It is what the pipeline trains for every seed, and it finds its own rows in the
table again. `arm - other` is a *contrast*, a mapping {term: coefficient} in which equal arms cancel: a control that
drops out of the difference it should control for cannot be written unseen.

    harm = fresh - blurred                             # {fresh: 1, blurred: -1}, in accuracy
    age = (clean - early) - (clean_late - late)        # a difference of differences
    seen = clean["probe_maps_b"] - blurred["probe_maps_b"]
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from critical.core.spec import SpecError, identity
from critical.training.runs import RunSpec

FAILED = "failure"
"""The column that says how a run failed; empty where it did not."""


@dataclass(frozen=True, eq=False)
class Arm:
    """One condition of an experiment: a run for each seed.

    Two arms are equal where the same acts in every epoch, whatever they are called and whatever is measured.

    Attributes:
        run: The run; its seed stands for every seed. None in figures that compute their table: the label is then the
            arm.
        tags: What a reader of the table wants to know: role, deficit, onset, schedule, … .
    """

    run: RunSpec | None
    tags: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def id(self) -> str:
        """Sixteen hexadecimal digits that identify the arm."""
        return identity(str(self.tags["label"])) if self.run is None else self.of_seed(0).keys[-1]

    def of_seed(self, seed: int) -> RunSpec:
        """Returns the run of a seed.

        Raises:
            ValueError: The arm is computed, and has none.
        """
        if self.run is None:
            raise ValueError(f"arm ({self}) is computed and has no run")
        # The same object: its keys are computed once.
        return self.run if self.run.seed == seed else replace(self.run, seed=seed)

    def but(self, **tags: Any) -> Arm:
        """Returns the arm with further tags, or other ones."""
        return replace(self, tags={**self.tags, **tags})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Arm) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __str__(self) -> str:
        return str(self.tags.get("label", "an arm without a label"))

    def __getitem__(self, column: str) -> Term:
        """Returns another column of the arm than accuracy."""
        return Term(self, column)

    def log(self, column: str) -> Term:
        """Returns the natural logarithm of a column: differences of it are ratios."""
        return Term(self, column, logarithm=True)

    def __sub__(self, other: Arm | Term | Contrast) -> Contrast:
        return Term(self) - other


@dataclass(frozen=True)
class Term:
    """A column of an arm.

    Attributes:
        arm: The arm.
        column: The column; accuracy in percent when left out. `error` is 100 − accuracy.
        logarithm: Whether its natural logarithm is meant.
    """

    arm: Arm
    column: str = "accuracy"
    logarithm: bool = False

    @property
    def source(self) -> str:
        """The column of the table that it is read from."""
        return "accuracy" if self.column == "error" else self.column

    def __sub__(self, other: Arm | Term | Contrast) -> Contrast:
        return Contrast({self: 1.0}) - other

    def __str__(self) -> str:
        column = f"log {self.column}" if self.logarithm else self.column
        return f"{column} of {self.arm}"


class Contrast(Mapping[Term, float]):
    """A weighted sum of terms; what cancels is gone."""

    def __init__(self, weights: Mapping[Term, float]) -> None:
        self._weights = {term: weight for term, weight in weights.items() if weight != 0}

    def __getitem__(self, term: Term) -> float:
        return self._weights[term]

    def __iter__(self) -> Iterator[Term]:
        return iter(self._weights)

    def __len__(self) -> int:
        return len(self._weights)

    def __hash__(self) -> int:
        return hash(frozenset(self._weights.items()))

    def __add__(self, other: Arm | Term | Contrast) -> Contrast:
        added = dict(self._weights)
        for term, weight in _contrast(other).items():
            added[term] = added.get(term, 0.0) + weight
        return Contrast(added)

    def __sub__(self, other: Arm | Term | Contrast) -> Contrast:
        return self + -1.0 * _contrast(other)

    def __mul__(self, factor: float) -> Contrast:
        return Contrast({term: factor * weight for term, weight in self._weights.items()})

    __rmul__ = __mul__

    def __str__(self) -> str:
        return " ".join(f"{weight:+g}·({term})" for term, weight in self.items()) or "nothing: everything cancels"

    @property
    def terms(self) -> tuple[Term, ...]:
        """What it is made of."""
        return tuple(self._weights)

    def per_seed(self, table: pd.DataFrame) -> pd.Series:
        """Returns the value of the contrast for each seed that has all of its runs.

        Args:
            table: A row a run, with `arm_id`, `seed`, `failure` and the columns of the terms.

        Returns:
            A Series indexed by seed; NaN where a run failed or has no number.
        """
        parts = [weight * term_values(table, term) for term, weight in self._weights.items()]
        return pd.concat(parts, axis=1, join="inner").sum(axis=1, skipna=False).rename("value").sort_index()


def _contrast(other: Arm | Term | Contrast) -> Contrast:
    if isinstance(other, Contrast):
        return other
    return Contrast({other if isinstance(other, Term) else Term(other): 1.0})


def mean(contrasts: Iterable[Contrast]) -> Contrast:
    """Returns the mean of contrasts, such as what a window costs over several ages."""
    held = list(contrasts)
    return 1 / len(held) * sum(held, Contrast({}))


@dataclass(frozen=True)
class _Statistic(ABC):
    """A number made of several contrasts, other than their sum.

    Attributes:
        of: What it is made of: contrasts, single columns, or arms, of which accuracy is meant.
        estimate: From the values of the parts to the number; NaN where they determine none.
        unit: A key of `critical.inference.effects.SMALLEST`.
        undefined: Why there may be no number though every run is fine, in a sentence.
    """

    of: Sequence[Arm | Term | Contrast]
    estimate: Callable[[NDArray[np.float64]], float]
    unit: str
    undefined: str = ""

    @cached_property
    def parts(self) -> tuple[Contrast, ...]:
        """What it is made of, as contrasts."""
        return tuple(_contrast(held) for held in self.of)

    @property
    def terms(self) -> tuple[Term, ...]:
        """What it is made of."""
        return tuple(dict.fromkeys(term for part in self.parts for term in part.terms))

    def per_seed(self, table: pd.DataFrame) -> pd.Series:
        """Returns a value for each seed that has all of its runs; NaN where there is none.

        Args:
            table: As for `Contrast.per_seed`.
        """
        held = pd.concat([part.per_seed(table) for part in self.parts], axis=1, join="inner").sort_index()
        return pd.Series(self._values(held.to_numpy(dtype=float)), index=held.index, name="value", dtype=float)

    @abstractmethod
    def _values(self, data: NDArray[np.float64]) -> NDArray[np.float64]:
        """Maps the parts, (seeds, parts), to a value a seed."""


@dataclass(frozen=True)
class Pooled(_Statistic):
    """A number that only all seeds together give, such as an exponent fitted to mean gaps.

    `estimate` gets the parts of all seeds, (seeds, parts). In the place of a seed's value stands its jackknife
    pseudo-value n·θ − (n − 1)·θ₍₋ᵢ₎ (Tukey 1958): their mean is the estimate corrected for bias, and Student's interval
    of them the jackknife interval. All are NaN where a run failed, or where an estimate without one seed is NaN.
    """

    def _values(self, data: NDArray[np.float64]) -> NDArray[np.float64]:
        n, nothing = len(data), np.full(len(data), np.nan)
        if n < 2 or not np.isfinite(data).all():
            return nothing
        without = np.array([self.estimate(np.delete(data, row, axis=0)) for row in range(n)])
        return n * self.estimate(data) - (n - 1) * without if np.isfinite(without).all() else nothing


@dataclass(frozen=True)
class Among(_Statistic):
    """A number that each seed gives where the others say, such as at the epoch of their peak.

    `estimate` gets the parts of all seeds, (seeds, parts), in the first row the seed's own. All are NaN where a run
    failed. It is no case for `Pooled`: such a place jumps as one more seed is left out, and the jackknife takes that
    for bias and spread.
    """

    def _values(self, data: NDArray[np.float64]) -> NDArray[np.float64]:
        if len(data) < 2 or not np.isfinite(data).all():
            return np.full(len(data), np.nan)
        return np.array([self.estimate(np.roll(data, -row, axis=0)) for row in range(len(data))])


@dataclass(frozen=True)
class Within(_Statistic):
    """A number that each seed gives by itself, such as a rank correlation over conditions.

    `estimate` gets the parts of one seed, (parts,).
    """

    def _values(self, data: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([self.estimate(row) if np.isfinite(row).all() else np.nan for row in data])


def rows_of(table: pd.DataFrame, arm: Arm) -> pd.DataFrame:
    """Returns the rows of an arm, indexed by seed.

    Raises:
        ValueError: A seed has several rows.
    """
    rows = table[table["arm_id"] == arm.id]
    if rows["seed"].duplicated().any():
        seed = rows.loc[rows["seed"].duplicated(), "seed"].iloc[0]
        raise ValueError(f"arm ({arm}) has several rows for seed {seed}; remove the duplicates")
    return rows.set_index("seed").sort_index()


def term_values(table: pd.DataFrame, term: Term) -> pd.Series:
    """Returns a term for each seed; NaN where the run failed or holds no number.

    Raises:
        SpecError: The table lacks the column.
        ValueError: A seed has several rows.
    """
    rows = rows_of(table, term.arm)
    if term.source not in rows:
        raise SpecError(f"the table has no column '{term.source}', which is asked for; make it again")
    held = rows[term.source].astype(float).where(~has_failed(rows))
    if term.column == "error":
        held = 100.0 - held
    if term.logarithm:
        held = held.where(held > 0).map(np.log)
    return held.where(np.isfinite(held)).rename(str(term))


def has_failed(table: pd.DataFrame) -> pd.Series:
    """Returns which rows hold the reason of a failure; none when the table has no such column."""
    if FAILED not in table:
        return pd.Series(False, index=table.index)
    # A table that went through a CSV has NaN where the text was empty.
    return table[FAILED].map(lambda held: not pd.isna(held) and str(held).strip() != "").astype(bool)
