"""The arms of learning rates, and what their claims compare, against rates written by hand."""

import numpy as np
import pytest
import tiny
from test_claims_by_hand import DECAY, RATE, design

from critical.core.spec import SpecError
from critical.inference.arms import Within
from critical.inference.correlation import more_correlated
from experiments.design.early_rates import EarlyRates
from experiments.design.measuring import after_every_epoch
from experiments.design.rates import constant_rate
from experiments.design.registry import FIGURES

NAME = "icml2021/fisher_early"
SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)


def of(arm):
    """The rates of an arm, and in which epochs the penalty acts."""
    specs = arm.run.epoch_specs
    return tuple(f"{spec.rate:.6g}" for spec in specs), tuple(len(spec.stabilizers) for spec in specs)


def rates(share, recovery=None, penalised=0):
    """Two epochs at a share of the rate, then four from there on, or from a share of its own."""
    start = share if recovery is None else recovery
    held = [share * RATE] * 2 + [start * RATE * DECAY**epoch for epoch in range(4)]
    return tuple(f"{rate:.6g}" for rate in held), (penalised,) * 6


def parts_of(claim_id):
    claims = {claim.id: claim for claim in design(NAME).claims}
    parts = claims[claim_id].contrast.parts
    return [{(of(term.arm), term.column, term.logarithm): weight for term, weight in part.items()} for part in parts]


def one(arm, column="accuracy", logarithm=False, weight=1.0):
    return {(arm, column, logarithm): weight}


OWN = [rates(share) for share in SHARES]
TRACES = [one(arm, "fisher_trace_window", True) for arm in OWN]
MOMENTS = [one(arm, "fisher_trace@2", True) for arm in OWN]
ACCURACIES = [one(arm) for arm in OWN]


def correlated(suffix, traces):
    return {
        f"early.accuracy{suffix}": [*ACCURACIES, *traces],
        f"early.gap{suffix}": [*({**one(arm, "train_accuracy"), **one(arm, weight=-1.0)} for arm in OWN), *traces],
        f"early.same_recovery{suffix}": [*(one(rates(share, 1.0)) for share in SHARES), *traces],
        f"early.beyond_loss{suffix}": [*ACCURACIES, *traces, *(one(arm, "train_loss@2") for arm in OWN)],
        # Rates are known: `test_the_trace_is_set_against_the_rates_themselves`.
        f"early.beyond_rate{suffix}": [*ACCURACIES, *traces],
    }


CORRELATED = {**correlated("", TRACES), **correlated("_moment", MOMENTS)}
SMALL, WHOLE = rates(1 / 16, penalised=1), rates(1.0, penalised=1)
COMPARED = {
    "early.small_rate": {**TRACES[0], **one(OWN[-1], "fisher_trace_window", True, -1.0)},
    "early.small_rate_moment": {**MOMENTS[0], **one(OWN[-1], "fisher_trace@2", True, -1.0)},
    "early.penalty_acts": {**TRACES[0], **one(SMALL, "fisher_trace_window", True, -1.0)},
    "early.penalty_acts_whole": {**TRACES[-1], **one(WHOLE, "fisher_trace_window", True, -1.0)},
    "early.penalty_small": {**one(SMALL), **one(OWN[0], weight=-1.0)},
    "early.penalty_whole": {**one(WHOLE), **one(OWN[-1], weight=-1.0)},
}


@pytest.mark.parametrize("claim_id", CORRELATED)
def test_a_correlation_takes_the_arms_that_its_sentence_names_in_one_order(claim_id):
    assert parts_of(claim_id) == CORRELATED[claim_id]


@pytest.mark.parametrize("claim_id", COMPARED)
def test_a_claim_contrasts_the_arms_that_its_sentence_names(claim_id):
    (claim,) = [claim for claim in design(NAME).claims if claim.id == claim_id]
    assert {(of(term.arm), term.column, term.logarithm): w for term, w in claim.contrast.items()} == COMPARED[claim_id]


def test_every_claim_is_written_by_hand_and_no_arm_is_trained_twice():
    made = design(NAME)
    assert {claim.id for claim in made.claims} == {*CORRELATED, *COMPARED}
    assert len({of(arm) for arm in made.trained}) == len(made.trained) == 14
    assert all(isinstance(claim.contrast, Within) == (claim.id in CORRELATED) for claim in made.claims)


def test_the_early_loss_and_the_trace_at_one_moment_are_those_of_the_last_early_epoch():
    assert design(NAME).at == {"train_loss": (2,), "fisher_trace": (2,)}


def test_an_early_low_rate_before_a_standard_recovery_is_the_arm_of_age_or_rate():
    held = tiny.protocol(recovery=4, longest_window=6, points=3)
    arms = FIGURES[NAME].design(held, EarlyRates(early=2)).trained
    often = after_every_epoch(held)
    assert {constant_rate(often, 0, high, 2).dose_matched for high in (True, False)} <= set(arms)


@pytest.mark.parametrize("sign", [1, -1])
def test_what_tells_more_is_asked_whichever_way_it_goes(sign):
    parts = [design(NAME).claims[0].contrast] * 3
    first, second, third = [1.0, 2.0, 3.0], [5.0, 6.0, 7.0], [9.0, 7.0, 8.0]
    for statistic, held in (
        (more_correlated(parts, parts, parts), [*first, *(sign * np.array(second)), *third]),
        (more_correlated(parts, parts, third), [*first, *(sign * np.array(second))]),
    ):
        assert statistic.estimate(np.array(held)) == pytest.approx(1.0 - 0.5)
    assert more_correlated(parts, parts, third).estimate(np.array([*first, *third])) == pytest.approx(0.0)


def test_the_trace_is_set_against_the_rates_themselves():
    (claim,) = [claim for claim in design(NAME).claims if claim.id == "early.beyond_rate"]
    accuracies = np.array([10.0, 30.0, 20.0, 50.0, 40.0])
    # With rates ρ is 0.8.
    assert claim.contrast.estimate(np.concatenate([accuracies, -accuracies])) == pytest.approx(1.0 - 0.8)


def test_what_must_act_does_so_at_the_rate_of_the_claim_that_rests_on_it():
    required = {claim.id: claim.requires for claim in design(NAME).claims}
    assert required["early.penalty_small"] == ("early.penalty_acts",)
    assert required["early.penalty_whole"] == ("early.penalty_acts_whole",)


@pytest.mark.parametrize("factors", [(0.5, 1.0), (0.25, 0.5, 2.0), (0.5, 0.25, 1.0), (0.0, 0.5, 1.0)])
def test_shares_that_cannot_be_are_refused_in_a_line(factors):
    with pytest.raises(SpecError, match=r"^factors=.*: at least three ascending shares of the rate, the last 1$"):
        EarlyRates(early=2, factors=factors)
