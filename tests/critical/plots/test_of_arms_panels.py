"""Panels of several columns of an arm: read off the axes again."""

import numpy as np
import pandas as pd
import pytest
from helpers import BASE, run

from critical.inference.arms import Arm
from critical.plots import style
from critical.plots.labels import EndLabels
from critical.plots.of_arms import ByColumn, Images, Stacked
from critical.plots.panel import Look
from critical.training.schedules import Continue

A, B = (Arm(run(schedule=Continue(rate=rate), base=BASE), {"label": f"arm {rate}"}) for rate in (0.1, 0.2))
RED, BLUE = Look("red", "#c00000"), Look("blue", "#0000ff", "--")


def drawn(panel, runs, epochs):
    figure, axes = style.figure()
    panel.draw(axes[0, 0], runs, epochs)
    figure.draw_without_rendering()
    return axes[0, 0]


def runs(**columns):
    return pd.DataFrame([{"arm_id": arm.id, "seed": seed, "failure": "", **{name: made(arm, seed) for name, made in
                          columns.items()}} for arm in (A, B) for seed in (20, 21)])  # fmt: skip


def names(axis):
    (held,) = [held for held in axis.artists if isinstance(held, EndLabels) and held.ends]
    return {end.label: (end.x, end.y) for end in held.ends}


def test_columns_of_an_arm_are_drawn_in_one_scale():
    epochs = pd.DataFrame([{"arm_id": A.id, "seed": seed, "epoch": epoch, "p": 10.0**epoch, "q": 1.0}
                           for seed in (20, 21) for epoch in (1, 2)])  # fmt: skip
    panel = ByColumn(arm=A, columns={"p": RED, "q": BLUE}, ylabel="both", logarithmic=True)
    axis = drawn(panel, runs(), epochs)
    lines = {line.get_color(): line.get_xydata().tolist() for line in axis.lines}
    assert lines[RED.colour] == [[1, pytest.approx(10)], [2, pytest.approx(100)]]
    assert lines[BLUE.colour] == [[1, 1], [2, 1]]
    assert axis.get_yscale() == "log"
    assert names(axis) == {"red": (2, pytest.approx(100)), "blue": (2, 1)}
    assert panel.arms == panel.curve_arms == (A,)


class TestStacked:
    EPOCHS = pd.DataFrame([
        {"arm_id": arm.id, "seed": seed, "epoch": epoch, "t/conv1": 1.0, "t/bn1": 1.0, "t/conv2": 2.0 * seed_share,
         "other/x": 9.0}
        for arm in (A, B) for seed, seed_share in ((20, 1), (21, 3)) for epoch in (1, 2)
    ])  # fmt: skip

    def test_shares_are_means_over_seeds_and_add_up_to_one(self):
        found = Stacked(arm=A, column="t/").shares(self.EPOCHS)
        assert list(found) == ["conv1", "conv2"]
        assert found.loc[2].tolist() == pytest.approx([(1 / 2 + 1 / 4) / 2, (1 / 2 + 3 / 4) / 2])
        assert found.sum(axis=1).tolist() == pytest.approx([1, 1])

    def test_areas_lie_on_each_other_and_are_named_at_their_middles(self):
        axis = drawn(Stacked(arm=A, column="t/", windows=[(RED, 0, 1)], across=(0, 3)), runs(), self.EPOCHS)
        tops = [line.get_ydata()[-1] for line in axis.lines[:2]]
        assert tops == pytest.approx([0.375, 1.0])
        assert names(axis) == {"conv1": (2, pytest.approx(0.1875)), "conv2": (2, pytest.approx(0.6875))}
        assert axis.get_xlim() == (0, 3)

    def test_epochs_without_the_columns_and_other_arms_count_for_nothing(self):
        more = pd.concat([self.EPOCHS, pd.DataFrame([{"arm_id": A.id, "seed": 20, "epoch": 3}])])
        assert list(Stacked(arm=A, column="t/").shares(more).index) == [1, 2]
        assert drawn(Stacked(arm=A, column="nothing/"), runs(), self.EPOCHS) is not None


def test_images_are_put_together_from_the_columns_of_the_first_seed():
    def pixel(number, row, column):
        return lambda arm, seed: (1.0 if row == column else -1.0) * (number == 0) * (seed == 20) * (arm == A)

    table = runs(**{f"f/{number:02}/0_{row}_{column}": pixel(number, row, column)
                    for number in (0, 1) for row in (0, 1) for column in (0, 1)})  # fmt: skip
    axis = drawn(Images(rows=[(RED, A), (BLUE, B)], prefix="f/", xlabel="filters"), table, pd.DataFrame())
    first, second = (np.asarray(image.get_array()) for image in axis.images)
    assert first.shape == (2, 6, 4)
    assert first[:, :2, 0].ravel().tolist() == pytest.approx([0.9, 0.1, 0.1, 0.9])
    assert first[:, 2, 3].tolist() == [0, 0], "a transparent line between images"
    assert np.all(first[:, 3:5, :3] == 0.5)
    assert np.all(second[:, [0, 1, 3, 4], :3] == 0.5)
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["red", "blue"]
    colour = Images(rows=[(RED, A)], prefix="c/", xlabel="filters")
    table = runs(**{f"c/00/{channel}_0_0": lambda arm, seed, channel=channel: (1, 0, -1)[channel]
                    for channel in range(3)})  # fmt: skip
    (image,) = drawn(colour, table, pd.DataFrame()).images
    assert image.get_array()[0, 0].tolist() == pytest.approx([0.9, 0.5, 0.1, 1])
