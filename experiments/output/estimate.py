"""What a plan would cost: epochs, time, disk. Times are measured here and now, not remembered."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace

import torch

from critical.core.spec import identity, settings
from critical.execution.plan import Plan, plan
from critical.execution.store import RunStore
from critical.execution.workers import Ledger
from critical.training.loop import Trainer
from critical.training.runs import RunSpec
from critical.training.timeline import Timeline

RECORD_BYTES = 2_000


def missing_epochs(plan: Plan, store: RunStore) -> int:
    """Counts the epochs that are not recorded in the store."""
    ledger = Ledger(store)
    return sum(
        not ledger.complete(key, segment.probes) for segment in plan.segments for key in segment.keys
    )


def seconds_per_epoch(spec: RunSpec) -> float:
    """Trains and measures one epoch of a run, after one to warm up, and returns its process time.

    A probe that measures every k epochs is measured once and counts as a k-th. Both epochs are thrown away. An
    accelerator is waited for.
    """
    short = replace(spec, timeline=Timeline(2))
    now = time.process_time if spec.arithmetic.device == "cpu" else time.perf_counter

    def took(step: Callable[[], object]) -> float:
        start = now()
        step()
        if spec.arithmetic.device == "cuda":
            torch.cuda.synchronize()
        return now() - start

    with spec.arithmetic.applied():
        trainer = Trainer(short)
        for act in short.acts:
            seconds = took(lambda act=act: trainer.train_epoch(act))  # type: ignore[misc]
            for probe in spec.probes:
                every = getattr(probe, "every", 1)
                once = replace(probe, every=1) if every > 1 else probe  # type: ignore[call-arg]
                seconds += took(lambda act=act, once=once: trainer.measure(act, (once,))) / every  # type: ignore[misc]
    return seconds


def checkpoint_bytes(spec: RunSpec) -> int:
    """Returns the size of a stored state of this run, with the optimiser's state of one epoch."""
    parameters = sum(item.numel() for item in Trainer(spec).state.model.parameters())
    with tempfile.NamedTemporaryFile() as file:
        torch.save({"state": torch.zeros(2 * parameters)}, file.name)
        file.seek(0, 2)
        return file.tell()


def by_setting(whole: Plan) -> list[Plan]:
    """Parts a plan into those whose runs have the same data, network and probes: they have one price."""
    groups: dict[str, list[RunSpec]] = {}
    for run in whole.runs:
        shared = {key: value for key, value in run.static.items() if key != "seed"}
        groups.setdefault(identity([shared, settings(run.probes)]), []).append(run)
    return [plan(runs) for runs in groups.values()]


def report(whole: Plan, store: RunStore, jobs: int) -> str:
    """Returns what a plan would cost, in four lines.

    Args:
        whole: The runs. What stabilisers cost on top is not measured.
        store: What is there already.
        jobs: Workers that would share the work.
    """
    missing, seconds, disk = 0, 0.0, whole.epochs_needed * RECORD_BYTES
    for group in by_setting(whole):
        lacking = missing_epochs(group, store)
        missing += lacking
        seconds += lacking * seconds_per_epoch(group.runs[0]) if lacking else 0.0
        disk += len(group.forks) * checkpoint_bytes(group.runs[0])
    price = seconds / missing if missing else 0.0
    minutes = seconds / jobs / 60
    return "\n".join(
        [
            f"runs: {len(whole.runs)}",
            f"epochs: {whole.epochs_needed} needed, {whole.epochs_separate} if each run were trained by itself; "
            f"{missing} of them not stored yet",
            f"time: about {minutes:.1f} min with {jobs} worker{'s' if jobs > 1 else ''} "
            f"({price:.2f} s an epoch on average, measured just now)",
            f"disk: about {disk / 2**20:.0f} MiB in the run store",
        ]
    )
