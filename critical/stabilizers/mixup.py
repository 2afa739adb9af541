"""Mixup: training on mixtures of pairs of examples and of their losses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn import functional

from critical.core.batch import Batch
from critical.core.randomness import generator
from critical.core.spec import SpecError
from critical.stabilizers.base import Acting, Situation, Stabilizer, Step


@dataclass(frozen=True)
class Mixup(Stabilizer):
    """Mixes each example with another one of its batch: λ·x + (1 − λ)·x', with the loss λ·CE(y) + (1 − λ)·CE(y').

    Source: Zhang, Cissé, Dauphin and Lopez-Paz, *mixup: Beyond Empirical Risk Minimization* (ICLR 2018); in windows of
    epochs: Golatkar, Achille and Soatto (NeurIPS 2019). λ is drawn from Beta(α, α) once a step, partners by a random
    order of the batch. All views of an example have the same partner. λ and 1 − λ come to the same batches, so the
    larger one is taken: `train_loss` and `train_accuracy` are then about the example that makes up most of what is
    seen, and `stabilizer_loss` holds what its partner adds. Draws go by (seed, "mixup", epoch).

    Mixing comes after the deficits and after the stabilisers named before. A penalty on the network's own distribution,
    such as `fisher_penalty`, is then one at the mixtures. Targets with heads of their own cannot be mixed.

    Attributes:
        alpha: α > 0. Default 1, published (for CIFAR-10): all mixtures are equally probable.
    """

    name: ClassVar[str] = "mixup"
    heads: ClassVar[bool] = False
    alpha: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.alpha < math.inf:
            raise SpecError(f"stabilizer={self.name}: alpha={self.alpha:g}; it must be above 0 and finite")

    def activate(self, situation: Situation) -> Acting:
        """Returns the hooks of an epoch."""
        return _Mixup(self, situation)


class _Mixup(Acting):
    def __init__(self, spec: Mixup, situation: Situation) -> None:
        self._alpha = spec.alpha
        self._draws = generator(situation.seed, spec.name, situation.epoch)
        self._share = 0.0
        self._partners: torch.Tensor | None = None

    def change_input(self, batch: Batch) -> Batch:
        """Mixes the views of the batch, and keeps the labels of the partners for its loss."""
        if batch.head is not None:
            raise SpecError(f"stabilizer={Mixup.name}: targets have heads of their own here, and cannot be mixed; "
                            "choose another deficit or stabiliser")  # fmt: skip
        self._share = mixing_share(float(torch.rand((), generator=self._draws, dtype=torch.float64)), self._alpha)
        order = torch.randperm(len(batch), generator=self._draws).to(batch.labels.device)
        self._partners = batch.labels[order]
        return batch.with_views(tuple(torch.lerp(view, view[order], self._share) for view in batch.views))

    def loss(self, step: Step) -> torch.Tensor:
        """Returns what makes the loss that of both labels: (1 − λ)·(CE(y') − CE(y))."""
        if self._partners is None or len(self._partners) != len(step.logits):
            raise SpecError(f"stabilizer={Mixup.name}: the hook `loss` wants the batch that `change_input` mixed")
        # Not step.loss: what scales it in the backward pass must not seem to be this share.
        own = functional.cross_entropy(step.logits, step.batch.labels)
        return self._share * (functional.cross_entropy(step.logits, self._partners) - own)


def mixing_share(quantile: float, alpha: float) -> float:
    """Returns the partner's share 1 − λ in [0, ½], λ the larger of itself and 1 − λ.

    Args:
        quantile: Uniform in [0, 1).
        alpha: α of Beta(α, α).
    """
    # Not above: commands that mix nothing start without it.
    from scipy.special import betaincinv

    drawn = float(betaincinv(alpha, alpha, quantile))
    # Six digits are the same with every library.
    return round(min(drawn, 1.0 - drawn), 6)
