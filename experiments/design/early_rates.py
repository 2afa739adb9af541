"""Learning rates of the first epochs: without and with the Fisher penalty, and before one and the same recovery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from critical.core.spec import SpecError
from critical.inference.arms import Arm
from critical.stabilizers import FisherPenalty, StabilizerWindow
from experiments.design.measuring import after_every_epoch
from experiments.design.parameters import Parameters, at_least, spaced
from experiments.design.protocol import Protocol


@dataclass(frozen=True)
class EarlyRates(Parameters):
    """What a profile may set.

    Attributes:
        early: Epochs of the early phase, at a constant rate.
        factors: Learning rates in it, as shares of the standard one; ascending, at least three, the last 1.
        weight: Of the Fisher penalty.
    """

    early: int
    factors: tuple[float, ...] = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
    weight: float = 0.01

    def __post_init__(self) -> None:
        at_least(1, early=self.early)
        held = list(self.factors)
        if len(held) < 3 or held != sorted(set(held)) or held[0] <= 0 or held[-1] != 1:
            raise SpecError(f"factors={held}: at least three ascending shares of the rate, the last 1")

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns an early phase of the shortest window."""
        return {"early": spaced(protocol.longest_window, protocol.points)[0]}


@dataclass(frozen=True)
class RateArms:
    """The arms, by learning rate as a share of the standard one.

    Attributes:
        own: The rate is constant in the early phase and decays from there.
        penalised: The same, with the Fisher penalty in all epochs.
        same_recovery: The early rate, then the standard recovery.
    """

    own: Mapping[float, Arm]
    penalised: Mapping[float, Arm]
    same_recovery: Mapping[float, Arm]


def rate_arms(protocol: Protocol, parameters: EarlyRates) -> RateArms:
    """Returns the arms; the trace of the Fisher information is measured after every early epoch."""
    often, early = after_every_epoch(protocol), parameters.early
    penalty = (StabilizerWindow(FisherPenalty(parameters.weight)),)

    def trained(factor: float, recovery: float, words: str) -> Arm:
        # A recovery begins with the rate of its protocol.
        before = ((0, factor * protocol.rate, 1.0),)
        return replace(often, rate=recovery * protocol.rate).staged(before, 0, early, words).dose_matched

    def penalised(arm: Arm) -> Arm:
        assert arm.run is not None
        named = arm.but(label=f"{arm} (Fisher penalty)", stabilizer=FisherPenalty.name)
        return replace(named, run=replace(arm.run, stabilizers=penalty))

    own = {factor: trained(factor, factor, f"{factor:g} of the rate") for factor in parameters.factors}
    same = {factor: trained(factor, 1.0, f"{factor:g} of the rate early") for factor in parameters.factors[:-1]}
    return RateArms(own, {factor: penalised(arm) for factor, arm in own.items()}, {**same, 1.0: own[1.0]})
