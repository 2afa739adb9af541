"""Learning rates of the first epochs, without and with the Fisher penalty: arms, and what their early trace tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from critical.core.spec import SpecError
from critical.inference.arms import Arm, Term
from critical.inference.claims import Claim
from critical.inference.correlation import more_correlated, rank_correlation
from critical.stabilizers import FisherPenalty, StabilizerWindow
from experiments.design.measuring import after_every_epoch
from experiments.design.parameters import Parameters, at_least, spaced
from experiments.design.protocol import Protocol
from experiments.design.sources import ICML2021, OURS

MEAN_TRACE = "fisher_trace_window"
"""The geometric mean of the traces after each early epoch."""


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


def of_mean(arms: RateArms, early: int) -> list[Claim]:
    """Returns what the mean trace of the early epochs is claimed to tell."""
    return _told(arms, early, "", [arm.log(MEAN_TRACE) for arm in arms.own.values()], "early trace", "early trace",
                 f"The early trace is the geometric mean of those after each of the first {early} epochs.")


def of_moment(arms: RateArms, early: int) -> list[Claim]:
    """Returns what the trace after the last early epoch is claimed to tell."""
    return _told(arms, early, "_moment", [arm.log(f"fisher_trace@{early}") for arm in arms.own.values()],
                 f"trace after {early} epochs", f"trace at {early}",
                 f"The paper takes a moment between epochs 2 and 7; here it is the end of {early}.")


def _told(
    arms: RateArms, early: int, suffix: str, values: Sequence[Term], trace: str, brief: str, differs: str
) -> list[Claim]:
    """Returns what a trace is claimed to tell: `values` by learning rate, and its names."""
    factors, own = list(arms.own), arms.own.values()
    small, goes = factors[0], (f"early.accuracy{suffix}",)
    accuracies, recovered = ([arm["accuracy"] for arm in line] for line in (own, arms.same_recovery.values()))
    losses = [arm[f"train_loss@{early}"] for arm in own]
    # Of the last training epoch: the figure's `deviations` say what that is.
    gaps = [arm["train_accuracy"] - arm["accuracy"] for arm in own]
    return [
        Claim(f"early.small_rate{suffix}", ICML2021, values[0] - values[-1], "greater",
              f"The {trace} is larger at {small:g} of the rate than at the whole rate.", differs=differs,
              short=f"small rate, larger {brief}"),
        Claim(*goes, ICML2021, rank_correlation(accuracies, values), "less",
              f"Over learning rates, a large {trace} goes with a low final accuracy (rank correlation).",
              differs=differs, short=f"large {brief}, low accuracy"),
        Claim(f"early.gap{suffix}", ICML2021, rank_correlation(gaps, values), "greater",
              f"A large {trace} goes with more accuracy on training images than on test images (rank correlation).",
              differs=differs, short=f"large {brief}, worse on test"),
        Claim(f"early.same_recovery{suffix}", OURS, rank_correlation(recovered, values), "less",
              f"A large {trace} goes with a low final accuracy where only the early rate differs, and all recover "
              "at the same rates, too (rank correlation).", requires=goes, short=f"{brief}: after one recovery"),
        Claim(f"early.beyond_loss{suffix}", OURS, more_correlated(accuracies, values, losses), "greater",
              f"The {trace} tells final accuracy better than the training loss of the last early epoch does.",
              differs=differs, requires=goes, short=f"{brief} tells more than loss"),
        Claim(f"early.beyond_rate{suffix}", OURS, more_correlated(accuracies, values, factors), "greater",
              f"The {trace} tells final accuracy better than the learning rate itself does.", requires=goes,
              short=f"{brief} tells more than rate"),
    ]  # fmt: skip


def penalty_claims(arms: RateArms) -> list[Claim]:
    """Returns what is claimed of the Fisher penalty, at the smallest rate and at the whole one."""
    own, held = arms.own, arms.penalised
    small = next(iter(own))
    plain, less = own[small], held[small]
    return [
        Claim("early.penalty_acts", OURS, plain.log(MEAN_TRACE) - less.log(MEAN_TRACE), "greater",
              f"The Fisher penalty lowers the early trace at {small:g} of the rate: there is something to try.",
              short="penalty lowers the early trace"),
        Claim("early.penalty_acts_whole", OURS, own[1.0].log(MEAN_TRACE) - held[1.0].log(MEAN_TRACE), "greater",
              "The Fisher penalty lowers the early trace at the whole rate, too.",
              short="penalty lowers it at whole rate"),
        Claim("early.penalty_small", ICML2021, less - plain, "greater",
              f"The Fisher penalty raises final accuracy at {small:g} of the rate.", requires=("early.penalty_acts",),
              short="penalty helps at the small rate"),
        Claim("early.penalty_whole", ICML2021, held[1.0] - own[1.0], "greater",
              "The Fisher penalty raises final accuracy at the whole rate, too.",
              requires=("early.penalty_acts_whole",), short="penalty helps at the whole rate"),
    ]  # fmt: skip
