"""Probe of whether the gradients of different images point the same way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from critical.core.randomness import derived_seed
from critical.core.spec import SpecError
from critical.measures.fisher_gradients import undisturbed
from critical.probes.base import ProbeContext
from critical.probes.weights import Gradients


@dataclass(frozen=True)
class GradientCosine(Gradients):
    """The cosine between the mean gradients of two halves of the training images.

    The halves are every other batch of the probe `gradients`, which says how a batch is seen. At 1 all images ask for
    the same step; near 0 what one half asks for says nothing about the other.
    """

    name: ClassVar[str] = "gradient_cosine"

    def measure(self, context: ProbeContext) -> dict[str, Any]:
        """Returns `gradient_cosine`, in [-1, 1]; NaN where a half has no gradient."""
        if len(context.dataset.train.labels) < 2 * self.batch_size:
            raise SpecError(f"probe {self.name}: batch_size={self.batch_size} of {len(context.dataset.train.labels)} "
                            "images; two batches are needed")  # fmt: skip
        sums: list[torch.Tensor | None] = [None, None]
        with undisturbed(context.model):
            torch.manual_seed(derived_seed(context.seed, self.name, context.epoch))
            context.model.train()
            for number, gradients in enumerate(self._gradients(context)):
                flat = torch.cat([gradient.flatten().double() for gradient in gradients if gradient is not None])
                before = sums[number % 2]
                sums[number % 2] = flat if before is None else before + flat
        first, second = sums
        assert first is not None
        assert second is not None
        return {"gradient_cosine": float(first @ second / (first.norm() * second.norm()))}
