"""When each regulariser acts, and what its claims compare, against epochs written by hand.

Networks are trained for ten epochs: six of the longest window, and four more.
"""

import dataclasses

import pytest
import tiny
from test_claims_by_hand import DECAY, RATE, decaying, design

from critical.core.spec import SpecError
from experiments.design.registry import FIGURES
from experiments.design.timing import Timing

NAME = "neurips2019/regularisation_timing"
KINDS = ("weight_decay", "augmentation", "mixup")
FALLING, STEADY = decaying(0, 10), 6 * [RATE] + decaying(0, 4)


def of(arm):
    """The regulariser of an arm, the epochs in which it acts, and the rates."""
    specs = arm.run.epoch_specs
    kinds = {held.name for spec in specs for held in spec.stabilizers}
    acting = tuple(epoch for epoch, spec in enumerate(specs) if spec.stabilizers)
    return next(iter(kinds), ""), acting, tuple(f"{spec.rate:.6g}" for spec in specs)


def acting(kind, start, end, rates=FALLING):
    epochs = tuple(range(start, end))
    return kind if epochs else "", epochs, tuple(f"{rate:.6g}" for rate in rates)


def by_hand(kind):
    never = acting("", 0, 0)
    return {
        "helps": (acting(kind, 0, 10), never),
        "dose_helps": (acting(kind, 0, 3, STEADY), acting("", 0, 0, STEADY)),
        "window": (acting(kind, 0, 2), acting(kind, 6, 8)),
        "dose": (acting(kind, 0, 3, STEADY), acting(kind, 3, 6, STEADY)),
        "rates_helps": (acting(kind, 0, 2, STEADY), acting("", 0, 0, STEADY)),
        "rates": (acting(kind, 0, 2, STEADY), acting(kind, 4, 6, STEADY)),
    }


def shares(kind):
    """Of the benefit of all epochs: what is kept less what is lost, and what is missed less what late epochs give."""
    always, never = acting(kind, 0, 10), acting("", 0, 0)
    return {"removed": {acting(kind, 0, 6): 2.0, always: -1.0, never: -1.0},
            "late": {always: 1.0, never: 1.0, acting(kind, 6, 10): -2.0}}  # fmt: skip


PREMISES = {"helps": (), "dose": ("dose_helps",), "rates": ("rates_helps",)}
"""Of the others: that it helps throughout."""


def test_each_regulariser_acts_in_exactly_the_epochs_that_its_arm_names():
    arms = design(NAME).trained
    assert len({arm.id for arm in arms}) == len({str(arm) for arm in arms}) == len(arms)
    for arm in arms:
        kind, epochs, rates = of(arm)
        assert (kind or "not regularised") == arm.tags["variant"]
        named = arm.tags.get("acts", "[0, 0)")
        assert named == (f"[{epochs[0]}, {epochs[-1] + 1})" if epochs else "[0, 0)")
        assert list(epochs) == list(range(epochs[0], epochs[-1] + 1) if epochs else ())
        assert rates in [acting("", 0, 0, held)[2] for held in (FALLING, STEADY)]


def test_nothing_else_regularises():
    for arm in design(NAME).trained:
        assert arm.run.optimizer.weight_decay == 0
        assert (arm.run.augmentation.shift, arm.run.augmentation.flip) == (0, False)
        assert not any(spec.deficits for spec in arm.run.epoch_specs)


@pytest.mark.parametrize("kind", KINDS)
def test_a_claim_contrasts_the_epochs_that_its_sentence_names(kind):
    claims = {claim.id: claim for claim in design(NAME).claims}
    pairs = {what: {more: 1.0, less: -1.0} for what, (more, less) in by_hand(kind).items()}
    for what, wanted in {**pairs, **shares(kind)}.items():
        claim = claims[f"timing.{kind}_{what}"]
        held = {(of(term.arm), term.column): weight for term, weight in claim.contrast.items()}
        assert held == {(arm, "accuracy"): weight for arm, weight in wanted.items()}, claim.id
        assert claim.requires == tuple(f"timing.{kind}_{held}" for held in PREMISES.get(what, ("helps",)))
        assert claim.direction == "greater"
    assert len(claims) == len(KINDS) * (len(pairs) + 2)


def test_doses_are_equal_early_and_late():
    for claim in design(NAME).claims:
        if claim.id.endswith(("_dose", "_window", "_rates")):
            first, second = [of(term.arm) for term in claim.contrast.terms]
            assert len(first[1]) == len(second[1])
            summed = [sum(float(rates[epoch]) for epoch in epochs) for _, epochs, rates in (first, second)]
            assert claim.id.endswith("_window") or summed[0] == pytest.approx(summed[1])


def test_the_same_windows_lie_side_by_side_in_a_panel_of_gains():
    """Each is drawn against the unregularised network of its own rates."""
    for panel in design(NAME).shown:
        for _, line in panel.lines if panel.zero else ():
            for onset, value in line.items():
                (more, _), (less, _) = sorted(value.items(), key=lambda held: -held[1])
                assert (of(more.arm)[1], of(less.arm)[1]) == ((onset, onset + 1), ())
                assert of(more.arm)[2] == of(less.arm)[2]


class TestParameters:
    def test_the_first_phase_ends_where_the_rate_has_become_low(self):
        held = tiny.protocol(recovery=10, decay=DECAY, longest_window=15, points=3)
        assert Timing.defaults(held) == {"switches": (5, 10, 15), "phase": 10}
        slow = dataclasses.replace(held, decay=0.97)
        assert Timing.defaults(slow)["phase"] == 15

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"phase": 3}, r"^phase=3: one of switches=\[2, 4\]"),
            ({"switches": (4, 2)}, "^switches=.*ascending"),
            ({"switches": (2, 4, 10)}, "^switches=.* the last lies before epoch 10"),
            ({"switches": (4, 6), "phase": 4}, "^switches=.* two windows of the first fit before epoch 6"),
            ({"shift": 8}, "^shift=8: less than the 8 pixels of an image"),
        ],
    )
    def test_what_does_not_fit_is_refused_in_a_line(self, changes, said):
        held = tiny.protocol(recovery=4, longest_window=6, points=3)
        with pytest.raises(SpecError, match=said) as raised:
            FIGURES[NAME].design(held, Timing(**{"switches": (2, 4), "phase": 4, **changes}))
        assert "\n" not in str(raised.value)
