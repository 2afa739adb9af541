import pytest
import tiny
from fabricated_report import timeline

from critical.deficits import ViewDropout
from critical.plots.panel import role
from critical.plots.panels import Series
from critical.training.schedules import Cyclic, Stages
from experiments.design.figure import Design
from experiments.design.protocol import CONTINUE
from experiments.output import strips
from experiments.output.timelines import rates, stages, strip, timelines

PROTOCOL = tiny.protocol(recovery=5)


def shown(*arms):
    return Design(panels=[[Series(lines=[(role("deficit", "x"), dict(enumerate(arms)))])]])


def test_stages_give_the_rates_back():
    jumps = Stages(rate=0.1, decay=0.8, later=((4.0, 0.1, 1.0), (6.0, 0.05, 0.9)))
    for schedule in (jumps, Cyclic(rate=0.1, period=3)):
        course = [schedule.rate_at(epoch, None if epoch < 4 else epoch - 4) for epoch in range(10)]
        held = stages(course)
        assert rates({"stages": held, "end": 10}) == pytest.approx(course, rel=1e-4)
    assert stages([0.1, 0.08, 0.064, 0.1, 0.08]) == [[0, 0.1, 0.8], [3, 0.1, 0.8]]
    assert stages([0.1]) == [[0, 0.1, 1.0]]


def test_every_arm_says_what_acts_when_and_how_fast_it_learns():
    window = PROTOCOL.window(0, 4)
    deficit, matched, *_ = timelines(shown(*window.arms))
    assert deficit["windows"] == [[0, 4, "blur"]]
    assert (deficit["role"], deficit["end"], deficit["removal"]) == ("deficit", 9, 4)
    assert [stage[0] for stage in deficit["stages"]] == [0, 4], "the rate starts again"
    assert (matched["windows"], matched["removal"]) == ([], 4)
    assert deficit["label"] == str(window.deficit)


class TestStrip:
    def test_shows_the_longest_window_and_its_companions(self):
        arms = [*PROTOCOL.window(0, 2).arms, *PROTOCOL.window(0, 4).arms]
        chosen = strip(timelines(shown(*arms)))
        assert [(one["role"], one["end"]) for one in chosen] == [("deficit", 9), ("dose_matched", 9), ("fresh", 5)]

    def test_takes_the_fresh_arm_with_the_rates_of_the_recovery(self):
        arms = [*PROTOCOL.window(0, 2, CONTINUE).arms, *PROTOCOL.window(0, 4, CONTINUE).arms]
        fresh = {one["role"]: one for one in strip(timelines(shown(*arms)))}
        assert fresh["fresh"]["stages"][0][1] == pytest.approx(0.05 * 0.8**4)
        assert fresh["from_scratch"]["stages"][0][1] == pytest.approx(0.05)

    def test_prefers_the_arm_that_the_leading_claim_speaks_of(self):
        arms = [*PROTOCOL.window(0, 2).arms, *PROTOCOL.window(0, 4, CONTINUE).arms]
        held = timelines(shown(*arms))
        chosen = {words: strip(held, words)[0]["end"] for words in ("", "rate restarted: costs", "early (decaying)")}
        assert chosen == {"": 9, "rate restarted: costs": 7, "early (decaying)": 9}

    def test_prefers_an_arm_without_a_stabiliser_to_a_longer_window_with_one(self):
        plain = timeline("deficit", [[0, 2, "blur"]], 7, 2)
        mended = {**timeline("deficit", [[0, 4, "blur"]], 9, 4), "stabilizers": ["l2_init"]}
        for held in ([plain, mended], [mended, plain]):
            assert strip(held)[0] == plain
        assert strip([mended])[0] == mended, "where there is no other"

    def test_of_a_figure_without_deficits_is_its_first_arm(self):
        held = timelines(shown(PROTOCOL.window(0, 2).dose_matched, PROTOCOL.window(0, 3).dose_matched))
        assert strip(held) == held[:1]
        assert strip([]) == []


def test_arms_are_aligned_at_the_removal():
    arms, epochs = strips.strips([timeline("deficit", [[0, 10, "blur"]], 15), timeline("dose_matched", [], 15, 10),
                                  timeline("fresh", [], 5)])  # fmt: skip
    assert [(arm.title, arm.start, arm.width) for arm in arms] == [
        ("with the deficit", 0, 100), ("dose-matched", 0, 100), ("fresh", 66.67, 33.33)
    ]  # fmt: skip
    assert arms[0].windows == ((0, 66.67, "blur"),)
    assert epochs == [(0, "0"), (66.67, "10"), (100, "15")]
    assert "blur in epochs 1 to 10" in arms[0].said
    places = [tuple(map(float, point.split(","))) for point in arms[0].points.split()]
    assert places[0][0] == 0
    assert places[-1][0] == 100
    assert all(0 <= x <= 100 and 0 <= y <= 100 for x, y in places)
    assert min(y for _, y in places) == places[0][1] == places[20][1], "the rate starts again where it began"


def test_a_deficit_of_one_view_is_named():
    two = tiny.protocol(family="two_streams", recovery=2)
    (held,) = timelines(shown(two.window(0, 2, deficit=ViewDropout(view="b")).deficit))
    assert held["windows"] == [[0, 2, "view_dropout"]]
