import math

import pytest

from critical.core.spec import SpecError, from_settings
from critical.training.schedules import KINDS, Constant, Continue, Cyclic, HotRestart, Restart, Stages, Steady, decay_to


def rates(schedule, removal, end):
    since = [None if epoch < removal else epoch - removal for epoch in range(end)]
    return [schedule.rate_at(epoch, past) for epoch, past in enumerate(since)]


def close(*values):
    return pytest.approx(values, rel=1e-9)


class TestValues:
    def test_continue(self):
        assert rates(Continue(rate=0.8, decay=0.5), 2, 5) == close(0.8, 0.4, 0.2, 0.1, 0.05)

    def test_restart(self):
        assert rates(Restart(rate=0.8, decay=0.5), 2, 5) == close(0.8, 0.4, 0.8, 0.4, 0.2)

    def test_restart_with_a_decay_of_its_own(self):
        assert rates(Restart(rate=0.8, decay=0.5, recovery_decay=0.1), 2, 5) == close(0.8, 0.4, 0.8, 0.08, 0.008)

    def test_stages_start_anew_whatever_the_windows_are(self):
        schedule = Stages(rate=0.8, decay=0.5, later=((2, 0.4, 1.0), (4, 0.8, 0.5)))
        for removal in (1, 4, 6):
            assert rates(schedule, removal, 6) == close(0.8, 0.4, 0.4, 0.4, 0.8, 0.4)

    @pytest.mark.parametrize(
        "later",
        [
            ((0, 0.4, 1.0),),
            ((2, 0.4, 1.0), (2, 0.4, 1.0)),
            ((2, 0.4),),
            ((2, 0.0, 1.0),),
            ((2, 0.4, 1.5),),
            ((1.5, 0.4, 1.0),),
        ],
    )
    def test_stages_that_cannot_be_are_refused(self, later):
        with pytest.raises(SpecError, match=r"schedule\.later"):
            Stages(later=later)

    def test_hot_restart(self):
        assert rates(HotRestart(rate=0.8, decay=0.5, heat=3.0), 2, 5) == close(0.8, 0.4, 2.4, 1.2, 0.6)

    def test_cyclic(self):
        schedule = Cyclic(rate=1.0, decay=0.5, period=4, floor=0.2)
        quarter, three = 0.2 + 0.4 * (1 + math.sqrt(0.5)), 0.2 + 0.4 * (1 - math.sqrt(0.5))
        assert rates(schedule, 1, 7) == close(1.0, 1.0, quarter, 0.6, three, 1.0, quarter)

    def test_steady_is_constant_in_the_window_whatever_its_age(self):
        early = Steady(rate=0.8, decay=0.5, factor=0.25, low=0.25)
        assert rates(early, 2, 4) == close(0.2, 0.2, 0.8, 0.4)
        late = Steady(rate=0.8, decay=0.5, onset=4, factor=1.0, low=0.25)
        assert rates(late, 6, 8) == close(0.8, 0.4, 0.2, 0.2, 0.8, 0.8, 0.8, 0.4)

    @pytest.mark.parametrize("given", [{"factor": 0}, {"factor": math.inf}, {"low": 0}, {"low": 1.5}], ids=str)
    def test_steady_that_cannot_be_is_refused(self, given):
        with pytest.raises(SpecError, match=next(iter(given))):
            Steady(**given)

    @pytest.mark.parametrize("schedule", [
        Continue(rate=0.8, decay=0.5), Restart(rate=0.8, decay=0.5, recovery_decay=0.1), HotRestart(), Cyclic(),
        Constant(), Stages(rate=0.8, decay=0.5, later=((2, 0.4, 1.0), (5, 0.8, 0.5))), Steady(onset=1),
    ], ids=lambda held: held.name)  # fmt: skip
    @pytest.mark.parametrize("removal", [2, 4])
    def test_after_the_removal_a_run_without_a_window_has_the_rates_of_the_recovery(self, schedule, removal):
        assert rates(schedule.after(removal), 0, 5) == close(*rates(schedule, removal, removal + 5)[removal:])

    def test_constant(self):
        assert rates(Constant(rate=0.3), 2, 5) == [0.3] * 5

    @pytest.mark.parametrize("kind", [Continue, Restart, HotRestart, Cyclic])
    def test_before_the_removal_all_but_constant_are_one(self, kind):
        assert rates(kind(rate=0.1, decay=0.7), 5, 5) == close(*(0.1 * 0.7**epoch for epoch in range(5)))

    def test_continue_takes_no_notice_of_the_removal(self):
        assert rates(Continue(), 2, 9) == rates(Continue(), 7, 9)

    def test_restart_gives_every_arm_the_same_recovery(self):
        assert rates(Restart(), 2, 6)[2:] == rates(Restart(), 5, 9)[5:]

    def test_rates_have_ten_digits(self):
        assert Continue(rate=1 / 3, decay=1.0).rate_at(0, None) == 0.3333333333


class TestReset:
    @pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
    def test_only_at_the_removal_and_only_when_asked(self, kind):
        asked, silent = kind(reset_optimizer=True), kind()
        assert [asked.resets_at(since) for since in (None, 0, 1)] == [False, True, False]
        assert not any(silent.resets_at(since) for since in (None, 0, 1))


class TestDecayTo:
    @pytest.mark.parametrize(("fraction", "epochs"), [(0.01, 40), (0.1, 7), (0.5, 1)])
    def test_reaches_the_fraction(self, fraction, epochs):
        assert decay_to(fraction, epochs) ** epochs == pytest.approx(fraction, rel=1e-7)

    def test_by_hand(self):
        assert decay_to(0.25, 2) == 0.5
        assert decay_to(1.0, 9) == 1.0

    @pytest.mark.parametrize(
        ("fraction", "epochs"), [(0.0, 3), (-0.1, 3), (1.5, 3), (math.nan, 3), (0.5, 0), (0.5, -1)]
    )
    def test_refuses_in_one_line(self, fraction, epochs):
        with pytest.raises(SpecError, match="decay_to") as raised:
            decay_to(fraction, epochs)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        *[(kind, {"rate": rate}, "schedule.rate=") for kind in KINDS for rate in (0.0, -0.1, math.nan, math.inf)],
        *[(kind, {"decay": decay}, "decay=") for kind in KINDS for decay in (0.0, -0.5, 1.01, math.nan, math.inf)],
        *[
            (kind, {"recovery_decay": decay}, "schedule.recovery_decay=")
            for kind in ("restart", "hot_restart")
            for decay in (0.0, -0.5, 1.01, math.nan)
        ],
        *[("hot_restart", {"heat": heat}, "schedule.heat=") for heat in (0.0, -1.0, math.nan, math.inf)],
        *[("cyclic", {"period": period}, "schedule.period=") for period in (0, -3)],
        *[("cyclic", {"floor": floor}, "schedule.floor=") for floor in (-0.1, 1.1, math.nan)],
        ("constant", {"decay": 0.9}, "would have no effect"),
    ],
)
def test_refuses_in_one_line(kind, values, words):
    with pytest.raises(SpecError, match=words) as raised:
        from_settings(KINDS, {"name": kind, **values}, "schedule")
    assert "\n" not in str(raised.value)
