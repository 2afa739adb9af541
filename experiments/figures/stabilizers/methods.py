"""The methods that are compared: which field is their strength, and when they act."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from critical.core.spec import SpecError, closest, from_settings
from critical.stabilizers import KINDS, StabilizerWindow
from critical.training.loop import Trainer
from critical.training.schedules import Restart
from experiments.design.protocol import DOSE_MATCHED, Protocol

NONE = "none"
CONTROL_METHOD = "slow_trunk"
"""The control: it only lowers the learning rate behind the fusion."""


@dataclass(frozen=True)
class Method:
    """How a stabiliser is used against a deficit.

    Attributes:
        strength: The field that a grid varies.
        at_removal: Whether it acts once, before the first clean epoch, instead of during the window.
        whole: Whether the strength is a whole number.
        fixed: Other fields, where the defaults do not serve.
    """

    strength: str
    at_removal: bool = False
    whole: bool = False
    fixed: Mapping[str, Any] = field(default_factory=dict)


METHODS = {
    "fisher_penalty": Method("weight"),
    "cross_sensor_reconstruction": Method("weight"),
    "modality_dropout": Method("probability"),
    "shrink_and_perturb": Method("shrink", at_removal=True),
    "l2_init": Method("weight"),
    "weight_decay": Method("weight"),
    # Shifts alone: a mirrored letter is another one, and pictures that may be mirrored are so already.
    "augmentation": Method("shift", whole=True, fixed={"flip": False}),
    CONTROL_METHOD: Method("factor"),
}


def check(methods: Sequence[str]) -> None:
    """Refuses methods that there are not, or that come twice.

    Raises:
        SpecError: In one line.
    """
    for method in methods:
        if method not in METHODS:
            raise SpecError(f"methods: there is no '{method}'; {closest(method, METHODS)}")
    if len(set(methods)) < len(methods) or not methods:
        raise SpecError(f"methods={list(methods)}: at least one, each once")


def windows(method: str, strength: float, removal: int) -> tuple[StabilizerWindow, ...]:
    """Returns the window of a method against a deficit in [0, removal); none for `none`."""
    if method == NONE:
        return ()
    used = METHODS[method]
    if used.whole and strength != int(strength):
        raise SpecError(f"strengths: {method} takes a whole number of {used.strength}, not {strength:g}")
    value = int(strength) if used.whole else strength
    made = from_settings(KINDS, {"name": method, used.strength: value, **used.fixed}, "stabilizer")
    if used.at_removal:
        return (StabilizerWindow(made, removal, removal + 1),)
    return (StabilizerWindow(made, 0, removal),)


def overhead(
    protocol: Protocol, methods: Sequence[str], strengths: Sequence[float], removal: int, rounds: int = 3
) -> pd.DataFrame:
    """Measures what an epoch with each method takes, in one run: rounds in which each trains one epoch.

    Args:
        protocol: Data, network and optimiser.
        methods: Names.
        strengths: One for each.
        removal: The epoch of removal.
        rounds: After one that warms up.

    Returns:
        A row a method: `stabilizer`, `seconds` (median process time of an epoch) and `ratio` to none.
    """
    trainers = {}
    for method, strength in ((NONE, 0.0), *zip(methods, strengths, strict=True)):
        spec = protocol.arm(
            protocol.seeds[0], DOSE_MATCHED, 0, removal, Restart.name, stabilizers=windows(method, strength, removal)
        ).spec
        epoch_specs = spec.epoch_specs
        # A method that acts at the removal acts in that epoch alone.
        epoch_spec = epoch_specs[removal] if method != NONE and METHODS[method].at_removal else epoch_specs[0]
        trainers[method] = (Trainer(spec), dataclasses.replace(epoch_spec, reset_optimizer=False))
    seconds: dict[str, list[float]] = {method: [] for method in trainers}
    for _ in range(rounds + 1):
        for method, (trainer, epoch_spec) in trainers.items():
            with trainer.arithmetic.applied():
                start = time.process_time()
                trainer.train_epoch(epoch_spec)
                seconds[method].append(time.process_time() - start)
    medians = {method: statistics.median(times[1:]) for method, times in seconds.items()}
    return pd.DataFrame(
        [
            {"stabilizer": method, "seconds": value, "ratio": value / medians[NONE]}
            for method, value in medians.items()
        ]
    )
