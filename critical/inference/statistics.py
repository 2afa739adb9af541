"""Statistics over seeds: intervals, exact permutation tests, paired contrasts.

Everything is a pure function of numbers or of the tidy table (one row per finished run and rung, with at
least a column `seed`). The unit of replication is the seed: epochs, images and rungs of one run are not
independent and are never counted as if they were.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

MOST_EXACT_FLIPS = 20
"""Paired tests are exact up to this many seeds (2^20 sums); beyond it they are seeded Monte Carlo."""
MOST_EXACT_SPLITS = 200_000
"""Unpaired tests are exact up to this many splits (10 against 10 has 184,756); beyond it Monte Carlo."""
MONTE_CARLO_DRAWS = 99_999
"""Draws of a Monte Carlo test; with the observed one they make 100,000, and the least p is 1e-5."""

_TIE = 1e-11  # equal sums added in another order differ by rounding, and have to count as equal


@dataclass(frozen=True)
class Interval:
    """A mean over `n` values with a confidence interval, all in the unit of the values."""

    mean: float
    low: float
    high: float
    n: int


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """Returns the mean with Student's t interval.

    Student's t and not the bootstrap, because n is 3 to 6 here: a percentile bootstrap of so few values can
    place no bound outside their range and covers about 80 % where it says 95 %.

    Args:
        values: One value per seed, shape (n,), finite.
        confidence: Coverage, in (0, 1).

    Returns:
        The interval. With one value the bounds are NaN; with equal values they equal the mean.

    Raises:
        ValueError: No values, a value that is not finite, or a confidence outside (0, 1).
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; it lies between 0 and 1, e.g. 0.95")
    numbers = finite_numbers(values, "values")
    n, mean = numbers.size, float(numbers.mean())
    if n == 1:
        return Interval(mean, math.nan, math.nan, 1)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1) * numbers.std(ddof=1) / math.sqrt(n))
    return Interval(mean, mean - half, mean + half, n)


def sign_flip_p(differences: ArrayLike, seed: int = 0) -> float:
    """Two-sided paired permutation test: how often |sum| reaches the observed one under random signs.

    Under the null hypothesis that swapping the two arms within a seed changes nothing, all 2^n sign
    patterns are equally likely. Up to `MOST_EXACT_FLIPS` seeds all of them are visited and p is exact;
    beyond, `MONTE_CARLO_DRAWS` seeded draws are made and p = (1 + hits) / (1 + draws), which keeps the level.

    Args:
        differences: Paired differences, one per seed, shape (n,), finite.
        seed: Of the Monte Carlo draws; unused where the test is exact.

    Returns:
        p in [2/2^n, 1]; 1 when all differences are zero.

    Raises:
        ValueError: No differences, or one that is not finite.
    """
    numbers = finite_numbers(differences, "differences")
    observed = abs(numbers.sum()) - _TIE * np.abs(numbers).sum()
    if numbers.size <= MOST_EXACT_FLIPS:
        sums = numbers[:1]  # the first sign stays: |sum| is the same with all signs turned
        for number in numbers[1:]:
            sums = np.concatenate((sums + number, sums - number))
        return float(np.mean(np.abs(sums) >= observed))
    random = np.random.default_rng(seed)
    hits = 0
    for draws in _chunks(MONTE_CARLO_DRAWS):
        signs = random.integers(0, 2, (draws, numbers.size), dtype=np.int8) * 2 - 1
        hits += int(np.sum(np.abs(signs @ numbers) >= observed))
    return (1 + hits) / (1 + MONTE_CARLO_DRAWS)


def permutation_p(a: ArrayLike, b: ArrayLike, seed: int = 0) -> float:
    """Two-sided permutation test of the difference of means of two independent groups.

    p is twice the smaller tail, at most 1, as in `scipy.stats.permutation_test`. All C(n+m, n) splits are
    visited if they are at most `MOST_EXACT_SPLITS`; beyond, seeded Monte Carlo as in `sign_flip_p`.

    Args:
        a: Values of the first group, shape (n,), finite.
        b: Values of the second group, shape (m,), finite.
        seed: Of the Monte Carlo draws; unused where the test is exact.

    Returns:
        p in [2/C(n+m, n), 1].

    Raises:
        ValueError: An empty group, or a value that is not finite.
    """
    first, second = finite_numbers(a, "a"), finite_numbers(b, "b")
    pooled = np.concatenate((first, second))
    pooled = pooled - pooled.mean()  # the sum of the first group then orders the splits as the difference
    n, observed, tie = first.size, pooled[: first.size].sum(), _TIE * np.abs(pooled).sum()
    splits = math.comb(pooled.size, n)
    if splits <= MOST_EXACT_SPLITS:
        members = chain.from_iterable(combinations(range(pooled.size), n))
        sums = pooled[np.fromiter(members, np.intp, splits * n).reshape(splits, n)].sum(axis=1)
        tails = np.mean(sums >= observed - tie), np.mean(sums <= observed + tie)
        return float(min(1.0, 2 * min(tails)))
    random = np.random.default_rng(seed)
    above = below = 0
    for draws in _chunks(MONTE_CARLO_DRAWS):
        sums = random.permuted(np.tile(pooled, (draws, 1)), axis=1)[:, :n].sum(axis=1)
        above += int(np.sum(sums >= observed - tie))
        below += int(np.sum(sums <= observed + tie))
    return min(1.0, 2 * (1 + min(above, below)) / (1 + MONTE_CARLO_DRAWS))


def least_p_paired(n: int) -> float:
    """Returns the least p that an exact `sign_flip_p` can give for n seeds: 2/2^n (1 for n < 2)."""
    return min(1.0, 2.0 ** (1 - n))


def least_p_unpaired(n: int, m: int) -> float:
    """Returns the least p that `permutation_p` can give for groups of n and m: 2/C(n+m, n), at most 1."""
    return min(1.0, 2 / math.comb(n + m, n))


def smallest_n_paired(alpha: float) -> int:
    """Returns the fewest seeds with which the paired test can reach p ≤ alpha: 6 for 0.05, 8 for 0.01.

    Raises:
        ValueError: If alpha is not in (0, 1).
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}; it lies between 0 and 1, e.g. 0.05")
    n = 1
    while least_p_paired(n) > alpha:
        n += 1
    return n


def has_failed(table: pd.DataFrame) -> pd.Series:
    """Which rows hold the reason of a failure; none when the table has no such column."""
    if "failure" not in table:
        return pd.Series(False, index=table.index)
    # A table that went through a CSV has NaN where the text was empty.
    return table["failure"].map(lambda held: not pd.isna(held) and str(held).strip() != "").astype(bool)


def select(table: pd.DataFrame, selector: Mapping[str, Any]) -> pd.DataFrame:
    """Returns the rows whose columns hold what the selector says.

    Args:
        table: The tidy table.
        selector: Column → value, or → a tuple, list or set of values any of which will do. An empty string or
            None also matches a missing cell, since a CSV file does not tell them apart.

    Raises:
        ValueError: If the table lacks a column of the selector.
    """
    held = pd.Series(True, index=table.index)
    for column, wanted in selector.items():
        need_column(table, column)
        values = list(wanted) if isinstance(wanted, Collection) and not isinstance(wanted, str) else [wanted]
        matches = table[column].isin([value for value in values if value is not None])
        if None in values or "" in values:
            matches |= table[column].isna()
        held &= matches
    return table[held]


def seed_values(table: pd.DataFrame, selector: Mapping[str, Any], column: str = "accuracy") -> pd.Series:
    """Returns one value of `column` per seed for one arm, sorted by seed; NaN where the run has none.

    Raises:
        ValueError: A column is missing, or a seed has several rows: the selector does not name one arm.
    """
    need_column(table, column)
    need_column(table, "seed")
    rows = select(table, selector)
    twice = rows[rows["seed"].duplicated(keep=False)]
    if len(twice):
        seed = twice["seed"].iloc[0]
        same = twice[twice["seed"] == seed].drop(columns=[column])
        differing = [name for name in same.columns if same[name].astype(str).nunique() > 1]
        arm = ", ".join(f"{key}={value}" for key, value in selector.items())
        hint = f"they differ in {', '.join(differing)}: select one" if differing else "remove the duplicates"
        raise ValueError(f"arm ({arm}) has {len(same)} rows for seed {seed}; {hint}")
    return rows.set_index("seed")[column].astype(float).sort_index()


def paired_differences(
    table: pd.DataFrame, a: Mapping[str, Any], b: Mapping[str, Any], column: str = "accuracy"
) -> pd.Series:
    """Returns a − b within each seed that has both, indexed by seed; NaN where one of the runs failed.

    Args:
        table: The tidy table.
        a: Selector of the minuend (see `select`).
        b: Selector of the subtrahend.
        column: The compared quantity.

    Raises:
        ValueError: As `seed_values`.
    """
    first, second = seed_values(table, a, column), seed_values(table, b, column)
    both = first.index.intersection(second.index)
    return first.loc[both] - second.loc[both]


def finite_numbers(values: ArrayLike, what: str) -> NDArray[np.float64]:
    """Returns a flat float array, or says that it is empty or not finite."""
    numbers = np.asarray(values, dtype=np.float64).ravel()
    if not numbers.size:
        raise ValueError(f"{what}: there are none; at least one is needed")
    if not np.isfinite(numbers).all():
        raise ValueError(f"{what}: {np.sum(~np.isfinite(numbers))} are not finite: leave out failed runs")
    return numbers


def need_column(table: pd.DataFrame, column: str) -> None:
    """Raises ValueError if the table has no such column."""
    if column not in table.columns:
        raise ValueError(f"the table has no column '{column}'; it has {', '.join(map(str, table.columns))}")


def _chunks(total: int, size: int = 10_000) -> Iterator[int]:
    """Cuts a number of draws into chunks that fit in memory."""
    for start in range(0, total, size):
        yield min(size, total - start)
