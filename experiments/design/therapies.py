"""Therapies of a view that was deprived: arms with a phase between the removal and the recovery."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from critical.core.spec import SpecError
from critical.deficits import AlternatingDeprivation, Deficit, NoDeficit, ViewDropout
from critical.inference.arms import Arm, Contrast
from experiments.design.parameters import Parameters, ascending, at_least, spaced
from experiments.design.protocol import Protocol
from experiments.design.two_streams import DEPRIVED

GOOD = "a"
"""The view that was seen throughout."""
PATCHING, ALTERNATION, WRONG, UNTREATED = "patching", "alternation", "wrong patch", "untreated"
THERAPIES: dict[str, Deficit] = {
    UNTREATED: NoDeficit(),
    PATCHING: ViewDropout(view=GOOD),
    ALTERNATION: AlternatingDeprivation(),
    WRONG: ViewDropout(view=DEPRIVED),
}
"""What acts between the removal and the recovery; untreated networks have as many clean epochs."""
WORDS = "restarted twice"


@dataclass(frozen=True)
class Therapies(Parameters):
    """Parameters.

    Attributes:
        removal: Epoch at which the deficit, on from epoch 0, is removed.
        lengths: Epochs of the therapies; ascending even numbers, so that alternation is fair to both views.
    """

    removal: int
    lengths: tuple[int, ...]

    def __post_init__(self) -> None:
        at_least(1, removal=self.removal)
        ascending(2, lengths=self.lengths)
        if odd := [length for length in self.lengths if length % 2]:
            raise SpecError(f"lengths={list(self.lengths)}: {odd[0]} is odd; even numbers give each view its turn")

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns the longest window, and therapies as long as the shortest and the longest."""
        steps = spaced(protocol.longest_window, protocol.points)
        even = [2 * math.ceil(step / 2) for step in (steps[0], steps[-1])]
        return {"removal": protocol.longest_window, "lengths": tuple(dict.fromkeys(even))}


@dataclass(frozen=True)
class Treated:
    """The arms of therapies of one length.

    Attributes:
        deprived: By therapy: networks one of whose views was deprived before it.
        healthy: By therapy: networks that saw both views before it. The wrong patch is not among them.
    """

    deprived: Mapping[str, Arm]
    healthy: Mapping[str, Arm]

    def poorer(self, column: str, therapy: str = UNTREATED) -> Contrast:
        """Returns what networks that never were deprived, nor treated, have more."""
        return self.healthy[UNTREATED][column] - self.deprived[therapy][column]

    def gain(self, therapy: str, column: str = "accuracy") -> Contrast:
        """Returns what a therapy gives more than as many clean epochs at the same rates."""
        return self.deprived[therapy][column] - self.deprived[UNTREATED][column]

    def beyond(self, therapy: str, column: str) -> Contrast:
        """Returns what it gives more than it gives networks that never were deprived."""
        return self.gain(therapy, column) - (self.healthy[therapy][column] - self.healthy[UNTREATED][column])


def treated(protocol: Protocol, removal: int, length: int) -> Treated:
    """Returns the arms of therapies of a length; the rate starts again at the removal, and after the therapy."""
    rates = ((0, protocol.rate, protocol.decay), (removal, protocol.rate, protocol.decay))

    def deprived(therapy: str) -> Arm:
        course = [(protocol.deficit, removal), (THERAPIES[therapy], length)]
        return protocol.staged(rates, 0, removal + length, WORDS, deficit=course).deficit

    def healthy(therapy: str) -> Arm:
        held = protocol.staged(rates, removal, length, WORDS, deficit=THERAPIES[therapy])
        return held.dose_matched if therapy == UNTREATED else held.deficit

    return Treated(
        {therapy: deprived(therapy) for therapy in THERAPIES},
        {therapy: healthy(therapy) for therapy in THERAPIES if therapy != WRONG},
    )
