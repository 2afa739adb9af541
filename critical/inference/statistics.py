"""Statistics over seeds: intervals, exact sign-flip tests, correction for many tests.

Everything is a pure function of numbers. The unit of replication is the seed: epochs, images and rungs of one run are
not independent and are never counted as if they were.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

MOST_EXACT_FLIPS = 20
"""Paired tests are exact up to this many seeds (2^20 sums); beyond it they are seeded Monte Carlo."""
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

    Student's t and not the bootstrap, because n is 8 or 16 here: a percentile bootstrap of so few values can
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
    half = float(special.stdtrit(n - 1, (1 + confidence) / 2) * numbers.std(ddof=1) / math.sqrt(n))
    return Interval(mean, mean - half, mean + half, n)


def seeds_for(half_width: float, spread: float, confidence: float = 0.95) -> int:
    """Returns how many seeds make Student's t interval reach no further than `half_width` to either side.

    Args:
        half_width: In the unit of the values, > 0.
        spread: Their standard deviation over seeds, as far as it is known.
        confidence: Coverage, in (0, 1).
    """
    n = 2
    while special.stdtrit(n - 1, (1 + confidence) / 2) * spread / math.sqrt(n) > half_width:
        n += 1
    return n


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


def least_p_paired(n: int) -> float:
    """Returns the least p that an exact `sign_flip_p` can give for n seeds: 2/2^n (1 for n < 2)."""
    return min(1.0, 2.0 ** (1 - n))


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


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Returns p values adjusted for their number by Holm's step-down procedure (Scandinavian J. Statist. 6, 1979).

    Args:
        p_values: p of each test by its name, in [0, 1].

    Returns:
        By name, in the order given. None exceeds 1, and a smaller p never gets a larger adjusted one.
    """
    ordered = sorted(p_values, key=lambda name: p_values[name])
    adjusted, least = {}, 0.0
    for rank, name in enumerate(ordered):
        least = max(least, min(1.0, (len(ordered) - rank) * p_values[name]))
        adjusted[name] = least
    return {name: adjusted[name] for name in p_values}


def finite_numbers(values: ArrayLike, what: str) -> NDArray[np.float64]:
    """Returns a flat float array, or says that it is empty or not finite."""
    numbers = np.asarray(values, dtype=np.float64).ravel()
    if not numbers.size:
        raise ValueError(f"{what}: there are none; at least one is needed")
    if not np.isfinite(numbers).all():
        raise ValueError(f"{what}: {np.sum(~np.isfinite(numbers))} are not finite: leave out failed runs")
    return numbers


def _chunks(total: int, size: int = 10_000) -> Iterator[int]:
    """Cuts a number of draws into chunks that fit in memory."""
    for start in range(0, total, size):
        yield min(size, total - start)
