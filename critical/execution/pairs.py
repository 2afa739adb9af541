"""What is measured between two finished runs: the barrier between their last weights.

It is kept in the record of the first one's last epoch, as what a probe measures is, so that it is measured once.
Weights that the store no longer has (they were pruned) are trained again from the longest past that it has.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from critical.core import environment
from critical.core.randomness import generator
from critical.core.spec import SpecError, identity, settings
from critical.execution.store import RunStore
from critical.measures.barrier import barrier, errors_between
from critical.probes.base import ProbeContext, chunks, evaluate
from critical.training.loop import Trainer
from critical.training.runs import RunSpec


@dataclass(frozen=True)
class Barrier:
    """The barrier of test error, in points, between the networks of two runs of one kind and seed.

    Attributes:
        points: Points of the line, its ends among them.
        examples: Training images on which batch normalisation is settled at each point, without augmentation.
        batch_size: Images a batch of them.
    """

    name: ClassVar[str] = "barrier"
    points: int = 11
    examples: int = 1_000
    batch_size: int = 250

    def __post_init__(self) -> None:
        if self.points < 3 or self.batch_size < 2 or self.examples < self.batch_size:
            raise SpecError(f"barrier: points={self.points}, examples={self.examples}, batch_size={self.batch_size}; "
                            "at least 3 points, 2 images a batch, and as many examples")  # fmt: skip

    def between(self, store: RunStore, first: RunSpec, second: RunSpec) -> dict[str, float]:
        """Returns `barrier` in points of test error; NaN where a run failed.

        Raises:
            ValueError: The runs differ in more than what acted in their epochs.
        """
        if first.keys[0] != second.keys[0]:
            raise ValueError("a barrier lies between networks of one kind, on the same data")
        store.refresh()
        key, name = first.keys[-1], identity({"between": second.keys[-1], **settings(self)})
        if any(store.failure(one) for run in (first, second) for one in run.keys[1:]):
            return {"barrier": float("nan")}
        record = store.record(key)
        if record is not None and name in record["probes"]:
            held: dict[str, float] = record["probes"][name]
            return held
        start = time.process_time()
        with first.arithmetic.applied():
            columns = {"barrier": barrier(self._errors(store, first, second))}
        added: dict[str, Any] = {"train": None, "probes": {name: columns}, "failure": None}
        spent = {"seconds": {self.name: time.process_time() - start}, "maker": store.sign(environment.describe())}
        store.write_record(key, key, {**added, **spent})
        return columns

    def _errors(self, store: RunStore, first: RunSpec, second: RunSpec) -> list[float]:
        trainer = Trainer(first)
        start, end = _weights(store, trainer, first), _weights(store, trainer, second)
        data, model = trainer.dataset, trainer.state.model
        draws = generator(first.seed, self.name)
        index = torch.randperm(len(data.train.labels), generator=draws)[: self.examples].to(data.train.labels.device)

        def batches() -> Iterator[tuple[torch.Tensor, ...]]:
            for part in chunks(index, self.batch_size):
                yield trainer.arithmetic.place(data.batch(data.train, part).inputs)

        context = ProbeContext(model, data, trainer.arithmetic, (), first.seed, first.timeline.end)
        shares = [number / (self.points - 1) for number in range(self.points)]
        return errors_between(model, start, end, shares, batches, lambda: 100.0 - evaluate(context, data.test)[0])


def _weights(store: RunStore, trainer: Trainer, run: RunSpec) -> dict[str, torch.Tensor]:
    """Returns the last weights of a run; the trainer is of its kind."""
    trainer.restart()
    for epoch in range(run.timeline.end, 0, -1):
        held = store.load_state(run.keys[epoch], run.arithmetic.device)
        if held is not None:
            trainer.state.load_state_dict(held["state"])
            break
    for epoch_spec in run.epoch_specs[trainer.state.epoch :]:
        trainer.train_epoch(epoch_spec)
    return {name: value.clone() for name, value in trainer.state.model.state_dict().items()}
