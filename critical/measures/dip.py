"""Hartigan's dip: how far a sample is from having a single mode."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def dip(values: ArrayLike) -> float:
    """Returns the dip statistic (Hartigan and Hartigan, *The Dip Test of Unimodality*, Annals of Statistics 1985).

    That is the least distance, as the largest difference of distribution functions, between the sample and any law with
    a single mode. Where a share w of a sample lies narrowly about one value and the rest about another, w at most a
    half, the dip is w / 2; so it is at most a quarter. n different values have at least 1 / (2n), which is what equally
    spaced ones have. A mode may hold any share at a single value, so a sample of one value has a dip of 0.

    The sample is compared with the greatest convex minorant of its distribution function left of an interval and the
    least concave majorant right of it; the interval shrinks towards the mode until it adds nothing.

    Args:
        values: Numbers, any shape; NaN where there are none, or one of them is not finite.
    """
    held = np.asarray(values, dtype=np.float64).reshape(-1)
    if not len(held) or not np.isfinite(held).all():
        return float("nan")
    places, counts = np.unique(held, return_counts=True)
    above = np.cumsum(counts) / len(held)  # the distribution function at each place,
    below = above - counts / len(held)  # and just before it
    low, high, found = 0, len(places) - 1, 0.0
    while low < high:
        span = slice(low, high + 1)
        at, before, after = places[span], below[span], above[span]
        convex, concave = _hull(at, before, 1), _hull(at, after, -1)
        minorant, majorant = np.interp(at, at[convex], before[convex]), np.interp(at, at[concave], after[concave])
        gap = majorant - minorant
        widest = max(gap[convex].max(), gap[concave].max())
        if widest <= found:
            break
        if gap[convex].max() >= gap[concave].max():
            left = convex[gap[convex].argmax()]
            right = concave[concave >= left][0]
        else:
            right = concave[len(concave) - 1 - gap[concave][::-1].argmax()]
            left = convex[convex <= right][-1]
        # How far the sample is from the parts that are settled now, left and right of the new interval.
        settled = ((after - minorant)[:left], (majorant - before)[right + 1 :])
        found = max(found, *(part.max(initial=0.0) for part in settled))
        low, high = low + left, low + right
    return found / 2


def _hull(at: NDArray[np.float64], heights: NDArray[np.float64], sign: int) -> NDArray[np.intp]:
    """Returns the positions of the corners of the greatest convex minorant, or for −1 of the least concave majorant."""
    corners: list[int] = []
    for position in range(len(at)):
        while len(corners) > 1:
            first, second = corners[-2:]
            turn = (heights[second] - heights[first]) * (at[position] - at[first])
            if sign * (turn - (heights[position] - heights[first]) * (at[second] - at[first])) < 0:
                break
            corners.pop()
        corners.append(position)
    return np.array(corners)
