import numpy as np
import pandas as pd

from critical.plots import style as plotting
from critical.plots.curves import curve, ordered_colours


def test_a_curve_is_every_seed_and_their_mean_over_the_epochs_that_have_a_value():
    trace = [1, np.nan, 3, 3, np.nan, np.nan]
    rows = pd.DataFrame({"epoch": [0, 1, 2] * 2, "seed": [0] * 3 + [1] * 3, "trace": trace})
    axis = plotting.figure()[1][0, 0]
    curve(axis, rows, "trace", colour="black", label="mean")
    drawn = [line.get_xydata().tolist() for line in axis.lines]
    assert drawn == [[[0, 1], [2, 3]], [[0, 3]], [[0, 2], [2, 3]]]
    assert axis.get_legend_handles_labels()[1] == ["mean"]


def test_what_was_not_measured_draws_no_curve():
    axis = plotting.figure()[1][0, 0]
    rows = pd.DataFrame({"epoch": [0, 1], "seed": [0, 0], "trace": [np.nan, np.nan]})
    for column in ("trace", "loss"):
        curve(axis, rows, column, colour="black", label="nothing")
    assert not axis.lines


def test_ordered_colours_differ_and_grow_lighter():
    assert len(set(ordered_colours(5))) == 5
    brightness = [sum(int(colour[place : place + 2], 16) for place in (1, 3, 5)) for colour in ordered_colours(5)]
    assert brightness == sorted(brightness)
