"""The arms of closing windows, and what their claims correlate, against epochs written by hand."""

import dataclasses

import numpy as np
import pytest
import tiny
from test_claims_by_hand import costs, decaying, design, key, of, plus, seen, window

from critical.inference.arms import Contrast, Within
from experiments.design.closing import (
    Closing,
    Detector,
    falls_with_age,
    growths,
    open_less_closed,
    running_growth,
    slope_before,
    span_of,
)

NAME, ONSETS = "controls/closure", (2, 3, 4)
CLEAN = key(seen("", decaying(0, 8)))


def claims():
    return {claim.id: claim for claim in design(NAME).claims}


def named(part):
    return {(of(term.arm), term.column, term.logarithm): weight for term, weight in part.items()}


def nonzero(part):
    return {term: weight for term, weight in part.items() if weight}


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
    # By least squares; before epoch 1 there is no trace.
    "slope": [plus(clean("fisher_trace", 2, True), clean("fisher_trace", 1, True, -1.0)),
              *(plus(clean("fisher_trace", at - 2, True, -0.5), clean("fisher_trace", at - 1, True, 0.0),
                     clean("fisher_trace", at, True, 0.5)) for at in (3, 4))],
    "cosine": [clean("gradient_cosine", onset) for onset in ONSETS],
    "norm": [clean("gradient_mean", epoch) for epoch in range(1, 5)],
    "clock": [],
}  # fmt: skip


@pytest.mark.parametrize("detector", SHOWN)
@pytest.mark.parametrize(("suffix", "effect"), [("", cost), ("_damage", damage)])
def test_what_a_window_does_is_set_beside_the_clean_run_at_its_onset(detector, suffix, effect):
    for claim_id in {f"closure.{detector}{suffix}", f"closure.{detector}{suffix}_beyond_clock"} & set(claims()):
        parts = claims()[claim_id].contrast.parts
        assert [named(part) for part in parts] == [*map(effect, ONSETS), *map(nonzero, SHOWN[detector])]


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
    assert all(isinstance(claim.contrast, Within) for claim in others)
    assert {claim.requires for claim in others if "beyond" not in claim.id} == {(first.id,)}


def test_every_detector_is_set_against_the_clock_where_it_tells_anything():
    beyond = {claim.id: claim.requires for claim in design(NAME).claims if claim.id.endswith("_beyond_clock")}
    told = [f"closure.{detector}{suffix}" for suffix in ("", "_damage")
            for detector in ("trace", "slope", "cosine", "barrier", "norm")]  # fmt: skip
    assert beyond == {f"{claim_id}_beyond_clock": (claim_id,) for claim_id in told}


class TestBeyondTheClock:
    def estimate(self, effects, shown):
        parts = claims()["closure.clock"].contrast.parts
        detector = Detector("what is shown", "us", parts)
        return detector.beyond_clock(parts, (2, 3, 6)).estimate(np.array([*effects, *shown]))

    def test_what_drifts_with_the_epoch_tells_nothing_more(self):
        assert self.estimate([9.0, 5.0, 1.0], [0.9, 0.5, 0.1]) == pytest.approx(0.0)
        assert self.estimate([9.0, 5.0, 1.0], [0.1, 0.5, 0.9]) == pytest.approx(0.0)
        assert self.estimate([9.0, 1.0, 5.0], [0.9, 0.5, 0.1]) == pytest.approx(0.0)

    def test_an_order_of_its_own_tells_more_and_another_less(self):
        assert self.estimate([9.0, 1.0, 5.0], [0.9, 0.1, 0.5]) == pytest.approx(1.0 - 0.5)
        assert self.estimate([9.0, 5.0, 1.0], [0.9, 0.1, 0.5]) == pytest.approx(0.5 - 1.0)
        assert np.isnan(self.estimate([9.0, 5.0, 1.0], [0.5, 0.5, 0.5]))

    def test_the_growth_of_the_norm_likewise(self):
        parts = claims()["closure.clock"].contrast.parts
        norms = [next(iter(parts[0]))] * 4
        statistic = Detector("growth", "us", norms, growths((2, 3, 4))).beyond_clock(parts, (2, 3, 4))
        # It doubles, halves, and grows by a half.
        norm = [1.0, 2.0, 1.0, 1.5]
        assert statistic.estimate(np.array([9.0, 1.0, 5.0, *norm])) == pytest.approx(1.0 - 0.5)
        assert statistic.estimate(np.array([9.0, 5.0, 1.0, *norm])) == pytest.approx(0.5 - 1.0)


@pytest.mark.parametrize("onset", [2, 3, 6])
def test_a_slope_is_that_of_least_squares(onset):
    terms = {epoch: next(iter(Contrast({design(NAME).trained[0][f"x@{epoch}"]: 1.0}))) for epoch in range(1, 7)}
    course = dict(zip(terms.values(), [3.0, 1.0, 4.0, 1.5, 9.0, 2.5], strict=True))
    epochs = range(max(1, onset - 2), onset + 1)
    found = sum(weight * course[term] for term, weight in slope_before(terms, onset).items())
    assert found == pytest.approx(np.polyfit(epochs, [course[terms[epoch]] for epoch in epochs], 1)[0])


def test_the_clean_run_is_measured_after_every_epoch():
    (arm,) = set(design(NAME).siblings.values())
    for epoch in range(1, 5):
        assert {"fisher", "gradients", "gradient_cosine"} <= {probe.name for probe in arm.run.measured(epoch)}


@pytest.mark.parametrize(
    ("longest", "points", "length", "onsets"), [(2, 2, 1, (2, 3, 4)), (15, 3, 5, (2, 5, 7, 10, 15))]
)
def test_windows_begin_after_epoch_1_where_a_slope_has_two_epochs(longest, points, length, onsets):
    held = Closing.defaults(tiny.protocol(longest_window=longest, points=points))
    assert held == {"length": length, "onsets": onsets}


class TestRule:
    NORMS = np.array([1.0, 2.0, 3.0, 2.0, 2.0, 2.0])

    def test_growth_is_that_of_the_mean_over_as_many_epochs_at_every_onset(self):
        assert running_growth(self.NORMS, 2, 1) == pytest.approx(2.0 / 1.0 - 1)
        assert running_growth(self.NORMS, 4, 2) == pytest.approx(2.5 / 2.5 - 1)
        long = np.arange(1.0, 15.0)
        assert running_growth(long, 12, 10) == pytest.approx(np.mean(long[2:12]) / np.mean(long[1:11]) - 1)
        assert [span_of(onsets) for onsets in ((2, 3, 6), (5, 9, 20), (11, 12, 13), (40, 50, 60))] == [1, 4, 10, 10]

    def test_costs_while_it_is_open_are_set_against_those_after(self):
        effects = claims()["closure.rule"].contrast.parts[:3]
        norms = [next(iter(claims()["closure.rule"].contrast.parts[-1]))] * 6
        rule = open_less_closed(effects, norms, (2, 3, 6))
        assert rule.estimate(np.array([10.0, 8.0, 1.0, *self.NORMS])) == pytest.approx(9.0 - 1.0)
        assert np.isnan(rule.estimate(np.array([10.0, 8.0, 1.0, *np.exp(np.arange(6.0))])))
        assert rule.undefined
        follows = Detector("growth", "us", norms, growths((2, 3, 6))).follows(effects)
        assert follows.estimate(np.array([10.0, 8.0, 1.0, *self.NORMS])) == pytest.approx(1.0)
        assert follows.estimate(np.array([1.0, 8.0, 10.0, *self.NORMS])) == pytest.approx(-1.0)

    def test_the_window_is_open_where_the_norm_grows_by_a_hundredth_or_more(self):
        effects = claims()["closure.rule"].contrast.parts[:3]
        norms = [next(iter(claims()["closure.rule"].contrast.parts[-1]))] * 4
        rule = open_less_closed(effects, norms, (2, 3, 4))
        grown = np.cumprod([1.0, 1.02, 1.005, 1.015])
        assert rule.estimate(np.array([10.0, 2.0, 4.0, *grown])) == pytest.approx((10.0 + 4.0) / 2 - 2.0)

    def test_a_clock_falls_with_the_onset(self):
        clock = falls_with_age(claims()["closure.clock"].contrast.parts, ONSETS)
        assert clock.estimate(np.array([9.0, 5.0, 1.0])) == pytest.approx(1.0)
        assert dataclasses.replace(clock).unit == "correlation"
