"""Linear networks that learn from several sensors, one of them gone: closed forms beside descent (figure 2)."""

import numpy as np
from numpy.typing import NDArray

from critical.inference.arms import Contrast, Within
from critical.inference.claims import Claim
from critical.plots.panel import Look
from critical.plots.panels import Curves, Dots
from critical.plots.style import arm_colour
from experiments.design.figure import Design, Figure
from experiments.design.protocol import Protocol
from experiments.design.sensors import (
    ALL,
    ARMS,
    DEEP,
    DELAYS,
    DESCENT,
    DROPPED,
    EXACT,
    FEATURES,
    SHALLOW,
    WITHOUT,
    LinearNetworks,
    computed,
)
from experiments.design.sources import CVPR2023, OURS


def _largest(gaps: NDArray[np.float64]) -> float:
    return float(np.abs(gaps).max())


def design(protocol: Protocol, parameters: LinearNetworks) -> Design:
    """Sets networks without a sensor against those with all, descent against closed forms."""

    def delay(layers: str, sensor: int, task: int, how: str = DESCENT) -> Contrast:
        column = f"half_time_{sensor}_{task}"
        return ARMS[layers, WITHOUT, how].log(column) - ARMS[layers, ALL, how].log(column)

    def gap(layers: str, sensors: str) -> Within:
        columns = [f"half_time_{sensor}_{task}" for sensor, task in FEATURES]
        parts = (ARMS[layers, sensors, DESCENT].log(column) - ARMS[layers, sensors, EXACT].log(column)
                 for column in columns)  # fmt: skip
        return Within(tuple(parts), _largest, "time")

    def panel(layers: str, sensor: int, task: int, title: str) -> Curves:
        colours = {ALL: arm_colour("dose_matched"), WITHOUT: arm_colour("deficit")}
        lines = [(Look(sensors, colours[sensors]), ARMS[layers, sensors, DESCENT]) for sensors in colours]
        lines += [(Look(EXACT * (sensors == WITHOUT), arm_colour("clean"), ":"), ARMS[layers, sensors, EXACT])
                  for sensors in (ALL, WITHOUT)]  # fmt: skip
        return Curves(title=f"{layers}, {title}", xlabel="time (t/τ)", column=f"weight_{sensor}_{task}", lines=lines,
                      ylabel=f"weight of sensor {sensor} for task {task}")  # fmt: skip

    learnt = ARMS[DEEP, ALL, DESCENT]["learnt_1_1"] - ARMS[DEEP, WITHOUT, DESCENT]["learnt_1_1"]
    words = f"Without sensor {DROPPED}"
    claims = [
        Claim("linear.delayed", CVPR2023, delay(DEEP, 1, 1), "greater",
              f"{words} two layers learn later what sensor 1 says about the task that both serve.",
              short="two layers: other sensor delayed"),
        Claim("linear.shallow", CVPR2023, delay(SHALLOW, 1, 1), "none",
              f"{words} one layer learns what sensor 1 says about that task at the same time: by construction, since "
              "in one layer no weight of a sensor depends on another sensor.",
              short="one layer: other sensor on time"),
        Claim("linear.other_task", OURS, delay(DEEP, 1, 2), "not greater",
              f"{words} what sensor 1 says about a task that sensor {DROPPED} does not serve is not delayed.",
              requires=("linear.delayed",), short="same sensor, other task: no delay"),
        Claim("linear.bystander", OURS, delay(DEEP, 2, 3), "none",
              f"{words} two layers learn what sensor 2 says about task 3 at the same time: by construction, "
              f"since that shares no mode with sensor {DROPPED}. Not all is slower.",
              requires=("linear.delayed",), short="sensor of other tasks: no delay"),
        Claim("linear.not_lost", OURS, learnt, "none",
              "What is delayed is not lost: all of it is there at the end, by construction, since a linear network "
              "learns every mode in time.", requires=("linear.delayed",),
              short="what is delayed is not lost"),
        *(Claim(f"linear.exact_{number}", OURS, gap(layers, sensors), "not greater",
                f"Descent from small random weights follows the closed form ({layers}, {sensors}): of all weights the "
                "one whose time differs most differs too little to matter.",
                short=f"{layers}, {sensors[:7]}: exact" if sensors == WITHOUT else f"{layers}: exact")
          for number, (layers, sensors) in enumerate(((DEEP, ALL), (DEEP, WITHOUT), (SHALLOW, ALL)), 1)),
    ]  # fmt: skip
    rows = [(Look(f"{layers}: sensor {sensor}, task {task}", arm_colour("deficit" if task in (1, 5) else "clean")),
             delay(layers, sensor, task))
            for layers, sensor, task in (*((DEEP, *one) for one in DELAYS), (SHALLOW, 1, 1))]  # fmt: skip
    delays = Dots(title=f"later without sensor {DROPPED}, or not", rows=rows, unit="time",
                  xlabel="logarithm of the factor in time", names="above")  # fmt: skip
    return Design(
        panels=[[panel(DEEP, 1, 1, "a shared task"), panel(SHALLOW, 1, 1, "a shared task")],
                [panel(DEEP, 2, 3, "another task"), delays]],
        claims=claims,
        leading=("linear.delayed", "linear.shallow"),
        arms=list(ARMS.values()),
        table=lambda: computed(parameters, protocol.seeds)[0],
        epochs=lambda: computed(parameters, protocol.seeds)[1],
        panel_inches=(3.8, (2.3, 2.9)),
        note="Closed forms are dotted over descents. A seed draws the weights at the beginning, so small that modes "
        f"have a strength of {parameters.start:g} in the mean. τ is the inverse of the learning rate. Times are those "
        f"until half of a weight is there. Sensor {DROPPED} serves tasks 1 and 5; their delays are in colour. "
        "Closed forms decide what the claims say beforehand; what is tested is whether descent from random weights "
        "keeps to them.",
    )  # fmt: skip


FIGURE = Figure(
    name="cvpr2023/linear_sensor_drop",
    title="A sensor dropped, in linear networks",
    question="Is what other sensors say learnt later where one is gone, and only in a deep network?",
    parameters=LinearNetworks,
    design=design,
    deviations=(
        "The paper shows the closed forms alone; descent from random weights, and the sensors and tasks that serve as "
        "controls, are ours.",
    ),
)
