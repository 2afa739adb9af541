import math

import pytest

from experiments.output import report_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (59.96, "1 min 0 s"),
        (192.4, "3 min 12 s"),
        (3599.7, "1 h 0 min"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations(seconds, text):
    assert report_text.duration(seconds) == text


@pytest.mark.parametrize(
    ("p", "text"), [(None, "–"), (0.03125, "0.031"), (0.0004, "< 0.001"), (1.0, "1.000")]
)
def test_probabilities(p, text):
    assert report_text.probability(p) == text


def points(effect, low=None, high=None, unit="points", ratio=False):
    return {"effect": effect, "low": low, "high": high, "unit": unit, "ratio": ratio}


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        (points(4.2, 3.1, 5.3), "+4.2 points [+3.1, +5.3]"),
        (points(-6.24, -8.1, 1.0), "−6.2 points [−8.1, +1.0]"),
        (points(0.0, -0.5, 0.5), "0.0 points [−0.5, +0.5]"),
        (points(0.31, 0.2, 0.42, unit=""), "+0.31 [+0.20, +0.42]"),
        (points(1.0), "+1 point (no interval)"),
        (points(-1.0), "−1 point (no interval)"),
        (points(1.0, 0.4, 1.6), "+1.0 points [+0.4, +1.6]"),
        (points(None), "no estimate"),
        (points(math.nan), "no estimate"),
        (points(25.25, 23.0, 27.5), "+25.2 points [+23.0, +27.5]"),
        (points(1200.0, 900.5, 1499.5), "+1,200 points [+900, +1,500]"),
        (points(math.log(1e-5), math.log(9e-6), math.log(2e-5), "×", True), "×1e−05 [9e−06, 2e−05]"),
        (points(math.log(1.3), math.log(1.1), math.log(1.5), "×", True), "×1.3 [1.1, 1.5]"),
        (points(math.log(0.5), math.log(0.25), 0.0, "×", True), "×0.50 [0.25, 1.00]"),
    ],
)
def test_an_effect_has_its_interval_and_unit_and_a_ratio_is_a_factor(verdict, text):
    assert report_text.found(verdict) == text


@pytest.mark.parametrize(("value", "text"), [(-6.244, "−6.24"), (0.012345, "0.0123"), (12345.6, "12,346"), (0, "0")])
def test_numbers_have_three_digits_and_a_true_minus(value, text):
    assert report_text.number(value) == text


def test_effects_have_the_digits_that_one_would_act_on():
    assert report_text.found(points(0.0125, -1.04, 0.04)) == "0 points [−1, 0]"
    assert report_text.found(points(0.9094, 0.8116, 1.0074, unit="")) == "+0.91 [+0.81, +1.01]"
    assert report_text.brief(points(50.217)) == "+50.2 pt"
    assert report_text.brief(points(1.73, unit="bits")) == "+1.73 bits"
    assert report_text.brief(points(1.0, unit="bits")) == "+1 bit"
    assert report_text.brief(points(math.log(0.5), unit="×", ratio=True)) == "×0.5"
    assert report_text.brief(points(None)) == "–"


def verdicts(*words, confirmed=0):
    return [{"verdict": word, "confirmed": place < confirmed} for place, word in enumerate(words)]


def test_verdicts_are_counted_in_their_order():
    assert report_text.tally(verdicts("undecided", "reproduced", "reversed", "reproduced")) == (
        "of 4 claims 2 reproduced, 1 reversed, 1 undecided; none confirmed yet"
    )
    assert report_text.tally(verdicts("reproduced", "reproduced", "negligible", confirmed=1)) == (
        "of 3 claims 2 reproduced (1 confirmed), 1 negligible"
    )
    assert report_text.tally(verdicts("undecided", "undecided")) == "of 2 claims all undecided"
    assert report_text.tally(verdicts("reversed", "reversed", confirmed=1)) == "of 2 claims all reversed (1 confirmed)"
    assert report_text.tally(verdicts("unfinished")) == "1 claim, unfinished"
    assert report_text.tally(verdicts("reversed")) == "1 claim, reversed; not confirmed yet"
    assert report_text.tally(verdicts("reproduced", confirmed=1)) == "1 claim, reproduced (confirmed)"
    assert report_text.tally([]) == "no claim"


def test_only_what_is_decided_is_provisional_or_confirmed():
    said = [report_text.sureness({"verdict": word, "confirmed": sure})
            for word, sure in (("reproduced", True), ("reversed", False), ("undecided", False))]  # fmt: skip
    assert said == ["confirmed", "provisional", ""]


@pytest.mark.parametrize(
    ("label", "name"),
    [("glyphs 16×16 (3,000 images, contrast 0.5)", "glyphs"), ("CIFAR-10 16×16, 10,000 images", "CIFAR-10"),
     ("letters and signals (4,000 pairs: 12×12 pixels)", "letters and signals"), ("mine", "mine")],
)  # fmt: skip
def test_data_have_a_short_name(label, name):
    assert report_text.data_name(label) == name


def test_data_beside_a_column_keep_their_size():
    labels = ("glyphs 16×16 (3,000 images, contrast 0.5)", "CIFAR-10 (JPEG) 16×16, 10,000 images", "mine (a)")
    assert [report_text.data_label(label) for label in labels] == ["glyphs 16×16", "CIFAR-10 (JPEG) 16×16", "mine (a)"]


def test_lists_and_ranges():
    assert [report_text.listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "", "a", "a and b", "a, b and c"
    ]  # fmt: skip
    assert report_text.listed(["a", "b", "c and d"]) == "a, b, and c and d"
    assert report_text.listed(["a and b"]) == "a and b"
    assert report_text.ranges([22, 20, 21, 30]) == "20–22, 30"


@pytest.mark.parametrize(
    ("labels", "common", "left"),
    [
        (["blur [0, 8), constant rate, then 8 epochs (blocks 1, width 8)",
          "blur [0, 8), constant rate, then 8 epochs (blocks 3, width 8)"],
         "blur [0, 8), constant rate, then 8 epochs", ["blocks 1, width 8", "blocks 3, width 8"]),
        (["blur [0, 2), high rate (depth 3)", "blur [2, 4), high rate (depth 1)"], "blur, high rate",
         ["[0, 2) (depth 3)", "[2, 4) (depth 1)"]),
        (["blur, restarted", "blur, restarted (depth 3)"], "restarted", ["blur", "blur (depth 3)"]),
        (["blur, restarted"], "", ["blur, restarted"]),
        (["labels: 45 epochs, blur in [0, 15), then 2", "none: 45 epochs, blur in [0, 15), then 2"],
         "blur in [0, 15), then 2", ["labels: 45 epochs", "none: 45 epochs"]),
        ([], "", []),
    ],
)  # fmt: skip
def test_what_labels_have_in_common_is_said_once(labels, common, left):
    assert report_text.common_and_own(labels) == (common, left)
