from dataclasses import replace

import pytest
import tiny
from fabricated_report import timeline

from critical.deficits import ViewDropout
from critical.inference.claims import OURS, Claim
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

    def test_shows_the_arms_of_the_claim_that_leads(self):
        short, long = PROTOCOL.window(0, 2), PROTOCOL.window(0, 4, CONTINUE)
        later = Claim("x.later", OURS, short.dose_matched - short.deficit, "greater", "Costs.", short="costs")
        chosen = strip(timelines(replace(shown(*long.arms), claims=[later])))
        assert [(one["role"], one["end"]) for one in chosen if "leads" in one] == [("deficit", 7), ("dose_matched", 7)]
        assert [one["role"] for one in chosen if "leads" not in one] == ["from_scratch"]
        assert not any("leads" in one for one in timelines(shown(*long.arms)))

    def test_shows_what_a_claim_compares_with_and_what_looks_alike_once(self):
        def seen(role, later=(), **fields):
            return {**timeline(role, [[0, 4, "blur"], *later], 16, 8), "removal": 8, "leads": True, **fields}

        treated, untreated = seen("deficit", [[4, 8, "view_dropout"]], label="t"), seen("deficit", label="u")
        clean = {**timeline("dose_matched", [], 16, 8), "stages": treated["stages"]}
        other = seen("deficit", label="of another network")
        assert strip([clean, untreated, other, treated]) == [treated, untreated, clean]

    def test_windows_of_a_claim_share_the_axis_where_the_epochs_are_as_many(self):
        early, late, longer = (timeline("deficit", [[onset, onset + 2, "blur"]], end) | {"leads": True}
                               for onset, end in ((0, 9), (4, 9), (4, 11)))  # fmt: skip
        assert strip([late, longer, early]) == [early, late]

    def test_the_length_of_a_window_is_that_of_the_deficit_and_not_of_its_sham(self):
        brief = timeline("deficit", [[0, 2, "dissociation"], [2, 9, "split_heads"]], 12)
        long = timeline("deficit", [[0, 4, "dissociation"], [4, 9, "split_heads"]], 12)
        assert strip([brief, long, timeline("dose_matched", [[0, 9, "split_heads"]], 12)])[0] == long

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
    drawn = strips.strips([timeline("deficit", [[0, 10, "blur"]], 15), timeline("dose_matched", [], 15, 10),
                           timeline("fresh", [], 5)])  # fmt: skip
    arms = drawn.arms
    assert [(arm.title, arm.start, arm.width) for arm in arms] == [
        ("with the deficit", 0, 100), ("dose-matched", 0, 100), ("fresh", 66.67, 33.33)
    ]  # fmt: skip
    assert arms[0].windows == (strips.Acting(0, 66.67, "blur", 0),)
    assert drawn.epochs == ((0, "0"), (66.67, "10"), (100, "15"))
    assert (drawn.said, drawn.named) == ("Shaded: the deficit acts. Line: the learning rate. All arms end together.",
                                         False)  # fmt: skip
    assert "blur in epochs 1 to 10" in arms[0].said
    places = [tuple(map(float, point.split(","))) for point in arms[0].points.split()]
    assert places[0][0] == 0
    assert places[-1][0] == 100
    assert all(0 <= x <= 100 and 0 <= y <= 100 for x, y in places)
    assert min(y for _, y in places) == places[0][1] == places[20][1], "the rate starts again where it began"


def test_a_sham_is_outlined_and_called_one():
    drawn = strips.strips([timeline("deficit", [[0, 10, "dissociation"]], 15),
                           timeline("dose_matched", [[0, 10, "split_heads"]], 15)])  # fmt: skip
    assert [(one.name, one.shade) for arm in drawn.arms for one in arm.windows] == [("dissociation", 0),
                                                                                   ("split heads", None)]  # fmt: skip
    assert "split heads (a sham) in epochs 1 to 10" in drawn.arms[1].said
    assert drawn.said.startswith("Shaded: the deficit acts. Outlined: split heads, a sham: ")


def test_deficits_after_each_other_have_shades_and_their_ends_stand_on_the_axis():
    label = {"label": "blur then dropout [0, 16), then 8 epochs", "leads": True}
    treated = timeline("deficit", [[0, 8, "blur"], [8, 16, "view_dropout"]], 24) | {"removal": 16} | label
    other = timeline("deficit", [[0, 8, "blur"]], 24) | {"removal": 16, **label, "label": "blur [0, 16), then 8 epochs"}
    drawn = strips.strips([treated, other])
    assert [one.shade for one in drawn.arms[0].windows] == [0, 1]
    assert [words for _, words in drawn.epochs] == ["0", "8", "16", "24"]
    assert drawn.said.startswith("Shaded: blur acts; darker: view dropout acts.")
    assert [arm.title for arm in drawn.arms] == ["with the deficit: blur then dropout", "with the deficit: blur"]
    assert drawn.named


def test_numbers_on_the_axis_do_not_lie_on_each_other():
    drawn = strips.strips([timeline("deficit", [[5, 12, "blur"]], 100)])
    assert [words for _, words in drawn.epochs] == ["0", "12", "100"]


def test_a_deficit_of_one_view_is_named():
    two = tiny.protocol(family="two_streams", recovery=2)
    (held,) = timelines(shown(two.window(0, 2, deficit=ViewDropout(view="b")).deficit))
    assert held["windows"] == [[0, 2, "view_dropout"]]
