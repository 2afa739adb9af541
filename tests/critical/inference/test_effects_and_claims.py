import math

import pytest
from planted import arm

from critical.core.spec import SpecError
from critical.inference.arms import Contrast
from critical.inference.claims import BATCHES, FIRST_CALIBRATION_SEED, Claim
from critical.inference.effects import SMALLEST, unit_of

A, B = arm(0), arm(1)


def claim(contrast, **changes):
    given = {"id": "a", "source": "paper", "direction": "greater", "sentence": "A sentence.", **changes}
    return Claim(contrast=contrast, **given)


@pytest.mark.parametrize(
    ("contrast", "smallest"),
    [
        (A - B, 2.0),
        (A["decoding_b"] - B["decoding_b"], 5.0),
        (A["probe_maps_b"] - B["probe_maps_b"], 5.0),
        (A["use_b"] - B["use_b"], 5.0),
        (A["rsv_mean"] - B["rsv_mean"], 0.1),
        (A["rsv_polarised"] - B["rsv_polarised"], 0.1),
        (A["information_b"] - B["information_b"], 0.2),
        (A.log("fisher_trace") - B.log("fisher_trace"), math.log(1.2)),
        (A.log("error") - B.log("error"), math.log(1.1)),
        (A["rsv_dip"] - B["rsv_dip"], 0.05),
        (A["rsv_two_sided"] - B["rsv_two_sided"], 0.1),
        (A["fisher_share_top"] - B["fisher_share_top"], 0.1),
        (A["filter_high_frequency_share"] - B["filter_high_frequency_share"], 0.1),
        (A.log("gradient_mean") - B.log("gradient_deviation"), math.log(1.2)),
        (A.log("half_time_1_1") - B.log("half_time_1_1"), math.log(1.1)),
    ],
)
def test_the_smallest_effect_belongs_to_what_is_measured(contrast, smallest):
    assert claim(contrast).smallest == pytest.approx(smallest)


def test_statistics_have_smallest_effects_that_no_column_gives_them():
    named = {unit: SMALLEST[unit].effect for unit in ("correlation", "relative", "exponent")}
    assert named == {"correlation": 0.3, "relative": 0.02, "exponent": 0.2}


def test_half_of_the_papers_own_effect_where_it_states_one():
    assert claim(A - B, paper_effect=7.0).smallest == 3.5
    assert claim(A - B, paper_effect=-3.0).smallest == 1.5


def test_ratios_are_logarithms_and_nothing_else_is():
    with pytest.raises(SpecError, match=r"fisher_trace: write arm.log\(column\)"):
        claim(A["fisher_trace"] - B["fisher_trace"])
    with pytest.raises(SpecError, match=r"accuracy: write arm\[column\]"):
        claim(A.log("accuracy") - B.log("accuracy"))


def test_a_contrast_has_one_unit():
    with pytest.raises(SpecError, match="one unit"):
        claim(A - B["rsv_mean"])
    with pytest.raises(SpecError, match="no smallest effect"):
        claim(A["seconds"] - B["seconds"])
    assert unit_of((A - B).terms) == "accuracy"


def test_a_claim_has_a_short_name_of_its_own_or_the_last_part_of_its_id():
    assert claim(A - B, short="blur costs accuracy").short == "blur costs accuracy"
    assert claim(A - B, id="window.late_costs").short == "late costs"
    assert claim(A - B, short="x" * 34).short == "x" * 34


def test_claims_that_cannot_be_are_refused():
    with pytest.raises(SpecError, match="everything cancels"):
        claim((A - B) - (A - B))
    with pytest.raises(SpecError, match="no direction 'more'"):
        claim(A - B, direction="more")
    with pytest.raises(SpecError, match=r"name 'a name that is too long for a phone' has 35 characters.* at most 34"):
        claim(A - B, short="a name that is too long for a phone")
    with pytest.raises(SpecError, match="paper_effect"):
        claim(A - B, paper_effect=0.0)
    assert claim(Contrast({}) + A - B).arms == (A, B)


def test_batches_are_fresh_and_apart_from_calibration():
    seeds = [seed for batch in BATCHES for seed in batch]
    assert len(set(seeds)) == 16
    assert min(seeds) > 15
    assert max(seeds) < FIRST_CALIBRATION_SEED
    assert all(held.effect > 0 for held in SMALLEST.values())
