"""Every word of a verdict, in each direction, as a reader meets it."""

import math
import re
from typing import get_args

import pytest

from critical.inference.claims import OURS
from critical.inference.verdicts import NEITHER, Word
from experiments.output.headline import NOTHING, finding, headline, leaders, picture_title, sentence

PAPER = "A paper 2019"


def verdict(word, direction="greater", claim_id="a.cost", source=PAPER, **changes):
    held = {
        "claim_id": claim_id, "source": source, "sentence": "A blur costs accuracy.", "short": "blur costs accuracy",
        "direction": direction, "effect": 4.2, "low": 3.1, "high": 5.3, "smallest": 2.0, "unit": "points",
        "ratio": False, "verdict": word, "confirmed": False, "reason": NEITHER,
    }  # fmt: skip
    return {**held, **changes}


SMALL = {"effect": -0.2, "low": -1.0, "high": 0.6}
MISSING = {"effect": None, "low": None, "high": None}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (verdict("reproduced"), "Reproduced: a blur costs accuracy (+4.2 points [+3.1, +5.3], provisional)."),
        (verdict("reproduced", confirmed=True),
         "Reproduced: a blur costs accuracy (+4.2 points [+3.1, +5.3], confirmed)."),
        (verdict("reproduced", "less", effect=-4.2, low=-5.3, high=-3.1),
         "Reproduced: a blur costs accuracy (−4.2 points [−5.3, −3.1], provisional)."),
        (verdict("reproduced", "none", sentence="It does not matter.", **SMALL),
         "Reproduced: it does not matter (−0.2 points [−1.0, +0.6], provisional; less than the 2 points that would "
         "matter)."),
        (verdict("reproduced", "not greater", sentence="It costs nothing.", **SMALL),
         "Reproduced: it costs nothing (−0.2 points [−1.0, +0.6], provisional; less than the 2 points that would "
         "matter)."),
        (verdict("reversed", effect=-14.3, low=-25.0, high=-3.6),
         "Reversed: a blur costs accuracy — the opposite was found (−14.3 points [−25.0, −3.6], provisional)."),
        (verdict("reversed", "less"),
         "Reversed: a blur costs accuracy — the opposite was found (+4.2 points [+3.1, +5.3], provisional)."),
        (verdict("reversed", "none", sentence="It does not matter."),
         "Reversed: it does not matter — an effect was found (+4.2 points [+3.1, +5.3], provisional)."),
        (verdict("reversed", "not greater", sentence="It costs nothing."),
         "Reversed: it costs nothing — an effect was found (+4.2 points [+3.1, +5.3], provisional)."),
        (verdict("negligible", **SMALL),
         "Negligible: a blur costs accuracy (−0.2 points [−1.0, +0.6], provisional; less than the 2 points that would "
         "matter)."),
        (verdict("undecided", low=-1.0),
         "Undecided: a blur costs accuracy (+4.2 points [−1.0, +5.3]; neither an effect of 2 points nor its absence is "
         "shown)."),
        (verdict("undecided", reason="The batches disagree: reproduced and reversed."),
         "Undecided: a blur costs accuracy (+4.2 points [+3.1, +5.3]; the batches disagree: reproduced and reversed)."),
        (verdict("undecided", reason="A run failed.", **MISSING),
         "Undecided: a blur costs accuracy (no estimate; a run failed)."),
        (verdict("premise failed", reason="It says nothing where “clean learns” is reversed."),
         "Premise failed: a blur costs accuracy — it says nothing where “clean learns” is reversed (+4.2 points "
         "[+3.1, +5.3])."),
        (verdict("undecided", low=-1.0, smallest=1.0),
         "Undecided: a blur costs accuracy (+4.2 points [−1.0, +5.3]; neither an effect of 1 point nor its absence is "
         "shown)."),
        (verdict("unfinished", **MISSING), "Unfinished: a blur costs accuracy — some of its runs are missing."),
        (verdict("reproduced", unit="×", ratio=True, effect=math.log(2), low=math.log(1.5), high=math.log(3),
                 smallest=math.log(1.2)),
         "Reproduced: a blur costs accuracy (×2.0 [1.5, 3.0], provisional)."),
        (verdict("negligible", unit="×", ratio=True, effect=0.0, low=math.log(0.9), high=math.log(1.1),
                 smallest=math.log(1.2)),
         "Negligible: a blur costs accuracy (×1.0 [0.9, 1.1], provisional; less than the ×1.2 that would matter)."),
    ],
)  # fmt: skip
def test_what_is_said_of_a_claim(given, said):
    assert sentence(given) == said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (verdict("reproduced"), "reproduced, +4.2 points"),
        (verdict("unfinished", **MISSING), "unfinished"),
        (verdict("undecided", reason="A run failed.", **MISSING), "undecided"),
    ],
)
def test_in_brief_the_effect_alone_is_said_of_a_claim(given, said):
    assert finding(given) == said


def test_every_word_has_a_sentence_that_begins_with_it_and_has_no_ascii_minus_before_a_number():
    for word in get_args(Word):
        for direction in ("greater", "less", "none", "not greater"):
            said = sentence(verdict(word, direction, effect=-3.0, low=-4.0, high=-2.5))
            assert said.startswith(f"{word.capitalize()}: a blur")
            assert not re.search(r"-\d", said)


def test_numbers_go_into_the_brackets_that_a_claim_ends_with():
    said = sentence(verdict("reproduced", sentence="Blur costs (rate decaying)."))
    assert said == "Reproduced: blur costs (rate decaying; +4.2 points [+3.1, +5.3], provisional)."


@pytest.mark.parametrize("first", ["Fisher penalty", "L2", "RSV"])
def test_names_and_abbreviations_keep_their_capitals(first):
    assert sentence(verdict("unfinished", sentence=f"{first} helps.")).startswith(f"Unfinished: {first} helps")


def test_the_first_of_the_papers_and_the_first_of_ours_lead_unless_others_are_named():
    held = [verdict("reversed", claim_id="a.ours", source=OURS), verdict("reproduced", claim_id="a.one"),
            verdict("reproduced", claim_id="a.two"), verdict("negligible", claim_id="a.more", source=OURS)]  # fmt: skip
    assert [one["claim_id"] for one in leaders(held)] == ["a.one", "a.ours"]
    assert [one["claim_id"] for one in leaders(held[:1])] == ["a.ours"]
    assert [one["claim_id"] for one in leaders(held, ("a.two", "a.more"))] == ["a.two", "a.more"]
    assert headline(held) == f"{sentence(held[1])} {sentence(held[0])}"
    assert headline(held, ("a.two",)) == sentence(held[2])
    with pytest.raises(ValueError, match=r"^there is no verdict on 'a\.three'"):
        headline(held, ("a.three",))


def test_a_figure_without_claims_chooses_settings():
    assert headline([]) == NOTHING == "Chooses settings; claims nothing."
    assert picture_title([], title="The strength of each method") == "The strength of each method"


def test_a_title_has_a_line_a_claim_by_its_short_name():
    held = [verdict("reproduced"), verdict("reversed", claim_id="a.late", source=OURS, effect=-3.0, short="late: more")]
    assert picture_title(held) == "Blur costs accuracy — reproduced, +4.2 points\nLate: more — reversed, −3 points"
    assert picture_title([verdict("unfinished", **MISSING)]) == "Blur costs accuracy — unfinished"
    assert picture_title([verdict("undecided", **MISSING)]) == "Blur costs accuracy — undecided"


def test_many_leading_claims_are_counted_and_those_found_are_named():
    held = [verdict(word, claim_id=f"a.{rank}", short=f"way {rank}")
            for rank, word in enumerate(["undecided", "reversed", "reproduced", "undecided"])]  # fmt: skip
    names = [one["claim_id"] for one in held]
    counted = "Of the 4 leading claims: 1 reproduced, 1 reversed, 2 undecided"
    found = "way 2 (+4.2 points); way 1 (reversed, +4.2 points)"
    assert headline(held, names) == f"{counted}. Found: {found}."
    assert picture_title(held, names) == f"{counted}\nW{found[1:]}"
    unknown = [{**one, "verdict": "undecided"} for one in held]
    assert headline(unknown, names) == picture_title(unknown, names) + "." == "Of the 4 leading claims: all undecided."
    many = [{**one, "verdict": "reproduced"} for one in held]
    assert picture_title(many, names).splitlines()[1] == "Way 0 (+4.2 points); way 1 (+4.2 points); 2 more"
