"""What a profile may choose for a figure: typed parameters that refuse what cannot be, in one line.

A figure's parameters are a frozen dataclass. Its `defaults` derive them from the protocol (longest window, number of
points, recovery), so a profile says its numbers once and `figures:` only overrides.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from critical.core.spec import SpecError

if TYPE_CHECKING:
    from experiments.design.protocol import Protocol


def at_least(least: float, **given: float) -> None:
    """Refuses numbers below a bound, by their names."""
    for name, value in given.items():
        if value < least:
            raise SpecError(f"{name}={value:g}: at least {least:g}")


def positive(**given: float) -> None:
    """Refuses numbers that are not above 0, by their names."""
    for name, value in given.items():
        if not value > 0:
            raise SpecError(f"{name}={value:g}: above 0")


def within(least: float, most: float, **given: float) -> None:
    """Refuses numbers outside of bounds, by their names."""
    for name, value in given.items():
        if not least <= value <= most:
            raise SpecError(f"{name}={value:g}: from {least:g} to {most:g}")


def ascending(least: int, count: int = 1, **given: Sequence[int]) -> None:
    """Refuses lists, by their names, that are not ascending whole numbers from a bound on, or too short."""
    for name, values in given.items():
        held = list(values)
        if len(held) < count or held != sorted(set(held)) or (held and held[0] < least):
            wanted = f"{'at least ' + str(count) + ' ' if count > 1 else ''}ascending epochs from {least} on"
            raise SpecError(f"{name}={held}: {wanted} are wanted")


def doubling(count: int, **given: Sequence[int]) -> None:
    """Refuses lists, by their names, in which a number is not twice the one before it, or that are too short."""
    for name, values in given.items():
        doubled = all(after == 2 * before for before, after in itertools.pairwise(values))
        if len(values) < count or values[0] < 1 or not doubled:
            raise SpecError(f"{name}={list(values)}: at least {count}, each twice the last, e.g. [5, 10, 20]")


def spaced(longest: int, points: int) -> tuple[int, ...]:
    """Returns `points` epochs, evenly spaced up to `longest`: (5, 10, 15) for 15 and 3."""
    return tuple(dict.fromkeys(max(1, round(longest * number / points)) for number in range(1, points + 1)))


@dataclass(frozen=True)
class Parameters:
    """Base of the parameters of a figure."""

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns the fields that follow from the protocol; the others have to be given."""
        return {}

    @classmethod
    def names(cls) -> list[str]:
        """Returns the names of the fields."""
        return [field.name for field in fields(cls)]


@dataclass(frozen=True)
class Removal(Parameters):
    """Parameters of a figure with one epoch of removal.

    Attributes:
        removal: Epoch at which the deficits, on from epoch 0, are removed.
    """

    removal: int

    def __post_init__(self) -> None:
        at_least(1, removal=self.removal)

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns the longest window."""
        return {"removal": protocol.longest_window}


@dataclass(frozen=True)
class Removals(Parameters):
    """Parameters of a figure over epochs of removal.

    Attributes:
        removals: Epochs at which the deficit, on from epoch 0, is removed; ascending, above 0.
    """

    removals: tuple[int, ...]

    def __post_init__(self) -> None:
        ascending(1, 2, removals=self.removals)

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns evenly spaced removals up to the longest window."""
        return {"removals": spaced(protocol.longest_window, protocol.points)}


@dataclass(frozen=True)
class ManyRemovals(Removals):
    """Parameters of a figure over epochs of removal, at least four of them where a profile says fewer."""

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns evenly spaced removals up to the longest window."""
        return {"removals": spaced(protocol.longest_window, max(4, protocol.points))}


@dataclass(frozen=True)
class TwoRemovals(Removals):
    """Parameters of a figure over epochs of removal each of which is dear: the first and the last by default."""

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns the first and the last of evenly spaced removals up to the longest window."""
        steps = spaced(protocol.longest_window, max(2, protocol.points))
        return {"removals": (steps[0], steps[-1])}


@dataclass(frozen=True)
class Onsets(Parameters):
    """Parameters of a figure over the onset of windows of one length.

    Attributes:
        length: Epochs of the windows.
        onsets: Their first epochs, ascending.
    """

    length: int
    onsets: tuple[int, ...]

    earliest: ClassVar[int] = 0
    fewest: ClassVar[int] = 2

    def __post_init__(self) -> None:
        at_least(1, length=self.length)
        ascending(self.earliest, self.fewest, onsets=self.onsets)


@dataclass(frozen=True)
class ManyOnsets(Onsets):
    """Parameters of a figure with correlations over the onsets above 0: there are at least four onsets."""

    fewest: ClassVar[int] = 4

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns windows of the shortest length, at twice as many onsets as there are points."""
        return cls.spread(protocol, cls.fewest)

    @staticmethod
    def spread(protocol: Protocol, least: int) -> Mapping[str, Any]:
        """Returns the same, at so many onsets at least."""
        length = spaced(protocol.longest_window, max(2, protocol.points))[0]
        steps = spaced(max(least, protocol.longest_window), max(least, 2 * protocol.points))
        return {"length": length, "onsets": (0, *steps[:-1])}


@dataclass(frozen=True)
class SplitRemovals(ManyRemovals):
    """What a profile may set.

    Attributes:
        other_removals: Epochs of removal of dropout and dissociation: some of `removals`, the last one among them.
    """

    other_removals: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        some, given = list(self.other_removals), list(self.removals)
        if some != [removal for removal in given if removal in some] or some[-1:] != given[-1:]:
            raise SpecError(f"other_removals={some}: some of removals={given}, ascending, the last among them")

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns evenly spaced removals, the same for all deficits."""
        held = ManyRemovals.defaults(protocol)
        return {**held, "other_removals": held["removals"]}


@dataclass(frozen=True)
class Ladder(Parameters):
    """What a profile may set.

    Attributes:
        length: Epochs of all windows.
        late_onset: First epoch of the late window.
        budgets: Recovery epochs of the rungs; at least three, each twice the last.
    """

    length: int
    late_onset: int
    budgets: tuple[int, ...]

    def __post_init__(self) -> None:
        at_least(1, length=self.length, late_onset=self.late_onset)
        doubling(3, budgets=self.budgets)

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns the shortest window, a late one that ends with the longest, and four rungs, up to 4 recoveries."""
        length, half = spaced(protocol.longest_window, protocol.points)[0], max(1, protocol.recovery // 2)
        late_onset = max(1, protocol.longest_window - length)
        return {"length": length, "late_onset": late_onset, "budgets": (half, 2 * half, 4 * half, 8 * half)}
