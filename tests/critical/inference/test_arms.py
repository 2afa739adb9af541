import numpy as np
import pytest
from helpers import BASE, BLUR, SHAM, run
from planted import SEEDS, arm, table

from critical.inference.arms import Among, Arm, Contrast, Pooled, Term, Within, mean, term_values
from critical.training.schedules import Continue, Restart, Stages

A, B, C = arm(0), arm(1), arm(2)


def test_arms_are_equal_where_the_same_acts_whatever_they_are_called():
    continued = Arm(run(schedule=Continue(rate=0.05, decay=0.9)), {"label": "continue"})
    staged = Arm(run(schedule=Stages(rate=0.05, decay=0.9)), {"label": "stages"})
    assert continued == staged
    assert hash(continued) == hash(staged)
    assert continued != Arm(run(schedule=Continue(rate=0.05, decay=0.8)), {"label": "continue"})
    assert Arm(run((0, 2, BLUR))) != Arm(run((0, 2, SHAM)))
    # A restarted rate and one that decays on are the same from scratch: nothing happened yet.
    assert Arm(run(schedule=Restart(rate=0.05, decay=0.9))) == continued


def test_an_arm_is_a_run_for_each_seed():
    assert {A.of_seed(seed).seed for seed in SEEDS} == set(SEEDS)
    assert len({A.of_seed(seed).run_id for seed in SEEDS}) == len(SEEDS)
    assert Arm(BASE).id == Arm(run(seed=7)).id


def test_what_cancels_is_gone():
    contrast = (A - B) - (A - C)
    assert dict(contrast) == {Term(B): -1.0, Term(C): 1.0}
    assert len((A - B) - (A - B)) == 0
    assert "cancels" in str(A - A)


def test_arithmetic_of_contrasts():
    mean = 0.5 * ((A - B) + (A - C))
    assert dict(mean) == {Term(A): 1.0, Term(B): -0.5, Term(C): -0.5}
    assert dict(A["use_b"] - B.log("error")) == {Term(A, "use_b"): 1.0, Term(B, "error", True): -1.0}
    assert sum([A - B, A - C], Contrast({})) == (A - B) + (A - C)


def test_values_are_paired_within_seeds():
    random = np.random.default_rng(0)
    one, two = random.normal(80, 3, (2, len(SEEDS)))
    found = (A - B).per_seed(table({A: one, B: two}))
    assert list(found.index) == list(SEEDS)
    assert found.to_numpy() == pytest.approx(one - two)
    lacking = table({A: one, B: two}).drop(index=3)
    assert set((A - B).per_seed(lacking).index) == set(SEEDS) - {SEEDS[3]}


def test_failed_runs_and_numbers_that_are_none_have_no_value():
    held = table({A: 80.0, B: 70.0}, failures=[(B, SEEDS[2])])
    found = (A - B).per_seed(held)
    assert np.isnan(found[SEEDS[2]])
    assert found.drop(SEEDS[2]).to_numpy() == pytest.approx(10.0)


def test_error_is_what_is_missing_to_100_and_logarithms_make_ratios():
    held = table({A: 90.0, B: 80.0})
    assert term_values(held, Term(A, "error")).to_numpy() == pytest.approx(10.0)
    assert (B.log("error") - A.log("error")).per_seed(held).to_numpy() == pytest.approx(np.log(2))
    assert term_values(table({A: 100.0}), Term(A, "error", True)).isna().all()


def test_several_rows_of_a_seed_and_unknown_columns_are_refused():
    held = table({A: 80.0})
    with pytest.raises(ValueError, match="several rows for seed 20"):
        term_values(table({A: 80.0}, seeds=(20, 20)), Term(A))
    with pytest.raises(ValueError, match="no column 'bits'"):
        term_values(held, Term(A, "bits"))


def test_pseudo_values_of_a_mean_are_the_values_and_of_others_give_the_jackknife():
    values = np.random.default_rng(1).gamma(2.0, 3.0, len(SEEDS))
    held = table({A: values})
    average = Pooled((A,), lambda data: float(data.mean()), "accuracy").per_seed(held)
    assert average.to_numpy() == pytest.approx(values)
    ratio = Pooled((Contrast({Term(A): 1.0}),), lambda data: float(np.log(data.mean())), "accuracy").per_seed(held)
    # By hand: the jackknife's standard error of log of a mean.
    without = np.array([np.log(np.delete(values, place).mean()) for place in range(len(values))])
    n = len(values)
    by_hand = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    assert ratio.std(ddof=1) / np.sqrt(n) == pytest.approx(by_hand)


def test_a_pooled_number_needs_every_run():
    pooled = Pooled((A - B,), lambda data: float(data.mean()), "accuracy")
    assert pooled.per_seed(table({A: 80.0, B: 70.0}, failures=[(B, 21)])).isna().all()
    assert pooled.terms == (Term(A), Term(B))


@pytest.mark.filterwarnings("error")
def test_a_pooled_number_that_hangs_on_one_seed_is_none():
    """Without the second seed all values are equal, and their spread has no logarithm."""
    values = np.full(len(SEEDS), 3.0)
    values[1] = 5.0

    def log_spread(data):
        return float(np.log(data.std())) if data.std() > 0 else np.nan

    assert np.isfinite(log_spread(values))
    found = Pooled((Contrast({Term(A): 1.0}),), log_spread, "accuracy").per_seed(table({A: values}))
    assert list(found.index) == list(SEEDS)
    assert found.isna().all()


def test_a_number_among_seeds_knows_its_own_seed_from_the_others():
    random = np.random.default_rng(3)
    one, two = random.normal(80, 3, (2, len(SEEDS)))
    among = Among((A - B, Contrast({Term(B): 1.0})), lambda held: float(held[0, 0] - held[1:, 1].max()), "accuracy")
    found = among.per_seed(table({A: one, B: two}).sample(frac=1, random_state=1))
    by_hand = [one[seed] - two[seed] - np.delete(two, seed).max() for seed in range(len(SEEDS))]
    assert list(found.index) == list(SEEDS)
    assert found.to_numpy() == pytest.approx(by_hand)
    assert among.per_seed(table({A: one, B: two}, failures=[(B, SEEDS[1])])).isna().all()
    assert among.per_seed(table({A: one, B: two}).query(f"seed == {SEEDS[0]}")).isna().all()


def largest_less_first(row):
    return float(np.nanmax(row) - row[0])


def test_a_number_within_seeds_is_that_of_a_loop_over_seeds():
    random = np.random.default_rng(3)
    values = {held: random.normal(80, 3, len(SEEDS)) for held in (A, B, C)}
    within = Within((A - B, A - C, Contrast({Term(C): 1.0})), largest_less_first, "accuracy")
    held = table(values).sample(frac=1, random_state=1)  # rows may come in any order
    found = within.per_seed(held)
    assert list(found.index) == list(SEEDS)
    for place, seed in enumerate(SEEDS):
        a, b, c = (values[arm][place] for arm in (A, B, C))
        assert found[seed] == pytest.approx(max(a - b, a - c, c) - (a - b))
    assert within.terms == (Term(A), Term(B), Term(C))


def test_parts_are_contrasts_whatever_they_are_given_as():
    within = Within((A - B, C["use_a"], C), largest_less_first, "accuracy")
    assert within.parts == (A - B, Contrast({Term(C, "use_a"): 1.0}), Contrast({Term(C): 1.0}))


def test_the_mean_of_contrasts_is_half_of_each_of_two():
    assert mean([A - B, A - C]) == Contrast({Term(A): 1.0, Term(B): -0.5, Term(C): -0.5})


def test_a_number_within_seeds_is_none_for_a_seed_of_which_a_run_failed_and_for_no_other():
    within = Within((A - B, Contrast({Term(C): 1.0})), largest_less_first, "accuracy")
    found = within.per_seed(table({A: 80.0, B: 70.0, C: 30.0}, failures=[(C, 21), (B, 23)]))
    assert found.index[found.isna()].tolist() == [21, 23]
    assert found.dropna().tolist() == [20.0] * (len(SEEDS) - 2)
    lacking = table({A: 80.0, B: 70.0, C: 30.0}).query(f"not (arm_id == '{B.id}' and seed == 22)")
    assert set(within.per_seed(lacking).index) == set(SEEDS) - {22}


def test_a_number_within_seeds_is_none_where_its_parts_determine_none():
    within = Within((A - B,), lambda row: float("nan") if row[0] > 9 else float(row[0]), "accuracy")
    found = within.per_seed(table({A: 80.0 + np.arange(len(SEEDS)), B: 75.0}))
    assert found.dropna().tolist() == [5.0, 6.0, 7.0, 8.0, 9.0]


def test_an_arm_that_is_computed_is_its_label_and_has_no_run():
    one, same, other = Arm(None, {"label": "one"}), Arm(None, {"label": "one", "role": "x"}), Arm(None, {"label": "2"})
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert str(one) == "one"
    assert dict(one - other) == {Term(one): 1.0, Term(other): -1.0}
    with pytest.raises(ValueError, match=r"^arm \(one\) is computed and has no run$"):
        one.of_seed(0)
