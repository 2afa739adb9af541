"""Stabilisers that act on gradients and weights: weight decay, L2 to the beginning, shrink and perturb, slow trunk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from critical.core.randomness import derived_seed
from critical.core.spec import SpecError, closest
from critical.models.two_stream import TwoStream
from critical.stabilizers.base import Acting, Situation, Stabilizer, Step
from critical.stabilizers.checks import check_bounds, trainable


@dataclass(frozen=True)
class WeightDecay(Stabilizer):
    """Adds weight·θ to the gradient, that of (weight/2)·‖θ‖², in a window of epochs.

    Source: Golatkar, Achille and Soatto, *Time Matters in Regularizing Deep Networks* (NeurIPS 2019). It comes on
    top of the optimiser's own and acts on the same parameters, all that are trained; for weight decay in the
    window alone set `optimizer.weight_decay=0`.

    Attributes:
        weight: Coefficient, >= 0. Default 5e-4, from memory of the paper.
    """

    name: ClassVar[str] = "weight_decay"
    weight: float = 5e-4

    def __post_init__(self) -> None:
        check_bounds(self.name, "weight", self.weight)

    def activate(self, situation: Situation) -> Acting:
        """Returns the hooks of an epoch."""
        return _Pull(trainable(situation.model), None, self.weight)


@dataclass(frozen=True)
class L2Init(Stabilizer):
    """Adds 2·weight·(θ − θ₀) to the gradient, that of weight·‖θ − θ₀‖²; θ₀ are the run's initial weights.

    Source: Kumar, Marklund and Van Roy, *Maintaining Plasticity in Continual Learning via Regenerative
    Regularization* (2023). All parameters that are trained.

    Attributes:
        weight: Coefficient, >= 0. Default 1e-2, published (best across their problems; tried 1e-5 to 1e-1).
    """

    name: ClassVar[str] = "l2_init"
    weight: float = 1e-2

    def __post_init__(self) -> None:
        check_bounds(self.name, "weight", self.weight)

    def activate(self, situation: Situation) -> Acting:
        """Returns the hooks of an epoch."""
        initial = [parameter.detach() for parameter in trainable(situation.initial())]
        return _Pull(trainable(situation.model), initial, 2 * self.weight)


class _Pull(Acting):
    """Adds strength·(θ − target) to the gradients; no target: strength·θ."""

    def __init__(
        self, parameters: list[torch.nn.Parameter], targets: list[torch.Tensor] | None, strength: float
    ) -> None:
        self._parameters = parameters
        self._targets = [None] * len(parameters) if targets is None else targets
        self._strength = strength

    @torch.no_grad()
    def gradients(self, step: Step) -> None:
        """Changes the gradients of what took part in the step, as the optimiser's weight decay does."""
        strength = self._strength * step.gradient_scale()
        for parameter, target in zip(self._parameters, self._targets, strict=True):
            if parameter.grad is not None:
                away = parameter if target is None else parameter - target
                parameter.grad.add_(away, alpha=strength)


@dataclass(frozen=True)
class ShrinkAndPerturb(Stabilizer):
    """Replaces θ by shrink·θ + perturb·θ_fresh before each epoch of its window.

    Source: Ash and Adams, *On Warm-Starting Neural Network Training* (NeurIPS 2020), who do it once whenever data
    arrive: a window of one epoch at the removal of a deficit. θ_fresh are newly drawn initial weights, by (seed,
    "shrink and perturb", epoch). All parameters that are trained; running statistics of batch normalisation and
    the optimiser's state stay as they are (`schedule.reset_optimizer=true` empties the latter).

    Attributes:
        shrink: Factor of the weights, in [0, 1]. Default 0.4, published (their code).
        perturb: Factor of the fresh weights, >= 0. Default 0.1, published (their code).
    """

    name: ClassVar[str] = "shrink_and_perturb"
    shrink: float = 0.4
    perturb: float = 0.1

    def __post_init__(self) -> None:
        check_bounds(self.name, "shrink", self.shrink, 1)
        check_bounds(self.name, "perturb", self.perturb)

    def activate(self, situation: Situation) -> Acting:
        """Returns the hooks of an epoch."""
        return _ShrinkAndPerturb(self, situation)


class _ShrinkAndPerturb(Acting):
    def __init__(self, spec: ShrinkAndPerturb, situation: Situation) -> None:
        self._spec = spec
        self._situation = situation

    @torch.no_grad()
    def before_epoch(self) -> None:
        """Changes the weights once."""
        seed = derived_seed(self._situation.seed, "shrink and perturb", self._situation.epoch)
        fresh = trainable(self._situation.fresh(seed))
        for parameter, drawn in zip(trainable(self._situation.model), fresh, strict=True):
            parameter.mul_(self._spec.shrink).add_(drawn, alpha=self._spec.perturb)


PARTS = ("trunk", "network")
"""What `SlowTrunk` slows: fusion, trunk and heads of a two-stream network, or any whole network."""


@dataclass(frozen=True)
class SlowTrunk(Stabilizer):
    """Lowers the learning rate of a part of the network and does nothing else: the control of other stabilisers.

    No published source; ours. A stabiliser that does no better than this one may do no more than slow the trunk
    until the streams are ready. After each step of the optimiser θ ← θ_before + factor·(θ_after − θ_before), which
    for SGD, with momentum and weight decay, and for Adam is that optimiser with its rate times the factor.

    Attributes:
        factor: Of the learning rate, in [0, 1]. Default 0.15, ours (a calibration, seeds from 1000 on).
        part: `trunk` (fusion, trunk and heads; needs two streams) or `network` (all of any network).
    """

    name: ClassVar[str] = "slow_trunk"
    factor: float = 0.15
    part: str = "trunk"

    def __post_init__(self) -> None:
        check_bounds(self.name, "factor", self.factor, 1)
        if self.part not in PARTS:
            raise SpecError(f"stabilizer={self.name}: part={self.part}; {closest(self.part, PARTS)}")

    @property
    def streams(self) -> int:  # type: ignore[override]
        """The least number of streams: a trunk is what two streams meet in."""
        return 2 if self.part == "trunk" else 1

    def activate(self, situation: Situation) -> Acting:
        """Returns the hooks of an epoch."""
        model = situation.model
        if self.part == "network":
            return _Slow(trainable(model), self.factor)
        if not isinstance(model, TwoStream):
            raise SpecError(f"stabilizer={self.name}: part=trunk: the network has one stream; take part=network")
        modules = (model.get_submodule(name) for name in model.PATHWAYS["trunk"])
        return _Slow([parameter for module in modules for parameter in trainable(module)], self.factor)


class _Slow(Acting):
    def __init__(self, parameters: list[torch.nn.Parameter], factor: float) -> None:
        self._parameters = parameters
        self._factor = factor
        self._before: list[torch.Tensor] = []

    def gradients(self, step: Step) -> None:
        """Keeps the weights before the step."""
        self._before = [parameter.detach().clone() for parameter in self._parameters]

    @torch.no_grad()
    def weights(self, step: Step) -> None:
        """Takes the step with the lower rate."""
        for parameter, before in zip(self._parameters, self._before, strict=True):
            parameter.copy_(torch.lerp(before, parameter, self._factor))
