"""What all stabilisers share: where they may interfere with training, and what they get to see.

A *stabiliser* is a frozen spec; in each epoch in which it acts, `activate` makes the object whose hooks
the loop calls. That object lives for one epoch, so nothing hidden survives in it, and a forked run equals the
run from scratch; what must survive (decoders that are trained along) are its `parts`, which the checkpoint
holds. In the order in which they are called:

| hook           | when                                          | for example                       |
| -------------- | --------------------------------------------- | --------------------------------- |
| `before_epoch` | before the epoch's first batch                | shrink and perturb                |
| `change_scene` | after the augmentation, before the deficits   | augmentation in a window          |
| `change_input` | after the deficits, before the network        | modality dropout, mixup           |
| `objective`    | in place of the forward pass                  | masked auto-encoder               |
| `loss`         | after the forward pass                        | Fisher penalty, mixup             |
| `gradients`    | after backward, before the optimiser's step   | weight decay, L2 to the beginning |
| `weights`      | after the optimiser's step                    | slow trunk                        |

In a loop of your own (`examples/own_loop.py` is one):

    acting = FisherPenalty(weight=0.01).activate(Situation(model, seed=0, epoch=epoch))
    for number, (images, labels) in enumerate(loader):
        batch = Batch((images,), labels, index=torch.arange(len(labels)))
        logits = model(images)
        step = Step(model, batch, logits, functional.cross_entropy(logits, labels), number)
        extra = acting.loss(step)
        optimizer.zero_grad()
        (step.loss if extra is None else step.loss + extra).backward()
        acting.gradients(step)
        optimizer.step()
        acting.weights(step)
    acting.close()

With a GradScaler the gradients are multiplied by a large number while the hooks see them: build the step with
`Step(…, scale=scaler.get_scale())`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from critical.core.batch import Batch
from critical.core.spec import SpecError


def _unknown() -> nn.Module:
    raise SpecError("stabilizer: needs the network's initial weights; pass Situation(initial=…)")


def _unknown_fresh(seed: int) -> nn.Module:
    raise SpecError("stabilizer: needs a newly initialised network; pass Situation(fresh=…)")


@dataclass(frozen=True)
class Situation:
    """What a stabiliser knows at the beginning of an epoch.

    Attributes:
        model: The network in training, on its device.
        seed: That of the noise of training: the run's own, but in a branch.
        epoch: The epoch about to be trained, from 0.
        view_shapes: Shapes (C, …) of the views that the network sees; empty where nobody said.
        removed: Views (`a`, `b`) that a deficit removes wholly in this epoch.
        initial: Returns a network with the run's initial weights.
        fresh: From a seed to a newly initialised network of the same kind.
    """

    model: nn.Module
    seed: int
    epoch: int
    view_shapes: tuple[tuple[int, ...], ...] = ()
    removed: frozenset[str] = frozenset()
    initial: Callable[[], nn.Module] = _unknown
    fresh: Callable[[int], nn.Module] = _unknown_fresh


@dataclass
class Step:
    """One step of training, as the hooks see it.

    Attributes:
        model: The network in training.
        batch: The examples as the network sees them.
        logits: Its answers, float32 (N, classes), with their graph; (N, 0) where an `objective` asks for none.
        loss: Mean cross-entropy in nats, with its graph; or that objective.
        number: Steps of this epoch before it.
        scale: Factor of the gradients while the hook `gradients` is called: `scaler.get_scale()` of a GradScaler, 1
            after its `unscale_`, 1/k where the loss is divided by k to accumulate gradients. None: nobody said. Then
            the factor that the loss had in the backward pass is measured, and another than 1 is refused.
    """

    model: nn.Module
    batch: Batch
    logits: torch.Tensor
    loss: torch.Tensor
    number: int
    scale: float | None = None

    def __post_init__(self) -> None:
        self._measured: torch.Tensor | None = None
        self._watched = self.scale is None and self.loss is not None and self.loss.requires_grad
        if self._watched:
            self.loss.register_hook(self._measure)

    def _measure(self, slope: torch.Tensor) -> None:
        self._measured = slope.detach()

    def gradient_scale(self) -> float:
        """Returns the factor of the gradients.

        Raises:
            SpecError: The loss was scaled in the backward pass, or took no part in it, and nobody said what the
                gradients are now.
        """
        if self._watched and (self._measured is None or float(self._measured) != 1):
            what = "took no part in"
            if self._measured is not None:
                what = f"was multiplied by {float(self._measured):g} before"
            raise SpecError(
                f"stabilizer: the step's loss {what} the backward pass, so say what the gradients are: "
                "Step(…, scale=scaler.get_scale()), scale=1 where nothing scales them or after unscale_(optimizer)"
            )
        return 1.0 if self.scale is None else self.scale


class Acting:
    """A stabiliser during one epoch; every hook does nothing unless it is overridden.

    Attributes:
        parts: Modules of its own that are trained along with the network and kept in checkpoints.
    """

    parts: nn.Module | None = None

    def before_epoch(self) -> None:
        """Changes weights before the first batch of the epoch."""

    def change_scene(self, batch: Batch) -> Batch:
        """Changes what there is to be seen, before the deficits; views are as the data set stores them."""
        return batch

    def change_input(self, batch: Batch) -> Batch:
        """Changes what the network gets, after the deficits."""
        return batch

    def objective(self, batch: Batch) -> torch.Tensor | None:
        """Returns a scalar that is trained in place of the cross-entropy; None: labels are trained with.

        The network is not asked for its logits then. Of a stabiliser that does so `labels` is False.
        """
        return None

    def loss(self, step: Step) -> torch.Tensor | None:
        """Returns a scalar in nats (or in the units of its weight) to be added to the loss."""
        return None

    def gradients(self, step: Step) -> None:
        """Changes `.grad` of the parameters, after backward and before the optimiser's step.

        What it adds has to be multiplied by `step.gradient_scale()`.
        """

    def weights(self, step: Step) -> None:
        """Changes the weights after the optimiser's step."""

    def close(self) -> None:
        """Ends the epoch: takes hooks off the network."""


@dataclass(frozen=True)
class Stabilizer:
    """Base of the stabilisers: a spec with a `name` that can act on the training of an epoch.

    `streams` is the least number of streams that the network must have, `compiles` whether it works with
    `torch.compile`, `heads` whether it works where targets have heads of their own, `labels` whether labels are trained
    with while it acts: one that has an objective of its own acts alone.
    """

    name: ClassVar[str] = ""
    streams: ClassVar[int] = 1
    compiles: ClassVar[bool] = True
    heads: ClassVar[bool] = True
    labels: ClassVar[bool] = True

    def activate(self, situation: Situation) -> Acting:
        """Returns the object whose hooks the loop calls in this epoch."""
        raise SpecError("stabilizer: choose one of its kinds")


@dataclass(frozen=True)
class StabilizerWindow:
    """A stabiliser that acts while `start <= epoch < end`.

    Attributes:
        stabilizer: What acts. The kind `none` does nothing and leaves the run as it is without it.
        start: First epoch with it.
        end: First epoch without it; None: it acts until the end of the run.
    """

    stabilizer: Stabilizer
    start: int = 0
    end: int | None = None

    def __post_init__(self) -> None:
        if self.start < 0:
            raise SpecError(f"stabilizer.start={self.start}: a window cannot start before epoch 0")
        if self.end is not None and self.end <= self.start:
            raise SpecError(
                f"stabilizer.end={self.end} does not lie after stabilizer.start={self.start}: the window "
                "[start, end) holds no epoch; raise the end, or null for the end of the run"
            )

    def active(self, epoch: int) -> bool:
        """Tells whether the stabiliser acts in this epoch."""
        inside = self.start <= epoch and (self.end is None or epoch < self.end)
        return inside and self.stabilizer.name != "none"


@dataclass(frozen=True)
class NoStabilizer(Stabilizer):
    """Nothing is done: what every method is compared with."""

    name: ClassVar[str] = "none"

    def activate(self, situation: Situation) -> Acting:
        """Returns hooks that do nothing."""
        return Acting()
