"""The one training loop. Everything measured is a probe called from it; see `critical.probes`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from critical.batch import Batch
from critical.data import Dataset, load
from critical.probes import Moment, Probe
from critical.randomness import derived_seed, generator
from critical.runs import Act, RunSpec


class NonFiniteLoss(ArithmeticError):
    """The loss became NaN or infinite: the run ends here, and its record says so."""


@dataclass
class TrainingState:
    """Network and optimiser before epoch `epoch`; all of it is what a checkpoint holds."""

    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    epoch: int = 0

    def state_dict(self) -> dict[str, Any]:
        """Returns what `load_state_dict` takes: tensors and plain values only."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "epoch": self.epoch,
        }

    def load_state_dict(self, held: dict[str, Any]) -> None:
        """Takes over the state of a checkpoint."""
        self.model.load_state_dict(held["model"])
        self.optimizer.load_state_dict(held["optimizer"])
        self.epoch = held["epoch"]


@dataclass(frozen=True)
class Measurement:
    """What one probe measured: its columns and its price in process time."""

    probe: str
    columns: dict[str, Any]
    seconds: float


class Trainer:
    """Trains runs that share a static part, one epoch at a time.

    Args:
        spec: Any run with that static part; acts are handed in epoch by epoch.
        dataset: Its data; loaded when left out.
    """

    def __init__(self, spec: RunSpec, dataset: Dataset | None = None) -> None:
        self.spec = spec
        self.arithmetic = spec.arithmetic
        self.dataset = (load(spec.data) if dataset is None else dataset).to(self.arithmetic.device)
        self.restart()

    def restart(self) -> None:
        """Puts `state` before epoch 0, a function of the static part alone."""
        shapes = tuple(tuple(view.shape[1:]) for view in self.dataset.train.views)
        model = self.spec.model.build(
            shapes,
            len(self.dataset.classes),
            self.spec.seed,
            mean=self.dataset.channel_mean,
            std=self.dataset.channel_std,
        )
        model = self.arithmetic.prepare(model)
        self.state = TrainingState(model, self.spec.optimizer.build(model.parameters()))
        self._network: Any = torch.compile(model) if self.arithmetic.compile else model

    def train_epoch(self, act: Act) -> dict[str, Any]:
        """Trains one epoch of `self.state` under what acts in it.

        Args:
            act: Deficits, rate and reset of this epoch.

        Returns:
            `train_loss` (nats, mean over the examples as they were seen), `train_accuracy`
            (percent, likewise) and `rate`.

        Raises:
            NonFiniteLoss: The loss of some batch was NaN or infinite; the state is then useless.
        """
        state, seed = self.state, self.spec.seed
        if act.reset_optimizer:
            state.optimizer = self.spec.optimizer.build(state.model.parameters())
        for group in state.optimizer.param_groups:
            group["lr"] = act.rate
        device = self.dataset.train.labels.device
        self._network.train()
        loss_sum = torch.zeros((), device=device)
        correct = torch.zeros((), dtype=torch.int64, device=device)
        seen = 0
        with torch.random.fork_rng(devices=_cuda_devices(device)):
            # Layers that draw for themselves, such as dropout, use the global generators.
            torch.manual_seed(derived_seed(seed, "network", state.epoch))
            for batch in self._batches(act):
                with self.arithmetic.autocast():
                    logits = self._network(*self.arithmetic.place(batch.views))
                    loss = functional.cross_entropy(logits.float(), batch.labels)
                state.optimizer.zero_grad(set_to_none=True)
                loss.backward()
                state.optimizer.step()
                loss_sum += loss.detach() * len(batch)
                correct += (logits.detach().argmax(1) == batch.labels).sum()
                seen += len(batch)
        if not torch.isfinite(loss_sum):
            raise NonFiniteLoss(f"non-finite loss in epoch {state.epoch} (learning rate {act.rate:g})")
        state.epoch += 1
        return {
            "rate": act.rate,
            "train_loss": loss_sum.item() / seen,
            "train_accuracy": 100.0 * correct.item() / seen,
        }

    def _batches(self, act: Act) -> Any:
        """Yields the batches of the epoch: augmented, then seen through the deficits that act.

        The world moves and the eye is defective, so the augmentation comes first.
        """
        split, seed, epoch = self.dataset.train, self.spec.seed, self.state.epoch
        order = torch.randperm(len(split.labels), generator=generator(seed, "batch order", epoch))
        draws = generator(seed, "augmentation", epoch)
        for index in order.to(split.labels.device).split(self.spec.optimizer.batch_size):
            if len(index) < 2:
                continue
            batch: Batch = self.spec.augmentation.apply(split.batch(index), draws)
            for deficit in act.deficits:
                batch = deficit.apply(batch, seed=seed, epoch=epoch)
            yield batch

    def measure(self, act: Act, probes: tuple[Probe, ...] | None = None) -> list[Measurement]:
        """Runs the probes after an epoch.

        Args:
            act: What acted in the epoch just trained.
            probes: Which probes; those of the spec when left out.

        Returns:
            What each of them measured, in order.
        """
        moment = Moment(
            model=self.state.model,
            dataset=self.dataset,
            arithmetic=self.arithmetic,
            deficits=act.deficits,
            seed=self.spec.seed,
            epoch=self.state.epoch,
        )
        measurements = []
        for probe in self.spec.probes if probes is None else probes:
            start = time.process_time()
            columns = probe.measure(moment)
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
        A row an epoch: `epoch` (epochs trained), training and probe columns, `seconds`.

    Raises:
        NonFiniteLoss: The loss became NaN or infinite.
    """
    rows = []
    with spec.arithmetic.applied():
        trainer = Trainer(spec, dataset)
        for act in spec.acts:
            start = time.process_time()
            row = {"epoch": trainer.state.epoch + 1, **trainer.train_epoch(act)}
            for measurement in trainer.measure(act):
                row |= measurement.columns
            rows.append(row | {"seconds": time.process_time() - start})
    return rows
