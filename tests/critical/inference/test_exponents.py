import math

import numpy as np
import pytest
from planted import SEEDS, arm, table

from critical.inference.exponents import exponent_difference, pooled_exponent, recovery_exponent
from critical.inference.statistics import mean_interval

LADDER = np.array([10, 20, 40, 80])


@pytest.mark.parametrize("alpha", [0.0, 0.45, 1.2, 2.5, -0.5])
def test_a_planted_exponent_is_recovered_exactly_without_noise(alpha):
    found = recovery_exponent(LADDER, 40 / LADDER**alpha)
    assert (found.c, found.alpha) == pytest.approx((40, alpha), abs=1e-4)
    assert found.residual == pytest.approx(0, abs=1e-4)
    assert found.reason == ""


def test_a_planted_exponent_is_recovered_from_gaps_whose_noise_crosses_zero():
    random = np.random.default_rng(3)
    ladder = np.array([10, 20, 40, 80, 160])
    fits, straight_lines, crossed = [], [], 0
    for _ in range(200):
        gaps = 12 * (10 / ladder) ** 1.5 + random.normal(0, 0.5, 5)
        crossed += bool((gaps <= 0).any())
        fits.append(recovery_exponent(ladder, gaps, noise=0.5).alpha)
        kept = gaps > 0
        straight_lines.append(-np.polyfit(np.log(ladder[kept]), np.log(gaps[kept]), 1)[0])
    assert crossed > 50
    assert np.isfinite(fits).all()
    assert np.mean(fits) == pytest.approx(1.5, abs=0.02)
    assert np.std(fits) < 0.2
    assert np.mean(straight_lines) < 1.4  # the bias that the fit on the raw gaps avoids


def test_a_floor_under_the_curve_slows_the_exponent_and_shows_in_the_residual():
    pure = recovery_exponent(LADDER, 100 / LADDER**1.2)
    floored = recovery_exponent(LADDER, 2 + 100 / LADDER**1.2)
    assert 0 < floored.alpha < pure.alpha - 0.2
    assert floored.residual > 0.1 > pure.residual


@pytest.mark.parametrize(
    ("gaps", "reason"),
    [
        ([-1.0, -2.0, 0.0, -0.1], "no gap to close"),
        ([0.0, 0.0, 0.0, 0.0], "no gap to close"),
        ([1.0, -1.0, 1.0, -0.9], "not distinguishable from zero"),
        ([10.0, 0.0, 0.0, 0.0], "gone after the first rung"),
        ([0.0, 0.0, 0.0, 10.0], "last rung only"),
    ],
)
def test_gaps_without_an_exponent_say_why(gaps, reason):
    found = recovery_exponent(LADDER, gaps)
    assert math.isnan(found.alpha)
    assert math.isnan(found.c)
    assert reason in found.reason


def test_known_noise_decides_whether_there_is_a_gap():
    gaps = [3.0, 1.6, 0.7, 0.4]
    assert recovery_exponent(LADDER, gaps, noise=0.3).alpha == pytest.approx(1, abs=0.2)
    assert "not distinguishable" in recovery_exponent(LADDER, gaps, noise=3.0).reason
    random = np.random.default_rng(1)
    nothing = [recovery_exponent(LADDER, random.normal(0, 1, 4), noise=1.0) for _ in range(150)]
    assert np.mean([math.isnan(fit.alpha) for fit in nothing]) > 0.94


@pytest.mark.parametrize(
    ("budgets", "gaps", "noise", "message"),
    [
        ([10, 20], [2, 1], None, "three different"),
        ([10, 20, 20], [2, 1, 1], None, "three different"),
        ([0, 10, 20], [3, 2, 1], None, "positive"),
        ([10, 20, 40], [2, 1], None, "one gap per budget"),
        ([10, 20, 40], [2, 1, math.nan], None, "not finite"),
        ([10, 20, 40], [3, 2, 1], 0.0, "noise"),
    ],
)
def test_impossible_ladders_are_refused(budgets, gaps, noise, message):
    with pytest.raises(ValueError, match=message):
        recovery_exponent(budgets, gaps, noise)


def ladders(noise, alphas=(0.5, 1.5), seed=0):
    """A table of two arms and their references on a ladder, and the gaps {budget: contrast} of both."""
    random, values, gaps = np.random.default_rng(seed), {}, ({}, {})
    for rung, budget in enumerate(LADDER):
        reference = arm(10 * rung)
        values[reference] = 95 + random.normal(0, noise, len(SEEDS))
        for which, alpha in enumerate(alphas):
            deprived = arm(10 * rung + which + 1)
            values[deprived] = values[reference] - 60 / budget**alpha + random.normal(0, noise, len(SEEDS))
            gaps[which][int(budget)] = reference - deprived
    return table(values), gaps


def test_pooled_exponents_are_those_of_the_mean_gaps():
    held, (slow, fast) = ladders(noise=0.01)
    assert pooled_exponent(slow).per_seed(held).mean() == pytest.approx(0.5, abs=0.02)
    assert pooled_exponent(fast).per_seed(held).mean() == pytest.approx(1.5, abs=0.05)
    assert exponent_difference(slow, fast).per_seed(held).mean() == pytest.approx(-1.0, abs=0.05)
    assert pooled_exponent(slow).unit == "exponent"


def test_the_jackknife_interval_covers_as_often_as_it_says():
    inside = 0
    for seed in range(60):
        held, (slow, _) = ladders(noise=1.0, seed=seed)
        found = mean_interval(pooled_exponent(slow).per_seed(held))
        inside += found.low <= 0.5 <= found.high
    assert inside >= 52  # of 57 expected


def test_gaps_that_noise_explains_have_no_pooled_exponent():
    held, (slow, _) = ladders(noise=1.0, alphas=(9.0, 9.0))
    assert pooled_exponent(slow).per_seed(held).isna().all()
