import numpy as np
import pandas as pd
import pytest

from critical.plots import runs, style
from critical.plots.labels import EndLabels


@pytest.fixture(autouse=True)
def in_the_style():
    with style.style():
        yield


def rows(**columns):
    return pd.DataFrame({"epoch": [1, 2, 3, 4], "test_accuracy": [10.0, 20.0, np.nan, 40.0], **columns})


def test_a_run_has_its_accuracy_its_trace_and_its_window_shaded():
    drawn = runs.by_epoch(rows(fisher_trace=[1.0, 2.0, 3.0, 4.0]), [(0, 2, "blur")], "a run", [(1, 3, "l2 init")])
    accuracy, trace = drawn.axes
    assert accuracy.lines[0].get_xydata().tolist() == [[1, 10], [2, 20], [4, 40]], "what was not measured is left out"
    assert trace.lines[0].get_ydata().tolist() == [1, 2, 3, 4]
    for axis in drawn.axes:
        (shade,) = axis.patches
        assert (shade.get_x(), shade.get_x() + shade.get_width()) == (0, 2)
        assert axis.lines[-1].get_xdata().tolist() == [1, 3], "the stabiliser is a bar"
        assert {"blur", " l2 init"} <= {text.get_text() for text in axis.texts}
        assert axis.get_xlim() == (0, 4)
    assert accuracy.get_legend() is None
    assert drawn.get_suptitle() == "a run"


def test_what_deficient_images_give_is_a_line_of_its_own():
    drawn = runs.by_epoch(rows(test_accuracy_deficient=[9.0, 8.0, np.nan, np.nan]), [], "a run")
    (names,) = [held for held in drawn.axes[0].get_children() if isinstance(held, EndLabels)]
    assert [(end.label, end.x, end.y) for end in names.ends] == [
        ("clean test\nimages", 4, 40), ("deficient\ntest images", 2, 8)
    ]  # fmt: skip
    assert drawn.axes[0].get_legend() is None, "names stand at the ends, not over the shading"
    assert not drawn.axes[1].lines, "no trace was measured"


@pytest.mark.parametrize("values", [[50.0, 50.1], [0.0, 0.0], [99.9, 100.0], [10.0, 90.0]])
def test_noise_does_not_fill_the_axis_and_all_points_lie_in_it(values):
    drawn = runs.by_epoch(pd.DataFrame({"epoch": [1, 2], "test_accuracy": values}), [], "a run")
    low, high = drawn.axes[0].get_ylim()
    assert high - low >= runs.LEAST_POINTS - 1e-9
    assert low <= min(values) <= max(values) <= high
    assert not drawn.axes[0].lines[0].get_clip_on(), "the last point is whole"
    assert all(tick == round(tick) for axis in drawn.axes for tick in axis.get_xticks())
