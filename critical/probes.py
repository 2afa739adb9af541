"""Probes: everything that is measured, called from the one loop after each epoch.

A probe is a spec with a `measure` method. It gets the network after an epoch and must leave it as
it found it (weights, buffers, mode, random state); the test of the loop compares runs with and
without probes bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch.nn import functional

from critical.arithmetic import Arithmetic
from critical.data import Dataset, Split
from critical.deficits import Deficit
from critical.fisher import NOISES, trace_of_fisher
from critical.randomness import generator
from critical.spec import SpecError


@dataclass(frozen=True)
class Moment:
    """When and on what a probe measures.

    Attributes:
        model: The network, on its device.
        dataset: The data, on the same device.
        arithmetic: Precision and layout of the forward pass.
        deficits: The deficits that acted in the epoch just trained.
        seed: The run's seed.
        epoch: Epochs trained so far (1 after epoch 0).
    """

    model: torch.nn.Module
    dataset: Dataset
    arithmetic: Arithmetic
    deficits: tuple[Deficit, ...]
    seed: int
    epoch: int


@dataclass(frozen=True)
class Probe:
    """Base of the probes; `name` prefixes nothing, each probe names its columns in full."""

    name: ClassVar[str] = ""

    def measure(self, moment: Moment) -> dict[str, Any]:
        """Returns column → number; an empty mapping when this epoch is not measured."""
        raise SpecError("probe: choose one of its kinds")


def evaluate(
    moment: Moment, split: Split, deficits: tuple[Deficit, ...] = (), batch_size: int = 500
) -> tuple[float, float]:
    """Scores a network on a split, as it is or seen through deficits.

    Args:
        moment: The network and how to run it.
        split: The examples.
        deficits: Applied to each batch, labels included.
        batch_size: Examples a forward pass.

    Returns:
        Accuracy in percent (0–100) and mean cross-entropy in nats.
    """
    was_training = moment.model.training
    moment.model.eval()
    correct = torch.zeros((), dtype=torch.int64, device=split.labels.device)
    loss = torch.zeros((), dtype=torch.float64, device="cpu")
    with torch.no_grad():
        for index in torch.arange(len(split.labels), device=split.labels.device).split(batch_size):
            batch = split.batch(index)
            # Noise that is fixed per image must not repeat a training image's: test images follow them.
            batch = replace(batch, index=batch.index + len(moment.dataset.train.labels))
            for deficit in deficits:
                batch = deficit.apply(batch, seed=moment.seed, epoch=moment.epoch)
            with moment.arithmetic.autocast():
                logits = moment.model(*moment.arithmetic.place(batch.views)).float()
            correct += (logits.argmax(1) == batch.labels).sum()
            loss += functional.cross_entropy(logits, batch.labels, reduction="sum").cpu().double()
    moment.model.train(was_training)
    count = len(split.labels)
    return 100.0 * correct.item() / count, loss.item() / count


@dataclass(frozen=True)
class Accuracy(Probe):
    """Test accuracy and loss; after an epoch with a deficit also on deficient test images.

    The latter says how well the deficit itself could be learnt. A deficit that is drawn anew each
    epoch is drawn for the epoch after the one trained, so nothing that was seen is scored.
    """

    name: ClassVar[str] = "accuracy"

    def measure(self, moment: Moment) -> dict[str, Any]:
        """Returns `test_accuracy` (percent), `test_loss` (nats) and, where it applies, the same `_deficient`."""
        accuracy, loss = evaluate(moment, moment.dataset.test)
        row: dict[str, Any] = {"test_accuracy": accuracy, "test_loss": loss}
        if moment.deficits:
            accuracy, loss = evaluate(moment, moment.dataset.test, moment.deficits)
            row |= {"test_accuracy_deficient": accuracy, "test_loss_deficient": loss}
        return row


@dataclass(frozen=True)
class Fisher(Probe):
    """Trace of the Fisher information (of the model's own distribution), total and per layer.

    It is measured on training images as the network saw them in the epoch just trained, that is
    through the deficits that acted; without augmentation and with BatchNorm in evaluation mode.

    Attributes:
        samples: Images a measurement.
        chunk: Images an estimate of B·‖mean gradient‖²; see `critical.fisher`.
        noise: `signs` (projections on random signs, far less noisy once the network is confident) or
            `labels` (drawn from the model); both have the same expectation.
        every: Measure after every so many epochs.
    """

    name: ClassVar[str] = "fisher"
    samples: int = 160
    chunk: int = 32
    noise: str = "signs"
    every: int = 1

    def __post_init__(self) -> None:
        if self.every < 1 or self.chunk < 1 or self.samples <= self.chunk:
            raise SpecError(
                f"probe fisher: samples={self.samples}, chunk={self.chunk}, every={self.every}; chunk and every "
                "are at least 1, samples above chunk (one chunk tells no standard error)"
            )
        if self.noise not in NOISES:
            raise SpecError(f"probe fisher: noise={self.noise}: one of {', '.join(NOISES)}")

    def measure(self, moment: Moment) -> dict[str, Any]:
        """Returns `fisher_trace`, its `fisher_trace_error`, and `fisher_trace/<layer>` for each layer."""
        if moment.epoch % self.every:
            return {}
        split = moment.dataset.train
        draws = generator(moment.seed, "fisher", moment.epoch)
        index = torch.randperm(len(split.labels), generator=draws)[: self.samples].to(split.labels.device)
        chunks = []
        for part in index.split(self.chunk):
            batch = split.batch(part)
            for deficit in moment.deficits:
                batch = deficit.apply(batch, seed=moment.seed, epoch=moment.epoch - 1)
            chunks.append(moment.arithmetic.place(batch.views))
        trace = trace_of_fisher(moment.model, chunks, generator=draws, noise=self.noise)
        row: dict[str, Any] = {
            "fisher_trace": trace.total,
            "fisher_trace_error": trace.standard_error,
        }
        return row | {f"fisher_trace/{layer}": value for layer, value in trace.layers.items()}


KINDS: dict[str, type[Probe]] = {kind.name: kind for kind in (Accuracy, Fisher)}
