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


def swept(x, values, seeds=(0, 1, 2), **more):
    table = pd.DataFrame([{x: value, "seed": seed, "failure": ""} for value in values for seed in seeds])
    return table.assign(accuracy=50.0 + table["seed"], **more)


def test_a_sweep_has_the_mean_over_seeds_and_its_interval():
    drawn = runs.over_setting(swept("deficit.end", [0, 10, 20]), "deficit.end", [], "t")
    (axis,) = drawn.axes
    assert axis.get_xlabel() == "deficit.end"
    assert axis.lines[0].get_xydata().tolist() == [[0, 51], [10, 51], [20, 51]]
    assert len(axis.containers[0].lines[2]) == 1, "error bars"
    assert axis.get_xscale() == "linear"
    assert [label.get_text() for label in axis.get_xticklabels()] == ["0", "10", "20"]
    low, high = axis.get_ylim()
    assert high - low >= runs.LEAST_POINTS


def test_other_settings_are_lines_names_are_places_and_orders_logarithmic():
    table = pd.concat([swept("model", ["mlp", "all_cnn"], **{"recovery": held}) for held in (1, 2)])
    (axis,) = runs.over_setting(table, "model", ["recovery"], "t").axes
    assert [label.get_text() for label in axis.get_xticklabels()] == ["mlp", "all_cnn"]
    assert [line.get_label() for line in axis.lines if "=" in str(line.get_label())] == ["recovery=1", "recovery=2"]
    (axis,) = runs.over_setting(swept("stabilizer.weight", [0.001, 0.1, 1.0]), "stabilizer.weight", [], "t").axes
    assert axis.get_xscale() == "log"


def test_a_failed_run_is_named():
    table = swept("schedule.rate", [0.1, 1.0])
    table.loc[0, ["failure", "accuracy"]] = ["non-finite loss", np.nan]
    (axis,) = runs.over_setting(table, "schedule.rate", [], "t").axes
    assert any("schedule.rate=0.1, non-finite loss" in text.get_text() for text in axis.texts)
