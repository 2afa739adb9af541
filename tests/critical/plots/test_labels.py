"""Names at the ends of lines never lie on each other, and move as little as they have to."""

import numpy as np
import pytest
from pictures import apart as disjoint
from pictures import contrast, covering, cut_off, overlaps

from critical.plots import style
from critical.plots.labels import End, EndLabels, apart


@pytest.mark.parametrize("seed", range(40))
def test_boxes_lie_apart_in_their_order_within_the_bounds(seed):
    random = np.random.default_rng(seed)
    count = random.integers(1, 9)
    heights = random.uniform(5, 15, count)
    centres = random.choice([random.uniform(0, 150, count), np.full(count, 75.0), random.integers(0, 4, count) * 40.0])
    moved = apart(centres, heights, 0, 150)
    low, high = moved - heights / 2, moved + heights / 2
    order = np.argsort(moved)
    assert (low[order][1:] >= high[order][:-1] - 1e-9).all()
    assert low.min() >= -1e-9
    assert high.max() <= 150 + 1e-9
    assert (np.diff(centres[order]) >= 0).all(), "nobody overtakes"


def test_what_lies_apart_stays_where_it_is():
    assert apart([10, 80, 40], [10, 10, 10], 0, 100).tolist() == [10, 80, 40]
    assert apart([], [], 0, 1).tolist() == []


def test_neighbours_make_way_for_each_other_by_the_least_sum_of_squares():
    assert apart([50, 54, 90], [10, 10, 10], 0, 100) == pytest.approx([47, 57, 90])
    assert apart([1, 2, 99], [10, 10, 10], 0, 100) == pytest.approx([5, 15, 95])


def test_of_equals_the_first_is_on_top():
    assert apart([50, 50], [10, 10], 0, 100).tolist() == [55, 45]


def test_what_does_not_fit_lies_about_the_middle():
    assert apart([0, 0, 0], [10, 10, 10], 0, 20).tolist() == [20, 10, 0]


ENDS = [End("three\nlines\nlong", "#E69F00", 3, 1.0), End("near", "black", 3, 1.02), End("short line", "red", 1, 0.98),
        End("", "blue", 3, 0.5), End("no number", "blue", 3, np.nan)]  # fmt: skip


def labelled(dark=False, left=False, size=(3.4, 2.7)):
    with style.style(dark=dark):
        figure, axes = style.figure(1, 2, panel=size)
        for axis in axes[0]:
            axis.set_xlim(0, 3)
            axis.set_ylim(0, 1.1)
            labels = EndLabels(axis, ENDS, left)
            if left:
                axis.yaxis.tick_right()
    return figure, labels


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("size", [(3.4, 2.7), (2.5, 1.3)])
def test_names_lie_beside_the_axes_and_apart_whatever_the_size(left, size):
    figure, labels = labelled(left=left, size=size)
    assert [end.label for end in labels.ends] == ["three\nlines\nlong", "near", "short line"]
    assert not overlaps(figure)
    assert not cut_off(figure)
    assert not covering(figure)


def test_names_follow_the_limits_of_the_axes():
    figure, labels = labelled()
    figure.draw_without_rendering()
    before = [text.get_window_extent().y0 for text in labels.texts]
    labels.axes.set_ylim(0, 4)
    figure.draw_without_rendering()
    assert all(text.get_window_extent().y0 < y for text, y in zip(labels.texts, before, strict=True))
    assert not overlaps(figure)


def test_a_line_leads_to_a_name_that_was_moved_or_whose_line_ends_early():
    figure, labels = labelled()
    figure.draw_without_rendering()
    assert [len(leader.get_xdata()) for leader in labels.leaders] == [2, 2, 2]
    start = labels.axes.transData.transform((1, 0.98))
    assert labels.leaders[2].get_xydata()[0] == pytest.approx(start)
    box = labels.texts[2].get_window_extent()
    assert box.y0 < labels.leaders[2].get_ydata()[1] < box.y1
    alone = EndLabels(labels.axes, [End("alone", "red", 3, 0.5)])
    figure.draw_without_rendering()
    assert len(alone.leaders[0].get_xdata()) == 0


@pytest.mark.parametrize("dark", [False, True])
def test_names_have_the_contrast_of_words(dark):
    figure, labels = labelled(dark)
    assert all(contrast(text.get_color(), figure.get_facecolor()) >= 4.5 for text in labels.texts)


def test_the_layout_makes_room_for_names():
    figure, labels = labelled()
    figure.draw_without_rendering()
    left, right = figure.axes
    assert disjoint(labels.get_window_extent(), left.bbox)
    widest = max(text.get_window_extent().x1 for text in labels.texts)
    assert right.bbox.x1 < widest <= figure.bbox.x1
