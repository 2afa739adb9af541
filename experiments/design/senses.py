"""Deficits of the images and of the labels, early and late, at high and low rates: parameters and arms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from critical.deficits import Deficit, LabelPermutation, Noise, Occlusion
from experiments.design.measuring import after_every_epoch
from experiments.design.parameters import Parameters, at_least, spaced
from experiments.design.protocol import Protocol
from experiments.design.rates import HIGH, LONGER, LOWER, Crossed, crossed, low_from, refuse_high

LABELS = LabelPermutation.name


@dataclass(frozen=True)
class Senses(Parameters):
    """What a profile may set.

    Attributes:
        length: Epochs of all windows.
        late: First epoch of the late ones, where the decaying rate has become low.
        budget: Epochs of the long recovery; the short one is the standard one.
        depth: Layers of the second network; null: there is none.
    """

    length: int
    late: int
    budget: int
    depth: int | None

    def __post_init__(self) -> None:
        at_least(1, length=self.length, late=self.late, budget=self.budget)

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns the shortest window, twice the standard recovery, and three layers less; one more than very few."""
        depth = getattr(protocol.parts.model, "depth", None)
        other = None if depth is None else depth - 3 if depth >= 6 else depth + 1
        return {"length": spaced(protocol.longest_window, protocol.points)[0], "late": low_from(protocol),
                "budget": 2 * protocol.recovery, "depth": other}  # fmt: skip


def by_deficit(protocol: Protocol, parameters: Senses, budget: int) -> dict[str, Crossed]:
    """Returns windows at epoch 0 and late, by deficit, followed by a recovery; of some there are longer ones, too.

    Longer windows, of equal summed rate, are those of the profile's deficit and of labels.

    Raises:
        SpecError: The rate has not become low before the late windows.
    """
    late = parameters.late
    refuse_high(protocol, late, f"late={late}")
    deficits = (protocol.deficit, Noise(), Occlusion(), LabelPermutation(classes=protocol.facts.classes))
    acting: dict[str, Deficit] = {one.name: one for one in deficits}

    def windows(name: str) -> Crossed:
        kinds = (HIGH, LOWER, LONGER) if name in (protocol.deficit.name, LABELS) else (HIGH, LOWER)
        places = [(kind, age) for kind in kinds for age in (0, late)]
        return crossed(after_every_epoch(protocol), places, parameters.length, budget=budget, deficit=acting[name])

    return {name: windows(name) for name in acting}
