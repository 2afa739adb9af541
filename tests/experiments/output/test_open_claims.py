"""What stays open, and what it would take."""

import math

import fabricated_report as made
import pytest

from critical.inference.claims import OURS
from critical.inference.verdicts import NEITHER
from experiments.output.open_claims import open_claims


def verdict(word, number, effect=1.0, half=4.0, **changes):
    """A verdict of eight seeds with a smallest effect of two points, its interval `half` to either side."""
    spread = half * math.sqrt(8) / 2.3646  # Student's t of seven degrees of freedom
    held = {"effect": effect, "low": effect - half, "high": effect + half, "n": 8, "spread": spread, "smallest": 2.0,
            "unit": "points", "ratio": False, "reason": NEITHER, "lacking": []}  # fmt: skip
    return made.verdict(word, number, **{**held, **changes})


def opened(*verdicts, leading=()):
    return open_claims(made.record("controls/window", verdicts=list(verdicts), leading=list(leading)))


def test_nothing_where_all_is_decided():
    assert opened(verdict("reproduced", 0), verdict("negligible", 1), verdict("reversed", 2)) == []


def test_without_an_effect_seeds_make_the_interval_as_narrow_as_the_smallest_one():
    (one,) = opened(verdict("undecided", 0, effect=0.0))
    assert one.why == "0 points [−4, +4] with 8 seeds; the smallest of interest is 2 points"
    # Half as wide takes four times as many, less what more degrees of freedom give.
    assert one.takes == "about 25 seeds"


def test_a_small_effect_takes_as_many_as_part_it_from_the_smallest_one():
    (one,) = opened(verdict("undecided", 0, effect=-1.0, half=2.0))
    assert one.takes == "about 25 seeds"


def test_an_effect_of_interest_takes_as_many_as_part_it_from_nothing():
    (one,) = opened(verdict("undecided", 0, effect=-3.0, half=6.0))
    assert one.takes == "about 25 seeds"
    (one,) = opened(verdict("undecided", 0, effect=5.0, half=5.0))  # but for p, it is shown
    assert one.takes == "about 9 seeds"


def test_where_no_cost_is_claimed_a_gain_is_none():
    settings = {"effect": -1.0, "half": 6.0, "direction": "not greater"}
    assert opened(verdict("undecided", 0, **settings))[0].takes == "about 25 seeds"


@pytest.mark.parametrize(("effect", "half"), [(1.9, 1.5), (0.0, 300.0)])
def test_more_seeds_than_anybody_trains_are_not_counted(effect, half):
    (one,) = opened(verdict("undecided", 0, effect=effect, half=half))
    assert one.takes.startswith("more than 1,000 seeds")


def test_of_a_ratio_factors_are_said():
    logs = {"ratio": True, "unit": "×", "smallest": math.log(1.2)}
    (one,) = opened(verdict("undecided", 0, effect=0.0, half=math.log(1.5), **logs))
    assert one.why == "×1.000 [0.667, 1.500] with 8 seeds; the smallest of interest is ×1.2"


def test_claims_of_one_reason_stand_together_and_premises_are_followed_to_the_first():
    lost = {"short": "it learns", "source": OURS}
    found = opened(
        verdict("reversed", 0, **lost),
        verdict("premise failed", 1, short="one", lacking=["claim-0"]),
        verdict("premise failed", 2, short="two", lacking=["claim-1"]),
    )
    assert [one.claims for one in found] == [("one", "two")]
    assert found[0].why == "rests on “it learns”, which is reversed"


def test_an_undecided_premise_says_what_it_takes_itself():
    found = opened(verdict("undecided", 0, short="first"), verdict("undecided", 1, short="then", lacking=["claim-0"]))
    assert [one.takes for one in found] == [opened(verdict("undecided", 0))[0].takes] * 2
    assert found[1].why.startswith("rests on “first”: +1 point [−3, +5]")


def test_another_reason_is_said_as_it_is():
    (one,) = opened(verdict("undecided", 0, reason="The batches disagree: reproduced and reversed."))
    assert (one.why, one.takes) == ("The batches disagree: reproduced and reversed", "")


def test_controls_that_do_not_lead_are_left_out():
    papers, ours = verdict("reproduced", 0), [verdict("undecided", number, source=OURS) for number in (1, 2)]
    assert opened(papers, *ours, leading=["claim-2"]) == opened(papers, ours[1])
