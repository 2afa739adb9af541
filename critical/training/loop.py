"""The one training loop.

Everything measured is a probe called from it (`critical.probes`); everything that interferes with the loss,
the gradients or the weights is a stabiliser (`critical.stabilizers`).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import functional

from critical.core.batch import Batch
from critical.core.randomness import derived_seed, generator
from critical.core.spec import identity
from critical.data import Dataset, load
from critical.models import ModelSpec
from critical.probes import Probe, ProbeContext
from critical.stabilizers import Acting, Situation, Step
from critical.training.graphs import Steps, augmented
from critical.training.metrics import EpochMetrics
from critical.training.runs import EpochSpec, RunSpec


class NonFiniteLoss(ArithmeticError):
    """The loss became NaN or infinite: the run ends here, and its record says so."""


def built(model: ModelSpec, dataset: Dataset, seed: int) -> torch.nn.Module:
    """Builds a network for the views, the classes and the pixel statistics of a data set."""
    one = len(dataset.view_shapes) == 1
    return model.build(
        dataset.view_shapes,
        len(dataset.classes),
        seed,
        mean=dataset.channel_mean if one else dataset.view_means,
        std=dataset.channel_std if one else dataset.view_stds,
    )


@dataclass
class TrainingState:
    """Network and optimiser before epoch `epoch`; all of it is what a checkpoint holds.

    `parts` are the modules that stabilisers train along, by the stabiliser's identity: the states of module
    and optimiser, since what they are made of is known only when the stabiliser acts.
    """

    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    epoch: int = 0
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def state_dict(self) -> dict[str, Any]:
        """Returns what `load_state_dict` takes: tensors and plain values only."""
        held = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "epoch": self.epoch,
        }
        return {**held, "parts": self.parts} if self.parts else held

    def load_state_dict(self, held: dict[str, Any]) -> None:
        """Takes over the state of a checkpoint."""
        self.model.load_state_dict(held["model"])
        self.optimizer.load_state_dict(held["optimizer"])
        self.epoch = held["epoch"]
        self.parts = held.get("parts", {})


@dataclass(frozen=True)
class Measurement:
    """What one probe measured: its columns and its price in process time."""

    probe: str
    columns: dict[str, Any]
    seconds: float


class Trainer:
    """Trains runs that share a static part, one epoch at a time.

    Args:
        spec: Any run with that static part; epoch specs are handed in one by one.
        dataset: Its data; loaded when left out.
    """

    def __init__(self, spec: RunSpec, dataset: Dataset | None = None) -> None:
        self.spec = spec
        if dataset is not None:
            dataset.check_range()
        self.arithmetic = spec.arithmetic
        self.dataset = (load(spec.data, spec.seed) if dataset is None else dataset).to(self.arithmetic.device)
        self.restart()

    @property
    def _graphs(self) -> bool:
        """Whether steps can be replayed: nothing but the batch differs between them (Adam counts its steps)."""
        alike = isinstance(self.state.optimizer, torch.optim.SGD) and not self.arithmetic.compile
        return self.arithmetic.device == "cuda" and self.arithmetic.graphs and alike

    def restart(self) -> None:
        """Puts `state` before epoch 0, a function of the static part alone."""
        model = self._network_of(self.spec.seed)
        self.state = TrainingState(model, self.spec.optimizer.build(model.parameters()))
        self._network: Any = torch.compile(model) if self.arithmetic.compile else model

    def _network_of(self, seed: int) -> torch.nn.Module:
        """Returns the network with the initial weights of a seed, in its place and layout."""
        return self.arithmetic.prepare(built(self.spec.model, self.dataset, seed))

    def train_epoch(self, epoch_spec: EpochSpec) -> dict[str, Any]:
        """Trains one epoch of `self.state` under what acts in it.

        Args:
            epoch_spec: Deficits, rate, reset and stabilisers of this epoch.

        Returns:
            `train_loss` (nats, mean over the examples as they were seen, without what stabilisers add),
            `train_accuracy` (percent, likewise), `rate`, and `stabilizer_loss` where one adds to the loss. `rate` and
            `objective` alone where another objective is trained in place of the classification.

        Raises:
            NonFiniteLoss: The loss of a batch, or a weight at the end, was NaN or infinite; the state is useless then.
            SpecError: Something does not fit the network or the images, or a step cannot be replayed on CUDA.
        """
        state, seed = self.state, epoch_spec.noise_seed(self.spec.seed)
        if epoch_spec.reset_optimizer:
            state.optimizer = self.spec.optimizer.build(state.model.parameters())
        for group in state.optimizer.param_groups:
            group["lr"] = epoch_spec.rate
        self._network.train()
        metrics = EpochMetrics(self.dataset.train.labels.device)
        with torch.random.fork_rng(devices=_cuda_devices(metrics.device)):
            # Layers that draw for themselves, such as dropout, use the global generators.
            torch.manual_seed(derived_seed(seed, "network", state.epoch))
            with self._stabilized(epoch_spec) as (acting, optimizers):
                step = Steps(
                    lambda number, batch: self._step(number, batch, acting, optimizers, metrics),
                    metrics,
                    graphs=self._graphs and not acting,
                )
                with step.stream():
                    for number, batch in enumerate(self._batches(epoch_spec, acting)):
                        step(number, batch)
        # Losses are those before each update, so they say nothing of the last one.
        largest = torch.stack([held.detach().abs().amax() for held in state.model.parameters()])
        if not metrics.finite or not bool(largest.isfinite().all()):
            raise NonFiniteLoss(f"non-finite loss in epoch {state.epoch} (learning rate {epoch_spec.rate:g})")
        state.epoch += 1
        return {"rate": epoch_spec.rate, **metrics.means()}

    def _step(
        self,
        number: int,
        batch: Batch,
        acting: list[Acting],
        optimizers: list[torch.optim.Optimizer],
        metrics: EpochMetrics,
    ) -> None:
        """Trains one step: forward, backward and update, with the stabilisers' hooks between."""
        with self.arithmetic.autocast():
            own = [loss for one in acting if (loss := one.objective(batch)) is not None]
            if own:
                logits, loss = batch.views[0].new_empty(len(batch), 0), own[0].float()
            else:
                logits = self._network(*self.arithmetic.place(batch.inputs)).float()
                loss = functional.cross_entropy(logits, batch.labels)
            step = Step(self.state.model, batch, logits, loss, number, scale=1.0)
            extra = [term for term in (one.loss(step) for one in acting) if term is not None]
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        sum(extra, loss).backward()
        for one in acting:
            one.gradients(step)
        for optimizer in optimizers:
            optimizer.step()
        for one in acting:
            one.weights(step)
        if own:
            metrics.add_objective(batch, loss.detach())
        else:
            metrics.add(batch, logits.detach(), loss.detach(), [term.detach() for term in extra])

    @contextlib.contextmanager
    def _stabilized(self, epoch_spec: EpochSpec) -> Iterator[tuple[list[Acting], list[torch.optim.Optimizer]]]:
        """Activates the stabilisers of an epoch; their parts go on from the state and go back into it."""
        state = self.state
        situation = Situation(
            model=state.model,
            seed=epoch_spec.noise_seed(self.spec.seed),
            epoch=state.epoch,
            view_shapes=self.dataset.view_shapes,
            removed=frozenset().union(*(deficit.removes(state.epoch) for deficit in epoch_spec.deficits)),
            initial=lambda: self._network_of(self.spec.seed),
            fresh=self._network_of,
        )
        acting: list[Acting] = []
        trained: dict[str, tuple[torch.nn.Module, torch.optim.Optimizer]] = {}
        try:
            for stabilizer in epoch_spec.stabilizers:
                one = stabilizer.activate(situation)
                acting.append(one)
                if one.parts is None:
                    continue
                parts = self.arithmetic.prepare(one.parts)
                optimizer = self.spec.optimizer.build(parts.parameters())
                held = state.parts.get(identity(stabilizer))
                if held is not None:
                    parts.load_state_dict(held["module"])
                    if not epoch_spec.reset_optimizer:
                        optimizer.load_state_dict(held["optimizer"])
                for group in optimizer.param_groups:
                    group["lr"] = epoch_spec.rate
                trained[identity(stabilizer)] = (parts.train(), optimizer)
            for one in acting:
                one.before_epoch()
            yield acting, [state.optimizer, *(optimizer for _, optimizer in trained.values())]
        finally:
            for one in acting:
                one.close()
        state.parts = {
            name: {"module": parts.state_dict(), "optimizer": optimizer.state_dict()}
            for name, (parts, optimizer) in trained.items()
        }

    def _batches(self, epoch_spec: EpochSpec, acting: list[Acting]) -> Iterator[Batch]:
        """Yields the batches of the epoch: augmented, then seen through the deficits that act.

        The world moves and the eye is defective, so the augmentation comes first.
        """
        split, seed, epoch = self.dataset.train, self.spec.seed, self.state.epoch
        noise = epoch_spec.noise_seed(seed)
        order = torch.randperm(len(split.labels), generator=generator(noise, "batch order", epoch))
        draws = generator(noise, "augmentation", epoch)
        for batch in augmented(split, order, self.spec.optimizer.batch_size, self.spec.augmentation, draws):
            for one in acting:
                batch = one.change_scene(batch)
            batch = self.dataset.present(batch)
            for deficit in epoch_spec.deficits:
                batch = deficit.apply(batch, seed=seed, epoch=epoch)
            for one in acting:
                batch = one.change_input(batch)
            yield batch

    def measure(self, epoch_spec: EpochSpec, probes: Iterable[Probe]) -> list[Measurement]:
        """Runs probes after an epoch.

        Args:
            epoch_spec: What acted in the epoch just trained.
            probes: Those that are due, see `RunSpec.measured`.

        Returns:
            What each of them measured, in order.
        """
        context = ProbeContext(
            model=self.state.model,
            dataset=self.dataset,
            arithmetic=self.arithmetic,
            deficits=epoch_spec.deficits,
            seed=self.spec.seed,
            epoch=self.state.epoch,
            initial=lambda: self._network_of(self.spec.seed),
        )
        measurements = []
        for probe in probes:
            start = time.process_time()
            columns = probe.measure(context)
            measurements.append(Measurement(probe.name, columns, time.process_time() - start))
        return measurements


def _cuda_devices(device: torch.device) -> list[int]:
    return [device.index or 0] if device.type == "cuda" else []


def train(spec: RunSpec, dataset: Dataset | None = None) -> list[dict[str, Any]]:
    """Trains a run from scratch in this process, with no store: the reference that forks must equal.

    Args:
        spec: The run.
        dataset: Its data; loaded when left out.

    Returns:
        A row an epoch: `epoch` (epochs trained), training columns, those of the probes that were due, `seconds`
        (process time).

    Raises:
        NonFiniteLoss: The loss became NaN or infinite.
    """
    rows = []
    with spec.arithmetic.applied():
        trainer = Trainer(spec, dataset)
        for epoch_spec in spec.epoch_specs:
            start = time.process_time()
            row = {"epoch": trainer.state.epoch + 1, **trainer.train_epoch(epoch_spec)}
            for measurement in trainer.measure(epoch_spec, spec.measured(trainer.state.epoch)):
                row |= measurement.columns
            rows.append(row | {"seconds": time.process_time() - start})
    return rows
