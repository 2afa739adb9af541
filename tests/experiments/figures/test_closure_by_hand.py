"""The arms of closing windows, and what their claims correlate, against epochs written by hand."""

import dataclasses

import numpy as np
import pytest
from test_claims_by_hand import costs, decaying, design, key, of, plus, seen, window

from critical.inference.arms import Within
from experiments.design.closing import falls_with_age, follows_growth, open_less_closed, running_growth

NAME, ONSETS = "controls/closure", (2, 3, 4)
CLEAN = key(seen("", decaying(0, 8)))


def claims():
    return {claim.id: claim for claim in design(NAME).claims}


def named(part):
    return {(of(term.arm), term.column, term.logarithm): weight for term, weight in part.items()}


def cost(onset):
    return {(*term, False): weight for term, weight in costs("blur", onset, 2, "at onset").items()}


def damage(onset):
    """A run that leaves the window out, less the one with the deficit in it."""
    held = window("blur", onset, 2, "at onset")
    return {(key(held[:onset] + held[onset + 2 :]), "accuracy", False): 1.0, (key(held), "accuracy", False): -1.0}


def clean(column, epoch, logarithm=False, weight=1.0):
    return {(CLEAN, f"{column}@{epoch}", logarithm): weight}


SHOWN = {
    "trace": [clean("fisher_trace", onset, True) for onset in ONSETS],
    "slope": [plus(clean("fisher_trace", at, True), clean("fisher_trace", at - 1, True, -1.0)) for at in ONSETS],
    "cosine": [clean("gradient_cosine", onset) for onset in ONSETS],
    "norm": [clean("gradient_mean", epoch) for epoch in range(1, 5)],
    "clock": [],
}


@pytest.mark.parametrize("detector", SHOWN)
@pytest.mark.parametrize(("suffix", "effect"), [("", cost), ("_damage", damage)])
def test_what_a_window_does_is_set_beside_the_clean_run_at_its_onset(detector, suffix, effect):
    parts = claims()[f"closure.{detector}{suffix}"].contrast.parts
    assert [named(part) for part in parts] == [*map(effect, ONSETS), *SHOWN[detector]]


def test_a_barrier_is_that_of_a_child_of_the_onset_to_the_clean_run():
    made = design(NAME)
    parts = claims()["closure.barrier"].contrast.parts
    assert [named(part) for part in parts[: len(ONSETS)]] == [*map(cost, ONSETS)]
    for onset, part in zip(ONSETS, parts[len(ONSETS) :], strict=True):
        ((term, weight),) = part.items()
        assert (term.column, weight) == ("barrier", 1.0)
        assert [spec.branch for spec in term.arm.run.epoch_specs] == [0] * onset + [1] * (8 - onset)
        assert of(term.arm) == CLEAN
        sibling = made.siblings[term.arm]
        assert (of(sibling), sibling.run.branch) == (CLEAN, 0)
        assert sibling.run.keys[onset] == term.arm.run.keys[onset]


def test_all_claims_want_that_early_windows_cost_more():
    first, *others = design(NAME).claims
    expected = plus(cost(2), {term: -weight for term, weight in cost(4).items()})
    assert named(first.contrast) == {term: weight for term, weight in expected.items() if weight}
    assert all(claim.requires == (first.id,) and isinstance(claim.contrast, Within) for claim in others)


def test_the_clean_run_is_measured_after_every_epoch():
    (arm,) = set(design(NAME).siblings.values())
    for epoch in range(1, 5):
        assert {"fisher", "gradients", "gradient_cosine"} <= {probe.name for probe in arm.run.measured(epoch)}


class TestRule:
    NORMS = np.array([1.0, 2.0, 3.0, 2.0, 2.0, 2.0])

    def test_growth_is_that_of_the_mean_over_ten_epochs(self):
        assert running_growth(self.NORMS, 2) == pytest.approx(1.5 / 1.0 - 1)
        assert running_growth(self.NORMS, 4) == pytest.approx(0.0)
        long = np.arange(1.0, 15.0)
        assert running_growth(long, 12) == pytest.approx(np.mean(long[2:12]) / np.mean(long[1:11]) - 1)

    def test_costs_while_it_is_open_are_set_against_those_after(self):
        effects = claims()["closure.rule"].contrast.parts[:3]
        norms = [next(iter(claims()["closure.rule"].contrast.parts[-1]))] * 6
        rule = open_less_closed(effects, norms, (2, 3, 6))
        assert rule.estimate(np.array([10.0, 8.0, 1.0, *self.NORMS])) == pytest.approx(9.0 - 1.0)
        assert np.isnan(rule.estimate(np.array([10.0, 8.0, 1.0, *np.exp(np.arange(6.0))])))
        assert rule.undefined
        follows = follows_growth(effects, norms, (2, 3, 6))
        assert follows.estimate(np.array([10.0, 8.0, 1.0, *self.NORMS])) == pytest.approx(1.0)
        assert follows.estimate(np.array([1.0, 8.0, 10.0, *self.NORMS])) == pytest.approx(-1.0)

    def test_a_clock_falls_with_the_onset(self):
        clock = falls_with_age(claims()["closure.clock"].contrast.parts, ONSETS)
        assert clock.estimate(np.array([9.0, 5.0, 1.0])) == pytest.approx(1.0)
        assert dataclasses.replace(clock).unit == "correlation"
