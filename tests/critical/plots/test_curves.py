import numpy as np
import pandas as pd
import pytest
from pictures import luminance

from critical.inference.statistics import mean_interval
from critical.plots import style as plotting
from critical.plots.curves import curve, ordered_colours


def rows(values):
    return pd.DataFrame({"epoch": [0, 1, 2] * 2, "seed": [0] * 3 + [1] * 3, "trace": values})


def band(axis):
    vertices = axis.collections[0].get_paths()[0].vertices
    return {epoch: (held.min(), held.max()) for epoch in np.unique(vertices[:, 0])
            for held in [vertices[vertices[:, 0] == epoch][:, 1]]}  # fmt: skip


def test_a_curve_is_the_mean_and_its_interval_over_the_epochs_that_have_a_value():
    axis = plotting.figure()[1][0, 0]
    assert curve(axis, rows([1, np.nan, 3, 3, np.nan, 4]), "trace", colour="black") == (2, 3.5)
    (line,) = axis.lines
    assert line.get_xydata().tolist() == [[0, 2], [2, 3.5]]
    found = mean_interval([1, 3])
    assert band(axis)[0] == pytest.approx((found.low, found.high))


def test_on_a_logarithmic_scale_mean_and_interval_are_of_logarithms():
    axis = plotting.figure()[1][0, 0]
    axis.set_yscale("log")
    assert curve(axis, rows([1, 5, 0.0, 100, 5, 7]), "trace", colour="black") == (2, pytest.approx(7))
    assert axis.lines[0].get_ydata()[0] == pytest.approx(10)
    found = mean_interval(np.log([1, 100]))
    assert band(axis)[0] == pytest.approx((np.exp(found.low), np.exp(found.high)))


def test_the_band_of_two_seeds_does_not_widen_the_axes():
    axis = plotting.figure()[1][0, 0]
    curve(axis, rows([1, 2, 3, 3, 5, 4]), "trace", colour="black")
    assert band(axis)[0][0] < 0 < axis.get_ylim()[0]


def test_one_seed_has_a_line_and_no_band():
    axis = plotting.figure()[1][0, 0]
    assert curve(axis, rows([1, 2, 3] * 2).iloc[:3], "trace", colour="black") == (2, 3)
    axis.figure.draw_without_rendering()
    assert axis.lines[0].get_ydata().tolist() == [1, 2, 3]


def test_what_was_not_measured_draws_no_curve():
    axis = plotting.figure()[1][0, 0]
    for column in ("trace", "loss"):
        assert curve(axis, rows([np.nan] * 6), column, colour="black") is None
    assert not axis.lines


def test_ordered_colours_differ_and_grow_darker():
    assert len(set(ordered_colours(5))) == 5
    brightness = [luminance(colour) for colour in ordered_colours(5)]
    assert brightness == sorted(brightness, reverse=True)
