"""What a plan would cost: epochs, time, disk. Times are measured here and now, not remembered."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace

import torch

from critical.plan import Plan
from critical.runs import RunSpec
from critical.store import RunStore
from critical.timeline import Timeline
from critical.training import Trainer
from critical.workers import Ledger

RECORD_BYTES = 2_000


def missing_epochs(plan: Plan, store: RunStore) -> int:
    """Counts the epochs that are not recorded in the store."""
    ledger = Ledger(store)
    return sum(
        not ledger.complete(key, segment.probes) for segment in plan.segments for key in segment.keys
    )


def seconds_per_epoch(spec: RunSpec) -> float:
    """Trains and measures one epoch of a run, after one to warm up, and returns its process time.

    Both epochs are thrown away. An accelerator is waited for.
    """
    short = replace(spec, timeline=Timeline(2))
    with spec.arithmetic.applied():
        trainer = Trainer(short)
        for act in short.acts:
            start = time.perf_counter() if spec.arithmetic.device != "cpu" else time.process_time()
            trainer.train_epoch(act)
            trainer.measure(act)
            if spec.arithmetic.device == "cuda":
                torch.cuda.synchronize()
            end = time.perf_counter() if spec.arithmetic.device != "cpu" else time.process_time()
    return end - start


def checkpoint_bytes(spec: RunSpec) -> int:
    """Returns the size of a stored state of this run, with the optimiser's state of one epoch."""
    parameters = sum(item.numel() for item in Trainer(spec).state.model.parameters())
    with tempfile.NamedTemporaryFile() as file:
        torch.save({"state": torch.zeros(2 * parameters)}, file.name)
        file.seek(0, 2)
        return file.tell()


def report(plan: Plan, store: RunStore, jobs: int) -> str:
    """Returns what a plan would cost, in four lines.

    Args:
        plan: The runs; all of them have the same data and network.
        store: What is there already.
        jobs: Workers that would share the work.
    """
    missing = missing_epochs(plan, store)
    price = seconds_per_epoch(plan.runs[0]) if missing else 0.0
    minutes = missing * price / jobs / 60
    disk = len(plan.forks) * checkpoint_bytes(plan.runs[0]) + plan.epochs_needed * RECORD_BYTES
    return "\n".join(
        [
            f"runs: {len(plan.runs)}",
            f"epochs: {plan.epochs_needed} needed, {plan.epochs_separate} if each run were trained by itself; "
            f"{missing} of them not stored yet",
            f"time: about {minutes:.1f} min with {jobs} worker{'s' if jobs > 1 else ''} "
            f"({price:.2f} s an epoch, measured just now)",
            f"disk: about {disk / 2**20:.0f} MiB in the run store",
        ]
    )
