import dataclasses
import math

import pytest
import tiny

from critical.core.spec import SpecError
from critical.deficits import Blur, Dissociation, Inversion, SplitHeads
from critical.models import MLP
from critical.stabilizers import L2Init, StabilizerWindow
from critical.training.schedules import Restart
from critical.training.timeline import Timeline
from critical.training.timeline import Window as Acting
from experiments.design import profile
from experiments.design.facts import DataFacts
from experiments.design.protocol import (
    AUTHORS,
    CONTINUE,
    RESTART,
    RESTART_AT_ONSET,
    SCHEDULE_WORDS,
    age,
    cost,
    damage,
    harm,
    missed,
    opportunity,
)
from experiments.design.schedules import CONSTANT, CYCLIC, HOT_RESTART

RATE, DECAY, RECOVERY = 0.05, 0.8, 4
PROTOCOL = tiny.protocol(seeds=(0, 1), recovery=RECOVERY)


def rates(arm):
    return [spec.rate for spec in arm.run.epoch_specs]


def decaying(first, count, decay=DECAY):
    """`count` rates of a decay that began `first` epochs before."""
    return [RATE * decay ** (first + epoch) for epoch in range(count)]


def acting(arm):
    """Names of the deficits by epoch."""
    return ["+".join(deficit.name for deficit in spec.deficits) for spec in arm.run.epoch_specs]


def resets(arm):
    return [epoch for epoch, spec in enumerate(arm.run.epoch_specs) if spec.reset_optimizer]


def hot(count):
    """From three times the rate to where a standard recovery ends."""
    return [3 * RATE * (DECAY**RECOVERY / 3) ** (epoch / count) for epoch in range(count)]


def cosine(period):
    return [RATE * (0.01 + 0.99 * (1 + math.cos(math.pi * epoch / period)) / 2) for epoch in range(period)]


EQUAL = DECAY ** (RECOVERY / 8)
"""The factor per epoch under which the rate falls in 8 epochs as far as in a standard recovery."""
# schedule, budget, rates of the arms with a window, of fresh, and of from_scratch; the window is [3, 5).
RATES = [
    (CONTINUE, None, decaying(0, 9), decaying(5, 4), decaying(0, 4)),
    (CONTINUE, 8, decaying(0, 13), decaying(5, 8), decaying(0, 8)),
    (AUTHORS, None, decaying(0, 9), decaying(5, 4), decaying(0, 4)),
    (RESTART, None, decaying(0, 5) + decaying(0, 4), decaying(0, 4), decaying(0, 4)),
    (RESTART, 8, decaying(0, 5) + decaying(0, 8, EQUAL), decaying(0, 8, EQUAL), decaying(0, 8, EQUAL)),
    (RESTART_AT_ONSET, None, decaying(0, 3) + decaying(0, 2) + decaying(0, 4), decaying(0, 4), decaying(0, 4)),
    (RESTART_AT_ONSET, 8, decaying(0, 3) + decaying(0, 2) + decaying(0, 8, EQUAL), decaying(0, 8, EQUAL),
     decaying(0, 8, EQUAL)),
    (HOT_RESTART, None, decaying(0, 5) + hot(4), hot(4), hot(4)),
    (HOT_RESTART, 8, decaying(0, 5) + hot(8), hot(8), hot(8)),
    (CYCLIC, None, decaying(0, 5) + 2 * cosine(2), 2 * cosine(2), 2 * cosine(2)),
    (CYCLIC, 8, decaying(0, 5) + 2 * cosine(4), 2 * cosine(4), 2 * cosine(4)),
    # Of five epochs the first cycle has three: no third one begins before the end.
    (CYCLIC, 5, decaying(0, 5) + (2 * cosine(3))[:5], (2 * cosine(3))[:5], (2 * cosine(3))[:5]),
    (CONSTANT, None, 9 * [RATE], 4 * [RATE], 4 * [RATE]),
]  # fmt: skip


@pytest.mark.parametrize(("schedule", "budget", "trained", "fresh", "scratch"), RATES)
def test_the_rates_of_the_four_arms_epoch_by_epoch(schedule, budget, trained, fresh, scratch):
    window = PROTOCOL.window(3, 2, schedule, budget)
    assert rates(window.deficit) == rates(window.dose_matched) == pytest.approx(trained)
    assert rates(window.fresh) == pytest.approx(fresh)
    assert rates(window.from_scratch) == pytest.approx(scratch)
    # Fresh has the very rates of the recovery that it is held against.
    assert rates(window.fresh) == pytest.approx(rates(window.deficit)[5:])
    assert (window.fresh == window.from_scratch) == (schedule not in (CONTINUE, AUTHORS))


@pytest.mark.parametrize("onset", [0, 3])
@pytest.mark.parametrize("schedule", list(SCHEDULE_WORDS))
def test_the_deficit_acts_in_its_window_and_nothing_acts_elsewhere(schedule, onset):
    window = PROTOCOL.window(onset, 2, schedule)
    assert acting(window.deficit) == onset * [""] + 2 * ["blur"] + RECOVERY * [""]
    assert acting(window.dose_matched) == (onset + 2 + RECOVERY) * [""]
    assert acting(window.fresh) == acting(window.from_scratch) == RECOVERY * [""]


def test_the_momentum_is_dropped_at_the_removal_by_the_authors_and_where_the_protocol_says_so():
    assert resets(PROTOCOL.window(1, 2, CONTINUE).deficit) == []
    assert resets(PROTOCOL.window(1, 2, AUTHORS).deficit) == resets(PROTOCOL.window(1, 2, AUTHORS).dose_matched) == [3]
    resetting = dataclasses.replace(PROTOCOL, reset_optimizer=True)
    for schedule in (CONTINUE, RESTART, RESTART_AT_ONSET):
        assert resets(resetting.window(1, 2, schedule).deficit) == [3]


def test_a_window_may_reset_the_optimiser_whatever_the_protocol_does():
    for schedule in (CONTINUE, RESTART, HOT_RESTART, CYCLIC, CONSTANT):
        kept, emptied = (PROTOCOL.window(1, 2, schedule, reset=reset) for reset in (False, True))
        assert resets(kept.deficit) == []
        assert resets(emptied.deficit) == resets(emptied.dose_matched) == [3]
        assert resets(emptied.skip) == [1]
        assert kept.deficit == PROTOCOL.window(1, 2, schedule).deficit
        assert kept.fresh == emptied.fresh
        assert str(emptied.deficit) == f"{kept.deficit} (optimiser reset)"
    assert PROTOCOL.window(1, 2, CONTINUE, reset=True).deficit == PROTOCOL.window(1, 2, AUTHORS).deficit


def test_deficits_may_follow_each_other_in_a_window():
    course = ((Blur(factor=4), 1), (Blur(factor=2), 2), (Inversion(), 1))
    window, plain = PROTOCOL.window(1, 4, deficit=course), PROTOCOL.window(1, 4)
    assert acting(window.deficit) == ["", "blur", "blur", "blur", "inversion", *(RECOVERY * [""])]
    factors = [getattr(deficit, "factor", 0) for spec in window.deficit.run.epoch_specs for deficit in spec.deficits]
    assert factors == [4, 2, 2, 0]
    assert (window.dose_matched, window.fresh, window.skip) == (plain.dose_matched, plain.fresh, plain.skip)
    assert window.dose_matched.run.run_id == plain.dose_matched.run.run_id
    assert window.deficit.tags["deficit"] == "blur+inversion"
    assert str(window.deficit).startswith("blur then inversion [1, 5), rate restarted")
    one = PROTOCOL.window(1, 4, deficit=((Blur(factor=2), 4),)).deficit
    assert one.run.run_id == PROTOCOL.window(1, 4, deficit=Blur(factor=2)).deficit.run.run_id
    with pytest.raises(SpecError, match=r"^window: deficits of 4 epochs in a window of 5; give them as many$"):
        PROTOCOL.window(1, 5, deficit=course)


def test_budgets_and_schedules_share_their_trunk():
    held = [PROTOCOL.window(0, 3, RESTART, budget).deficit.run for budget in (2, 4, 8)]
    held.append(PROTOCOL.window(0, 3, CONTINUE).deficit.run)
    others = (PROTOCOL.window(0, 3, schedule).deficit.run for schedule in (HOT_RESTART, CYCLIC))
    assert len({run.keys[:4] for run in (*held, *others)}) == 1
    # Under a restart the rate after the removal is the same in its first epoch only.
    assert len({run.keys[4] for run in held[:3]}) == 1
    assert len({run.keys[5] for run in held}) == 4


def test_a_window_is_the_run_that_a_plain_restart_describes():
    """So figures and `experiments.train schedule=restart` share their runs."""
    held = PROTOCOL.window(1, 2).deficit
    plain = PROTOCOL.parts.run(0, Restart(RATE, DECAY), Timeline(7, (Acting(1, 3, PROTOCOL.deficit),)))
    assert held.run.run_id == plain.run_id


def test_equal_rates_at_any_age():
    early, late = (PROTOCOL.window(onset, 2, RESTART_AT_ONSET) for onset in (0, 3))
    assert rates(late.deficit)[3:] == rates(early.deficit)
    assert early.deficit == PROTOCOL.window(0, 2, RESTART).deficit
    assert late.deficit.run.keys[:4] == PROTOCOL.window(0, 3).dose_matched.run.keys[:4], "the common trunk"


def test_a_staged_window_has_the_given_rates_and_a_standard_recovery():
    window = PROTOCOL.staged(((0, 0.05, 0.5), (2, 0.01, 1.0)), 3, 2, "low rate")
    expected = [0.05, 0.025, 0.01, 0.01, 0.01, *decaying(0, 4)]
    assert rates(window.deficit) == rates(window.dose_matched) == pytest.approx(expected)
    assert acting(window.deficit) == ["", "", "", "blur", "blur", "", "", "", ""]
    assert window.fresh == window.from_scratch == PROTOCOL.window(3, 2, RESTART).fresh
    assert str(window.deficit) == "blur [3, 5), low rate, then 4 epochs"


def test_a_staged_window_may_have_another_deficit_and_a_longer_recovery():
    longer = PROTOCOL.staged(((0, 0.05, 0.5),), 0, 2, "falling", 8, deficit=Inversion())
    assert rates(longer.deficit) == pytest.approx([0.05, 0.025, *decaying(0, 8, EQUAL)])
    assert acting(longer.deficit)[:3] == ["inversion", "inversion", ""]
    assert longer.fresh == PROTOCOL.window(0, 2, RESTART, 8).fresh


def test_a_dose_matched_arm_may_have_a_sham_that_acts():
    two = tiny.protocol(seeds=(0,), recovery=4, family="two_streams")
    window = two.window(0, 2, deficit=Dissociation(), sham=SplitHeads())
    assert acting(window.deficit)[:3] == ["dissociation", "dissociation", ""]
    assert acting(window.dose_matched)[:3] == ["split_heads", "split_heads", ""]
    assert (window.deficit.tags["deficit"], window.dose_matched.tags["deficit"]) == ("dissociation", "split_heads")
    assert window.fresh == two.window(0, 2).fresh


def test_stabilizers_act_in_windows_of_their_own_and_never_in_fresh_arms():
    window = PROTOCOL.window(0, 3, stabilizers=(StabilizerWindow(L2Init(), 0, 2),))
    for arm in (window.deficit, window.dose_matched):
        assert [bool(spec.stabilizers) for spec in arm.run.epoch_specs] == [True, True, *(5 * [False])]
    assert window.fresh == PROTOCOL.window(0, 3).fresh


def test_tags_say_which_arm_it_is():
    window = PROTOCOL.window(1, 2, CONTINUE, 3, deficit=Inversion(), stabilizer="none", strength=0.5)
    place = {"onset": 1, "length": 2, "removal": 3, "schedule": "continue", "budget": 3}
    extra = {"stabilizer": "none", "strength": 0.5}
    told = {
        "deficit": ("deficit", "inversion", place, "inversion [1, 3), rate decaying on, then 3 epochs (0.5)"),
        "dose_matched": ("dose_matched", "none", place, "clean [1, 3), rate decaying on, then 3 epochs (0.5)"),
        "fresh": ("fresh", "none", {**place, "onset": 0, "length": 0, "removal": 0},
                  "fresh at the rates from epoch 3, 3 epochs (0.5)"),
        "from_scratch": ("from_scratch", "none", {**place, "onset": 0, "length": 0, "removal": 0},
                         "from scratch, 3 epochs (0.5)"),
        "skip": ("skip", "none", {**place, "length": 0, "removal": 1},
                 "clean until 1, [1, 3) left out, rate decaying on, then 3 epochs (0.5)"),
    }  # fmt: skip
    for name, (role, deficit, where, label) in told.items():
        tags = getattr(window, name).tags
        assert tags == {"label": label, "role": role, "deficit": deficit, **where, **extra}


def test_labels_say_the_view():
    two = tiny.protocol(recovery=4, family="two_streams")
    assert str(two.window(0, 2).deficit) == "blur of view b [0, 2), rate restarted, then 4 epochs"
    assert str(two.window(0, 2, deficit=Dissociation(view="b")).deficit).startswith("dissociation of view b ")


def test_different_arms_have_different_labels():
    windows = [PROTOCOL.window(onset, length, schedule, budget)
               for onset, length in ((0, 1), (0, 2), (1, 1), (1, 2)) for schedule in SCHEDULE_WORDS
               for budget in (None, 8)]  # fmt: skip
    named = {}
    for arm in (arm for window in windows for arm in window.arms):
        assert named.setdefault(str(arm), arm) == arm, arm


def test_cost_is_lost_opportunity_and_harm():
    window, late = PROTOCOL.window(0, 2, CONTINUE), PROTOCOL.window(3, 2, CONTINUE)
    assert harm(window) == window.fresh - window.deficit
    assert cost(window, "use_b") == window.dose_matched["use_b"] - window.deficit["use_b"]
    assert cost(window) == opportunity(window) + harm(window)
    assert age(window, late) == cost(window) - cost(late)


@pytest.mark.parametrize(("schedule", "budget", "expected"), [row[:3] for row in RATES])
def test_the_skip_arm_leaves_the_window_out_and_keeps_the_rates_of_the_rest(schedule, budget, expected):
    skip = PROTOCOL.window(3, 2, schedule, budget).skip
    assert rates(skip) == pytest.approx(expected[:3] + expected[5:], rel=1e-9)
    assert set(acting(skip)) == {""}
    assert resets(skip) == ([3] if schedule == AUTHORS else [])


def test_the_skip_arm_shares_the_past_of_its_window_and_its_stabilizers_move_along():
    window = PROTOCOL.window(3, 2, stabilizers=(StabilizerWindow(L2Init(), 1, 6),))
    assert window.skip.run.keys[:4] == window.deficit.run.keys[:4]
    assert [bool(spec.stabilizers) for spec in window.skip.run.epoch_specs] == [False, *(3 * [True]), *(3 * [False])]
    inside = PROTOCOL.window(3, 2, stabilizers=(StabilizerWindow(L2Init(), 3, 5),)).skip
    assert inside == PROTOCOL.window(3, 2).skip


def test_beside_a_window_at_epoch_0_the_skip_arm_is_the_fresh_one():
    for schedule in SCHEDULE_WORDS:
        assert PROTOCOL.window(0, 2, schedule).skip == PROTOCOL.window(0, 2, schedule).fresh


def test_cost_is_missed_and_damage_at_every_onset():
    for onset in (0, 3):
        window = PROTOCOL.window(onset, 2, RESTART_AT_ONSET)
        assert damage(window) == window.skip - window.deficit
        assert cost(window) == missed(window) + damage(window)
    assert damage(PROTOCOL.window(0, 2)) == harm(PROTOCOL.window(0, 2))


def test_an_unknown_schedule_is_refused():
    with pytest.raises(SpecError, match="schedule=restrt: one of continue, restart, restart_at_onset, authors"):
        PROTOCOL.window(0, 2, "restrt")


class TestVariant:
    def test_it_changes_the_named_settings_alone_and_says_so(self):
        wide = PROTOCOL.variant("wider", model={"width": 4}, optimizer={"batch_size": 16})
        assert (wide.parts.model.width, wide.parts.optimizer.batch_size) == (4, 16)
        assert (wide.parts.model.depth, wide.parts.data) == (PROTOCOL.parts.model.depth, PROTOCOL.parts.data)
        assert PROTOCOL.parts.model.width == 2, "the protocol itself stays"
        arm, plain = wide.window(0, 2).deficit, PROTOCOL.window(0, 2).deficit
        assert arm != plain
        assert (arm.tags["variant"], str(arm)) == ("wider", f"{plain} (wider)")
        assert "variant" not in plain.tags

    def test_a_variant_may_have_another_network_and_rates_of_its_own(self):
        other = PROTOCOL.variant("mlp", rate=0.01, decay=0.5, model=MLP(widths=(8,)))
        run = other.window(0, 2).deficit.run
        assert run.model == MLP(widths=(8,))
        assert [epoch.rate for epoch in run.epoch_specs[:4]] == [0.01, 0.005, 0.01, 0.005]
        assert (PROTOCOL.variant("same").rate, PROTOCOL.variant("same").decay) == (PROTOCOL.rate, PROTOCOL.decay)

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"model": {"widht": 4}}, "variant 'x': model has no setting 'widht'"),
            ({"modle": {"width": 4}}, "variant 'x': modle has no setting 'width'"),
            ({"model": {"width": 0}}, "width=0"),
        ],
    )
    def test_what_cannot_be_is_refused_in_one_line(self, settings, said):
        with pytest.raises(SpecError, match=said) as raised:
            PROTOCOL.variant("x", **settings)
        assert "\n" not in str(raised.value)


def test_a_protocol_is_built_from_a_profile():
    config = tiny.composed("figures", "profile=smoke", "device=cpu", "protocol.seeds=[4,2]", "protocol.decay=0.7")
    made = profile.protocol(config)
    assert made.seeds == (4, 2)
    assert (made.rate, made.decay, made.recovery, made.reset_optimizer) == (0.05, 0.7, 2, False)
    assert (made.longest_window, made.points) == (2, 2)
    assert made.deficit.name == "blur"


@pytest.mark.parametrize(
    ("label", "side"),
    [("glyphs 16×16 (4,000 images, contrast 0.55)", 16), ("mine (2×18×14), 64 examples", 14), ("", 32)],
)
def test_the_side_of_images_is_what_their_label_says(label, side):
    assert dataclasses.replace(PROTOCOL, known=DataFacts(label, 10)).side == side


def test_the_side_of_images_is_the_resolution_that_is_asked_for_and_never_guessed():
    data = dataclasses.replace(PROTOCOL.parts.data, resolution=12)
    parts = dataclasses.replace(PROTOCOL.parts, data=data)
    assert dataclasses.replace(PROTOCOL, parts=parts, known=DataFacts("digits 8×8", 10)).side == 12
    with pytest.raises(SpecError, match=r"'letters' does not say the size of its images; set data\.resolution"):
        _ = dataclasses.replace(PROTOCOL, known=DataFacts("letters", 10)).side
