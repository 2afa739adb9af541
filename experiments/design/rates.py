"""Windows at a constant rate, high or low, at some age: what tells the age of a network from its learning rate."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from critical.core.spec import SpecError
from critical.deficits import Deficit
from critical.inference.arms import Contrast, mean
from critical.plots.panel import Look, Value, role
from experiments.design.measuring import after_every_epoch
from experiments.design.parameters import Parameters, ascending, at_least, spaced
from experiments.design.protocol import Protocol, WindowArms, cost

LOW = 0.25
"""The low rate, as a share of the high one. Where the summed rate is equal, a low window is 1/LOW times as long."""

HIGH, LOWER = "high", "low"
HIGH_SETTLED, LOWER_SETTLED = "high, settled", "low, settled"
LONGER = "low, longer"
"""Kinds of windows. Settled ones begin after clean epochs at their rate; longer ones have the summed rate of high."""

LOOKS = {
    HIGH: role("deficit", "high rate"),
    LOWER: role("dose_matched", "low rate"),
    HIGH_SETTLED: role("deficit", "high, settled", "--", "s"),
    LOWER_SETTLED: role("dose_matched", "low, settled", "--", "s"),
    LONGER: role("dose_matched", "low, longer", ":", "D"),
}

Effect = Callable[[WindowArms, str], Contrast]
"""What is compared of a window, such as its `cost`, in a column."""


@dataclass(frozen=True)
class Crossed:
    """Windows that cross kinds of rate with ages.

    Attributes:
        cells: The windows by kind and age.
    """

    cells: Mapping[tuple[str, int], WindowArms]

    def ages(self, kind: str, late: int, effect: Effect = cost, column: str = "accuracy") -> Contrast:
        """Returns the effect of the window of a kind at epoch 0 − that of the late one."""
        return effect(self.cells[kind, 0], column) - effect(self.cells[kind, late], column)

    def mean(self, kind: str, late: int, effect: Effect = cost, column: str = "accuracy") -> Contrast:
        """Returns the effect of windows of a kind, the mean of that at epoch 0 and the late one."""
        return mean(effect(self.cells[kind, age], column) for age in (0, late))

    def rates(self, late: int, column: str = "accuracy", low: str = LOWER, high: str = HIGH) -> Contrast:
        """Returns the cost at the high rate − that at the low one, the mean of epoch 0 and the late window.

        In the damage the run that skips a window is the same at both rates and cancels, so deficient networks alone
        would be compared; the cost counts what the rate gives clean epochs, too.
        """
        return mean(cost(self.cells[high, age], column) - cost(self.cells[low, age], column) for age in (0, late))

    def lines(self, kinds: Sequence[str], seen: Callable[[WindowArms], Value]) -> list[tuple[Look, dict[int, Value]]]:
        """Returns a line by age for each of some kinds."""
        return [
            (LOOKS[kind], {age: seen(held) for (known, age), held in self.cells.items() if known == kind})
            for kind in kinds
        ]


@dataclass(frozen=True)
class AgesAndRates(Parameters):
    """What a profile may set.

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


@dataclass(frozen=True)
class TwoAges(AgesAndRates):
    """Parameters; see `AgesAndRates`, whose later windows are left out by default."""

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns windows of the shortest length, at epoch 0 and where the decaying rate has become low."""
        return {**AgesAndRates.defaults(protocol), "late_onsets": (low_from(protocol),)}


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


def crossed(
    protocol: Protocol,
    places: Iterable[tuple[str, int]],
    length: int,
    settle: int = 0,
    budget: int | None = None,
    deficit: Deficit | None = None,
) -> Crossed:
    """Returns windows of given kinds and ages; `settle` clean epochs lie before settled ones.

    Longer ones have as many times the epochs as their rate is lower. Budget and deficit are as for `constant_rate`.
    """

    def cell(kind: str, age: int) -> WindowArms:
        epochs = round(length / LOW) if kind == LONGER else length
        before = settle if kind in (HIGH_SETTLED, LOWER_SETTLED) else 0
        return constant_rate(protocol, age, kind in (HIGH, HIGH_SETTLED), epochs, before, budget, deficit)

    return Crossed({(kind, age): cell(kind, age) for kind, age in places})


def windows(protocol: Protocol, parameters: AgesAndRates) -> Crossed:
    """Returns the windows of all kinds, the trace measured after every epoch, since it is judged in them.

    Low ones that begin settled are early alone; longer ones are early, or the first of the late ones.

    Raises:
        SpecError: The rate has not become low before the late windows, or two windows have one clean network.
    """
    length, late = parameters.length, parameters.late_onsets
    refuse_high(protocol, late[0], f"late_onsets={list(late)}")
    latest = {LOWER_SETTLED: 0, LONGER: late[0]}
    places = [(kind, age) for age in (0, *late) for kind in LOOKS if age <= latest.get(kind, age)]
    found = crossed(after_every_epoch(protocol), places, length, parameters.settle)
    if len({held.dose_matched for held in found.cells.values()}) < len(places):
        raise SpecError(f"length={length}: the clean networks of two windows are one, with one trace for both; choose "
                        f"other lengths or late_onsets={list(late)}")  # fmt: skip
    return found
