import tiny

from experiments.design.lines import curves_by_removal, of_arms, over
from experiments.design.protocol import cost

PROTOCOL = tiny.protocol(recovery=3)
WINDOWS = {end: PROTOCOL.window(0, end) for end in (2, 4)}


def test_what_is_seen_of_each_window_stands_at_its_place():
    assert over(WINDOWS, cost) == {2: cost(WINDOWS[2]), 4: cost(WINDOWS[4])}


def test_a_line_is_an_arm_of_all_windows():
    names = {"deficit": "blurred", "dose_matched": "clean instead"}
    lines = of_arms(WINDOWS, names)
    assert [look.label for look, _ in lines] == ["blurred", "clean instead"]
    assert [line for _, line in lines] == [{end: held.deficit for end, held in WINDOWS.items()},
                                           {end: held.dose_matched for end, held in WINDOWS.items()}]  # fmt: skip
    ((_, probed),) = of_arms(WINDOWS, {"fresh": "fresh"}, lambda arm: arm["probe_maps_b"])
    assert probed == {end: held.fresh["probe_maps_b"] for end, held in WINDOWS.items()}


def test_a_curve_has_the_look_of_its_window():
    panel = curves_by_removal(WINDOWS, WINDOWS[4].dose_matched, "blur", column="test_accuracy", title="by epoch")
    assert [(look.label, arm) for look, arm in panel.lines] == [
        ("clean", WINDOWS[4].dose_matched), ("blur until 2", WINDOWS[2].deficit), ("blur until 4", WINDOWS[4].deficit),
    ]  # fmt: skip
    assert [(look, start, end) for look, start, end in panel.windows] == [
        (panel.lines[1][0], 0, 2), (panel.lines[2][0], 0, 4),
    ]  # fmt: skip
    assert (panel.column, panel.title) == ("test_accuracy", "by epoch")
