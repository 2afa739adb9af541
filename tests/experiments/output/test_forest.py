import math

import pytest
from fabricated_report import record, verdict

from critical.inference.claims import OURS
from experiments.output import forest
from experiments.output.compared import Column

FIGURE = "a/one"


def groups(*columns):
    held = [Column("quick", where, {FIGURE: record(FIGURE, verdicts=list(verdicts))})
            for where, verdicts in zip(("reference",) if len(columns) == 1 else ("tables", "reference"), columns,
                                       strict=True)]  # fmt: skip
    return forest.groups(FIGURE, held, ["here", "reference"][-len(held) :])


POINTS = verdict("reproduced", 1, direction="greater", effect=6.0, low=4.0, high=8.0, smallest=2.0)
RATIO = verdict("reversed", 2, direction="less", unit="×", ratio=True, effect=math.log(1.5), low=math.log(1.2),
                high=math.log(2), smallest=math.log(1.2), source=OURS)  # fmt: skip


def test_a_scale_holds_everything_and_a_place_is_a_share_of_it():
    scale = forest.scale_of([verdict("reproduced", effect=6.0, low=-4.0, high=8.0, smallest=2.0, paper_effect=16.0)])
    assert (scale.low, scale.high) == (pytest.approx(-4.8), pytest.approx(16.8))
    assert scale.at(-4.8) == 0
    assert scale.at(6.0) == 50
    assert scale.at(99.0) == 100, "never beyond the page"


CONTROL = POINTS | {"source": OURS, "claim_id": "claim-3", "effect": -60.0, "low": -70.0, "high": -50.0}


def names(group):
    return [line.verdict["claim_id"] for line in group.lines]


def test_units_never_share_a_scale_and_controls_are_folded_but_for_those_that_lead():
    points, ratio, folded = groups([POINTS, RATIO, CONTROL])
    assert [names(group) for group in (points, ratio, folded)] == [["claim-1"], ["claim-2"], ["claim-3"]]
    assert [group.folded for group in (points, ratio, folded)] == [False, False, True], "the first of ours leads"
    assert (points.unit, ratio.unit) == ("percentage points", "factor, on a logarithmic scale")


def test_of_claims_that_are_all_ours_those_that_lead_are_shown():
    shown, folded = groups([CONTROL, CONTROL | {"claim_id": "claim-4"}])
    assert (names(shown), shown.folded, names(folded), folded.folded) == (["claim-3"], False, ["claim-4"], True)


def test_what_is_folded_does_not_squeeze_what_is_shown():
    alone, _ = groups([POINTS, RATIO])
    beside, *_ = groups([POINTS, RATIO, CONTROL])
    assert beside == alone


def test_places_are_in_order_on_the_line():
    (group,) = groups([POINTS])
    (line,) = group.lines
    (bar,) = line.bars
    assert line.reach[0] < group.zero < line.reach[1] < bar.low < bar.effect < bar.high <= 100
    assert group.zero == pytest.approx((line.reach[0] + line.reach[1]) / 2, abs=0.01)
    assert bar.said == "reproduced, provisional, +6 points [+4, +8], p 0.031, n = 6"
    assert (bar.title, line.agreement, line.paper) == ("", "", None)


@pytest.mark.parametrize(
    ("direction", "begins", "ends"),
    [("greater", "reach", 100), ("less", 0, "minus"), ("none", "minus", "reach"), ("not greater", 0, "reach")],
)
def test_the_side_is_where_the_claim_would_be_borne_out(direction, begins, ends):
    (group,) = groups([POINTS | {"direction": direction}])
    (line,) = group.lines
    places = {"minus": line.reach[0], "reach": line.reach[1]}
    assert line.side == (places.get(begins, begins), places.get(ends, ends))


def test_here_and_the_reference_stand_on_one_scale_and_are_compared():
    (group,) = groups([POINTS], [POINTS | {"effect": 60.0, "low": 50.0, "high": 70.0, "verdict": "undecided"}])
    (line,) = group.lines
    assert [bar.title for bar in line.bars] == ["here", "reference"]
    assert line.bars[0].high < line.bars[1].low
    assert (line.agreement, line.agreement_said) == ("differs", "another verdict; the intervals lie apart")


def test_the_papers_own_number_is_a_place():
    (group,) = groups([POINTS | {"paper_effect": 12.0}])
    (line,) = group.lines
    assert line.bars[0].high < line.paper <= 100
    assert line.paper_said == "the paper: +12 points"


def test_what_has_no_number_has_no_place():
    unknown = dict.fromkeys(("effect", "low", "high", "p"))
    (group,) = groups([POINTS | {**unknown, "n": 0, "verdict": "unfinished"}])
    (bar,) = group.lines[0].bars
    assert (bar.effect, bar.low, bar.high) == (None, None, None)
    assert bar.said == "unfinished, no estimate, p –, n = 0"


def test_ticks_are_few_round_and_within_the_scale():
    linear = forest.ticks(forest.Scale(-21.0, 73.0), ratio=False)
    assert [words for _, words in linear] == ["0", "50"] or len(linear) <= 6
    assert all(0 <= place <= 100 for place, _ in linear)
    ratios = forest.ticks(forest.Scale(math.log(0.4), math.log(2.5)), ratio=True)
    assert "×1" in [words for _, words in ratios]
    assert all(float(words[1:]) == pytest.approx(math.exp(forest.Scale(math.log(0.4), math.log(2.5)).low
               + place / 100 * math.log(2.5 / 0.4)), rel=1e-3) for place, words in ratios)  # fmt: skip
