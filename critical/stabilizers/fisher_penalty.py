"""The Fisher penalty: a loss on the squared norm of a batch's gradient, labels drawn from the model.

Source: Jastrzębski, Arpit, Astrand, Kerg, Wang, Xiong, Socher, Cho and Geras, *Catastrophic Fisher Explosion:
Early Phase Fisher Matrix Impacts Generalization* (ICML 2021). They penalise the trace of the Fisher
information from the beginning of training on; no public code of theirs was found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn import functional

from critical.core.randomness import generator
from critical.core.spec import SpecError
from critical.stabilizers.base import Acting, Situation, Stabilizer, Step
from critical.stabilizers.checks import check_bounds, trainable


@dataclass(frozen=True)
class FisherPenalty(Stabilizer):
    """Adds weight·‖(1/B) Σ_i ∇ log p(ŷ_i|x_i)‖² to the loss, ŷ_i drawn from the model.

    Over a batch of B, B times that squared norm is an unbiased estimate of the trace of the Fisher information
    (`critical.measures.fisher`), so what is penalised is trace/B and a weight goes with a batch size. No gradient goes
    through the draw. The sum runs over all trainable parameters.

    The gradient of the penalty takes a second backward pass through the forward pass of the step itself
    (so batch statistics are updated once, and in training mode they couple the examples). It is computed in
    every `every`-th step of an epoch, the first included, and added unchanged in the steps between. Labels are drawn
    by (seed, "fisher penalty", epoch). `torch.compile` knows no second backward pass and says so.

    Attributes:
        weight: Strength α, >= 0. Default 0.01, ours: the best of 0.01 and 0.1 for clean networks in the figure
            `stabilizers/strength`. The paper chooses it task by task; its values were not to be verified here. A
            larger network has a larger trace and wants less: a ResNet-18 on CIFAR-10 did not train with 0.01.
        every: Steps from one computation to the next, >= 1. Default 10, from memory of the paper.
    """

    name: ClassVar[str] = "fisher_penalty"
    compiles: ClassVar[bool] = False
    weight: float = 0.01
    every: int = 10

    def __post_init__(self) -> None:
        check_bounds(self.name, "weight", self.weight)
        if self.every < 1:
            raise SpecError(f"stabilizer={self.name}: every={self.every}; it must be at least 1 step")

    def activate(self, situation: Situation) -> Acting:
        """Returns the hooks of an epoch."""
        return _FisherPenalty(self, situation)


class _FisherPenalty(Acting):
    def __init__(self, spec: FisherPenalty, situation: Situation) -> None:
        self._spec = spec
        self._parameters = trainable(situation.model)
        self._draws = generator(situation.seed, "fisher penalty", situation.epoch)
        self._penalty: torch.Tensor | None = None
        self._slopes: list[torch.Tensor | None] = []

    def loss(self, step: Step) -> torch.Tensor:
        """Returns the penalty as last computed, without a graph: `gradients` adds its gradient."""
        if self._penalty is None or step.number % self._spec.every == 0:
            # Backward passes belong outside of autocast, and here they come before the loop's own.
            with torch.autocast(step.logits.device.type, enabled=False):
                try:
                    self._refresh(step.logits)
                except RuntimeError as error:
                    if "derivative" not in str(error):
                        raise
                    line = " ".join(str(error).split())[:200]
                    raise SpecError(
                        f"stabilizer={FisherPenalty.name}: a layer of the network has no second derivative ({line}); "
                        "choose another network or stabiliser"
                    ) from error
        assert self._penalty is not None
        return self._penalty

    def _refresh(self, logits: torch.Tensor) -> None:
        likelihood = -functional.cross_entropy(logits, drawn_labels(logits.detach(), self._draws))
        slopes = torch.autograd.grad(likelihood, self._parameters, create_graph=True, allow_unused=True)
        squares = [slope.square().sum() for slope in slopes if slope is not None]
        penalty = self._spec.weight * torch.stack(squares).sum()
        self._slopes = list(torch.autograd.grad(penalty, self._parameters, retain_graph=True, allow_unused=True))
        self._penalty = penalty.detach()

    def gradients(self, step: Step) -> None:
        """Adds the gradient of the penalty as last computed."""
        scale = step.gradient_scale()
        for parameter, slope in zip(self._parameters, self._slopes, strict=True):
            if slope is None:
                continue
            if parameter.grad is None:
                parameter.grad = slope * scale
            else:
                parameter.grad.add_(slope, alpha=scale)


def drawn_labels(logits: torch.Tensor, draws: torch.Generator) -> torch.Tensor:
    """Draws a label from the model's own distribution for each example.

    Args:
        logits: (N, classes), without a graph.
        draws: CPU generator; one number an example.

    Returns:
        int64 (N,), on the device of the logits; label 0 where they are NaN, so that the loop sees the loss.
    """
    below = logits.softmax(1).cumsum(1) <= torch.rand(len(logits), 1, generator=draws).to(logits.device)
    # Rounding may leave the last sum below 1.
    return below.sum(1).clamp_(max=logits.shape[1] - 1)
