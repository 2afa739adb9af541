import itertools
import math

import numpy as np
import pytest
from scipy import stats

from critical.inference.statistics import (
    holm,
    least_p_paired,
    mean_interval,
    seeds_for,
    sign_flip_p,
    smallest_n_paired,
)


def brute_force_sign_flips(differences):
    """Every sign pattern by a double loop, in exact integers."""
    observed, hits, total = abs(sum(differences)), 0, 0
    for signs in itertools.product((1, -1), repeat=len(differences)):
        flipped = 0
        for sign, difference in zip(signs, differences, strict=True):
            flipped += sign * difference
        hits, total = hits + (abs(flipped) >= observed), total + 1
    return hits / total


@pytest.mark.parametrize("n", [1, 2, 3, 5, 6, 9])
def test_sign_flips_agree_with_brute_force(n):
    random = np.random.default_rng(n)
    for _ in range(10):
        differences = random.integers(-4, 6, n).tolist()  # small integers: many ties
        expected = brute_force_sign_flips(differences)
        assert sign_flip_p(differences) == pytest.approx(expected)
        # tenths are not exact in binary: ties must survive the rounding
        assert sign_flip_p([difference / 10 for difference in differences]) == pytest.approx(expected)


def test_sign_flips_agree_with_scipy_and_with_the_t_test_where_it_is_not_exact():
    random = np.random.default_rng(5)
    few = random.normal(0.4, 1, 8)
    theirs = stats.permutation_test((few,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip_p(few) == pytest.approx(theirs.pvalue)
    many = random.normal(0.25, 1, 60)
    p = sign_flip_p(many)
    assert p == pytest.approx(stats.ttest_1samp(many, 0).pvalue, abs=0.01)
    assert p == sign_flip_p(many)
    assert p != sign_flip_p(many, seed=1)
    assert sign_flip_p(np.ones(40)) == pytest.approx(1e-5)


def test_sign_flips_bounds():
    assert sign_flip_p([2.0] * 6) == least_p_paired(6) == 2 / 64
    assert sign_flip_p([0.0] * 6) == 1
    with pytest.raises(ValueError, match="not finite"):
        sign_flip_p([1.0, math.nan])
    with pytest.raises(ValueError, match="at least one"):
        sign_flip_p([])


def test_least_p_and_the_seeds_it_asks_for():
    assert [least_p_paired(n) for n in (1, 3, 5, 6)] == [1, 0.25, 0.0625, 0.03125]
    assert [smallest_n_paired(alpha) for alpha in (0.25, 0.05, 0.03125, 0.01)] == [3, 6, 6, 8]
    with pytest.raises(ValueError, match="between 0 and 1"):
        smallest_n_paired(0)


def test_mean_interval_is_student_t():
    values = [1.0, 2.0, 4.0, 5.0, 9.0]
    found = mean_interval(values, 0.9)
    low, high = stats.t.interval(0.9, 4, loc=np.mean(values), scale=stats.sem(values))
    assert (found.mean, found.low, found.high, found.n) == pytest.approx((4.2, low, high, 5))


def test_mean_interval_at_the_edges():
    one = mean_interval([3.0])
    assert one.mean == 3
    assert one.n == 1
    assert math.isnan(one.low)
    assert math.isnan(one.high)
    same = mean_interval([2.0, 2.0, 2.0])
    assert (same.low, same.high) == (2, 2)
    with pytest.raises(ValueError, match="not finite"):
        mean_interval([1.0, math.inf])
    with pytest.raises(ValueError, match="confidence"):
        mean_interval([1.0, 2.0], 95)


def test_mean_interval_covers_as_often_as_it_says():
    random = np.random.default_rng(0)
    found = [mean_interval(random.normal(7, 2, 4)) for _ in range(1000)]
    assert np.mean([each.low < 7 < each.high for each in found]) == pytest.approx(0.95, abs=0.02)


def test_holm_adjusts_step_down_and_keeps_the_order():
    # By hand: 0.01·4, max(0.04, 0.02·3), max(0.06, 0.03·2), 0.9.
    given = {"a": 0.03, "b": 0.01, "c": 0.9, "d": 0.02}
    assert holm(given) == pytest.approx({"a": 0.06, "b": 0.04, "c": 0.9, "d": 0.06})
    assert list(holm(given)) == list(given)
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


@pytest.mark.parametrize(("half_width", "spread"), [(2.0, 1.0), (2.0, 4.785), (0.3, 0.5), (1.0, 0.0)])
def test_the_seeds_for_a_half_width_are_the_fewest(half_width, spread):
    def half(n):
        return stats.t.ppf(0.975, n - 1) * spread / math.sqrt(n)

    n = seeds_for(half_width, spread)
    assert half(n) <= half_width
    assert n == 2 or half(n - 1) > half_width
