"""Panels of two views draw the numbers of their tables, and name views and arms where they stand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers import BASE, run

from critical.inference.arms import Arm
from critical.plots import style
from critical.plots.labels import EndLabels
from critical.plots.panel import Look
from critical.plots.views import ByView, Preferences
from critical.training.schedules import Continue

CLEAN, BLURRED = (Arm(run(schedule=Continue(rate=0.001 * (number + 1)), base=BASE), {"label": f"arm {number}"})
                  for number in range(2))  # fmt: skip
LOOKS = Look("clean epochs", "#0072B2"), Look("after a blur", "#D55E00")


def drawn(panel, runs, epochs=None):
    with style.style():
        figure, axes = style.figure()
        panel.draw(axes[0, 0], runs, pd.DataFrame(columns=["arm_id"]) if epochs is None else epochs)
        figure.draw_without_rendering()
        style.legend(figure)
    return figure, axes[0, 0]


def test_preferences_name_the_views_at_the_ends_of_the_axis_and_the_arms_once():
    shares = {CLEAN: (0.1, 0.8, 0.1, 0.0), BLURRED: (0.0, 0.1, 0.2, 0.7)}
    runs = pd.DataFrame([
        {"arm_id": held.id, "seed": seed, "failure": "", **{f"rsv_histogram/{bin:02d}": value + shift * sign
         for bin, (value, sign) in enumerate(zip(values, (0, 1, -1, 0), strict=True))}}
        for held, values in shares.items() for seed, shift in ((20, 0.05), (21, -0.05))
    ])  # fmt: skip
    panel = Preferences(prefix="rsv_histogram/", bins=4, lines=[(LOOKS[0], CLEAN), (LOOKS[1], BLURRED)])
    figure, axis = drawn(panel, runs)
    assert list(axis.get_xticks()) == [-1, 0, 1]
    assert [text.get_text() for text in axis.get_xticklabels()] == ["only\nview b", "both\nalike", "only\nview a"]
    means = [held.get_data().values for held in axis.patches if held.get_linewidth() == 1.6]
    assert [list(mean) for mean in means] == [pytest.approx(held) for held in shares.values()]
    named = {text.get_text(): text for text in axis.texts if text.get_text()}
    assert list(named) == ["clean epochs", "after a blur"]
    assert named["clean epochs"].get_window_extent().y0 >= named["after a blur"].get_window_extent().y1 - 4
    assert not figure.legends or not figure.legends[0].get_texts()
    highest = axis.transData.transform((0, max(map(max, shares.values()))))[1]
    assert min(text.get_window_extent().y0 for text in named.values()) > highest, "nothing is drawn behind a name"
    later = runs.rename(columns=lambda name: f"{name}@8" if name.startswith("rsv") else name)
    _, again = drawn(replace(panel, suffix="@8"), later)
    assert [list(held.get_data().values) for held in again.patches] == [
        list(held.get_data().values) for held in axis.patches]  # fmt: skip


@pytest.mark.parametrize(("names", "middle"), [("left", False), ("middle", True)])
def test_arms_are_named_where_no_histogram_is(names, middle):
    runs = pd.DataFrame([{"arm_id": CLEAN.id, "seed": 20, "failure": "", "rsv_histogram/00": 0.5,
                          "rsv_histogram/01": 0.5}])  # fmt: skip
    panel = Preferences(prefix="rsv_histogram/", bins=2, lines=[(LOOKS[0], CLEAN)], names=names)
    _, axis = drawn(panel, runs)
    (named,) = [text for text in axis.texts if text.get_text()]
    box, room = named.get_window_extent(), axis.get_window_extent()
    assert (abs((box.x0 + box.x1) / 2 - (room.x0 + room.x1) / 2) < 2) == middle
    assert (box.x0 < room.x0 + 10) == (not middle)


def test_what_is_measured_of_each_view_is_a_line_with_its_name_at_its_end():
    epochs = pd.DataFrame([
        {"arm_id": held.id, "seed": seed, "epoch": epoch, "information_a": epoch + seed, "information_b": value}
        for held in (CLEAN, BLURRED) for seed in (20, 22) for epoch, value in ((2, 0.0), (4, np.nan), (6, 1.5))
    ])  # fmt: skip
    panel = ByView(column="information_", arm=BLURRED, views=dict(zip("ab", LOOKS, strict=True)),
                   windows=[(Look("b is blurred", "#D55E00"), 0, 4)])  # fmt: skip
    assert panel.arms == panel.curve_arms == (BLURRED,)
    _, axis = drawn(panel, pd.DataFrame(columns=["arm_id", "seed", "failure"]), epochs)
    curves = [held.get_xydata().tolist() for held in axis.lines if held.get_linewidth() == 1.6]
    assert curves == [[[2, 23], [4, 25], [6, 27]], [[2, 0], [6, 1.5]]]
    ends = [end for held in axis.artists if isinstance(held, EndLabels) for end in held.ends]
    assert [(end.label, end.x, end.y) for end in ends] == [
        ("clean epochs", 6, 27), ("after a blur", 6, 1.5),
    ]  # fmt: skip
