import json
import math

import numpy as np
import pytest
from planted import BOTH, SEEDS, arm, table

from critical.core.spec import SpecError
from critical.inference.arms import Pooled
from critical.inference.claims import Claim
from critical.inference.statistics import mean_interval
from critical.inference.verdicts import CONFIRMED_ALPHA, PROVISIONAL_ALPHA, decide, judged, to_records, verdicts

CLEAN, DEFICIT, OTHER = arm(0, "clean"), arm(1, "blurred"), arm(2, "other")
SPREAD = np.array([-0.3, 0.1, 0.3, -0.4, 0.3, -0.1, 0.2, -0.1])


def claim(direction="greater", contrast=CLEAN - DEFICIT, **changes):
    return Claim(**{"id": "cost", "source": "a paper", "contrast": contrast, "direction": direction,
                    "sentence": "A blur costs.", **changes})  # fmt: skip


def planted(effects, seeds=SEEDS, **rest):
    clean = 90 + np.resize(SPREAD[::-1], len(seeds))
    return table({CLEAN: clean, DEFICIT: clean - np.asarray(effects)}, seeds, **rest)


@pytest.mark.parametrize(
    ("effects", "greater", "less", "none", "not_greater"),
    [
        (5 + SPREAD, "reproduced", "reversed", "reversed", "reversed"),
        (-5 + SPREAD, "reversed", "reproduced", "reversed", "reproduced"),
        (SPREAD, "negligible", "negligible", "reproduced", "reproduced"),
        (0.9 + SPREAD, "negligible", "negligible", "reproduced", "reproduced"),  # p = 1/128, but of no interest
        (40 * SPREAD, "undecided", "undecided", "undecided", "undecided"),
        (-30 + 40 * SPREAD, "reversed", "reproduced", "reversed", "reproduced"),
        (-8 + 40 * SPREAD, "undecided", "undecided", "undecided", "reproduced"),  # whatever lies below
        (1.8 + 2 * SPREAD, "undecided", "undecided", "undecided", "undecided"),  # holds the smallest effect
        (2.2 + 3 * SPREAD, "reproduced", "reversed", "reversed", "reversed"),  # the mean decides, not the bound
        (4 + 40 * SPREAD, "undecided", "undecided", "undecided", "undecided"),  # large, but p is as well
        (np.full(8, 3.0), "reproduced", "reversed", "reversed", "reversed"),  # no variance
        (np.zeros(8), "negligible", "negligible", "reproduced", "reproduced"),
    ],
)
def test_the_words_of_one_batch(effects, greater, less, none, not_greater):
    words = {"greater": greater, "less": less, "none": none, "not greater": not_greater}
    for direction, word in words.items():
        verdict = decide(planted(effects), claim(direction), SEEDS)
        assert verdict.verdict == word, (direction, verdict)
        assert not verdict.confirmed


def test_a_verdict_has_its_numbers():
    verdict = decide(planted(5 + SPREAD), claim(), SEEDS)
    interval = mean_interval(5 + SPREAD, 0.95)
    assert (verdict.effect, verdict.low, verdict.high) == pytest.approx((interval.mean, interval.low, interval.high))
    assert (verdict.p, verdict.n, verdict.smallest, verdict.unit) == (2 / 256, 8, 2.0, "points")
    assert verdict.spread == pytest.approx(SPREAD.std(ddof=1))
    assert verdict.batches == ("reproduced",)
    assert (verdict.short, verdict.paper_effect) == ("cost", None)


def test_a_record_has_the_short_name_and_the_papers_own_effect():
    record = to_records([decide(planted(5 + SPREAD), claim(short="a blur costs", paper_effect=7.0), SEEDS)])[0]
    assert (record["short"], record["paper_effect"], record["smallest"]) == ("a blur costs", 7.0, 3.5)


def test_the_spread_of_the_control_plays_no_part():
    noisy = 20 * np.resize([1, -1], 8)
    held = table({CLEAN: 80 + noisy, DEFICIT: 80 + noisy - 5 - SPREAD})
    assert decide(held, claim(), SEEDS).verdict == "reproduced"


def test_two_batches_confirm_or_contradict():
    both = np.concatenate
    agreed = decide(planted(both([5 + SPREAD, 4 + SPREAD]), BOTH), claim(), BOTH)
    assert (agreed.verdict, agreed.confirmed, agreed.batches) == ("reproduced", True, ("reproduced", "reproduced"))
    nothing = decide(planted(both([SPREAD, SPREAD]), BOTH), claim(), BOTH)
    assert (nothing.verdict, nothing.confirmed) == ("negligible", True)
    # One batch is undecided by itself; together they give it.
    weak = decide(planted(both([5 + SPREAD, 3 + 16 * SPREAD]), BOTH), claim(), BOTH)
    assert (weak.verdict, weak.confirmed, weak.batches) == ("reproduced", True, ("reproduced", "undecided"))
    # One batch says that there is nothing.
    against = decide(planted(both([7 + SPREAD, SPREAD]), BOTH), claim(), BOTH)
    assert (against.verdict, against.confirmed) == ("undecided", False)
    assert against.batches == ("reproduced", "negligible")
    assert "disagree" in against.reason
    # Together they say nothing: the reader learns that each by itself said the opposite of the other.
    opposed = decide(planted(both([2.2 + 0.5 * SPREAD, -2.2 + 0.5 * SPREAD]), BOTH), claim(), BOTH)
    assert (opposed.verdict, opposed.batches) == ("undecided", ("reproduced", "reversed"))
    assert opposed.reason == "The batches disagree: reproduced and reversed."


def test_a_statistic_that_no_data_determine_says_why():
    nothing = Pooled((CLEAN - DEFICIT,), lambda held: math.nan, "exponent", undefined="There is no gap to close.")
    verdict = decide(planted(SPREAD), claim(contrast=nothing), SEEDS)
    assert (verdict.verdict, verdict.n, verdict.reason) == ("undecided", 0, "There is no gap to close.")


def test_what_only_the_weaker_level_gives_stays_provisional():
    effects = np.concatenate([2.4 + 13 * SPREAD, 2.4 - 13 * SPREAD])
    verdict = decide(planted(effects, BOTH), claim(), BOTH)
    assert judged(effects, 2.0, "greater", CONFIRMED_ALPHA) == "undecided"
    assert judged(effects, 2.0, "greater", PROVISIONAL_ALPHA) == "reproduced"
    assert (verdict.verdict, verdict.confirmed) == ("reproduced", False)


def test_seeds_that_were_not_planned_are_left_out():
    held = planted(np.concatenate([5 + SPREAD, -50 + SPREAD]), BOTH)
    assert decide(held, claim(), SEEDS).effect == pytest.approx(5)


def test_a_missing_run_leaves_the_figure_unfinished_and_a_failed_one_the_claim_undecided():
    held = planted(5 + SPREAD)
    verdict = decide(held.drop(index=9), claim(), SEEDS)
    assert (verdict.verdict, verdict.n) == ("unfinished", 7)
    assert "(blurred) lacks seed 21" in verdict.reason
    failed = decide(planted(5 + SPREAD, failures=[(DEFICIT, 22)]), claim(), SEEDS)
    assert failed.verdict == "undecided"
    assert "seed 22: non-finite loss" in failed.reason
    assert math.isnan(decide(held[:0], claim(), SEEDS).effect)


def test_too_few_seeds_for_an_effect_say_so():
    verdict = decide(planted(5 + SPREAD[:4], SEEDS[:4]), claim(), SEEDS[:4])
    assert verdict.verdict == "undecided"
    assert "an effect needs 6" in verdict.reason
    # Two seeds at chance level are equal: that shows no absence of an effect either.
    for direction in ("greater", "less", "none", "not greater"):
        assert decide(planted(np.zeros(2), SEEDS[:2]), claim(direction), SEEDS[:2]).verdict == "undecided"


def test_calibration_seeds_never_serve_a_claim():
    with pytest.raises(SpecError, match="seeds 1000 chose settings"):
        decide(planted(5 + SPREAD), claim(), (*SEEDS, 1000))


class TestPremises:
    """What a claim rests on: `mends` says something where `cost` is reproduced."""

    MENDS = claim(contrast=OTHER - DEFICIT, id="mends", requires=("cost",))

    def found(self, cost, seeds=SEEDS, mended=5.0, failures=()):
        """Verdicts where the deficit costs this much, and is mended by more."""
        deficit = np.full(len(seeds), 80.0)
        held = table({CLEAN: deficit + cost, DEFICIT: deficit, OTHER: deficit + mended}, seeds, failures=failures)
        return verdicts(held, [claim(), self.MENDS], seeds)

    @pytest.mark.parametrize(
        ("cost", "premise", "word"),
        [
            (5 + SPREAD, "reproduced", "reproduced"),
            (SPREAD, "negligible", "premise failed"),
            (-5 + SPREAD, "reversed", "premise failed"),
            (40 * SPREAD, "undecided", "undecided"),
        ],
    )
    def test_decide_whether_a_claim_says_something(self, cost, premise, word):
        first, found = self.found(cost)
        assert (first.verdict, found.verdict) == (premise, word)
        assert (f"“cost” is {premise}" in found.reason) == (word != "reproduced")
        assert (first.lacking, found.lacking) == ((), () if word == "reproduced" else ("cost",))

    def test_that_a_failed_run_leaves_open_leave_the_claim_open(self):
        first, found = self.found(5 + SPREAD, failures=[(CLEAN, 22)])
        assert (first.verdict, found.verdict) == ("undecided", "undecided")
        assert found.reason == "It says nothing where “cost” is undecided."

    def test_that_are_provisional_leave_the_claim_provisional(self):
        """The cost is there in all seeds at α = 0.05 and not at 0.005; that it is mended is beyond doubt."""
        weak = np.concatenate([2.4 + 13 * SPREAD, 2.4 - 13 * SPREAD])
        for cost, sure in ((np.full(16, 5.0), True), (weak, False)):
            first, found = self.found(cost, BOTH)
            assert (first.verdict, first.confirmed) == ("reproduced", sure)
            assert (found.verdict, found.confirmed) == ("reproduced", sure)
        assert decide(table({DEFICIT: 80.0, OTHER: 85.0}, BOTH), self.MENDS, BOTH).confirmed

    def test_that_failed_leave_nothing_confirmed(self):
        _, found = self.found(np.full(16, -5.0), BOTH)
        assert (found.verdict, found.confirmed) == ("premise failed", False)

    def test_of_a_premise_count_too(self):
        """`cost` fails, so `mends` does, and what rests on `mends`."""
        third = claim(contrast=OTHER - DEFICIT, id="beyond", requires=("mends",))
        held = table({CLEAN: 80 + SPREAD, DEFICIT: 80.0, OTHER: 85.0})
        assert [found.verdict for found in verdicts(held, [claim(), self.MENDS, third], SEEDS)] == [
            "negligible", "premise failed", "premise failed"
        ]  # fmt: skip

    def test_of_which_one_failed_and_one_is_open_have_failed(self):
        both = claim(contrast=OTHER - DEFICIT, id="both", requires=("cost", "open"))
        open_one = claim(contrast=CLEAN - OTHER, id="open")
        held = table({CLEAN: 80.0, DEFICIT: 80.0, OTHER: 80 + 40 * SPREAD})
        *premises, found = verdicts(held, [claim(), open_one, both], SEEDS)
        assert [premise.verdict for premise in premises] == ["negligible", "undecided"]
        assert found.verdict == "premise failed"
        assert "“cost” is negligible; “open” is undecided" in found.reason

    @pytest.mark.parametrize("claims", [[claim(requires=("elsewhere",))], [MENDS, claim()]], ids=["none", "later"])
    def test_stand_before_the_claim(self, claims):
        with pytest.raises(SpecError, match=r"requires '(elsewhere|cost)', which is no claim of the figure before it$"):
            verdicts(planted(SPREAD), claims, SEEDS)


def test_ids_are_unique_and_records_are_strict_json():
    with pytest.raises(SpecError, match="several claims have the id cost"):
        verdicts(planted(SPREAD), [claim(), claim()], SEEDS)
    (record,) = to_records(verdicts(planted(SPREAD)[:0], [claim()], SEEDS))
    assert record["effect"] is None
    json.dumps(record, allow_nan=False)


@pytest.mark.parametrize(
    ("effect", "spread", "word", "least", "most"),
    [
        # Nothing is there: said to be so where the noise allows, and hardly ever an effect.
        (0.0, 0.5, "negligible", 0.99, 1.0),
        (0.0, 1.5, "negligible", 0.80, 1.0),
        (0.0, 8.0, "reproduced", 0.0, 0.03),
        (0.0, 8.0, "reversed", 0.0, 0.03),
        # As large as the smallest of interest: by definition half of the means fall short.
        (2.0, 0.5, "reproduced", 0.40, 0.60),
        (2.0, 3.0, "negligible", 0.0, 0.03),
        # Twice and four times as large.
        (4.0, 2.0, "reproduced", 0.90, 1.0),
        (8.0, 4.0, "reproduced", 0.95, 1.0),
        (4.0, 2.0, "reversed", 0.0, 0.001),
    ],
)
def test_rates_of_each_word_in_a_simulation(effect, spread, word, least, most):
    random = np.random.default_rng(2026)
    draws = random.normal(effect, spread, (400, 8))
    share = np.mean([judged(draw, 2.0, "greater", PROVISIONAL_ALPHA) == word for draw in draws])
    assert least <= share <= most


@pytest.mark.parametrize("deviations", [0, 1, 2, 4])
def test_confirmation_is_rarely_wrong_at_any_size_of_effect(deviations):
    """With a spread of 2 points: effects of 0, 2, 4, 8 points."""
    random = np.random.default_rng(deviations)
    words = [
        (found.verdict, found.confirmed)
        for found in (
            decide(planted(random.normal(2.0 * deviations, 2.0, 16), BOTH), claim(), BOTH) for _ in range(150)
        )
    ]
    confirmed = [word for word, sure in words if sure]
    wrong = "reproduced" if deviations == 0 else "reversed"
    assert confirmed.count(wrong) <= 1
    if deviations >= 2:
        assert confirmed.count("reproduced") >= 0.8 * len(words)
        assert "negligible" not in confirmed
