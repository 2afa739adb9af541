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
