import pytest
from helpers import BLUR, PERMUTED, SHAM

from critical.core.spec import SpecError
from critical.deficits import AlternatingDeprivation, Dissociation, ViewDropout
from critical.training.timeline import Timeline, Window


def names(timeline):
    return ["+".join(deficit.name for deficit in timeline.active(epoch)) for epoch in range(timeline.end)]


def test_windows_are_half_open():
    window = Window(2, 4, BLUR)
    assert [window.active(epoch) for epoch in range(6)] == [False, False, True, True, False, False]
    assert names(Timeline(6, (window,))) == ["", "", "blur", "blur", "", ""]


def test_a_window_may_hold_one_epoch_and_end_with_the_run():
    assert names(Timeline(3, (Window(2, 3, BLUR),))) == ["", "", "blur"]


def test_overlapping_windows_act_in_the_order_given():
    first, second = Window(0, 3, BLUR), Window(1, 4, PERMUTED)
    both = ["blur", "blur+label_permutation", "blur+label_permutation", "label_permutation", ""]
    assert names(Timeline(5, (first, second))) == both
    assert names(Timeline(5, (second, first)))[1] == "label_permutation+blur"


def test_recovery_begins_at_the_last_end():
    timeline = Timeline(6, (Window(0, 4, BLUR), Window(1, 2, PERMUTED)))
    assert timeline.removal == 4
    assert [timeline.since_removal(epoch) for epoch in range(6)] == [None, None, None, None, 0, 1]


def test_without_a_window_all_is_recovery():
    assert Timeline(3).removal == 0
    assert [Timeline(3).since_removal(epoch) for epoch in range(3)] == [0, 1, 2]


def test_a_sham_acts_not_but_sets_the_removal():
    timeline = Timeline(4, (Window(0, 2, SHAM),))
    assert names(timeline) == ["", "", "", ""]
    assert timeline.removal == 2
    assert timeline.since_removal(1) is None


def test_a_sham_leaves_the_deficits_beside_it():
    assert names(Timeline(3, (Window(0, 2, SHAM), Window(1, 3, BLUR)))) == ["", "blur", "blur"]


A, B, EITHER = ViewDropout(view="a"), ViewDropout(view="b"), AlternatingDeprivation(period=2)
RARELY = ViewDropout(view="a", probability=0.1)


@pytest.mark.parametrize(
    ("windows", "epoch"),
    [
        ([(0, 3, A), (2, 4, B)], 2),
        ([(0, 3, B), (1, 2, RARELY)], 1),
        ([(0, 6, EITHER), (1, 4, B)], 1),
        ([(0, 6, EITHER), (1, 4, A)], 2),
    ],
)
def test_both_views_are_never_dropped(windows, epoch):
    with pytest.raises(SpecError, match=f"^deficit: epoch {epoch} drops views a and b, .*; part the windows") as raised:
        Timeline(6, tuple(Window(*window) for window in windows))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "windows",
    [
        [(0, 3, A), (3, 4, B)],
        [(0, 3, B), (1, 4, ViewDropout(view="b", probability=0.5))],
        # Turns are counted from epoch 0: a, a, b, b. So a dropped in the first of them is dropped twice.
        [(0, 6, EITHER), (0, 2, A), (2, 4, B)],
        [(0, 3, B), (0, 3, Dissociation())],
        [(0, 3, B), (0, 3, BLUR)],
    ],
)
def test_one_view_may_be_dropped_while_the_other_is_there(windows):
    assert Timeline(6, tuple(Window(*window) for window in windows)).removal >= 3


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Window(-1, 2, BLUR), "deficit.start=-1"),
        (lambda: Window(2, 2, BLUR), "deficit.end=2 does not lie after deficit.start=2"),
        (lambda: Window(3, 2, BLUR), "raise the end or leave the deficit out"),
        (lambda: Timeline(0), "epochs=0: a run needs at least one epoch"),
        (lambda: Timeline(3, (Window(0, 4, BLUR),)), "epochs=3: .*epoch 4.*lengthen the run or shorten"),
        (lambda: Timeline(3, (Window(0, 4, BLUR), Window(0, 1, BLUR))), "epochs=3"),
    ],
)
def test_refuses_in_one_line(build, words):
    with pytest.raises(SpecError, match=words) as raised:
        build()
    assert "\n" not in str(raised.value)
