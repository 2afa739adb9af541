"""Windows at a constant rate, high or low, at some age: what tells the age of a network from its learning rate."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from critical.core.spec import SpecError
from critical.deficits import Deficit
from experiments.design.measuring import after_every_epoch
from experiments.design.parameters import Parameters, ascending, at_least, spaced
from experiments.design.protocol import Protocol, WindowArms

LOW = 0.25
"""The low rate, as a share of the high one. Where the summed rate is equal, a low window is 1/LOW times as long."""


@dataclass(frozen=True)
class AgesAndRates(Parameters):
    """Parameters.

    Attributes:
        length: Epochs of the window.
        late_onsets: Ages of the late windows; ascending, the first at least where the decaying rate has become low.
        settle: Clean epochs at the window's rate before a window that begins settled.
    """

    length: int
    late_onsets: tuple[int, ...]
    settle: int

    def __post_init__(self) -> None:
        at_least(1, length=self.length, settle=self.settle)
        ascending(1, late_onsets=self.late_onsets)

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns windows of the shortest length, late ones where the rate has become low and at twice that age."""
        length, aged = spaced(protocol.longest_window, protocol.points)[0], low_from(protocol)
        return {"length": length, "late_onsets": (aged, 2 * aged), "settle": max(1, length // 2)}


def low_from(protocol: Protocol) -> int:
    """Returns the epoch from which the decaying rate is at most low; 1 where it does not decay."""
    return max(1, math.ceil(math.log(LOW) / math.log(protocol.decay))) if protocol.decay < 1 else 1


def refuse_high(protocol: Protocol, late: int, said: str) -> None:
    """Refuses a late window that begins before the decaying rate has become low.

    Raises:
        SpecError: It does, or the rate never becomes low; the line begins with `said`.
    """
    if protocol.decay == 1 or late < low_from(protocol):
        raise SpecError(f"{said}: a late window begins where the rate has decayed to {LOW:g} of "
                        f"itself: from epoch {low_from(protocol)} on, with a decay below 1")  # fmt: skip


def cell(
    protocol: Protocol,
    age: int,
    high: bool,
    length: int,
    settle: int = 0,
    budget: int | None = None,
    deficit: Deficit | None = None,
) -> WindowArms:
    """Returns the arms of `constant_rate`, the trace measured after every epoch, since it is judged there."""
    return constant_rate(after_every_epoch(protocol), age, high, length, settle, budget, deficit)


def constant_rate(
    protocol: Protocol,
    age: int,
    high: bool,
    length: int,
    settle: int = 0,
    budget: int | None = None,
    deficit: Deficit | None = None,
) -> WindowArms:
    """Returns the arms of a window at a constant rate, at some age.

    Until that age the rate decays to the low one and stays there, so a late window at low rates is no jump. Then come
    `settle` clean epochs at the window's rate, the window, and a recovery of `budget` epochs (a standard one when left
    out).
    """
    aged, low = low_from(protocol), LOW * protocol.rate
    rate = protocol.rate if high else low
    before = [(0, protocol.rate, protocol.decay)] if age else [(0, rate, 1.0)]
    if aged < age:
        before.append((aged, low, 1.0))
    if age and (high or aged >= age):
        before.append((age, rate, 1.0))
    words = f"{'high' if high else 'low'} rate" + (f", settled for {settle} epochs" if settle else "")
    return protocol.staged(tuple(before), age + settle, length, words, budget, deficit=deficit)


def windows(protocol: Protocol, parameters: AgesAndRates) -> dict[tuple[str, int], WindowArms]:
    """Returns the windows that cross kinds of rate with ages, by both; 'longer' ones have an equal summed rate.

    Raises:
        SpecError: The rate has not become low before the late windows, or two windows have one clean network.
    """
    length, settle, late = parameters.length, parameters.settle, parameters.late_onsets
    refuse_high(protocol, late[0], f"late_onsets={list(late)}")
    found: dict[tuple[str, int], WindowArms] = {}
    for age in (0, *late):
        found["high", age] = cell(protocol, age, True, length)
        found["low", age] = cell(protocol, age, False, length)
        found["high, settled", age] = cell(protocol, age, True, length, settle)
        if age == 0:
            found["low, settled", age] = cell(protocol, age, False, length, settle)
        if age <= late[0]:
            found["low, longer", age] = cell(protocol, age, False, round(length / LOW))
    if len({held.dose_matched for held in found.values()}) < len(found):
        raise SpecError(f"length={length}: the clean networks of two windows are one, with one trace for both; choose "
                        f"other lengths or late_onsets={list(late)}")  # fmt: skip
    return found
