"""Therapies of a view that was deprived, arms with a phase between the removal and the recovery; and their claims."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from critical.core.spec import SpecError
from critical.deficits import AlternatingDeprivation, Deficit, NoDeficit, ViewDropout
from critical.inference.arms import Arm, Contrast
from critical.inference.claims import Claim
from experiments.design.parameters import Parameters, ascending, at_least
from experiments.design.protocol import Protocol
from experiments.design.sources import OURS
from experiments.design.two_streams import AVERAGED, DECODING, DEPRIVED, MAPS

GOOD = "a"
"""The view that was seen throughout."""
PATCHING, ALTERNATION, WRONG, UNTREATED = "patching", "alternation", "wrong patch", "untreated"
OTHER_ORDER = "other order"
"""Alternation that begins with the other view, so ends with it."""
THERAPIES: dict[str, Deficit] = {
    UNTREATED: NoDeficit(),
    PATCHING: ViewDropout(view=GOOD),
    ALTERNATION: AlternatingDeprivation(),
    WRONG: ViewDropout(view=DEPRIVED),
}
"""What acts between the removal and the recovery; untreated networks have as many clean epochs."""
WORDS = "restarted twice"
NAMES = {PATCHING: f"Patching view {GOOD}", ALTERNATION: "Patching both views in turn"}
BRIEF = {PATCHING: "patch", ALTERNATION: "turns"}
OTHER_DECODING, OTHER_MAPS = f"decoding_{GOOD}", f"probe_maps_{GOOD}"


@dataclass(frozen=True)
class Therapies(Parameters):
    """What a profile may set.

    Attributes:
        removal: Epoch at which the deficit, on from epoch 0, is removed.
        lengths: Epochs of the therapies; ascending even numbers, so that alternation is fair to both views. Half of
            the last is among them: in as many epochs of alternation a view is absent as often as by patching.
    """

    removal: int
    lengths: tuple[int, ...]

    def __post_init__(self) -> None:
        at_least(1, removal=self.removal)
        ascending(2, lengths=self.lengths)
        if odd := [length for length in self.lengths if length % 2]:
            raise SpecError(f"lengths={list(self.lengths)}: {odd[0]} is odd; even numbers give each view its turn")
        if self.half not in self.lengths:
            raise SpecError(f"lengths={list(self.lengths)}: half of the last, {self.lengths[-1] / 2:g}, is wanted too: "
                            "patching for so long takes a view away as often as alternation for the last")  # fmt: skip

    @property
    def half(self) -> int:
        """Half of the longest therapy."""
        return self.lengths[-1] // 2

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns the longest window, and therapies about as long and half as long."""
        half = 2 * math.ceil(protocol.longest_window / 4)
        return {"removal": protocol.longest_window, "lengths": (half, 2 * half)}


@dataclass(frozen=True)
class Treated:
    """The arms of therapies of one length.

    Attributes:
        deprived: By therapy: networks one of whose views was deprived before it.
        healthy: By therapy: networks that saw both views before it; the wrong patch and the other order are not
            among them.
    """

    deprived: Mapping[str, Arm]
    healthy: Mapping[str, Arm]

    def poorer(self, column: str, therapy: str = UNTREATED) -> Contrast:
        """Returns what networks that never were deprived, nor treated, have more."""
        return self.healthy[UNTREATED][column] - self.deprived[therapy][column]

    def poorer_alike(self, column: str, therapy: str) -> Contrast:
        """Returns what networks that never were deprived have more after the same therapy.

        In them, too, a therapy shifts which view is listened to; beside untreated ones that looks like healing.
        """
        return self.healthy[therapy][column] - self.deprived[therapy][column]

    def gain(self, therapy: str, column: str = "accuracy", than: str = UNTREATED) -> Contrast:
        """Returns what a therapy gives more than as many epochs of another at the same rates, clean ones by default."""
        return self.deprived[therapy][column] - self.deprived[than][column]

    def beyond(self, therapy: str, column: str) -> Contrast:
        """Returns what it gives more than it gives networks that never were deprived."""
        return self.gain(therapy, column) - (self.healthy[therapy][column] - self.healthy[UNTREATED][column])


def treated(protocol: Protocol, removal: int, length: int, orders: bool = False) -> Treated:
    """Returns the arms of therapies of a length; the rate starts again at the removal, and after the therapy.

    Args:
        protocol: The protocol.
        removal: Epoch at which the deficit is removed.
        length: Epochs of the therapies.
        orders: Whether alternation in the other order is among those of deprived networks.
    """
    rates = ((0, protocol.rate, protocol.decay), (removal, protocol.rate, protocol.decay))

    def acts(therapy: str) -> list[tuple[Deficit, int]]:
        if therapy != OTHER_ORDER:
            return [(THERAPIES[therapy], length)]
        absent = (AlternatingDeprivation().removes(removal + epoch + 1) for epoch in range(length))
        return [(ViewDropout(view=view), 1) for views in absent for view in views]

    def deprived(therapy: str) -> Arm:
        course = [(protocol.deficit, removal), *acts(therapy)]
        return protocol.staged(rates, 0, removal + length, WORDS, deficit=course).deficit

    def healthy(therapy: str) -> Arm:
        held = protocol.staged(rates, removal, length, WORDS, deficit=THERAPIES[therapy])
        return held.dose_matched if therapy == UNTREATED else held.deficit

    return Treated(
        {therapy: deprived(therapy) for therapy in (*THERAPIES, *[OTHER_ORDER] * orders)},
        {therapy: healthy(therapy) for therapy in THERAPIES if therapy != WRONG},
    )


def of_therapy(kind: str, held: Treated, length: int) -> list[Claim]:
    """Returns what is claimed of a therapy: what it does to the poor view, to the good one, and to both."""
    what, brief = f"{NAMES[kind]} for {length} epochs", BRIEF[kind]
    ignored, impaired = ("alternation.poor",), ("alternation.poor_impaired",)

    def costs(column: str) -> Contrast:
        return -1.0 * held.gain(kind, column)

    return [
        Claim(f"alternation.{kind}_sees", OURS, held.gain(kind, DECODING), "greater",
              f"{what} lets the network decode more from the poor view than as many clean epochs.",
              requires=ignored, short=f"{brief}: poor view tells more"),
        Claim(f"alternation.{kind}_mends", OURS, held.gain(kind, MAPS), "greater",
              f"{what} mends the stream of the poor view: a linear probe reads more from it.",
              requires=impaired, short=f"{brief}: poor stream mended"),
        Claim(f"alternation.{kind}_mends_averaged", OURS, held.gain(kind, AVERAGED), "greater",
              f"{what} mends the stream of the poor view: a probe reads more from its maps averaged over places.",
              requires=("alternation.poor_impaired_averaged",), short=f"{brief}: poor averages mended"),
        Claim(f"alternation.{kind}_heals", OURS, held.beyond(kind, DECODING), "greater",
              f"{what} gives the poor view more than it gives that view where it never was deprived.",
              differs="A healthy view has less left to gain.",
              requires=(f"alternation.{kind}_sees",), short=f"{brief}: more than healthy gain"),
        Claim(f"alternation.{kind}_heals_stream", OURS, held.beyond(kind, MAPS), "greater",
              f"{what} gives the stream of that view more than where that never was deprived, to a probe.",
              requires=(f"alternation.{kind}_mends",), short=f"{brief}: more than healthy, stream"),
        Claim(f"alternation.{kind}_back", OURS, held.poorer(DECODING, kind), "not greater",
              f"After {what[0].lower()}{what[1:]} no less is decoded from the poor view than in an untreated network "
              "that never was deprived.", differs="The healthy network listens to both views.",
              requires=(f"alternation.{kind}_sees",), short=f"{brief}: no less than healthy"),
        Claim(f"alternation.{kind}_back_alike", OURS, held.poorer_alike(DECODING, kind), "not greater",
              f"{what} leaves no mark of the deprivation: no less is decoded from the poor view than after the same "
              "therapy in a network that never was deprived.",
              requires=(f"alternation.{kind}_sees",), short=f"{brief}: no less than treated"),
        Claim(f"alternation.{kind}_stream_back", OURS, held.poorer(MAPS, kind), "not greater",
              f"{what} brings its stream back: a probe reads no less from it than in an untreated network that never "
              "was deprived.",
              requires=(f"alternation.{kind}_mends",), short=f"{brief}: poor stream is back"),
        Claim(f"alternation.{kind}_good_view", OURS, costs(OTHER_DECODING), "greater",
              f"{what} costs the good view: less is decoded from it.", short=f"{brief}: good view tells less"),
        Claim(f"alternation.{kind}_good_stream", OURS, costs(OTHER_MAPS), "greater",
              f"{what} costs the stream of the good view, beside as many clean epochs.",
              short=f"{brief}: good stream loses"),
        Claim(f"alternation.{kind}_accuracy", OURS, held.gain(kind), "greater",
              f"{what} raises accuracy with both views, beside as many clean epochs.",
              short=f"{brief}: accuracy rises"),
    ]  # fmt: skip
