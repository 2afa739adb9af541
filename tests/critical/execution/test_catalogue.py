"""What a run's settings are in a table of runs."""

import math

import helpers
import pytest

from critical.core.spec import settings
from critical.deficits import Blur, NoDeficit, ViewDropout
from critical.execution.catalogue import described
from critical.training.schedules import Continue
from critical.training.timeline import Timeline, Window

PLAIN = helpers.run().describe()
"""Of whole images: what there is to see is no question of a table."""


def record(*windows):
    timeline = Timeline(9, tuple(Window(start, start + 2, deficit) for start, deficit in windows))
    return PLAIN | {"timeline": settings(timeline), "schedule": settings(Continue(rate=0.1, decay=0.5))}


@pytest.mark.parametrize(
    ("windows", "view", "rate"),
    [
        ((), "", 0.1),
        (((2, Blur(factor=2)),), "", 0.025),
        (((1, ViewDropout(view="b")),), "b", 0.05),
        (((3, ViewDropout(view="a")), (5, NoDeficit()), (7, ViewDropout(view="b"))), "a+b", 0.0125),
        (((2, ViewDropout(view="a")), (4, ViewDropout(view="a"))), "a", 0.025),
    ],
)
def test_the_view_and_the_rate_in_the_first_epoch_of_a_window(windows, view, rate):
    found = described(record(*windows))
    assert (found["view"], found["rate"]) == (view, 0.1)
    assert found["rate_at_onset"] == pytest.approx(rate)


def test_the_rate_of_a_schedule_of_another_version_is_not_known():
    made = record((2, Blur(factor=2)))
    assert math.isnan(described(made | {"schedule": {"name": "of yesterday", "rate": 0.1}})["rate_at_onset"])
