"""Each kind of panel draws the numbers of its table: read off the axes again."""

import numpy as np
import pandas as pd
import pytest
from helpers import BASE, run
from pictures import contrast

from critical.inference.arms import Arm, Contrast, Pooled
from critical.inference.claims import Claim
from critical.inference.statistics import mean_interval
from critical.plots import style
from critical.plots.labels import EndLabels
from critical.plots.panel import Look, role, shades
from critical.plots.panels import Curves, Dots, HeatMap, Histograms, Series, contrasts
from critical.training.schedules import Continue

SEEDS = (20, 21, 22)
RED, BLUE = Look("red", "#c00000"), Look("blue", "#0000ff", "--", "s")


def arm(number):
    return Arm(run(schedule=Continue(rate=0.001 * (number + 1)), base=BASE), {"label": f"arm {number}"})


A, B, C = (arm(number) for number in range(3))


def table(values, failures=(), **columns):
    """A row a run from {arm: accuracies by seed}; `failures` are pairs (arm, seed)."""
    rows = []
    for held, numbers in values.items():
        for seed, number in zip(SEEDS, np.broadcast_to(numbers, len(SEEDS)), strict=True):
            bad = (held, seed) in failures
            rows.append({"arm_id": held.id, "seed": seed, "accuracy": np.nan if bad else float(number),
                         "failure": "non-finite loss" if bad else "", **columns})  # fmt: skip
    return pd.DataFrame(rows)


def drawn(panel, runs, epochs=None):
    figure, axes = style.figure()
    panel.draw(axes[0, 0], runs, pd.DataFrame(columns=["arm_id", "seed", "epoch"]) if epochs is None else epochs)
    figure.draw_without_rendering()
    return axes[0, 0]


def line(axis, look):
    """The line of means of a look."""
    (found,) = [held for held in axis.lines if held.get_color() == look.colour and (held.get_alpha() or 1) == 1]
    return found


def points(axis, look):
    return [tuple(point) for point in line(axis, look).get_xydata().tolist()]


def ends(axis):
    """Name → (text, end of its line in pixels)."""
    (labels,) = [held for held in axis.artists if isinstance(held, EndLabels)]
    return {end.label: (text, axis.transData.transform((end.x, end.y)))
            for end, text in zip(labels.ends, labels.texts, strict=True)}  # fmt: skip


def bars(axis, colour):
    """(position, low, high) of the error bars of a colour."""
    drawn = [held.lines[2][0] for held in axis.containers]
    return [(*low, high) for held in drawn if held.get_color()[0][:3] == pytest.approx(colour, abs=0.01)
            for low, (_, high) in held.get_segments()]  # fmt: skip


def said(axis):
    return " ".join(" ".join(text.get_text() for text in axis.texts).split())


VALUES = {A: [1, 2, 6], B: [10, 11, 12], C: [20, 20, 20]}


class TestSeries:
    def test_means_intervals_and_every_seed(self):
        axis = drawn(Series(lines=[(RED, {5: A, 10: B}), (BLUE, {10: C})]), table(VALUES))
        assert points(axis, RED) == [(5, 3), (10, 11)]
        assert points(axis, BLUE) == [(10, 20)]
        expected = [(place, *(getattr(mean_interval(VALUES[held]), side) for side in ("low", "high")))
                    for place, held in ((5, A), (10, B))]  # fmt: skip
        assert bars(axis, (0.75, 0, 0)) == [pytest.approx(held) for held in expected]
        dots = [tuple(dot) for held in axis.collections if hasattr(held, "get_offsets") and len(held.get_offsets()) == 6
                for dot in held.get_offsets()]  # fmt: skip
        assert sorted(y for _, y in dots) == [1, 2, 6, 10, 11, 12]
        assert all(abs(x - (5 if y < 10 else 10)) < 1 for x, y in dots)
        assert (line(axis, BLUE).get_linestyle(), line(axis, BLUE).get_marker()) == ("--", "s")

    def test_a_contrast_is_drawn_within_seeds(self):
        axis = drawn(Series(lines=[(RED, {1: B - A})]), table(VALUES))
        assert points(axis, RED) == [(1, np.mean([9, 9, 6]))]
        found = mean_interval([9, 9, 6])
        assert bars(axis, (0.75, 0, 0)) == [pytest.approx((1, found.low, found.high))]

    def test_another_column_and_its_logarithm(self):
        runs = table(VALUES, use_b=7.0, fisher_trace=np.e)
        axis = drawn(Series(lines=[(RED, {1: A["use_b"]}), (BLUE, {1: A.log("fisher_trace")})]), runs)
        assert (points(axis, RED), points(axis, BLUE)) == ([(1, 7)], [(1, pytest.approx(1))])

    def test_failed_runs_are_left_out_and_named(self):
        runs = table(VALUES, failures=[(A, 22), (C, 20)])
        axis = drawn(Series(lines=[(RED, {5: A, 10: B})]), runs)
        assert points(axis, RED) == [(5, 1.5), (10, 11)]
        assert said(axis) == "× arm 0, seed 22: non-finite loss", "of arms that are shown"

    def test_an_arm_of_which_all_runs_failed_has_no_place_and_the_others_stay(self):
        runs = table(VALUES, failures=[(A, seed) for seed in SEEDS])
        axis = drawn(Series(lines=[(RED, {5: A, 10: B}), (BLUE, {5: A})]), runs)
        assert points(axis, RED) == [(10, 11)]
        assert set(ends(axis)) == {"red"}
        assert said(axis).count("×") == 3

    def test_names_stand_right_of_the_ends_of_lines_or_left_of_their_starts(self):
        for names, places in (("end", {"red": (10, 11), "blue": (5, 20)}), ("start", {"red": (5, 3), "blue": (5, 20)})):
            axis = drawn(Series(lines=[(RED, {5: A, 10: B}), (BLUE, {5: C})], names=names), table(VALUES))
            found = ends(axis)
            assert {name: tuple(axis.transData.inverted().transform(end)) for name, (_, end) in found.items()} == {
                name: pytest.approx(place) for name, place in places.items()
            }
            for text, (_, y) in found.values():
                box = text.get_window_extent()
                assert box.x0 > axis.bbox.x1 if names == "end" else box.x1 < axis.bbox.x0
                assert box.y0 < y < box.y1, "nothing is in the way here"
                assert contrast(text.get_color()) >= style.TEXT_CONTRAST
            assert not axis.get_legend_handles_labels()[1]

    def test_what_is_too_small_to_matter_is_shaded(self):
        axis = drawn(Series(lines=[(RED, {5: A})], unit="accuracy", xlabel="epoch"), table(VALUES))
        assert axis.get_xlabel() == "epoch\ngrey: too small to matter"
        (shade,) = axis.patches
        box = shade.get_extents().transformed(axis.transData.inverted())
        assert (box.y0, box.y1) == (pytest.approx(-2), pytest.approx(2))

    def test_a_level_is_a_line_at_its_mean(self):
        axis = drawn(Series(lines=[(RED, {5: A})], levels=[(BLUE, B)]), table(VALUES))
        assert set(ends(axis)) == {"red", "blue"}
        assert set(line(axis, BLUE).get_ydata()) == {11}
        assert line(axis, BLUE).get_linestyle() == ":"

    def test_categories_stand_side_by_side_whatever_their_distance(self):
        axis = drawn(Series(lines=[(RED, {-1: A, 0.1: B, 10: C})], categories=True), table(VALUES))
        assert points(axis, RED) == [(0, 3), (1, 11), (2, 20)]
        assert [tick.get_text() for tick in axis.get_xticklabels()] == ["−1", "0.1", "10"]

    def test_a_logarithmic_scale_has_a_tick_at_each_position(self):
        axis = drawn(Series(lines=[(RED, {5: A, 10: B, 20: C})], logarithmic=True), table(VALUES))
        assert axis.get_xscale() == "log"
        assert axis.get_xticks().tolist() == [5, 10, 20]
        assert [tick.get_text() for tick in axis.get_xticklabels()] == ["5", "10", "20"]

    def test_zero_is_marked_where_it_is_asked_for(self):
        for zero in (False, True):
            axis = drawn(Series(lines=[(RED, {5: A})], zero=zero), table(VALUES))
            marks = [held for held in axis.lines if set(held.get_ydata()) == {0} and held.get_label().startswith("_")]
            assert len(marks) == zero

    def test_its_arms_are_those_of_lines_and_levels_each_once(self):
        panel = Series(lines=[(RED, {1: A, 2: B - A})], levels=[(BLUE, C["use_b"])])
        assert panel.arms == (A, B, C)
        assert panel.curve_arms == ()


def epochs(values):
    """A row an epoch from {arm: accuracies by epoch}; seeds lie 1 apart around them."""
    return pd.DataFrame([
        {"arm_id": held.id, "seed": seed, "epoch": epoch, "test_accuracy": number + shift}
        for held, numbers in values.items() for seed, shift in zip(SEEDS, (-1, 0, 1), strict=True)
        for epoch, number in enumerate(numbers, 1)
    ])  # fmt: skip


class TestCurves:
    def test_a_mean_by_epoch_with_its_interval_and_a_name_at_its_end(self):
        panel = Curves(lines=[(RED, A), (BLUE, B)], column="test_accuracy")
        axis = drawn(panel, table(VALUES), epochs({A: [10.0, 20.0], B: [50.0], C: [1.0]}))
        assert points(axis, RED) == [(1, 10), (2, 20)]
        assert points(axis, BLUE) == [(1, 50)]
        found, band = mean_interval([9, 10, 11]), axis.collections[0].get_paths()[0].vertices
        assert sorted(set(band[band[:, 0] == 1][:, 1])) == pytest.approx([found.low, found.high])
        assert set(ends(axis)) == {"red", "blue"}
        assert panel.curve_arms == panel.arms == (A, B)

    @pytest.mark.parametrize("logarithmic", [False, True])
    def test_bars_below_the_curves_say_what_acted_and_when(self, logarithmic):
        panel = Curves(lines=[(RED, A), (BLUE, B)], column="test_accuracy", logarithmic=logarithmic,
                       windows=[(RED, 0, 1), (Look("both", "#008000"), 0, 2)])  # fmt: skip
        axis = drawn(panel, table(VALUES), epochs({A: [10.0, 20.0], B: [50.0, 60.0]}))
        bars = [held for held in axis.lines if held.get_linewidth() == 4]
        assert [tuple(held.get_xdata()) for held in bars] == [(0, 2), (0, 1)]
        assert [held.get_color() for held in bars] == ["#008000", RED.colour]
        highest = max(held.get_window_extent().y1 for held in bars)
        lowest = axis.transData.transform((1, 9))[1]
        assert axis.bbox.y0 < highest < lowest, "they cover nothing"
        assert [text.get_text() for text in axis.texts if text.get_text()] == ["both", "red"]
        assert set(ends(axis)) == {"blue"}, "a line that a bar names has no other name"
        assert not [held for held in axis.patches if held.get_alpha()]
        assert min(tick for tick in axis.get_yticks()) >= axis.transData.inverted().transform((0, highest))[1]

    def test_a_single_window_is_shaded_too(self):
        panel = Curves(lines=[(BLUE, B)], column="test_accuracy", windows=[(RED, 0, 1)])
        axis = drawn(panel, table(VALUES), epochs({B: [50.0, 60.0]}))
        box = axis.patches[0].get_extents().transformed(axis.transData.inverted())
        assert (box.x0, box.x1) == (pytest.approx(0), pytest.approx(1))

    def test_epochs_have_whole_numbers(self):
        axis = drawn(Curves(lines=[(RED, A)], column="test_accuracy"), table(VALUES), epochs({A: [10.0, 20.0, 30.0]}))
        assert all(place == round(place) for place in axis.get_xticks())

    def test_a_failed_run_is_named(self):
        panel = Curves(lines=[(RED, A)], column="test_accuracy", logarithmic=True)
        axis = drawn(panel, table(VALUES, failures=[(A, 21)]), epochs({A: [10.0]}))
        assert said(axis) == "× arm 0, seed 21: non-finite loss"
        assert axis.get_yscale() == "log"


class TestDots:
    def test_a_row_a_value_with_mean_interval_and_seeds(self):
        axis = drawn(Dots(rows=[(RED, A), (BLUE, B - A)]), table(VALUES))
        found = {}
        for held in axis.lines:
            if held.get_color() in (RED.colour, BLUE.colour):
                kind = {".": "seeds", "o": "mean", "s": "mean"}.get(held.get_marker(), "interval")
                found[held.get_color(), kind] = held.get_xdata().tolist(), set(np.round(held.get_ydata(), 2))
        for look, values, row in ((RED, [1, 2, 6], 0), (BLUE, [9, 9, 6], 1)):
            interval = mean_interval(values)
            assert found[look.colour, "mean"] == ([interval.mean], {row})
            assert found[look.colour, "interval"] == (pytest.approx([interval.low, interval.high]), {row})
            assert found[look.colour, "seeds"] == (values, {row + 0.24})
        assert [tick.get_text() for tick in axis.get_yticklabels()] == ["red", "blue"]
        assert axis.get_ylim()[0] > axis.get_ylim()[1], "the first row is on top"

    def test_names_may_stand_above_rows(self):
        axis = drawn(Dots(rows=[(RED, A), (BLUE, B)], names="above"), table(VALUES))
        assert not any(tick.get_text() for tick in axis.get_yticklabels())
        for row, (text, name) in enumerate(zip(axis.texts, ("red", "blue"), strict=False)):
            assert text.get_text() == name
            assert axis.bbox.y0 < axis.transData.transform((0, row))[1] < text.get_window_extent().y0 < axis.bbox.y1

    def test_contrasts_of_claims_stand_under_their_names(self):
        claims = [Claim("a.b", "us", B - A, "greater", "More.", short="more"),
                  Claim("a.c", "us", A.log("fisher_trace") - B.log("fisher_trace"), "less", "Less.")]  # fmt: skip
        panel = contrasts(claims, "accuracy", title="both")
        assert [(look.label, value) for look, value in panel.rows] == [("more", B - A)]
        assert (panel.unit, panel.title, panel.names) == ("accuracy", "both", "above")

    def test_what_nobody_cares_about_is_shaded(self):
        axis = drawn(Dots(rows=[(RED, A)], unit="accuracy"), table(VALUES))
        (shade,) = axis.patches
        box = shade.get_extents().transformed(axis.transData.inverted())
        assert (box.x0, box.x1) == (pytest.approx(-2), pytest.approx(2))
        assert not drawn(Dots(rows=[(RED, A)], zero=False), table(VALUES)).patches

    def test_the_ground_of_names_does_not_cut_the_shade_into_stripes(self):
        axis = drawn(Dots(rows=[(RED, A)], unit="accuracy", names="above"), table(VALUES))
        (shade,) = axis.patches
        marked = min(held.get_zorder() for held in axis.lines if held.get_color() == RED.colour)
        assert axis.texts[0].get_zorder() < shade.get_zorder() < marked

    def test_pooled_values_are_drawn_by_their_pseudo_values(self):
        """Of a mean these are the values themselves; of its square, what the jackknife says."""
        parts = (Contrast({A["accuracy"]: 1.0}),)
        squares = Pooled(parts, lambda held: float(held.mean() ** 2), "accuracy")
        axis = drawn(Dots(rows=[(RED, Pooled(parts, lambda held: float(held.mean()), "accuracy")), (BLUE, squares)]),
                     table(VALUES))  # fmt: skip
        seeds = {held.get_color(): held.get_xdata().tolist() for held in axis.lines if held.get_marker() == "."}
        assert seeds[RED.colour] == pytest.approx([1, 2, 6])
        assert seeds[BLUE.colour] == pytest.approx([3 * 9 - 2 * 16, 3 * 9 - 2 * 3.5**2, 3 * 9 - 2 * 1.5**2])

    def test_a_value_that_the_data_do_not_determine_has_an_empty_row(self):
        nothing = Pooled((B - A,), lambda held: float("nan"), "exponent")
        axis = drawn(Dots(rows=[(RED, nothing), (BLUE, B)]), table(VALUES))
        assert RED.colour not in {held.get_color() for held in axis.lines}
        assert [tick.get_text() for tick in axis.get_yticklabels()] == ["red", "blue"]

    def test_the_interval_of_two_seeds_runs_out_of_the_panel(self):
        axis = drawn(Dots(rows=[(RED, B - A)], zero=False), table(VALUES, failures=[(B, 21)]))
        assert axis.get_xlim()[1] < 10 < mean_interval([9, 6]).high

    def test_failed_runs_are_left_out_and_named(self):
        axis = drawn(Dots(rows=[(RED, B - A)]), table(VALUES, failures=[(B, 21)]))
        (seeds,) = [held.get_xdata().tolist() for held in axis.lines if held.get_marker() == "."]
        assert seeds == [9, 6]
        assert said(axis) == "× arm 1, seed 21: non-finite loss"


class TestHistograms:
    PANEL = Histograms(lines=[(RED, A)], prefix="h/", bins=2, xlabel="x")

    def runs(self, failures=()):
        made = table(VALUES, failures)
        made["h/00"], made["h/01"] = [0.2, 0.4, 0.6] * 3, [0.8, 0.6, 0.4] * 3
        made.loc[made["failure"] != "", ["h/00", "h/01"]] = np.nan
        return made

    def test_a_staircase_a_seed_and_the_mean(self):
        axis = drawn(self.PANEL, self.runs())
        steps = [held.get_data() for held in axis.patches]
        assert [held.values.tolist() for held in steps] == [
            [0.2, 0.8], [0.4, 0.6], [0.6, 0.4], [pytest.approx(0.4), pytest.approx(0.6)]
        ]  # fmt: skip
        assert steps[-1].edges.tolist() == [-1, 0, 1]
        assert axis.get_legend_handles_labels()[1] == ["red"]

    def test_failed_runs_are_left_out_and_named(self):
        axis = drawn(self.PANEL, self.runs([(A, 20)]))
        assert axis.patches[-1].get_data().values.tolist() == [pytest.approx(0.5), pytest.approx(0.5)]
        assert said(axis) == "× arm 0, seed 20: non-finite loss"


class TestHeatMap:
    PANEL = HeatMap(cells={(1, 10): A, (2, 10): B, (1, 20): A - B}, xlabel="x")

    def test_cells_hold_means_at_their_place(self):
        axis = drawn(self.PANEL, table(VALUES))
        (image,) = axis.images
        held = np.ma.filled(image.get_array(), np.nan)
        np.testing.assert_array_equal(held, [[3, 11], [-8, np.nan]])
        assert (image.get_clim(), image.origin) == ((-11, 11), "lower")
        assert {text.get_position(): text.get_text() for text in axis.texts} == {
            (0, 0): "3.0", (1, 0): "11.0", (0, 1): "−8.0"
        }  # fmt: skip
        for ticks, labels in ((axis.get_xticklabels(), ["1", "2"]), (axis.get_yticklabels(), ["10", "20"])):
            assert [tick.get_text() for tick in ticks] == labels

    def test_a_cell_of_failed_runs_is_empty_and_they_are_named(self):
        axis = drawn(self.PANEL, table(VALUES, failures=[(B, seed) for seed in SEEDS]))
        assert np.isfinite(np.ma.filled(axis.images[0].get_array(), np.nan)).tolist() == [[True, False], [False, False]]
        assert said(axis).count("× arm 1, seed") == 3

    def test_with_no_number_at_all_it_is_drawn_empty(self):
        runs = table(VALUES, failures=[(held, seed) for held in VALUES for seed in SEEDS])
        assert not np.isfinite(np.ma.filled(drawn(self.PANEL, runs).images[0].get_array(), np.nan)).any()


def test_words_stand_at_the_axes_and_in_the_caption():
    panel = Series(lines=[(RED, {1: A})], title="two\nlines", xlabel="epoch", ylabel="accuracy (%)", note="Note this.")
    axis = drawn(panel, table(VALUES))
    assert (axis.get_title(), axis.get_xlabel()) == ("two\nlines", "epoch")
    (measure,) = axis.texts
    assert (measure.get_text(), measure.get_rotation()) == ("accuracy (%)", 0)
    box, title = measure.get_window_extent(), axis.title.get_window_extent()
    assert axis.bbox.y1 < box.y0 < box.y1 < title.y0
    assert title.y1 < axis.figure.bbox.y1
    assert panel.sentence() == "Accuracy (%) against epoch (two lines). Note this."
    assert Dots(rows=[], xlabel="cost (points)").sentence() == "Cost (points)."
    by = Series(lines=[(RED, {1: A})], xlabel="epoch", ylabel="accuracy\nby epoch (%)")
    assert by.sentence() == "Accuracy by epoch (%)."


def test_looks():
    assert role("deficit", "ill").colour == style.ARM_COLOURS["deficit"]
    assert [look.label for look in shades(["a", "b"])] == ["a", "b"]
    assert len({look.colour for look in shades(["a", "b", "c"])}) == 3
