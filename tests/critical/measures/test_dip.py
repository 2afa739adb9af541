"""The dip statistic against a search over every law with one mode."""

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog

from critical.measures.dip import dip


def searched(values):
    """The least distance to a law with one mode, by a linear program for each place of the mode.

    Unknown are the heights of the law at the places, convex up to the mode and concave from there on; its height
    after a jump at the mode; and its distance to the sample, before and after each jump of that.
    """
    places, counts = np.unique(values, return_counts=True)
    after, size = np.cumsum(counts) / len(values), len(places)
    before, found = after - counts / len(values), 1.0

    def row():
        return np.zeros(size + 2)

    for mode in range(size):
        rows, bounds = [], []

        def within(unknown, low, high, rows=rows, bounds=bounds):
            for sign, bound in ((1, high), (-1, -low)):
                held = row()
                held[unknown], held[-1] = sign, -1
                rows.append(held)
                bounds.append(bound)

        for place in range(size):
            within(place, before[place] if place == mode else after[place], before[place])
        within(size, after[mode], after[mode])
        rising, falling = [*range(mode + 1)], [size, *range(mode + 1, size)]
        for unknowns, at, sign in ((rising, places[: mode + 1], 1), (falling, places[mode:], -1)):
            for first in range(len(unknowns) - 2):
                gaps, held = np.diff(at[first : first + 3]), row()
                held[unknowns[first : first + 3]] = [-1 / gaps[0], 1 / gaps[0] + 1 / gaps[1], -1 / gaps[1]]
                rows.append(sign * held)
                bounds.append(0)
        for one, other in [*itertools.pairwise(rising), (mode, size), *itertools.pairwise(falling)]:
            held = row()
            held[one], held[other] = 1, -1
            rows.append(held)
            bounds.append(0)
        solved = linprog(np.eye(size + 2)[-1], A_ub=np.array(rows), b_ub=bounds, bounds=[(0, 1)] * (size + 2))
        found = min(found, solved.fun)
    return found


def samples(random, count):
    for number in range(count):
        size = int(random.integers(1, 13))
        yield (
            random.normal(size=size),
            random.integers(0, 2 + number % 6, size).astype(float),
            np.concatenate([random.normal(0, 0.1, size // 2 + 1), random.normal(1, 0.1, size // 2)]),
            random.uniform(size=size) ** 3,
        )[number % 4]


def test_it_is_the_least_distance_to_a_law_with_one_mode():
    for values in samples(np.random.default_rng(1), 80):
        assert dip(values) == pytest.approx(searched(values), abs=1e-7), values.tolist()


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_of_two_narrow_modes_it_is_half_of_the_smaller_one(share):
    few = round(200 * share)
    assert dip([-1.0] * few + [1.0] * (200 - few)) == pytest.approx(share / 2)
    wide = np.concatenate([np.linspace(-1, -0.9, few), np.linspace(0.9, 1, 200 - few)])
    assert dip(wide) == pytest.approx(share / 2, abs=0.02)


def test_of_one_mode_it_is_as_small_as_can_be():
    assert dip(np.arange(40)) == pytest.approx(1 / 80)
    assert dip([3.0] * 7) == 0
    assert dip([3.0]) == 0
    normal = np.random.default_rng(0).normal(size=4_000)
    assert dip(normal) < 0.01


def test_it_knows_neither_order_nor_scale():
    values = np.random.default_rng(2).normal(size=50)
    assert dip(-3 * values[::-1] + 7) == pytest.approx(dip(values))


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [float("inf"), 0.0]])
def test_without_numbers_there_is_none(values):
    assert np.isnan(dip(values))
