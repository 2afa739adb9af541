"""What an epoch costs here: measured in as many processes at a time as would train, with all that goes with it.

A process alone on a machine is faster than the same one beside others, and a worker does more than it records: it
starts, draws its data, writes records and checkpoints. So all of that is measured, in all processes at once. On a CPU
it is process time: what else the machine is busy with now may be over when the figures are made.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import fmean
from typing import TypeVar

import torch

from critical.core import environment
from critical.data import Dataset, load
from critical.execution import processes
from critical.execution.pool import RunError
from critical.execution.store import RunStore
from critical.probes import Accuracy, Probe
from critical.training.loop import NonFiniteLoss, Trainer
from critical.training.runs import EpochSpec, RunSpec

T = TypeVar("T")
START, DRAW, RECORD, CHECKPOINT = "start", "draw", "record", "checkpoint"
"""What a worker does besides training and measuring: once, for each draw of data, each epoch, each kept state."""
WARM_UP_STEPS = 4
TRIAL_SECONDS = 1.0
"""About how long one price is measured; of longer epochs a part."""


@dataclass(frozen=True)
class Work:
    """What is to be measured for runs of the same data and network.

    Attributes:
        spec: Any of them.
        epochs: What acts, by its name.
        probes: A probe and what acted in the epoch before it measures, by its name.
    """

    spec: RunSpec
    epochs: Mapping[str, EpochSpec]
    probes: Mapping[str, tuple[Probe, EpochSpec]]


def prices(works: Sequence[Work], jobs: int) -> list[dict[str, float]]:
    """Measures in several processes at a time.

    Args:
        works: What.
        jobs: How many processes.

    Returns:
        For each work seconds by its names, and those of `START`, `DRAW`, `RECORD` and `CHECKPOINT`; the
        mean over processes. On an accelerator it is measured in this process.

    Raises:
        RunError: A process stopped.
    """
    if not works:
        return []
    if works[0].spec.arithmetic.device != "cpu":
        return [{START: 0.0, **measured(work)} for work in works]
    context = multiprocessing.get_context("spawn")
    members = []
    for _ in range(jobs):
        ours, theirs = context.Pipe()
        process = context.Process(target=_measure, args=(theirs, list(works)), daemon=True)
        processes.start(process)
        theirs.close()
        members.append((ours, process))
    try:
        start = fmean(pipe.recv() for pipe, _ in members)
        for pipe, _ in members:
            pipe.send("all are here")
        found = [pipe.recv() for pipe, _ in members]
    except (EOFError, OSError) as error:
        raise RunError("a process that measured has stopped (a lack of memory? try fewer JOBS)") from error
    finally:
        for _, process in members:
            process.terminate()
            process.join()
    return [
        {START: start, **{name: fmean(each[number][name] for each in found) for name in found[0][number]}}
        for number in range(len(works))
    ]


def _measure(pipe: Connection, works: list[Work]) -> None:
    """Measures in a process of its own, when all others are there."""
    environment.describe()
    pipe.send(time.process_time())
    pipe.recv()
    pipe.send([measured(work) for work in works])


def measured(work: Work) -> dict[str, float]:
    """Measures in this process.

    Returns:
        Seconds by the names of epochs and probes, and of `DRAW`, `RECORD` and `CHECKPOINT`.
    """
    spec = work.spec
    # A draw that no run has, so that it is not found in memory.
    seconds, dataset = _clocked(spec, lambda: load(spec.data, 2**30))
    found = {DRAW: seconds}
    with spec.arithmetic.applied():
        part, share = _part(spec, dataset, next(iter(work.epochs.values())))
        trainer = Trainer(spec, part)
        found[DRAW] += _clocked(spec, lambda: Trainer(spec, part))[0]
        for name, each in work.epochs.items():
            trainer.restart()
            found[name] = _clocked(spec, lambda each=each: _epoch(trainer, each))[0] / share  # type: ignore[misc]
        whole = Trainer(spec, dataset)
        for name, (probe, each) in work.probes.items():
            few = isinstance(probe, Accuracy) and share < 1
            one = trainer if few else whole
            took = _clocked(spec, lambda one=one, each=each, probe=probe: one.measure(each, (probe,)))[0]  # type: ignore[misc]
            found[name] = took * (len(dataset.test) / len(part.test) if few else 1.0)
        with tempfile.TemporaryDirectory() as folder:
            store = RunStore(Path(folder))
            record = {"train": {}, "probes": {str(n): float(n) for n in range(60)}, "seconds": {}, "failure": None}
            found[RECORD] = _clocked(spec, lambda: store.write_record("segment", "key", record))[0]
            state = {"state": trainer.state.state_dict()}
            found[CHECKPOINT] = _clocked(spec, lambda: store.save_state("key", state))[0]
            found[CHECKPOINT] += _clocked(spec, lambda: store.load_state("key", spec.arithmetic.device))[0]
    return found


def checkpoint_bytes(spec: RunSpec) -> int:
    """Returns the size of a stored state of a run, with the optimiser's state of an epoch."""
    parameters = sum(item.numel() for item in Trainer(spec).state.model.parameters())
    with tempfile.NamedTemporaryFile() as file:
        torch.save({"state": torch.zeros(2 * parameters)}, file.name)
        file.seek(0, 2)
        return file.tell()


def _part(spec: RunSpec, dataset: Dataset, epoch: EpochSpec) -> tuple[Dataset, float]:
    """Returns so much of the data that an epoch takes about `TRIAL_SECONDS`, and which share of the training it is.

    It warms up besides.
    """
    batch = spec.optimizer.batch_size
    few = _first(dataset, WARM_UP_STEPS * batch)
    trainer = Trainer(spec, few)
    _epoch(trainer, epoch)
    took, _ = _clocked(spec, lambda: _epoch(trainer, epoch))
    steps = max(WARM_UP_STEPS, round(WARM_UP_STEPS * TRIAL_SECONDS / max(took, 1e-6)))
    part = _first(dataset, steps * batch)
    return part, len(part.train) / len(dataset.train)


def _first(dataset: Dataset, count: int) -> Dataset:
    """Returns the first examples, and as many test examples, or 500."""
    train = dataset.train if count >= len(dataset.train) else dataset.train.take(torch.arange(count))
    tested = max(count, 500)
    test = dataset.test if tested >= len(dataset.test) else dataset.test.take(torch.arange(tested))
    return dataclasses.replace(dataset, train=train, test=test)


def _epoch(trainer: Trainer, epoch: EpochSpec) -> None:
    try:
        trainer.train_epoch(epoch)
    except NonFiniteLoss:
        # A few steps say nothing of a run; they cost what they cost.
        trainer.restart()


def _clocked(spec: RunSpec, step: Callable[[], T]) -> tuple[float, T]:
    """Returns how many seconds a step took, and what it returned; an accelerator is waited for."""
    now = time.process_time if spec.arithmetic.device == "cpu" else time.perf_counter
    start = now()
    held = step()
    if spec.arithmetic.device == "cuda":
        torch.cuda.synchronize()
    return now() - start, held
