"""Runs so small that an epoch takes milliseconds, and processes that work on them and die."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import torch

from critical.core import environment
from critical.data import Digits
from critical.deficits import Blur, LabelPermutation, NoDeficit
from critical.execution import workers
from critical.execution.locks import Lock
from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.execution.workers import work
from critical.models import MLP, AllCNN
from critical.probes import Accuracy, Fisher, Probe, ProbeContext
from critical.training.augmentation import Augmentation
from critical.training.loop import Trainer
from critical.training.optimizers import SGD
from critical.training.runs import RunSpec
from critical.training.schedules import Restart
from critical.training.timeline import Timeline, Window

# On tensors this small a second thread is waited for longer than it computes, most of all on a busy machine.
torch.set_num_threads(1)

BLUR = Blur(factor=2)
PERMUTED = LabelPermutation()
SHAM = NoDeficit()
BASE = RunSpec(
    data=Digits(subset=96, test_subset=40),
    model=MLP(widths=(16,)),
    optimizer=SGD(batch_size=32),
    augmentation=Augmentation(shift=1),
    schedule=Restart(rate=0.05, decay=0.9),
    timeline=Timeline(4),
    probes=(Accuracy(),),
)
CONVOLUTIONAL = replace(BASE, model=AllCNN(width=4, depth=3))


def run(*windows, end=4, base=BASE, **changes) -> RunSpec:
    """A run with windows given as (start, end, deficit)."""
    return replace(base, timeline=Timeline(end, tuple(Window(*window) for window in windows)), **changes)


def bare(rows):
    """Rows without how long it took and what acted: the columns of `training.train`, less the time."""
    left_out = ("seconds", "deficit", "reset_optimizer")
    return [{name: value for name, value in row.items() if name not in left_out} for row in rows]


def from_scratch(spec: RunSpec) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows and last state of a run that knows no store (`training.train` gives the rows alone)."""
    rows = []
    with spec.arithmetic.applied():
        trainer = Trainer(spec)
        for epoch_spec in spec.epoch_specs:
            row = {"epoch": trainer.state.epoch + 1, **trainer.train_epoch(epoch_spec)}
            for measurement in trainer.measure(epoch_spec, spec.measured(trainer.state.epoch)):
                row |= measurement.columns
            rows.append(row)
    return rows, trainer.state.state_dict()


def same(first: Any, second: Any) -> bool:
    """Whether two nested values are equal bit for bit."""
    if isinstance(first, torch.Tensor):
        return isinstance(second, torch.Tensor) and first.dtype == second.dtype and torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second)


def last_state(store: RunStore, spec: RunSpec) -> dict[str, Any]:
    held = store.load_state(spec.keys[-1], "cpu")
    assert held is not None, "the end of a run is kept"
    return held["state"]


def assert_as_from_scratch(store: RunStore, *specs: RunSpec) -> None:
    """Rows and last weights, momentum and batch statistics: all bits."""
    for spec in specs:
        rows, state = from_scratch(spec)
        stored = store.rows(spec)
        assert stored is not None, "the run is not finished"
        assert bare(stored) == rows
        assert same(last_state(store, spec), state)


def counting(log: Path, limit: int = 500):
    """Replacement of `Trainer.train_epoch` that leaves a line (process, epoch) in a file.

    Past the limit it raises: workers that go in circles are to fail a test, not to hang it.
    """
    real, calls = Trainer.train_epoch, itertools.count(1)

    def train_epoch(self, epoch_spec):
        with open(log, "a") as file:
            file.write(f"{os.getpid()} {self.state.epoch}\n")
        if next(calls) > limit:
            raise RuntimeError(f"{limit} epochs were trained and there is no end")
        return real(self, epoch_spec)

    return train_epoch


def trained(log: Path) -> list[str]:
    """The lines of `counting`."""
    return log.read_text().splitlines() if log.exists() else []


# Processes. A fork server imports once for all of them, also what torch imports with its first optimiser.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["torch._dynamo", "sklearn.datasets", "critical.execution.pool", "helpers"])


@contextlib.contextmanager
def process(target, *arguments):
    """A process that is killed when the block ends, if it lives that long."""
    child = CONTEXT.Process(target=target, args=arguments, daemon=True)
    child.start()
    try:
        yield child
    finally:
        if child.is_alive():
            child.kill()
        child.join()


def until(condition, what: str, seconds: float = 60.0) -> None:
    """Waits for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.002)


def worker(root: Path, specs, log: Path, barrier=None) -> None:
    """Works on a store and counts; processes with a barrier start together, all their forks wanted."""
    Trainer.train_epoch = counting(log)  # type: ignore[method-assign]
    workers.PATIENCE_SECONDS = 0.01
    store, todo = RunStore(root), plan(specs)
    if barrier:
        store.want(todo.forks)
        barrier.wait(60)
    workers.work(todo, store)


def dying_worker(root: Path, specs, log: Path, method: str, when: str, count: int) -> None:
    """Works until the store's method is called for the `count`-th time; dies `before` or `after` it acted.

    `release` is a method of its claims.
    """
    Trainer.train_epoch = counting(log)  # type: ignore[method-assign]
    store = RunStore(root)
    owner = Lock if method == "release" else store
    real, calls = getattr(owner, method), itertools.count(1)

    def fatal(*arguments):
        now = next(calls) == count
        if now and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*arguments)
        if now:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, method, fatal)
    workers.work(plan(specs), store)


def pausing_worker(root: Path, spec, epoch: int, signal_file: Path) -> None:
    """Trains `epoch` epochs and then waits for ever, with its claim on the last of them."""

    def pause(spec, trained):
        if trained == epoch:
            signal_file.touch()
            time.sleep(600)

    workers.work(plan([spec]), RunStore(root), after_epoch=pause)


@dataclass(frozen=True)
class Raising(Probe):
    name: ClassVar[str] = "raising"

    def measure(self, context: ProbeContext) -> dict[str, Any]:
        raise RuntimeError("this probe cannot measure")


@dataclass(frozen=True)
class Killing(Probe):
    name: ClassVar[str] = "killing"

    def measure(self, context: ProbeContext) -> dict[str, Any]:
        os.kill(os.getpid(), signal.SIGKILL)
        return {}


def states(store):
    """Keys of the checkpoints in a store."""
    return {path.stem for path in (store.root / "states").rglob("*.pt")}


class Enough(Exception):
    """Ends a worker from within."""


def until_epoch(last):
    """An `after_epoch` that ends a worker there, with the state of that epoch stored or not."""

    def stop(spec, epoch):
        if epoch == last:
            raise Enough

    return stop


MEASURED = replace(CONVOLUTIONAL, probes=(Accuracy(), Fisher(samples=64)), schedule=Restart(rate=0.1, decay=0.9))
FEW = (
    run((0, 2, BLUR), end=5, base=MEASURED),
    run((0, 2, BLUR), end=5, base=MEASURED, seed=1),
    run((0, 2, SHAM), end=5, base=MEASURED),
)
FAILING = replace(run(base=MEASURED), schedule=Restart(rate=1e30))
STOPPED = run((1, 3, PERMUTED), end=6, base=MEASURED)
"""Finished, failed after an epoch or so, and stopped after two of six epochs: the runs of `results_of_few_runs`."""


def results_of_few_runs(folder: Path) -> Path:
    """Trains a few runs as commands do; returns the folder of results."""
    store = RunStore(folder / "runs")
    work(plan([*FEW, FAILING]), store)
    for spec in (*FEW, FAILING):
        store.publish(spec, environment.describe())
    with contextlib.suppress(Enough):
        work(plan([STOPPED]), store, after_epoch=until_epoch(2))
    return folder


def with_an_unknown_compression(archive):
    """The first member of an archive says that it is packed by a method that there is not."""
    place = archive.index(b"PK\x01\x02") + 10
    return archive[:place] + (99).to_bytes(2, "little") + archive[place + 2 :]
