"""What a plan would cost: epochs, time, disk. Times are measured here and now, not remembered."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch

from critical.core.spec import identity
from critical.execution.plan import Plan, plan
from critical.execution.store import RunStore
from critical.probes import Probe
from critical.training.loop import Trainer
from critical.training.runs import RunSpec
from critical.training.timeline import Timeline

RECORD_BYTES = 2_000
TRAINING = "training"


def missing(plan: Plan, store: RunStore) -> Counter[str]:
    """Returns how many epochs are to be trained (under `training`), and how often each probe measures (by its id)."""
    store.refresh()
    found = Counter({TRAINING: 0})
    for segment in plan.segments:
        for key, probes in segment.probes.items():
            if not store.complete(key, probes):
                held = store.record(key)
                found[TRAINING] += 1
                found.update(name for name in probes if held is None or name not in held["probes"])
    return found


def prices(spec: RunSpec, probes: Mapping[str, Probe]) -> dict[str, float]:
    """Trains one epoch of a run, after one to warm up, and measures it with each probe; both are thrown away.

    An accelerator is waited for, and stabilisers are left out.

    Args:
        spec: The run.
        probes: What measures, by its id.

    Returns:
        Seconds of process time: of the `training` of an epoch, and of a measurement by each probe, under its id.
    """
    short = replace(spec, timeline=Timeline(2), stabilizers=())
    now = time.process_time if spec.arithmetic.device == "cpu" else time.perf_counter

    def took(step: Callable[[], object]) -> float:
        start = now()
        step()
        if spec.arithmetic.device == "cuda":
            torch.cuda.synchronize()
        return now() - start

    with spec.arithmetic.applied():
        trainer = Trainer(short)
        for one in short.epoch_specs:
            found = {TRAINING: took(lambda one=one: trainer.train_epoch(one))}  # type: ignore[misc]
            for name, probe in probes.items():
                found[name] = took(lambda one=one, probe=probe: trainer.measure(one, (probe,)))  # type: ignore[misc]
    return found


def checkpoint_bytes(spec: RunSpec) -> int:
    """Returns the size of a stored state of this run, with the optimiser's state of one epoch."""
    parameters = sum(item.numel() for item in Trainer(spec).state.model.parameters())
    with tempfile.NamedTemporaryFile() as file:
        torch.save({"state": torch.zeros(2 * parameters)}, file.name)
        file.seek(0, 2)
        return file.tell()


def by_setting(whole: Plan) -> list[Plan]:
    """Parts a plan into those whose runs have the same data and network: an epoch of theirs has one price."""
    groups: dict[str, list[RunSpec]] = {}
    for run in whole.runs:
        shared = {key: value for key, value in run.static.items() if key != "seed"}
        groups.setdefault(identity(shared), []).append(run)
    return [plan(runs) for runs in groups.values()]


def report(whole: Plan, store: RunStore, jobs: int) -> str:
    """Returns what a plan would cost, in four lines.

    Args:
        whole: The runs. What stabilisers cost on top is not measured.
        store: What is there already.
        jobs: Workers that would share the work.
    """
    epochs, seconds, disk = 0, 0.0, whole.epochs_needed * RECORD_BYTES
    for group in by_setting(whole):
        lacking = missing(group, store)
        epochs += lacking[TRAINING]
        if lacking[TRAINING]:
            probes = {probe.id: probe for run in group.runs for probe in run.probes}
            seconds += sum(lacking[what] * price for what, price in prices(group.runs[0], probes).items())
        disk += len(group.forks) * checkpoint_bytes(group.runs[0])
    average = seconds / epochs if epochs else 0.0
    minutes = seconds / jobs / 60
    return "\n".join(
        [
            f"runs: {len(whole.runs)}",
            f"epochs: {whole.epochs_needed} needed, {whole.epochs_separate} if each run were trained by itself; "
            f"{epochs} of them not stored yet",
            f"time: about {minutes:.1f} min with {jobs} worker{'s' if jobs > 1 else ''} "
            f"({average:.2f} s an epoch on average, measured just now)",
            f"disk: about {disk / 2**20:.0f} MiB in the run store",
        ]
    )
