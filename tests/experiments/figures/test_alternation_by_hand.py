"""Therapies of a deprived view: arms and claims against epochs written by hand.

The deficit has six epochs, therapies have four or eight, and the recovery four.
"""

import pytest
import tiny
from test_claims_by_hand import decaying, design, key, of, seen

from critical.core.spec import SpecError
from experiments.design.therapies import Therapies

NAME = "multimodal/alternation"
ACTS = {"untreated": "", "patching": "view_dropout a", "alternation": "alternating_deprivation",
        "wrong patch": "view_dropout b"}  # fmt: skip


def course(before, therapy, length=8):
    during = [("view_dropout " + "ba"[epoch % 2], rate) for epoch, rate in enumerate(decaying(0, length))]
    acting = during if therapy == "other order" else seen(ACTS[therapy], decaying(0, length))
    return key(seen(before, decaying(0, 6)) + acting + seen("", decaying(0, 4)))


def poor(therapy, column, weight=1.0, length=8):
    return {(course("blur b", therapy, length), column): weight}


def healthy(therapy, column, weight=1.0):
    return {(course("", therapy), column): weight}


def of_therapy(name, short):
    return {
        f"{name}_sees": poor(short, "decoding_b") | poor("untreated", "decoding_b", -1.0),
        f"{name}_mends": poor(short, "probe_maps_b") | poor("untreated", "probe_maps_b", -1.0),
        f"{name}_mends_averaged": poor(short, "probe_averaged_b") | poor("untreated", "probe_averaged_b", -1.0),
        f"{name}_heals": poor(short, "decoding_b") | poor("untreated", "decoding_b", -1.0)
        | healthy(short, "decoding_b", -1.0) | healthy("untreated", "decoding_b"),
        f"{name}_heals_stream": poor(short, "probe_maps_b") | poor("untreated", "probe_maps_b", -1.0)
        | healthy(short, "probe_maps_b", -1.0) | healthy("untreated", "probe_maps_b"),
        f"{name}_back": healthy("untreated", "decoding_b") | poor(short, "decoding_b", -1.0),
        f"{name}_back_alike": healthy(short, "decoding_b") | poor(short, "decoding_b", -1.0),
        f"{name}_stream_back": healthy("untreated", "probe_maps_b") | poor(short, "probe_maps_b", -1.0),
        f"{name}_good_view": poor("untreated", "decoding_a") | poor(short, "decoding_a", -1.0),
        f"{name}_good_stream": poor("untreated", "probe_maps_a") | poor(short, "probe_maps_a", -1.0),
        f"{name}_accuracy": poor(short, "accuracy") | poor("untreated", "accuracy", -1.0),
    }  # fmt: skip


def at_equal_doses(column, sign=1.0):
    """Four epochs of patching, and eight of turns, four of which are as those."""
    return (poor("patching", column, sign, 4) | poor("untreated", column, -sign, 4)
            | poor("alternation", column, -sign) | poor("untreated", column, sign))  # fmt: skip


BY_HAND = {
    "poor": healthy("untreated", "decoding_b") | poor("untreated", "decoding_b", -1.0),
    "poor_impaired": healthy("untreated", "probe_maps_b") | poor("untreated", "probe_maps_b", -1.0),
    "poor_impaired_averaged":
        healthy("untreated", "probe_averaged_b") | poor("untreated", "probe_averaged_b", -1.0),
    **of_therapy("patching", "patching"),
    **of_therapy("alternation", "alternation"),
    "wrong": poor("wrong patch", "decoding_b") | poor("untreated", "decoding_b", -1.0),
    "patch_or_turns": poor("patching", "decoding_b") | poor("alternation", "decoding_b", -1.0),
    "patch_or_turns_dose": at_equal_doses("decoding_b"),
    "turns_spare": poor("alternation", "decoding_a") | poor("patching", "decoding_a", -1.0),
    "turns_spare_dose": at_equal_doses("decoding_a", -1.0),
    "order": poor("alternation", "decoding_b") | poor("other order", "decoding_b", -1.0),
}
DIRECTIONS = {
    "order": "none", "wrong": "not greater",
    **{f"{name}_{what}": "not greater" for name in ("patching", "alternation")
       for what in ("back", "back_alike", "stream_back")},
}  # fmt: skip


def test_claims_contrast_the_arms_that_their_sentences_name():
    claims = {claim.id.partition(".")[2]: claim for claim in design(NAME).claims}
    learns = claims.pop("learns")
    assert [of(term.arm) for term in learns.contrast.terms] == [course("", "untreated")]
    found = {name: {(of(term.arm), term.column): weight for term, weight in claim.contrast.items()}
             for name, claim in claims.items()}  # fmt: skip
    assert found == BY_HAND
    assert {name: claim.direction for name, claim in claims.items()} == {
        name: DIRECTIONS.get(name, "greater") for name in BY_HAND
    }


def test_every_claim_about_the_poor_view_has_the_premise_that_it_is_poor():
    claims = {claim.id: claim for claim in design(NAME).claims}

    def premises(name):
        return {held for one in claims[name].requires for held in (one, *premises(one))}

    for name, claim in claims.items():
        columns = {term.column for term in claim.contrast.terms}
        if columns == {"decoding_b"} and name != "alternation.poor":
            assert "alternation.poor" in premises(name), name
        if columns == {"probe_maps_b"} and name != "alternation.poor_impaired":
            assert "alternation.poor_impaired" in premises(name), name
        if columns == {"probe_averaged_b"} and name != "alternation.poor_impaired_averaged":
            assert "alternation.poor_impaired_averaged" in premises(name), name
    for kind in ("patching", "alternation"):
        for back in ("back", "back_alike"):
            assert f"alternation.{kind}_sees" in premises(f"alternation.{kind}_{back}"), "no therapy without a gain"
        assert f"alternation.{kind}_mends" in premises(f"alternation.{kind}_stream_back")


def test_therapies_of_a_length_differ_in_nothing_else():
    arms = design(NAME).trained
    assert len({arm.id for arm in arms}) == len(arms) == 15
    for length in (4, 8):
        wanted = {course(before, therapy, length) for before in ("", "blur b") for therapy in ACTS}
        wanted |= {course("blur b", "other order", length)} if length == 8 else set()
        found = {of(arm) for arm in arms if arm.run.timeline.end == 10 + length}
        assert found == wanted - {course("", "wrong patch", length)}


def test_in_turn_both_views_are_absent_equally_often():
    (arm,) = [arm for arm in design(NAME).trained if of(arm) == course("blur b", "alternation")]
    absent = [held.removes(epoch) for epoch in range(6, 14) for held in arm.run.timeline.active(epoch)]
    assert absent == [frozenset(view) for view in "abababab"]


@pytest.mark.parametrize(
    ("longest", "lengths"), [(8, (4, 8)), (15, (8, 16)), (2, (2, 4)), (1, (2, 4)), (20, (10, 20))]
)
def test_therapies_have_even_numbers_of_epochs(longest, lengths):
    held = Therapies.defaults(tiny.protocol(longest_window=longest))
    assert held == {"removal": longest, "lengths": lengths}
    Therapies(**held)


@pytest.mark.parametrize(
    ("given", "said"),
    [({"lengths": (3, 4)}, r"^lengths=\[3, 4\]: 3 is odd"), ({"lengths": (4, 2)}, "^lengths=.*ascending"),
     ({"lengths": (2, 6)}, r"^lengths=\[2, 6\]: half of the last, 3, is wanted too"),
     ({"lengths": ()}, "^lengths=.*ascending"), ({"removal": 0}, "^removal=0: at least 1")],
)  # fmt: skip
def test_therapies_that_cannot_be_are_refused(given, said):
    with pytest.raises(SpecError, match=said):
        Therapies(**{"removal": 4, "lengths": (2, 4), **given})
