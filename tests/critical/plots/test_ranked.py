"""Rows in the order of their means, whatever order they are given in."""

import numpy as np
import pandas as pd
import pytest
from helpers import BASE, run

from critical.inference.arms import Arm
from critical.inference.statistics import mean_interval
from critical.plots import style
from critical.plots.panel import Look
from critical.plots.ranked import Ranked
from critical.training.schedules import Continue

SEEDS = (20, 21, 22)
CLEAN, SMALL, LARGE, FAILED, WHOLE = (
    Arm(run(schedule=Continue(rate=0.001 * (number + 1)), base=BASE), {"label": f"arm {number}"}) for number in range(5)
)
VALUES = {CLEAN: (90, 91, 92), SMALL: (91, 93, 95), LARGE: (96, 96, 99), FAILED: (np.nan,) * 3, WHOLE: (98, 101, 105)}
ROWS = [(Look(label, "#7A4FBF"), held - CLEAN) for label, held in
        (("failed", FAILED), ("small", SMALL), ("large", LARGE))]  # fmt: skip


def drawn(panel):
    runs = pd.DataFrame([
        {"arm_id": held.id, "seed": seed, "accuracy": value, "failure": "" if np.isfinite(value) else "non-finite loss"}
        for held, values in VALUES.items() for seed, value in zip(SEEDS, values, strict=True)
    ])  # fmt: skip
    with style.style():
        figure, axes = style.figure()
        panel.draw(axes[0, 0], runs, pd.DataFrame())
        figure.draw_without_rendering()
    return axes[0, 0]


@pytest.mark.parametrize(("most_first", "names"), [(True, ["large", "small", "failed"]),
                                                   (False, ["small", "large", "failed"])])  # fmt: skip
def test_rows_stand_by_their_means_and_those_without_one_at_the_bottom(most_first, names):
    axis = drawn(Ranked(rows=ROWS, most_first=most_first))
    assert [text.get_text() for text in axis.get_yticklabels()] == names
    held = {held.get_ydata()[0]: held for held in axis.lines if held.get_marker() == "o"}
    assert {row: held[row].get_xdata()[0] for row in held} == {names.index("small"): 2, names.index("large"): 6}
    low, high = (held.get_xdata() for held in axis.lines if len(held.get_xdata()) == 2 and held.get_ydata()[0] == 0
                 and held.get_linewidth() == 1.3).__next__()  # fmt: skip
    expected = mean_interval(np.array([6, 5, 7]) if most_first else np.array([1, 2, 3]))
    assert (low, high) == pytest.approx((expected.low, expected.high))


def test_a_dotted_line_marks_all_that_there_was_to_gain_and_its_arms_are_named():
    panel = Ranked(rows=ROWS[1:], whole=WHOLE - CLEAN, xlabel="points saved (dotted: all that was lost)")
    (dotted,) = [held for held in drawn(panel).lines if held.get_linestyle() == ":"]
    assert list(dotted.get_xdata()) == pytest.approx([31 / 3] * 2)
    assert set(panel.arms) == {CLEAN, SMALL, LARGE, WHOLE}
    assert not [held for held in drawn(Ranked(rows=ROWS[1:])).lines if held.get_linestyle() == ":"]
    assert panel.sentence() == "Points saved (dotted: all that was lost)."
