"""Recovery exponents: how fast the gap to a reference closes along a ladder of recovery budgets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from critical.inference.arms import Contrast, Pooled
from critical.inference.statistics import finite_numbers

UNDEFINED = "The gaps of a ladder are too small beside their noise to give an exponent."
EXPONENT_LIMITS = (-3.0, 6.0)
"""Where a recovery exponent is looked for; at 6, doubling the budget divides the gap by 64."""


@dataclass(frozen=True)
class Recovery:
    """The fit of gap(T) = c / T^alpha to a ladder of recovery budgets.

    Attributes:
        c: The gap extrapolated to one epoch of recovery (points · epochs^alpha); NaN without a fit.
        alpha: The exponent; 0 is a gap that stays, larger is faster repair, negative a gap that grows. NaN
            where the gaps do not determine it.
        residual: Residual standard deviation of the fit with n − 2 degrees of freedom (points).
        reason: Why `alpha` is NaN, in a sentence; empty when it is not.
    """

    c: float
    alpha: float
    residual: float
    reason: str


def recovery_exponent(budgets: ArrayLike, gaps: ArrayLike, noise: float | None = None) -> Recovery:
    """Fits gap(T) = c / T^alpha to the raw gaps by least squares.

    A straight line through log gap against log T is the usual way, but late gaps are within the noise and
    come out zero or negative; dropping those keeps the rungs where the noise happened to be positive and
    makes the repair look slower than it is. So the gaps are fitted as they are: for each alpha the best c is
    linear, which leaves a search in one dimension.

    Args:
        budgets: Recovery epochs T of the rungs, shape (n,), positive; at least three different ones.
        gaps: Accuracy of the reference minus that of the arm at each rung, shape (n,), points, finite.
        noise: Standard deviation of one gap (points), e.g. from the seeds of the control. With it, gaps
            that pure noise would give (chi-square test at 5 %) have no exponent. Without it, the residual
            stands in: a root mean square of the gaps of at most twice the residual has none. With three rungs
            that leaves one degree of freedom and is weak, so pass `noise` where it is known.

    Returns:
        The fit; `alpha` and `c` are NaN, and `reason` says why, where the gaps determine no exponent.

    Raises:
        ValueError: Fewer than three different budgets, a budget ≤ 0, a gap that is not finite, unequal
            lengths, or a noise that is not positive.
    """
    times, heights = finite_numbers(budgets, "budgets"), finite_numbers(gaps, "gaps")
    if times.size != heights.size:
        raise ValueError(f"{times.size} budgets but {heights.size} gaps; give one gap per budget")
    if np.unique(times).size < 3 or times.min() <= 0:
        raise ValueError(f"budgets are {times.tolist()}; an exponent needs three different positive ones")
    if noise is not None and not (math.isfinite(noise) and noise > 0):
        raise ValueError(f"noise is {noise}; it is a positive standard deviation in points, or None")
    logs = np.log(times) - np.log(times).mean()  # centred, so that no alpha over- or underflows

    def fit(alpha: float) -> tuple[float, float]:
        shape = np.exp(-alpha * logs)
        height = float(shape @ heights / (shape @ shape))
        return height, float(np.sum((heights - height * shape) ** 2))

    grid = np.linspace(*EXPONENT_LIMITS, 181)
    best = float(grid[int(np.argmin([fit(alpha)[1] for alpha in grid]))])
    step = float(grid[1] - grid[0])
    low, high = max(best - step, EXPONENT_LIMITS[0]), min(best + step, EXPONENT_LIMITS[1])
    found = optimize.minimize_scalar(
        lambda alpha: fit(alpha)[1], bounds=(low, high), method="bounded", options={"xatol": 1e-9}
    )
    alpha = float(found.x)
    height, squares = fit(alpha)
    residual = math.sqrt(squares / (times.size - 2))
    reason = _no_exponent(heights, height, alpha, residual, noise)
    if reason:
        return Recovery(math.nan, math.nan, residual, reason)
    return Recovery(height * math.exp(alpha * float(np.log(times).mean())), alpha, residual, "")


def pooled_exponent(gaps: Mapping[int, Contrast]) -> Pooled:
    """Returns the exponent alpha of the mean gap over seeds, with its jackknife interval.

    One ladder of one seed hardly determines an exponent: late gaps drown in noise. So the gaps are averaged over
    seeds first; the jackknife then says how well that is known.

    Args:
        gaps: Recovery epochs of a rung → gap (reference − arm), at least three rungs.
    """
    return Pooled(tuple(gaps.values()), lambda held: _alpha(tuple(gaps), held), "exponent", UNDEFINED)


def exponent_difference(first: Mapping[int, Contrast], second: Mapping[int, Contrast]) -> Pooled:
    """Returns alpha of the first ladder minus alpha of the second, as `pooled_exponent`."""
    rungs = tuple(first), tuple(second)

    def estimate(held: NDArray[np.float64]) -> float:
        return _alpha(rungs[0], held[:, : len(first)]) - _alpha(rungs[1], held[:, len(first) :])

    return Pooled((*first.values(), *second.values()), estimate, "exponent", UNDEFINED)


def _alpha(budgets: Sequence[int], gaps: NDArray[np.float64]) -> float:
    """Returns the exponent of the mean of gaps (seeds, rungs); what seeds scatter by is the noise of that mean."""
    noise = float(np.sqrt(gaps.var(axis=0, ddof=1).mean() / len(gaps))) if len(gaps) > 1 else 0.0
    return recovery_exponent(budgets, gaps.mean(axis=0), noise or None).alpha


def _no_exponent(
    gaps: NDArray[np.float64], height: float, alpha: float, residual: float, noise: float | None
) -> str:
    """Says why gaps determine no exponent; an empty string if they do."""
    if np.all(gaps <= 0) or height <= 0:
        return "there is no gap to close: the arm is at or above its reference"
    if noise is not None:
        hidden = special.chdtrc(gaps.size, float(np.sum((gaps / noise) ** 2))) > 0.05
    else:
        hidden = float(np.sqrt(np.mean(gaps**2))) <= 2 * residual
    if hidden:
        return "the gaps are not distinguishable from zero"
    if alpha > EXPONENT_LIMITS[1] - 1e-3:
        return "the gap is gone after the first rung: the ladder starts too late or is too coarse to fit"
    if alpha < EXPONENT_LIMITS[0] + 1e-3:
        return "the gap appears at the last rung only: no power law in the budget describes it"
    return ""
