import json
import math
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from critical.inference.claims import FIRST_CALIBRATION_SEED, Arm, Claim
from critical.inference.exponents import recovery_exponents
from critical.inference.statistics import mean_interval
from critical.inference.verdicts import decide, to_records, verdicts

SPREAD = np.array([-0.2, 0.1, 0.3, -0.3, 0.2, -0.1])
FRESH, DEFICIT = Arm(arm="fresh"), Arm(arm="deficit", removal=18)
HARM = Claim(
    id="late_harms", source="a paper, figure 1", sentence="A late removal ends below the fresh network.",
    direction="greater", minuend=FRESH, subtrahend=DEFICIT, control=FRESH, floor=1.0,
)  # fmt: skip


def arm_rows(arm, removal, accuracies):
    return [
        {"arm": arm, "seed": seed, "removal": removal, "accuracy": accuracy, "failure": ""}
        for seed, accuracy in enumerate(accuracies)
    ]


def planted(effects):
    """A fresh arm (s.d. 0.23 points) and a deficit arm below it by `effects`, one per seed."""
    effects = np.asarray(effects, dtype=float)
    fresh = 90 + np.resize(SPREAD[::-1], effects.size)
    return pd.DataFrame(arm_rows("fresh", 0, fresh) + arm_rows("deficit", 18, fresh - effects))


def test_a_planted_harm_is_reproduced_with_its_numbers():
    verdict = decide(planted(5 + SPREAD), HARM)
    assert verdict.verdict == "reproduced"
    assert verdict.effect == pytest.approx(5)
    interval = mean_interval(5 + SPREAD, 0.95)
    assert (verdict.low, verdict.high) == pytest.approx((interval.low, interval.high))
    assert (verdict.p, verdict.n, verdict.margin) == (2 / 64, 6, 1.0)
    assert verdict.claim_id == "late_harms"
    assert "at least the margin" in verdict.reason


@pytest.mark.parametrize(
    ("effects", "greater", "less", "none"),
    [
        (5 + SPREAD, "reproduced", "reversed", "not reproduced"),
        (-5 + SPREAD, "reversed", "reproduced", "not reproduced"),
        (SPREAD, "not reproduced", "not reproduced", "reproduced"),
        (0.5 + SPREAD, "not reproduced", "not reproduced", "reproduced"),  # p = 1/32, but below the margin
        (40 * SPREAD, "undecided", "undecided", "undecided"),
        (0.9 + 2 * SPREAD, "undecided", "undecided", "undecided"),  # an effect; the interval holds the margin
        (1.2 + 3 * SPREAD, "reproduced", "reversed", "not reproduced"),  # the mean decides, not the bound
        (2 + 40 * SPREAD, "undecided", "undecided", "undecided"),  # beyond the margin, but p is large
        (np.full(6, 3.0), "reproduced", "reversed", "not reproduced"),  # zero variance
        (np.zeros(6), "not reproduced", "not reproduced", "reproduced"),
    ],
)
def test_every_kind_of_effect_in_every_direction(effects, greater, less, none):
    found = [
        decide(planted(effects), replace(HARM, direction=each)).verdict
        for each in ("greater", "less", "none")
    ]
    assert found == [greater, less, none]


def test_reasons_tell_the_kinds_of_undecided_and_of_not_reproduced_apart():
    def reason(effects, direction="greater"):
        return decide(planted(effects), replace(HARM, direction=direction)).reason

    assert "smaller than the margin" in reason(0.5 + SPREAD)
    assert "No effect beyond the margin" in reason(SPREAD)
    assert "reaches the margin is open" in reason(0.9 + 2 * SPREAD)
    assert "as large as the margin is excluded" in reason(-0.9 + 2 * SPREAD)
    assert "Neither an effect nor its absence" in reason(40 * SPREAD)
    assert "where none is claimed" in reason(5 + SPREAD, "none")


def test_the_spread_of_the_control_widens_the_margin():
    fresh = 90 + 10 * SPREAD
    table = pd.DataFrame(arm_rows("fresh", 0, fresh) + arm_rows("deficit", 18, fresh - 5 - SPREAD))
    verdict = decide(table, HARM)
    assert verdict.margin == pytest.approx(3 * np.std(fresh, ddof=1))
    assert verdict.verdict == "not reproduced"
    assert decide(table, replace(HARM, control=None)).verdict == "reproduced"
    assert decide(table, replace(HARM, control=DEFICIT, floor=9.0)).margin == pytest.approx(9.0)


def test_too_few_seeds_says_how_many_are_needed_and_still_gives_the_numbers():
    verdict = decide(planted([5.0, 5.1, 4.9, 5.2, 4.8]), HARM)
    assert verdict.verdict == "too few seeds"
    assert "6 seeds" in verdict.reason
    assert (verdict.effect, verdict.p, verdict.n) == (pytest.approx(5), 2 / 32, 5)
    assert verdict.low < 5 < verdict.high
    assert decide(planted([5.0, 5.1, 4.9, 5.2, 4.8]), replace(HARM, alpha=0.1)).verdict == "reproduced"
    one = decide(planted([5.0]), replace(HARM, control=None))
    assert (one.verdict, one.n) == ("too few seeds", 1)
    assert math.isnan(one.low)


def test_an_unfinished_figure_gets_no_verdict():
    whole = planted(5 + np.resize(SPREAD, 7))
    lacking = decide(whole[~((whole["arm"] == "deficit") & (whole["seed"] == 4))], HARM)
    assert lacking.verdict == "missing arm"
    assert "arm=deficit, removal=18) lacks seed 4" in lacking.reason
    assert lacking.n == 6
    assert lacking.effect == pytest.approx(5, abs=0.1)
    absent = decide(whole[whole["arm"] == "fresh"], HARM)
    assert absent.verdict == "missing arm"
    assert "(arm=deficit, removal=18) has no run" in absent.reason
    assert absent.n == 0
    assert math.isnan(absent.effect)
    assert decide(whole, HARM, seeds=range(7)).verdict == "reproduced"
    planned = decide(whole, HARM, seeds=range(8))
    assert planned.verdict == "missing arm"
    assert "lacks seed 7" in planned.reason
    assert decide(whole.iloc[:0], HARM).verdict == "missing arm"
    control = decide(whole, replace(HARM, control=Arm(arm="clean")))
    assert control.verdict == "missing arm"
    assert math.isnan(control.margin)


@pytest.mark.parametrize(
    ("accuracy", "failure", "said"),
    [
        (math.nan, "diverged in epoch 3", "diverged in epoch 3"),
        (71.0, "out of memory", "out of memory"),
        (math.nan, "", "accuracy is not finite"),
        (math.inf, None, "accuracy is not finite"),
    ],
)
def test_a_failed_run_is_named_and_not_dropped(accuracy, failure, said):
    table = planted(5 + np.resize(SPREAD, 7))
    table["failure"] = table["failure"].astype(object)
    row = (table["arm"] == "deficit") & (table["seed"] == 2)
    table.loc[row, "accuracy"] = accuracy
    table.loc[row, "failure"] = failure
    verdict = decide(table, HARM)
    assert verdict.verdict == "failed run"
    assert "(arm=deficit, removal=18) seed 2" in verdict.reason
    assert said in verdict.reason
    elsewhere = planted(5 + SPREAD)
    other = pd.DataFrame(arm_rows("deficit", 9, [math.nan] * 6)).assign(failure="diverged")
    assert decide(pd.concat([elsewhere, other]), HARM).verdict == "reproduced"


def test_a_table_read_from_csv_gets_the_same_verdict(tmp_path):
    table = planted(5 + SPREAD)
    table.to_csv(tmp_path / "table.csv", index=False)
    read = pd.read_csv(tmp_path / "table.csv")  # empty failures come back as NaN
    assert read["failure"].isna().all()
    assert decide(read, HARM).verdict == decide(table, HARM).verdict == "reproduced"


def test_calibration_seeds_and_duplicates_are_refused():
    table = planted(5 + SPREAD)
    calibration = table.assign(seed=table["seed"] + FIRST_CALIBRATION_SEED - 5)
    with pytest.raises(ValueError, match=r"calibration seeds \(1000\)"):
        decide(calibration, HARM)
    with pytest.raises(ValueError, match="calibration seeds"):
        decide(table, HARM, seeds=[0, 1000])
    with pytest.raises(ValueError, match="2 rows for seed 0"):
        decide(pd.concat([table, table.iloc[:1]]), HARM)
    with pytest.raises(ValueError, match="no column 'failure'"):
        decide(table.drop(columns="failure"), HARM)


def test_deciding_neither_changes_the_table_nor_depends_on_its_order():
    table = planted(5 + 3 * SPREAD)
    before = table.copy()
    shuffled = table.sample(frac=1, random_state=1)
    assert asdict(decide(table, HARM)) == pytest.approx(asdict(decide(shuffled, HARM)))
    pd.testing.assert_frame_equal(table, before)


def test_false_verdicts_on_null_data_stay_below_alpha():
    random = np.random.default_rng(6)
    claim = replace(HARM, floor=1e-6, control=None)
    found = [decide(planted(random.normal(0, 1, 6)), claim).verdict for _ in range(400)]
    rate = np.mean([each in ("reproduced", "reversed") for each in found])
    assert 0.01 < rate < HARM.alpha  # the level is 2/64 = 0.031, since 2^6 flips have no finer steps
    assert found.count("reproduced") > 0
    assert found.count("reversed") > 0


def test_a_margin_keeps_tiny_effects_from_counting_and_a_real_one_is_found():
    random = np.random.default_rng(0)
    tiny = [decide(planted(random.normal(0.3, 0.1, 6)), HARM).verdict for _ in range(20)]
    real = [decide(planted(random.normal(4, 1, 6)), HARM).verdict for _ in range(20)]
    assert set(tiny) == {"not reproduced"}
    assert real.count("reproduced") >= 18


def ladder(early, late, fresh_alpha_seeds=6):
    """Gaps 40/T^alpha to the fresh network, for a removal early and late, seeds jittered."""
    rows = []
    for seed in range(fresh_alpha_seeds):
        for budget in (10, 20, 40, 80):
            base = {"seed": seed, "budget": budget, "failure": ""}
            rows.append({**base, "arm": "fresh", "removal": 0, "accuracy": 95.0})
            for removal, alpha in ((5, early), (30, late)):
                gap = 40 / budget ** (alpha + 0.1 * SPREAD[seed])
                rows.append({**base, "arm": "deficit", "removal": removal, "accuracy": 95 - gap})
    return pd.DataFrame(rows)


def exponent(removal):
    return lambda rows: recovery_exponents(rows, FRESH, Arm(arm="deficit", removal=removal))


SLOWER = Claim(
    id="early_is_slower", source="a paper, figure 2", sentence="Early damage is repaired more slowly.",
    direction="less", statistic=lambda rows: exponent(5)(rows) - exponent(30)(rows), floor=0.1,
    uses=(FRESH, Arm(arm="deficit", removal=(5, 30))), unit="of the exponent", control=exponent(5),
)  # fmt: skip


def test_exponents_are_contrasted_within_seeds_and_can_be_reversed():
    assert decide(ladder(0.5, 1.1), SLOWER).verdict == "reproduced"
    reverse = decide(ladder(1.1, 0.5), SLOWER)
    assert reverse.verdict == "reversed"
    assert reverse.effect == pytest.approx(0.6, abs=0.01)
    assert reverse.margin == pytest.approx(0.1)
    assert decide(ladder(0.8, 0.8), SLOWER).verdict == "not reproduced"
    wide = decide(ladder(0.5, 1.1), replace(SLOWER, control=lambda rows: 10 * exponent(5)(rows)))
    assert wide.margin == pytest.approx(3 * np.std(SPREAD, ddof=1), abs=1e-3)


def test_a_statistic_sees_only_its_rows_and_every_one_once():
    table = pd.concat([ladder(0.5, 1.1), ladder(0.5, 1.1).assign(removal=99, accuracy=math.nan)])
    table = pd.concat([rows.reset_index(drop=True) for _, rows in table.groupby("removal")])
    assert table.index.has_duplicates  # labels that repeat must not swallow rows
    seen = []

    def counting(rows):
        seen.append(len(rows))
        return rows.groupby("seed")["accuracy"].mean()

    overlapping = (FRESH.but(removal=0), Arm(removal=(0, 5)))
    decide(table, replace(SLOWER, statistic=counting, uses=overlapping, control=None))
    assert seen == [6 * 4 * 2]  # fresh and removal at 5; fresh is in both arms of `uses`


def test_a_statistic_without_a_value_is_not_left_out():
    whole = ladder(0.5, 1.1)
    gone = whole.copy()
    gone.loc[(gone["seed"] == 3) & (gone["removal"] == 30), "accuracy"] = 95.5
    verdict = decide(gone, SLOWER)
    assert verdict.verdict == "undecided"
    assert "seed 3" in verdict.reason
    assert verdict.n == 5
    failed = whole.copy()
    failed.loc[5, "failure"] = "diverged"
    assert decide(failed, SLOWER).verdict == "failed run"
    only = replace(SLOWER, statistic=exponent(5))
    hole = whole.drop(whole[(whole["seed"] == 2) & (whole["removal"] == 5)].index[:1])
    missing = decide(hole, only)
    assert missing.verdict == "missing arm"
    assert "seed 2" in missing.reason
    assert decide(whole[whole["arm"] == "fresh"], SLOWER).verdict == "missing arm"
    with pytest.raises(ValueError, match="one value per seed"):
        decide(whole, replace(SLOWER, statistic=lambda rows: rows.set_index("seed")["accuracy"]))


def test_a_frame_of_verdicts_is_tidy_and_goes_into_strict_json():
    claims = [HARM, replace(HARM, id="absent", minuend=Arm(arm="clean"))]
    frame = verdicts(planted(5 + SPREAD), claims)
    assert frame["claim_id"].tolist() == ["late_harms", "absent"]
    assert frame["verdict"].tolist() == ["reproduced", "missing arm"]
    records = json.loads(json.dumps(to_records(frame), allow_nan=False))
    assert records[0]["effect"] == pytest.approx(5)
    assert records[1]["effect"] is None
    assert records[1]["n"] == 0
    assert list(verdicts(planted([1.0]), []).columns) == list(frame.columns)
    with pytest.raises(ValueError, match="id late_harms"):
        verdicts(planted(5 + SPREAD), [HARM, HARM])
