"""What the figures about impairment draw on: the two contrasts harm and cost, and epochs of removal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from critical.core.spec import SpecError
from critical.inference.claims import Arm, Claim, Direction
from critical.training.schedules import Restart
from experiments.design.protocol import DEFICIT, DOSE_MATCHED, FRESH, SAME_RECOVERY

ICLR2019 = "Achille et al. 2019"
PAWLAK = "Pawlak 2025 (arXiv 2510.09687)"
CONTROL = "control of this suite"


@dataclass(frozen=True)
class Removals:
    """What a profile chooses for a figure over epochs of removal.

    Attributes:
        removals: Epochs at which the deficit, on from epoch 0, is removed; ascending, above 0.
    """

    removals: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.removals or min(self.removals) < 1 or list(self.removals) != sorted(set(self.removals)):
            raise SpecError(f"removals={list(self.removals)}: ascending epochs above 0 are wanted")


def window(
    onset: int,
    length: int,
    budget: int,
    schedule: str = Restart.name,
    deficit: str = "blur",
    comparison: str = SAME_RECOVERY,
) -> Arm:
    """Selects the deficit arm of one window, schedule and recovery budget (all in epochs)."""
    return Arm(
        arm=DEFICIT,
        deficit=deficit,
        onset=onset,
        length=length,
        schedule=schedule,
        budget=budget,
        comparison=comparison,
    )


def fresh(arm: Arm) -> Arm:
    """Selects the fresh arm that belongs to a deficit arm: no window, the same recovery."""
    return arm.but(arm=FRESH, deficit="none", onset=0, length=0)


def dose_matched(arm: Arm) -> Arm:
    """Selects the dose-matched arm that belongs to a deficit arm: clean epochs, the same recovery."""
    return arm.but(arm=DOSE_MATCHED, deficit="none")


def harm(id: str, source: str, sentence: str, arm: Arm, direction: Direction = "greater", **rest: Any) -> Claim:
    """Claims a harm: accuracy of the fresh network − accuracy after the deficit, in points."""
    return Claim(id, source, sentence, direction, fresh(arm), arm, control=fresh(arm), **rest)


def cost(id: str, source: str, sentence: str, arm: Arm, direction: Direction = "greater", **rest: Any) -> Claim:
    """Claims a cost: accuracy of the dose-matched network − accuracy after the deficit, in points."""
    return Claim(id, source, sentence, direction, dose_matched(arm), arm, control=dose_matched(arm), **rest)
