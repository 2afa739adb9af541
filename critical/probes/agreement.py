"""Probe of whether images trained on and others ask for the same step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from critical.core.batch import Batch
from critical.core.randomness import derived_seed
from critical.core.spec import SpecError
from critical.measures.fisher_gradients import undisturbed
from critical.probes.base import ProbeContext
from critical.probes.weights import Gradients


@dataclass(frozen=True)
class GradientCosine(Gradients):
    """The cosine between the mean gradients of the training images and of the test images.

    The probe `gradients` says how a batch is seen; test images come in batches of as many, or in one of all of them
    where they are fewer. At 1 a step that helps the images trained on helps others as much; near 0 it does nothing for
    them. Two halves of the training images would not do: where the gradient of all of them vanishes, theirs are
    opposite, and the cosine goes to −1 whatever was learnt.
    """

    name: ClassVar[str] = "gradient_cosine"

    def measure(self, context: ProbeContext) -> dict[str, Any]:
        """Returns `gradient_cosine`, in [-1, 1]; NaN where either has no gradient."""
        count = len(context.dataset.train.labels)
        if count < self.batch_size:
            raise SpecError(f"probe {self.name}: batch_size={self.batch_size} of {count} images; a batch is needed")
        with undisturbed(context.model):
            torch.manual_seed(derived_seed(context.seed, self.name, context.epoch))
            context.model.train()
            first, second = (self._summed(context, self._batches(context, trained)) for trained in (True, False))
        return {"gradient_cosine": float(first @ second / (first.norm() * second.norm()))}

    def _summed(self, context: ProbeContext, batches: Iterator[Batch]) -> torch.Tensor:
        total = torch.zeros(())
        for gradients in self._gradients(context, batches):
            flat = torch.cat([gradient.flatten().double() for gradient in gradients if gradient is not None])
            total = flat + total.to(flat)
        return total
