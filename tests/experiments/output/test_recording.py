"""What a record says of the learning rate."""

import pytest
import tiny

from critical.plots.panel import role
from critical.plots.panels import Series
from experiments.design.figure import Design
from experiments.design.schedules import CONSTANT, CONTINUE, RESTART
from experiments.output.recording import rate_text, schedule_text

PROTOCOL = tiny.protocol(recovery=5)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ((CONTINUE,), "rate 0.05·0.8^epoch, 5 clean epochs"),
        ((CONSTANT,), "a constant rate of 0.05, 5 clean epochs"),
        ((CONSTANT, RESTART), "rate 0.05·0.8^epoch, 5 clean epochs"),
    ],
)
def test_the_rate_that_is_said_is_that_of_an_arm(how, said):
    arms = {place: PROTOCOL.window(0, 2, name).deficit for place, name in enumerate(how)}
    design = Design(panels=[[Series(lines=[(role("deficit", "x"), arms)])]])
    assert schedule_text(PROTOCOL, design).startswith(said)


@pytest.mark.parametrize(
    ("courses", "said"),
    [
        ([[0.1, 0.1], [0.06, 0.048]], "rate 0.06·0.8^epoch"),
        ([[0.03, 0.027, 0.0243], [0.0243, 0.02187]], "rate 0.03·0.9^epoch"),
        ([[0.1, 0.1], [0.2, 0.2]], ""),
        ([[0.1, 0.09], [0.1, 0.08]], ""),
        ([[0.05, 0.05, 0.01]], ""),
        ([[0.05, 0.05, 0.01], [0.04, 0.036, 0.0324]], "rate 0.04·0.9^epoch"),
        ([[0.1]], ""),
    ],
)
def test_of_rates_that_are_not_those_of_the_protocol(courses, said):
    assert rate_text(courses, (0.06, 0.8)) == said
