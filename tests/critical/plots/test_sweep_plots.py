import itertools

import numpy as np
import pandas as pd
import pytest

from critical.plots import runs as single
from critical.plots import style
from critical.plots.sweeps import over_settings

ACCURACY = {"accuracy": "test accuracy (%)"}
COST = {"cost": "cost (points)"}


@pytest.fixture(autouse=True)
def in_the_style():
    with style.style():
        yield


def swept(seeds=(0, 1, 2), **settings):
    """A grid over settings: accuracies and costs of the seed, and of the first setting where it is a number."""
    points = [dict(zip(settings, point, strict=True)) for point in itertools.product(*settings.values())]
    table = pd.DataFrame([{**point, "seed": seed, "failure": ""} for point in points for seed in seeds])
    return table.assign(accuracy=50.0 + table["seed"], cost=1.0 * table["seed"] - 1)


def ticks(axis):
    return [label.get_text() for label in axis.get_xticklabels()]


class TestLines:
    def test_the_mean_over_seeds_and_its_interval(self):
        (axis,) = over_settings(swept(**{"deficit.end": [0, 10, 20]}), ["deficit.end"], ACCURACY, "t").axes
        assert (axis.get_xlabel(), axis.get_ylabel()) == ("deficit.end", "test accuracy (%)")
        assert axis.lines[0].get_xydata().tolist() == [[0, 51], [10, 51], [20, 51]]
        assert len(axis.containers[0].lines[2]) == 1, "error bars"
        assert axis.get_xscale() == "linear"
        assert ticks(axis) == ["0", "10", "20"]
        low, high = axis.get_ylim()
        assert high - low >= single.LEAST_POINTS

    def test_other_settings_are_lines_names_are_places_and_orders_logarithmic(self):
        table = swept(model=["mlp", "all_cnn", "x"], recovery=[1, 2])
        (axis,) = over_settings(table, ["recovery", "model"], ACCURACY, "t").axes
        assert ticks(axis) == ["mlp", "all_cnn", "x"]
        assert [line.get_label() for line in axis.lines if "=" in str(line.get_label())] == ["recovery=1", "recovery=2"]
        table = swept(**{"stabilizer.weight": [0.001, 0.1, 1.0]})
        (axis,) = over_settings(table, ["stabilizer.weight"], ACCURACY, "t").axes
        assert axis.get_xscale() == "log"

    def test_effects_are_panels_with_a_line_at_zero_and_may_be_negative(self):
        table = swept(weight=[1, 2]).assign(harm=0.1)
        drawn = over_settings(table, ["weight"], {**COST, "harm": "harm (points)"}, "t")
        assert [axis.get_ylabel() for axis in drawn.axes] == ["cost (points)", "harm (points)"]
        cost, harm = drawn.axes
        assert any(np.ptp(line.get_ydata()) == 0 == line.get_ydata()[0] for line in cost.lines)
        assert harm.get_ylim()[0] < -1

    def test_seeds_alone(self):
        (axis,) = over_settings(swept(), [], ACCURACY, "t").axes
        assert axis.get_xlabel() == "seed"
        assert ticks(axis) == ["0", "1", "2"]


class TestMap:
    def test_two_numbers_in_a_grid_have_means_and_half_widths_in_cells(self):
        table = swept(size=[1, 2, 3], end=[5, 10, 15, 20])
        (axis,) = over_settings(table, ["size", "end"], COST, "t").axes
        assert np.ma.filled(axis.images[0].get_array(), np.nan).shape == (3, 4)
        assert (axis.get_xlabel(), axis.get_ylabel(), axis.get_title()) == ("end", "size", "cost (points)")
        # Student's t: 4.30 · 1 / √3.
        assert {text.get_text() for text in axis.texts} == {"0.0\n± 2.5"}
        low, high = axis.images[0].get_clim()
        assert low == -high

    def test_one_seed_has_no_half_width_and_a_missing_cell_is_empty(self):
        table = swept(seeds=[4], size=[1, 2, 3], end=[5, 10, 15])
        (axis,) = over_settings(table.drop(0), ["size", "end"], ACCURACY, "t").axes
        assert [text.get_text() for text in axis.texts] == ["54.0"] * 8

    def test_two_values_make_lines(self):
        table = swept(factor=[0.25, 1.0], start=[0, 5, 10])
        (axis,) = over_settings(table, ["factor", "start"], COST, "t").axes
        assert not axis.images
        assert axis.get_xlabel() == "start"


def test_what_was_chosen_one_by_one_is_points_a_panel_a_setting():
    random = np.random.default_rng(0)
    table = pd.DataFrame({"weight": 10 ** random.uniform(-4, 0, 9), "end": random.integers(1, 30, 9), "seed": 0,
                          "failure": "", "cost": 1.0, "price": 0.0})  # fmt: skip
    drawn = over_settings(table, ["weight", "end"], {**COST, "price": "price (points)"}, "t")
    assert len(drawn.axes) == 4
    assert [axis.get_xscale() for axis in drawn.axes] == ["log", "linear"] * 2
    assert len(drawn.axes[0].collections[0].get_offsets()) == 9


@pytest.mark.parametrize(("failure", "said"), [("non-finite loss", "rate=0.1, non-finite loss"),
                                               ("", "rate=0.1, a run that it is compared with failed")])  # fmt: skip
def test_what_failed_is_named(failure, said):
    table = swept(rate=[0.1, 1.0])
    table.loc[0, ["failure", "cost"]] = [failure, np.nan]
    (axis,) = over_settings(table, ["rate"], COST, "t").axes
    assert any(said in text.get_text() for text in axis.texts)
