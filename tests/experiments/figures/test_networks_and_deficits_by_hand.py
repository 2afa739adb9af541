"""The claims of figures over deficits and networks against coefficients written by hand.

As in `test_claims_by_hand`, but here arms differ in the settings of a deficit or of a network, too.
"""

import pytest
from test_claims_by_hand import costs, design, fresh, key, of_arms, plus, window

from critical.core.spec import settings


def of(arm):
    """What acts in each epoch of an arm: deficits, `anew` where they are drawn anew, and the rate."""

    def called(deficit):
        return deficit.name + " anew" * bool(getattr(deficit, "resample", False))

    return key(("+".join(map(called, spec.deficits)), spec.rate) for spec in arm.run.epoch_specs)


def found(name, claim_id):
    """The contrast of a claim: (what acts in an arm, column) → coefficient."""
    (claim,) = [claim for claim in design(name).claims if claim.id == claim_id]
    return {(of(term.arm), term.column): weight for term, weight in claim.contrast.items()}


def minus(part):
    return {term: -weight for term, weight in part.items()}


def cost(deficit, how="restart"):
    return costs(deficit, 0, 6, how)


def below_fresh(deficit):
    return of_arms(fresh("restart"), window(deficit, 0, 6, "restart"))


def less(one, other):
    return of_arms(window(other, 0, 6, "restart"), window(one, 0, 6, "restart"))


DEFICITS = {
    "deficits.flip": cost("vertical_flip", "continue"),
    "deficits.permutation": cost("label_permutation", "continue"),
    "deficits.noise": cost("noise", "continue"),
    "deficits.blur_more_than_noise": plus(cost("blur", "continue"), minus(cost("noise", "continue"))),
    "deficits.room": of_arms(window("", 0, 6, "restart"), fresh("restart")),
    "deficits.flip_restart": cost("vertical_flip"),
    "deficits.permutation_restart": cost("label_permutation"),
    "deficits.inversion_restart": cost("inversion"),
    "deficits.flip_teaches": below_fresh("vertical_flip"),
    "deficits.permutation_teaches": below_fresh("label_permutation"),
    "deficits.noise_damage": below_fresh("noise"),
    "deficits.blur_more_than_noise_restart": plus(cost("blur"), minus(cost("noise"))),
    "deficits.blur_more_than_occlusion": plus(cost("blur"), minus(cost("occlusion"))),
    "deficits.noise_commitment": less("noise", "noise anew"),
    "deficits.permutation_consistent": less("label_permutation anew", "label_permutation"),
}


@pytest.mark.parametrize("claim_id", [claim.id for claim in design("iclr2019/high_level_deficits").claims])
def test_a_claim_about_deficits_contrasts_the_arms_that_its_sentence_names(claim_id):
    wanted = {term: weight for term, weight in DEFICITS[claim_id].items() if weight}
    assert found("iclr2019/high_level_deficits", claim_id) == wanted


def test_no_two_arms_of_the_deficits_are_alike():
    arms = design("iclr2019/high_level_deficits").trained
    assert len({of(arm) for arm in arms}) == len(arms)
    assert len({str(settings(arm.run.model)) for arm in arms}) == 1


def test_what_the_removal_figure_trains_is_not_trained_again():
    """Blur and its references are the same arms."""
    shared = {arm.id for arm in design("iclr2019/deficit_removal").trained}
    arms = design("iclr2019/high_level_deficits").trained
    common = [arm for arm in arms if arm.tags["deficit"] in ("blur", "none")]
    assert len(common) == 9  # fresh; clean and blur until 2, 4 and 6 restarted, and until 6 decaying
    assert {arm.id for arm in common} <= shared


def network(claim_id, name="iclr2019/depth"):
    """The contrast of a claim with the network of each arm: (depth, width, what acts) → coefficient."""
    (claim,) = [claim for claim in design(name).claims if claim.id == claim_id]
    return {(term.arm.run.model.depth, term.arm.run.model.width, of(term.arm)): weight
            for term, weight in claim.contrast.items()}  # fmt: skip


def of_networks(deep, shallow, part):
    return {(*size, epochs): sign * weight for size, sign in ((deep, 1), (shallow, -1))
            for (epochs, _), weight in part.items()}  # fmt: skip


# Widths 4 at depths 3 and 5; 58·6² weights and a little are about 130·4² and a little.
SAME, EQUAL = ((5, 4), (3, 4)), ((5, 4), (3, 6))


@pytest.mark.parametrize(
    ("claim_id", "sizes", "part"),
    [
        ("depth.deeper", SAME, cost("blur", "continue")),
        ("depth.deeper_equal", EQUAL, cost("blur", "continue")),
        ("depth.deeper_restart", SAME, cost("blur")),
        ("depth.deeper_equal_restart", EQUAL, cost("blur")),
        ("depth.damage", SAME, below_fresh("blur")),
        ("depth.damage_equal", EQUAL, below_fresh("blur")),
    ],
)
def test_a_claim_about_depth_compares_the_deepest_network_with_the_shallowest(claim_id, sizes, part):
    assert network(claim_id) == of_networks(*sizes, part)


def test_a_network_learns_by_its_clean_run():
    claims = {claim.id: claim for claim in design("iclr2019/depth").claims}
    for claim_id, size in {"shallow": (3, 4), "deep": (5, 4), "thin": (5, 4)}.items():
        (part,) = claims[f"depth.{claim_id}_learns"].contrast.parts
        ((term, weight),) = part.items()
        model = term.arm.run.model
        assert (model.depth, model.width, weight, term.column) == (*size, 1.0, "accuracy")
        assert of(term.arm) == key(window("", 0, 6, "continue"))
