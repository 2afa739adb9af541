"""Rank correlations over conditions, one a seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from critical.inference.arms import Contrast, Term, Within


def rank_correlation(first: Sequence[Contrast | Term], second: Sequence[Contrast | Term]) -> Within:
    """Returns Spearman's correlation of two quantities over conditions, within each seed.

    Args:
        first: A quantity in each condition.
        second: Another one, in the same order.
    """
    return Within((*first, *second), _spearman, "correlation")


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Returns Spearman's correlation of two rows of numbers; NaN where one of them is constant."""
    # Not above: its import takes half as long as that of torch.
    from scipy.stats import spearmanr

    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")  # without an order of one there is no correlation
    return float(spearmanr(first, second).statistic)


def _spearman(held: NDArray[np.float64]) -> float:
    return spearman(*np.split(held, 2))


def mean_rank_correlation(groups: Sequence[tuple[Sequence[Contrast | Term], Sequence[Contrast | Term]]]) -> Within:
    """Returns the mean over groups of conditions of Spearman's correlation within each; NaN where one has none.

    What differs between groups plays no part, such as a strength that sets how far both quantities can go.

    Args:
        groups: Pairs of two quantities in the same conditions; groups may have different numbers of these.
    """
    single = [rank_correlation(first, second) for first, second in groups]
    bounds = np.cumsum([len(held.parts) for held in single])[:-1]

    def estimate(held: NDArray[np.float64]) -> float:
        return float(np.mean([_spearman(part) for part in np.split(held, bounds)]))

    parts = tuple(part for held in single for part in held.parts)
    return Within(parts, estimate, "correlation", "A quantity is the same in all conditions of a group.")


def more_correlated(
    first: Sequence[Contrast | Term],
    second: Sequence[Contrast | Term],
    third: Sequence[Contrast | Term] | Sequence[float] | Sequence[int],
) -> Within:
    """Returns how much better the second quantity tells the first than the third does, within each seed.

    It is `tells_more` of the three: above 0 where the second tells more, whichever way either goes.

    Args:
        first: A quantity in each condition.
        second: What may tell it.
        third: What may tell it as well, in the same order; numbers where they are known, such as rates or epochs.
    """
    known = np.array([held for held in third if not isinstance(held, (Contrast, Term))], dtype=float)
    measured = [held for held in third if isinstance(held, (Contrast, Term))]

    def estimate(held: NDArray[np.float64]) -> float:
        return tells_more(*np.split(np.concatenate([held, known]), 3))

    return Within((*first, *second, *measured), estimate, "correlation")


def tells_more(first: ArrayLike, second: ArrayLike, third: ArrayLike) -> float:
    """Returns |ρ(first, second)| − |ρ(first, third)|, with Spearman's ρ: at −1 an order is told as well as at +1."""
    return abs(spearman(first, second)) - abs(spearman(first, third))
