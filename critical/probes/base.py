"""What all probes share: when and on what they measure, and how a network is scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch.nn import functional

from critical.core.arithmetic import Arithmetic
from critical.core.randomness import generator
from critical.core.spec import SpecError, identity, settings
from critical.data import Dataset, Split
from critical.data.images import balanced_order
from critical.deficits import Deficit


@dataclass(frozen=True)
class ProbeContext:
    """When and on what a probe measures.

    Attributes:
        model: The network, on its device.
        dataset: The data, on the same device.
        arithmetic: Precision and layout of the forward pass.
        deficits: The deficits that acted in the epoch just trained.
        seed: The run's seed.
        epoch: Epochs trained so far (1 after epoch 0).
        initial: Makes the network with its initial weights anew; None where nobody can.
    """

    model: torch.nn.Module
    dataset: Dataset
    arithmetic: Arithmetic
    deficits: tuple[Deficit, ...]
    seed: int
    epoch: int
    initial: Callable[[], torch.nn.Module] | None = None


@dataclass(frozen=True)
class Probe:
    """Base of the probes. `name` is not put before column names: each probe names its columns in full.

    After the removal and after the last epoch of a run every probe measures; `every` says when else
    (`RunSpec.measured`).

    Attributes:
        every: Epochs between measurements before the removal; 0: none on the way.
        recovery_every: The same after the removal; None: as `every`.
    """

    name: ClassVar[str] = ""
    every: int = field(default=1, kw_only=True)
    recovery_every: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.every < 0 or (self.recovery_every or 0) < 0:
            raise SpecError(
                f"probe {self.name}: every={self.every}, recovery_every={self.recovery_every}; neither is negative "
                "(0: not on the way)"
            )

    @property
    def id(self) -> str:
        """What is measured, whenever that is: the name under which records hold it."""
        return identity({key: value for key, value in settings(self).items() if key not in ("every", "recovery_every")})

    def due(self, epoch: int, recovery: bool) -> bool:
        """Returns whether the probe measures after `epoch` epochs on the way."""
        every = self.recovery_every if recovery and self.recovery_every is not None else self.every
        return every > 0 and epoch % every == 0

    def measure(self, context: ProbeContext) -> dict[str, Any]:
        """Returns column → number."""
        raise SpecError("probe: choose one of its kinds")


def evaluate(
    context: ProbeContext, split: Split, deficits: tuple[Deficit, ...] = (), batch_size: int = 500
) -> tuple[float, float]:
    """Scores a network on a split, as it is or seen through deficits.

    Args:
        context: The network and how to run it.
        split: The examples.
        deficits: Applied to each batch, labels included.
        batch_size: Examples a forward pass.

    Returns:
        Accuracy in percent (0–100) and mean cross-entropy in nats.
    """
    was_training = context.model.training
    context.model.eval()
    correct = torch.zeros((), dtype=torch.int64, device=split.labels.device)
    loss = torch.zeros((), dtype=torch.float64, device="cpu")
    with torch.no_grad():
        for index in chunks(torch.arange(len(split.labels), device=split.labels.device), batch_size):
            batch = context.dataset.batch(split, index)
            # Noise that is fixed per image must not repeat a training image's: test images follow them.
            batch = replace(batch, index=batch.index + len(context.dataset.train.labels))
            for deficit in deficits:
                # The next draw, which no training saw; but the turn of the epoch that was trained.
                batch = deficit.apply(batch, seed=context.seed, epoch=context.epoch - deficit.by_turns)
            with context.arithmetic.autocast():
                logits = context.model(*context.arithmetic.place(batch.inputs)).float()
            correct += (logits.argmax(1) == batch.labels).sum()
            loss += functional.cross_entropy(logits, batch.labels, reduction="sum").cpu().double()
    context.model.train(was_training)
    count = len(split.labels)
    return 100.0 * correct.item() / count, loss.item() / count


def chunks(index: torch.Tensor, size: int) -> list[torch.Tensor]:
    """Parts positions into stretches; a single last one, which could not be dissociated, joins its neighbours."""
    parts = list(index.split(size))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts


def held_apart(context: ProbeContext, count: int) -> tuple[Split, Split]:
    """Gives examples to fit a readout on, and others to score it on; the network was trained on neither.

    Args:
        context: The data.
        count: Examples to fit on.

    Returns:
        `count` newly drawn examples and the test examples. Where the data have not so many left: `count` of the
        first half of the test examples, or all of it where that is fewer, and the second half, both class-balanced
        and the same in every run.
    """
    test, unseen = context.dataset.test, context.dataset.unseen(count)
    if unseen is not None:
        return unseen, test
    order = balanced_order(test.labels.cpu(), generator(0, "held apart")).to(test.labels.device)
    half = len(test) // 2
    return test.take(order[: min(count, half)]), test.take(order[half:])
