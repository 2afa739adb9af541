"""Windows of one length at several onsets, and longer ones beside them: parameters, arms, and what is claimed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from critical.core.spec import SpecError
from critical.inference.claims import Claim
from experiments.design.contrasts import WindowArms, age, cost, damage
from experiments.design.parameters import Onsets, at_least, spaced
from experiments.design.protocol import RESTART_AT_ONSET, Protocol
from experiments.design.sources import ICLR2019, JUMP, OURS


@dataclass(frozen=True)
class WindowOnsets(Onsets):
    """What a profile may set.

    Attributes:
        second_length: Epochs of a longer window at the same onsets; 0: there is none.
        damage: Whether damage at equal rates stands beside cost; its arms leave the window out.
    """

    second_length: int = 0
    damage: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(0, second_length=self.second_length)
        if 0 < self.second_length <= self.length:
            raise SpecError(f"second_length={self.second_length}: longer than length={self.length}, or 0 for none")

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns windows of the shortest length, the last ending with the longest window, and half as long again."""
        points = max(2, protocol.points)
        length = spaced(protocol.longest_window, points)[0]
        later = spaced(protocol.longest_window - length, 2 * (points - 1)) if protocol.longest_window > length else ()
        return {"length": length, "onsets": (0, *later), "second_length": length + (length + 1) // 2, "damage": True}


def at_onsets(
    protocol: Protocol,
    parameters: Onsets,
    schedule: str = RESTART_AT_ONSET,
    length: int | None = None,
    same_total: bool = False,
) -> dict[int, WindowArms]:
    """Returns the windows by onset.

    Args:
        protocol: How they are trained.
        parameters: Onsets and length.
        schedule: As for `Protocol.window`; equal rates when left out.
        length: Another length.
        same_total: Whether runs are as long as that of the last onset; else a standard recovery follows each window.
    """
    last, length = parameters.onsets[-1], parameters.length if length is None else length
    budgets = {onset: protocol.recovery + (last - onset) * same_total for onset in parameters.onsets}
    return {onset: protocol.window(onset, length, schedule, budget) for onset, budget in budgets.items()}


def onset_claims(
    parameters: WindowOnsets,
    protocol: Protocol,
    total: Mapping[int, WindowArms],
    decaying: Mapping[int, WindowArms],
    equal: Mapping[int, WindowArms],
    longer: Mapping[int, WindowArms],
) -> list[Claim]:
    """Returns what is claimed of a window early and late; windows are given by onset.

    Args:
        parameters: Lengths, and whether damage is claimed.
        protocol: Deficit and recovery.
        total: The rate decays on, over a total of epochs that is the same for all onsets.
        decaying: It decays on, and as many epochs follow each window.
        equal: It starts again at onset and removal.
        longer: As `total`, of longer windows; empty where there are none.
    """
    first, *_, last = total
    name, recovery = protocol.deficit.name, protocol.recovery
    length, second = parameters.length, parameters.second_length
    more = f"The {name} costs more in a window at epoch {first} than at epoch {last}"
    claims = [
        Claim("window.early_same_total", ICLR2019, age(total[first], total[last]), "greater",
              f"{more} (same total of epochs, rate decaying: as published).", short="early costs more (as published)"),
        Claim("window.early_costs_low", OURS, cost(decaying[first]), "greater",
              f"A window at epoch {first} does cost accuracy there: {recovery} epochs after it, rate decaying.",
              short="premise: early costs (decaying)"),
        Claim("window.late_costs_nothing", ICLR2019, cost(decaying[last]), "not greater",
              f"A window at epoch {last} costs nothing (at the low rates into which it falls).",
              requires=("window.early_costs_low",), short="late costs nothing (low rates)"),
        Claim("window.early_equal_rates", OURS, age(equal[first], equal[last]), "greater",
              f"{more} at equal rates (started again at every onset and removal).", differs=JUMP,
              short="early costs more (equal rates)"),
        Claim("window.late_costs_at_high_rates", OURS, cost(equal[last]), "greater",
              f"A window at epoch {last} costs accuracy at the rates of an early one.",
              short="late costs accuracy at high rates"),
    ]  # fmt: skip
    if longer:
        claims += [
            Claim("window.second_same_total", ICLR2019, age(longer[first], longer[last]), "greater",
                  f"A longer window, of {second} epochs, costs more at epoch {first} than at epoch {last}, too "
                  "(as published).", short="longer window: early costs more"),
            Claim("window.longer_costs_more", ICLR2019, cost(longer[first]) - cost(total[first]), "greater",
                  f"At epoch {first} a window of {second} epochs costs more than one of {length} (rate decaying).",
                  short="longer window costs more"),
        ]  # fmt: skip
    if parameters.damage:
        claims += [
            Claim("window.early_damage", OURS, damage(equal[first]) - damage(equal[last]), "greater",
                  f"The {name} damages more in a window at epoch {first} than at epoch {last}, at equal rates: the "
                  "network ends further below one for which the window was left out.", differs=JUMP,
                  short="early damages more (equal rates)"),
            Claim("window.late_damage", OURS, damage(equal[last]), "greater",
                  f"A window at epoch {last} damages at the rates of an early one.",
                  short="late damages at high rates"),
        ]  # fmt: skip
    return claims
