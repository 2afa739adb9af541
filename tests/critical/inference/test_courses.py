import numpy as np
import pytest
from helpers import BASE, run

from critical.inference.arms import Arm
from critical.inference.courses import at_equal_loss, fall_from_peak, gain_after_peak, rise_to_peak
from critical.training.schedules import Continue

ARM, CLEAN = (Arm(run(schedule=Continue(rate=rate), base=BASE), {"label": str(rate)}) for rate in (0.01, 0.02))


def course(column, count):
    return [CLEAN.log(f"{column}@{epoch}") for epoch in range(1, count + 1)]


def at_equal(values):
    """The statistic of a trace and a loss, then of as many traces and losses of a clean run."""
    count = (len(values) - 2) // 2
    held = at_equal_loss(ARM.log("fisher_trace"), ARM.log("loss"), course("fisher_trace", count), course("loss", count))
    return held.estimate(np.array(values))


@pytest.mark.parametrize(
    ("traces", "losses", "there"),
    [([10, 20, 30], [2, 0, 2], 25), ([10, 20, 30, 40], [2, 0, 2, 0], 35), ([10, 20, 30], [3, 2, 1], 30),
     ([10, 20, 30], [3, 1, 1], 30)],
    ids=["twice", "three times", "at the end", "at the end and before"],
)  # fmt: skip
def test_the_last_time_at_which_the_loss_was_equal_counts(traces, losses, there):
    assert at_equal([5.0, 1.0, *traces, *losses]) == pytest.approx(5 - there)


def test_without_an_equal_loss_there_is_no_number():
    assert np.isnan(at_equal([5.0, 3.0, 10, 20, 2, 0])), "never as high"
    assert np.isnan(at_equal([5.0, 1.0, 10, 20, 3, 2])), "higher to its end"


def test_rise_fall_and_gain_of_a_seed_are_from_the_peak_of_the_others():
    traces = np.array([[1.0, 2, 6, 3], [1.0, 4, 2, 1]])  # the peak of the others is the second
    accuracies = np.array([[10.0, 50, 70, 80], [10.0, 60, 75, 95]])
    held, learnt = course("fisher_trace", 4), course("accuracy", 4)
    assert rise_to_peak(held).estimate(traces) == 2 - 1
    assert fall_from_peak(held).estimate(traces) == 2 - 3
    assert gain_after_peak(held, learnt).estimate(np.hstack([traces, accuracies])) == 80 - 50
