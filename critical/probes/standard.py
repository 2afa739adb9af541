"""The probes of every network: accuracy, and the trace of the Fisher information."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from critical.core.batch import Batch
from critical.core.randomness import generator
from critical.core.spec import SpecError
from critical.measures.fisher import NOISES, trace_of_fisher
from critical.measures.information import pathway_traces
from critical.probes.base import Probe, ProbeContext, chunks, evaluate


@dataclass(frozen=True)
class Accuracy(Probe):
    """Test accuracy and loss; after an epoch with a deficit also on deficient test images.

    The latter says how well the deficit itself could be learnt. A deficit that is drawn anew each
    epoch is drawn for the epoch after the one trained, so nothing that was seen is scored.
    """

    name: ClassVar[str] = "accuracy"

    def measure(self, context: ProbeContext) -> dict[str, Any]:
        """Returns `test_accuracy` (percent), `test_loss` (nats) and, where it applies, the same `_deficient`."""
        accuracy, loss = evaluate(context, context.dataset.test)
        row: dict[str, Any] = {"test_accuracy": accuracy, "test_loss": loss}
        if context.deficits:
            accuracy, loss = evaluate(context, context.dataset.test, context.deficits)
            row |= {"test_accuracy_deficient": accuracy, "test_loss_deficient": loss}
        return row


def images_of_fisher(context: ProbeContext, samples: int, chunk: int) -> tuple[list[Batch], torch.Generator]:
    """Draws training images, as the network saw them in the epoch just trained.

    Args:
        context: The data, and what acted.
        samples: How many.
        chunk: Images a batch.

    Returns:
        The batches, with the labels that were seen, and the generator that drew them, for what is drawn besides.
    """
    split = context.dataset.train
    draws = generator(context.seed, "fisher", context.epoch)
    index = torch.randperm(len(split.labels), generator=draws)[:samples].to(split.labels.device)
    batches = []
    for part in chunks(index, chunk):
        batch = context.dataset.batch(split, part)
        for deficit in context.deficits:
            batch = deficit.apply(batch, seed=context.seed, epoch=context.epoch - 1)
        batches.append(batch)
    return batches, draws


def by_pathway(model: torch.nn.Module, layers: Mapping[str, float], name: str) -> dict[str, float]:
    """Returns `name/<a, b, trunk>`: the sums over the layers of each pathway; nothing for a network of one stream."""
    pathways = getattr(model, "PATHWAYS", None)
    if not pathways:
        return {}
    return {f"{name}/{pathway}": value for pathway, value in pathway_traces(layers, pathways).items()}


@dataclass(frozen=True)
class Fisher(Probe):
    """Trace of the Fisher information (of the model's own distribution), total and per layer.

    It is measured on training images as the network saw them in the epoch just trained, that is
    through the deficits that acted; without augmentation and with BatchNorm in evaluation mode.

    Attributes:
        samples: Images a measurement.
        chunk: Images an estimate of B·‖mean gradient‖²; see `critical.measures.fisher`.
        noise: `signs` (projections on random signs, far less noisy once the network is confident) or
            `labels` (drawn from the model); both have the same expectation.
    """

    name: ClassVar[str] = "fisher"
    samples: int = 160
    chunk: int = 32
    noise: str = "signs"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.chunk < 1 or self.samples <= self.chunk:
            raise SpecError(
                f"probe {self.name}: samples={self.samples}, chunk={self.chunk}; chunk is at least 1, samples above "
                "chunk (one chunk tells no standard error)"
            )
        if self.noise not in NOISES:
            raise SpecError(f"probe {self.name}: noise={self.noise}: one of {', '.join(NOISES)}")

    def measure(self, context: ProbeContext) -> dict[str, Any]:
        """Returns `fisher_trace`, its `fisher_trace_error`, and `fisher_trace/<layer>` for each layer.

        The error is a standard error over few chunks; `fisher_trace_low` and `fisher_trace_high` are the ends of the
        95 % interval that follows (Student's t: `LayerSums.interval`).

        Of a network of two streams also `fisher_trace_pathway/<a, b, trunk>`.
        """
        batches, draws = images_of_fisher(context, self.samples, self.chunk)
        seen = [context.arithmetic.place(batch.inputs) for batch in batches]
        trace = trace_of_fisher(context.model, seen, generator=draws, noise=self.noise)
        row: dict[str, Any] = {
            "fisher_trace": trace.total,
            "fisher_trace_error": trace.standard_error,
            **dict(zip(("fisher_trace_low", "fisher_trace_high"), trace.interval(), strict=True)),
        }
        row |= {f"fisher_trace/{layer}": value for layer, value in trace.layers.items()}
        return row | by_pathway(context.model, trace.layers, "fisher_trace_pathway")
