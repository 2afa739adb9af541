"""Tables with planted values: every arm of a claim gets the values that a test gives it."""

import numpy as np
import pandas as pd
from helpers import BASE, run

from critical.inference.arms import Arm
from critical.inference.claims import BATCHES
from critical.training.schedules import Continue

SEEDS = BATCHES[0]
BOTH = (*BATCHES[0], *BATCHES[1])


def arm(number, label=""):
    """Arms that differ in what is trained: their rate."""
    return Arm(run(schedule=Continue(rate=0.001 * (number + 1)), base=BASE), {"label": label or f"arm {number}"})


def table(values, seeds=SEEDS, column="accuracy", failures=()):
    """A table of {arm: values by seed, or one for all}; `failures` are pairs (arm, seed)."""
    rows = []
    for held, numbers in values.items():
        for seed, number in zip(seeds, np.broadcast_to(numbers, len(seeds)), strict=True):
            failed = (held, seed) in failures
            rows.append({"arm_id": held.id, "seed": seed, column: np.nan if failed else float(number),
                         "failure": "non-finite loss" if failed else "", "run_id": "x"})  # fmt: skip
    return pd.DataFrame(rows)
