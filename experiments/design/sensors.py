"""Linear networks that learn tasks from several sensors, all of them or all but one: arms, and what is computed."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from critical.linear.descent import descend, initial_layers
from critical.linear.modes import maps, time_to
from experiments.design.computed import arm, points, row
from experiments.design.parameters import Parameters, at_least, within

CORRELATION = ((1, 0, 3, 1, 0, 0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0), (0, 1, 0, 0, 0, 1, 0, 0), (0, 1, 0, 0, 0, 0, 1, 0),
               (0, 0, 3, 0, 0, 0, 0, 1))  # fmt: skip
"""Σyx of the paper: a row a task, a column a sensor."""
DROPPED, UNTIL, DRAWN, BETWEEN = 3, 10.0, 6.0, 0.125
"""The sensor that is dropped; in units of τ the last time, the last one that is drawn, and their distance there."""
DEEP, SHALLOW = "two layers", "one layer"
DESCENT, EXACT = "descent", "closed form"
ALL, WITHOUT = "all sensors", f"without sensor {DROPPED}"
ARMS = {(layers, sensors, how): arm(f"{layers}, {sensors}, {how}", layers=layers, sensors=sensors, how=how)
        for layers in (DEEP, SHALLOW) for sensors in (ALL, WITHOUT) for how in (DESCENT, EXACT)}  # fmt: skip
FEATURES = [(sensor, task) for task, weights in enumerate(CORRELATION, 1) for sensor, weight in enumerate(weights, 1)
            if weight and sensor != DROPPED]  # fmt: skip
SHOWN, DELAYS = ((1, 1), (2, 3)), ((1, 1), (4, 1), (8, 5), (1, 2), (2, 3))
"""Sensors and tasks whose weights are drawn by time, and those whose delays are drawn."""


@dataclass(frozen=True)
class LinearNetworks(Parameters):
    """What a profile may set.

    Attributes:
        start: Strength of every mode at the beginning; that of the authors' code.
        hidden: Units between two layers.
        rate: Learning rate of the descent.
    """

    start: float = 1e-4
    hidden: int = 128
    rate: float = 0.005

    def __post_init__(self) -> None:
        at_least(1, hidden=self.hidden)
        # Modes that begin larger are half learnt already; at larger rates descent diverges, or follows no closed form.
        within(1e-12, 0.1, start=self.start)
        within(1e-4, 0.1, rate=self.rate)


@functools.cache
def computed(parameters: LinearNetworks, seeds: tuple[int, ...]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns the tables of runs and of curves: networks of all seeds descend at once, closed forms have none."""
    steps, runs, curves = round(UNTIL / parameters.rate), [], []
    times = parameters.rate * np.arange(steps + 1)
    drawn = slice(0, round(DRAWN / parameters.rate) + 1, max(1, round(BETWEEN / parameters.rate)))
    for (layers, sensors, how), held in ARMS.items():
        count, task = (DEEP, SHALLOW)[::-1].index(layers) + 1, np.array(CORRELATION, dtype=float)
        if sensors == WITHOUT:
            task[:, DROPPED - 1] = 0.0
        if how == EXACT:
            found = np.repeat(maps(task, count, parameters.start, times)[:, None], len(seeds), axis=1)
        else:
            weights = initial_layers((task.shape[0], task.shape[1]), count, parameters.hidden, parameters.start, seeds)
            found = descend(task, weights, parameters.rate, steps)
        for place, seed in enumerate(seeds):
            runs.append(row(held, seed, **_measured(times, found[:, place])))
            courses = {f"weight_{sensor}_{at}": found[drawn, place, at - 1, sensor - 1] for sensor, at in SHOWN}
            # The closed form is the same for all seeds, and is drawn once.
            curves += [points(held, seed, times[drawn], **courses)] if how == DESCENT or not place else []
    return pd.DataFrame(runs), pd.concat(curves)


def _measured(times: NDArray[Any], weights: NDArray[Any]) -> dict[str, float]:
    """Returns for each feature the time until half of its weight is there, and the share of it that is at the end."""
    whole = np.array(CORRELATION, dtype=float)
    found: dict[str, float] = {}
    for sensor, task in FEATURES:
        share = weights[:, task - 1, sensor - 1] / whole[task - 1, sensor - 1]
        found |= {f"half_time_{sensor}_{task}": float(time_to(0.5, times, share)),
                  f"learnt_{sensor}_{task}": float(share[-1])}  # fmt: skip
    return found
