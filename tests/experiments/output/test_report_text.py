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
        (points(-6.24, -8.1, 1.0), "−6.24 points [−8.1, +1]"),
        (points(0.0, -0.5, 0.5), "0 points [−0.5, +0.5]"),
        (points(0.31, 0.2, 0.42, unit=""), "+0.31 [+0.2, +0.42]"),
        (points(1.0), "+1 points (no interval)"),
        (points(None), "no estimate"),
        (points(math.nan), "no estimate"),
        (points(math.log(1.3), math.log(1.1), math.log(1.5), "×", True), "×1.3 [1.1, 1.5]"),
        (points(math.log(0.5), math.log(0.25), 0.0, "×", True), "×0.5 [0.25, 1]"),
    ],
)
def test_an_effect_has_its_interval_and_unit_and_a_ratio_is_a_factor(verdict, text):
    assert report_text.found(verdict) == text


@pytest.mark.parametrize(("value", "text"), [(-6.244, "−6.24"), (0.012345, "0.0123"), (12345.6, "12,346"), (0, "0")])
def test_numbers_have_three_digits_and_a_true_minus(value, text):
    assert report_text.number(value) == text
