"""Deficits of the images and of the labels, early and late, at high and low rates: arms, and what is claimed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from critical.deficits import Deficit, LabelPermutation, Noise, Occlusion
from critical.inference.arms import Contrast, mean
from critical.inference.claims import Claim
from experiments.design.measuring import after_every_epoch
from experiments.design.parameters import Parameters, at_least, spaced
from experiments.design.protocol import Protocol, cost, damage
from experiments.design.rates import HIGH, LONGER, LOWER, Crossed, Effect, crossed, low_from, refuse_high
from experiments.design.sources import ICLR2019, LOWER_RATES, OURS

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


def spoken(name: str) -> str:
    """Returns the name of a deficit as sentences and panels have it."""
    return name.replace("_", " ")


def sense_claims(
    main: str,
    parameters: Senses,
    first: Mapping[str, Crossed],
    lasting: Mapping[str, Crossed],
    other: Mapping[str, Crossed],
) -> list[Claim]:
    """Returns what is claimed of the rate sense by sense, of what is left, and of another network.

    Args:
        main: The profile's deficit, the one of the images that is looked at most closely.
        parameters: Late windows, long recovery, depth of the other network.
        first: The windows by deficit, followed by the standard recovery.
        lasting: The same, followed by the long one.
        other: The same as `first` in the other network, of the main deficit and labels; empty where there is none.
    """
    late, senses, dosed = parameters.late, [name for name in first if name != LABELS], dict.fromkeys((main, LABELS))
    after = f"after {parameters.budget} clean epochs"

    def rate(held: Crossed, effect: Effect = cost, low: str = LOWER) -> Contrast:
        return held.mean(HIGH, late, effect) - held.mean(low, late, effect)

    def at_high(held: Crossed) -> Contrast:
        """Returns the damage at the high rate."""
        return held.mean(HIGH, late, damage)

    return [
        Claim("sense.early", ICLR2019, first[main].ages(HIGH, late, damage), "greater",
              f"At the same high rate, {spoken(main)} does more damage early than from epoch {late} on.",
              differs=LOWER_RATES, short="early does more damage (high rate)"),
        *(Claim(f"sense.{name}_rate", OURS, rate(first[name]), "greater",
                f"At equal age, {spoken(name)} costs more at the high rate than at the low one.",
                short=f"rate matters: {spoken(name)}") for name in first),
        *(Claim(f"sense.{name}_dose", OURS, rate(first[name], low=LONGER), "greater",
                f"So does {spoken(name)} where the low rate lasts as much longer as it is lower: at equal summed rate.",
                requires=(f"sense.{name}_rate",), short=f"not dose: {spoken(name)}") for name in dosed),
        *(Claim(f"sense.{name}_damage", OURS, at_high(first[name]), "greater",
                f"At the high rate, {spoken(name)} does damage, early and late taken together.",
                short=f"does damage: {spoken(name)}") for name in first),
        *(Claim(f"sense.{name}_left", OURS, at_high(lasting[name]), "greater",
                f"At the high rate, {spoken(name)} leaves damage {after}, early and late taken together.",
                requires=(f"sense.{name}_damage",), short=f"damage is left: {spoken(name)}") for name in first),
        Claim("sense.special", OURS, mean(rate(first[name]) for name in senses) - rate(first[LABELS]), "greater",
              "The rate matters more to deficits of the images (their mean) than to permuted labels.",
              requires=(f"sense.{main}_rate",), short="rate matters more to images"),
        Claim("sense.special_left", OURS,
              mean(at_high(lasting[name]) for name in senses) - at_high(lasting[LABELS]), "greater",
              f"Of deficits of the images at the high rate more damage is left {after} than of permuted labels.",
              requires=(f"sense.{main}_damage",), short="more is left of images"),
        Claim("sense.added", OURS, rate(first[main], damage), "greater",
              f"At equal age, {spoken(main)} does more damage at the high rate than at the low one.",
              short="the high rate adds damage"),
        Claim("sense.permanent", OURS, rate(lasting[main], damage), "greater",
              f"At equal age, {spoken(main)} at the high rate is left with more damage than at the low one {after}.",
              requires=("sense.added",), short="what the rate adds is permanent"),
        Claim("sense.repaired", OURS, rate(first[main], damage) - rate(lasting[main], damage), "greater",
              f"Of what the high rate adds to the damage by {spoken(main)}, longer training repairs a part.",
              requires=("sense.added",), short="what the rate adds is repaired"),
        *(Claim(f"sense.other_{name}", OURS, rate(held), "greater",
                f"In a network of depth {parameters.depth}, too, {spoken(name)} costs more at the high rate.",
                short=f"other depth: {spoken(name)}") for name, held in other.items()),
    ]  # fmt: skip
