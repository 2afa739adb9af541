import pandas as pd
import pytest
from helpers import BASE, run

from critical.inference.arms import Arm
from critical.inference.correlation import mean_rank_correlation, rank_correlation
from critical.training.schedules import Continue


def test_it_is_spearmans_over_conditions_within_each_seed():
    arms = [Arm(run(schedule=Continue(rate=0.001 * (number + 1)), base=BASE), {"label": str(number)})
            for number in range(4)]  # fmt: skip
    table = pd.DataFrame([
        {"arm_id": arm.id, "seed": seed, "failure": "", "accuracy": float(value), "fisher_trace": float(trace)}
        for seed, values, traces in ((20, [1, 2, 3, 4], [1, 10, 100, 1000]), (21, [1, 2, 3, 4], [4, 2, 3, 1]))
        for arm, value, trace in zip(arms, values, traces, strict=True)
    ])  # fmt: skip
    found = rank_correlation([arm - arms[0] for arm in arms[1:]], [arm["fisher_trace"] for arm in arms[1:]])
    assert found.unit == "correlation"
    # Of seed 21 the ranks are 1, 2, 3 against 2, 3, 1.
    assert found.per_seed(table).to_dict() == {20: pytest.approx(1), 21: pytest.approx(-0.5)}


@pytest.mark.parametrize(
    ("values", "traces", "correlation"),
    [([1, 2, 3], [10, 20, 30], 1), ([3, 1, 2], [30, 10, 20], 1), ([3, 1, 2], [20, 10, 30], 0.5),
     ([1, 3, 2], [30, 10, 20], -1)],
)  # fmt: skip
def test_each_condition_is_paired_with_itself(values, traces, correlation):
    arms = [Arm(run(schedule=Continue(rate=0.001 * (number + 1)), base=BASE), {"label": str(number)})
            for number in range(3)]  # fmt: skip
    table = pd.DataFrame([{"arm_id": arm.id, "seed": 20, "failure": "", "accuracy": value, "fisher_trace": trace}
                          for arm, value, trace in zip(arms, values, traces, strict=True)])  # fmt: skip
    found = rank_correlation([arm["accuracy"] for arm in arms], [arm["fisher_trace"] for arm in arms])
    assert found.per_seed(table).tolist() == [pytest.approx(correlation)]


def test_groups_of_conditions_are_ranked_apart_and_averaged():
    """Within one group one quantity falls as the other rises, in the other they rise together."""
    arms = [Arm(run(schedule=Continue(rate=0.001 * (number + 1)), base=BASE), {"label": str(number)})
            for number in range(8)]  # fmt: skip
    values, traces = [3, 2, 1, 30, 20, 1, 3, 2], [1, 2, 3, 20, 10, 1, 2, 3]
    table = pd.DataFrame([{"arm_id": arm.id, "seed": 20, "failure": "", "accuracy": value, "fisher_trace": trace}
                          for arm, value, trace in zip(arms, values, traces, strict=True)])  # fmt: skip
    groups = [([arm["accuracy"] for arm in held], [arm["fisher_trace"] for arm in held])
              for held in (arms[:3], arms[3:5], arms[5:])]  # fmt: skip
    assert mean_rank_correlation(groups).per_seed(table).to_dict() == {20: pytest.approx((-1 + 1 + 0.5) / 3)}
    assert mean_rank_correlation(groups[:1]).per_seed(table).to_dict() == {20: pytest.approx(-1)}
    table["accuracy"] = table["accuracy"].where(table["accuracy"] < 20, 20)
    assert mean_rank_correlation(groups).per_seed(table).isna().all()
