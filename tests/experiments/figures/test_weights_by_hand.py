"""The claims about weights (Fisher information, filters, gradients) against coefficients written by hand."""

import dataclasses

import numpy as np
import pytest
import tiny
from test_claims_by_hand import RECOVERY, design, fresh, key, of, window

from critical.core.spec import SpecError
from critical.inference.arms import Among, Within
from critical.inference.verdicts import judged
from critical.models import MLP
from experiments.design.parameters import Removals
from experiments.design.registry import FIGURES

LATE, CLEAN = window("blur", 0, 6, "continue"), window("", 0, 6, "continue")


def claim(figure, claim_id):
    (found,) = [claim for claim in design(figure).claims if claim.id == claim_id]
    return found


def terms(contrast):
    """(what acts in an arm, column, whether of its logarithm) → coefficient."""
    return {(of(term.arm), term.column, term.logarithm): weight for term, weight in contrast.items()}


def ratio(one, other, column):
    return {(key(one), column, True): 1.0, (key(other), column, True): -1.0}


RUN = window("", 0, 2, "continue", 9)
FLIP = window("vertical_flip", 0, 6, "continue")


def more(one, other, column):
    return {(key(one), column, False): 1.0, (key(other), column, False): -1.0}


def of_thirds(part, other):
    return {(key(CLEAN), f"fisher_share_{part}", False): 1.0, (key(CLEAN), f"fisher_share_{other}", False): -1.0}


CONTRASTS = {
    "trace.empirical": {(key(RUN), "empirical_fisher_trace", True): 1.0, (key(RUN), "fisher_trace", True): -1.0},
    "layers.middle_over_bottom": of_thirds("middle", "bottom"),
    "layers.middle_over_top": of_thirds("middle", "top"),
    "layers.shift": more(LATE, CLEAN, "fisher_share_top@6"),
    "layers.lasting": more(LATE, CLEAN, "fisher_share_top"),
    "layers.shift_on_clean": more(LATE, CLEAN, "fisher_share_clean_top@6"),
    "layers.mends": {**more(LATE, CLEAN, "fisher_share_clean_top@6"), **more(CLEAN, LATE, "fisher_share_top")},
    "layers.flip": more(FLIP, CLEAN, "fisher_share_clean_top@6"),
    "layers.more_than_flip": more(LATE, FLIP, "fisher_share_clean_top@6"),
    "layers.not_young": more(LATE, fresh("continue", 6), "fisher_share_top"),
    "layers.restart": more(window("blur", 0, 6, "restart"), window("", 0, 6, "restart"), "fisher_share_top"),
    "layers.relative": more(LATE, CLEAN, "fisher_share_relative_top"),
    "information.more": ratio(LATE, CLEAN, "fisher_trace"),
    "information.grows": ratio(LATE, window("blur", 0, 2, "continue"), "fisher_trace"),
    "information.fresh": ratio(LATE, fresh("continue", 6), "fisher_trace"),
    "information.restart": ratio(window("blur", 0, 6, "restart"), window("", 0, 6, "restart"), "fisher_trace"),
    "information.restart_fresh": ratio(window("blur", 0, 6, "restart"), fresh("restart"), "fisher_trace"),
    "information.relative": ratio(LATE, CLEAN, "fisher_trace_relative"),
}
PERMUTED = window("label_permutation", 0, 6, "continue")
SHARE = "filter_high_frequency_share"


def ratio_of_moments(epochs, at, sign=1.0):
    return {(key(epochs), f"gradient_mean{at}", True): sign, (key(epochs), f"gradient_deviation{at}", True): -sign}


def jump(epochs, sign=1.0):
    return {(key(epochs), "gradient_mean@7", True): sign, (key(epochs), "gradient_mean@6", True): -sign}


def of_input(epochs):
    return {(key(epochs), "gradient_mean_clean@6", True): 1.0, (key(epochs), "gradient_mean@6", True): -1.0}


def of_weights(epochs):
    return {(key(epochs), "gradient_mean@7", True): 1.0, (key(epochs), "gradient_mean_clean@6", True): -1.0}


CONTRASTS |= {
    "filters.blurrier": more(LATE, CLEAN, SHARE),
    "filters.later": more(LATE, window("blur", 0, 2, "continue"), SHARE),
    "filters.at_removal": more(LATE, CLEAN, f"{SHARE}@6"),
    "filters.fresh": more(LATE, fresh("continue", 6), SHARE),
    "filters.restart": more(window("blur", 0, 6, "restart"), window("", 0, 6, "restart"), SHARE),
    "filters.flip": more(FLIP, CLEAN, SHARE),
    "filters.more_than_flip": more(LATE, FLIP, SHARE),
    "gradients.drift": ratio_of_moments(CLEAN, "@1"),
    "gradients.diffusion": ratio_of_moments(CLEAN, ""),
    "gradients.phases": {**ratio_of_moments(CLEAN, "@1"), **ratio_of_moments(CLEAN, "", -1.0)},
    "gradients.jump": jump(LATE),
    "gradients.jump_labels": jump(PERMUTED),
    "gradients.jump_not_clean": {**jump(LATE), **jump(CLEAN, -1.0)},
    "gradients.labels_not_clean": {**jump(PERMUTED), **jump(CLEAN, -1.0)},
    "gradients.input": of_input(LATE),
    "gradients.input_labels": of_input(PERMUTED),
    "gradients.weights": of_weights(LATE),
    "gradients.weights_labels": of_weights(PERMUTED),
    "gradients.anew": {
        **ratio_of_moments(LATE, "@7"), **ratio_of_moments(LATE, "@6", -1.0),
        **ratio_of_moments(CLEAN, "@7", -1.0), **ratio_of_moments(CLEAN, "@6"),
    },
}  # fmt: skip
NAMES = ("iclr2019/fisher_trace", "iclr2019/fisher_deficit", "iclr2019/fisher_layers", "iclr2019/filters",
         "iclr2019/gradients")  # fmt: skip
CASES = [(name, claim.id) for name in NAMES for claim in design(name).claims
         if not isinstance(claim.contrast, (Among, Within))]  # fmt: skip


@pytest.mark.parametrize(("figure", "claim_id"), CASES)
def test_a_claim_contrasts_the_arms_that_its_sentence_names(figure, claim_id):
    assert terms(claim(figure, claim_id).contrast) == CONTRASTS[claim_id]


def test_a_network_without_convolutions_has_no_filters_to_show():
    held = tiny.protocol(longest_window=2)
    flat = dataclasses.replace(held, parts=dataclasses.replace(held.parts, model=MLP((8,))))
    with pytest.raises(SpecError, match=r"^model=mlp: iclr2019/filters shows .*; choose another, such as"):
        FIGURES["iclr2019/filters"].design(flat, Removals((1, 2)))


@pytest.mark.parametrize("name", ["iclr2019/gradients", "controls/closure"])
def test_gradients_over_a_single_batch_are_refused_before_anything_trains(name):
    held, figure = tiny.protocol(longest_window=2, points=2), FIGURES[name]
    small = dataclasses.replace(held.parts.optimizer, batch_size=33)
    wide = dataclasses.replace(held, parts=dataclasses.replace(held.parts, optimizer=small))
    with pytest.raises(SpecError, match=r"^optimizer\.batch_size=33: .* two batches .* 64 training images; lower it$"):
        figure.design(wide, figure.parameters(**figure.parameters.defaults(wide)))


def values(contrast, data):
    """Values of seeds, from those of the parts of a contrast, (seeds, parts)."""
    return contrast._values(data).tolist()


class TestTraceAndSensitivity:
    """Windows of 2 epochs at 0 … 5, a recovery of 4: the clean run has 11 epochs."""

    LATER = (1, 2, 3, 4, 5)

    @pytest.mark.parametrize(
        ("claim_id", "how", "instead"),
        [("follows", "continue", ""), ("beyond_age", "continue", ""), ("follows_equal", "at onset", ""),
         ("follows_damage", "at onset", None)],
    )  # fmt: skip
    def test_costs_and_the_clean_trace_at_the_onset_go_together(self, claim_id, how, instead):
        parts = claim("iclr2019/fisher_trace", f"trace.{claim_id}").contrast.parts
        assert len(parts) == 10
        for onset, lost, trace in zip(self.LATER, parts[:5], parts[5:], strict=True):
            budget = 9 - onset if how == "continue" else RECOVERY
            ill = window("blur", onset, 2, how, budget)
            other = window("", onset, 2, how, budget) if instead == "" else ill[:onset] + ill[onset + 2 :]
            assert terms(lost) == {(key(other), "accuracy", False): 1.0, (key(ill), "accuracy", False): -1.0}
            assert terms(trace) == {(key(RUN), f"fisher_trace@{onset}", True): 1.0}

    def test_beyond_age_is_the_difference_of_the_strengths_of_two_correlations(self):
        better = claim("iclr2019/fisher_trace", "trace.beyond_age").contrast.estimate
        trace = np.array([1.0, 3.0, 5.0, 4.0, 2.0])
        assert better(np.concatenate([trace, trace])) == pytest.approx(1 - 0.3)
        assert better(np.concatenate([[5.0, 4, 3, 2, 1], trace])) == pytest.approx(0.3 - 1)
        rising = np.arange(5.0)
        assert better(np.concatenate([rising, rising])) == pytest.approx(0), "age by itself tells as much, upside down"

    def test_rise_fall_and_gain_are_those_of_the_clean_run(self):
        rises, learns, falls = (claim("iclr2019/fisher_trace", f"trace.{what}").contrast
                                for what in ("rises", "still_learns", "falls"))  # fmt: skip
        traces = [{(key(RUN), f"fisher_trace@{epoch}", True): 1.0} for epoch in range(1, 12)]
        accuracies = [{(key(RUN), f"test_accuracy@{epoch}", False): 1.0} for epoch in range(1, 12)]
        assert [terms(part) for part in rises.parts] == [terms(part) for part in falls.parts] == traces
        assert [terms(part) for part in learns.parts] == traces + accuracies
        course = np.array([[1.0, 2, 6, 3], [1.0, 4, 2, 1]])  # the peaks of the others: second, and third
        assert (values(rises, course), values(falls, course)) == ([2 - 1, 2 - 1], [2 - 3, 2 - 1])
        assert np.isnan(values(rises, course[:1])).all()

    @pytest.mark.parametrize("what", ["rises", "falls"])
    def test_a_course_of_noise_neither_rises_nor_falls(self, what):
        held, random = claim("iclr2019/fisher_trace", f"trace.{what}").contrast, np.random.default_rng(3)
        found = [values(held, 0.35 * random.normal(size=(8, 11))) for _ in range(400)]
        means = [np.mean(one) for one in found]
        assert abs(np.mean(means)) < 3 * np.std(means) / 20
        words = [judged(one, np.log(1.2), "greater", 0.05) for one in found]
        assert words.count("reproduced") < 0.1 * len(words)

    def test_a_peak_is_looked_for_among_the_first_epochs_of_long_runs_too(self):
        long = tiny.protocol(recovery=160, decay=0.97, longest_window=140, points=7)
        figure = FIGURES["iclr2019/fisher_trace"]
        design = figure.design(long, figure.parameters(length=40, onsets=(0, 20, 40, 60, 140)))
        assert design.at["test_accuracy"][:7] == (1, 2, 3, 5, 8, 14, 28)
        assert design.at["test_accuracy"][-1] == 340
        assert set(design.at["fisher_trace"]) == {*design.at["test_accuracy"], 20, 40, 60, 140}

    def test_the_clean_run_is_measured_after_every_epoch(self):
        (clean,) = [arm for arm in design("iclr2019/fisher_trace").trained if of(arm) == key(RUN)]
        assert {probe.name: probe.every for probe in clean.run.probes} == {
            "accuracy": 1, "fisher": 1, "fisher_variants": 1}  # fmt: skip


class TestMoreInformation:
    def test_at_equal_loss_the_clean_trace_is_that_of_the_epoch_in_which_its_loss_was_equal(self):
        held = claim("iclr2019/fisher_deficit", "information.equal_loss").contrast
        total = 10
        wanted = [(key(LATE), "fisher_trace", True), (key(LATE), "fixed_loss", True)]
        wanted += [(key(CLEAN), f"{column}@{epoch}", True) for column in ("fisher_trace", "fixed_loss")
                   for epoch in range(1, total + 1)]  # fmt: skip
        assert [next(iter(terms(part))) for part in held.parts] == wanted
        traces, losses = np.linspace(3, 1, total), np.linspace(2, -2.5, total)
        values = [5.0, 0.25, *traces, *losses]  # between epochs 4 (0.5) and 5 (0.0): half way
        assert held.estimate(np.array(values)) == pytest.approx(5 - (traces[3] + traces[4]) / 2)

    def test_per_uncertainty_is_the_ratio_of_traces_over_that_of_uncertainties(self):
        held = claim("iclr2019/fisher_deficit", "information.sure").contrast
        assert [terms(part) for part in held.parts] == [ratio(LATE, CLEAN, "fisher_trace"),
                                                        ratio(LATE, CLEAN, "uncertainty")]  # fmt: skip
        assert held.estimate(np.array([3.0, 1.0])) == 2.0

    def test_the_clean_run_is_measured_after_every_epoch(self):
        held = design("iclr2019/fisher_deficit")
        (clean,) = [arm for arm in held.trained if of(arm) == key(CLEAN)]
        every = {probe.name: probe.every for probe in clean.run.probes}
        assert (every["fisher"], every["fisher_variants"]) == (1, 1)
