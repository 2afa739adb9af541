"""What figures would take: runs, epochs that are not stored yet, minutes, disk; measured here and now.

Figures are taken in order, and what several need counts in the first of them.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from critical.core.cores import cores
from critical.core.spec import identity
from critical.data import DataError, DataSpec
from critical.execution.plan import Plan
from critical.execution.store import RunStore
from critical.probes import Probe
from critical.training.runs import EpochSpec, RunSpec
from experiments.output import prices as measuring
from experiments.output.prices import CHECKPOINT, DRAW, RECORD, START, Work
from experiments.output.stand_in import stand_in

RECORD_BYTES = 2_000
BUSY = 1.5
"""From this load a core on, minutes are said to be those of a machine with nothing else to do."""
DRAWING_SECONDS = 2.5
"""Of a figure's table, picture and page, during which no worker trains."""


class Absent:
    """Gives noise for data that are not here, and remembers which."""

    def __init__(self) -> None:
        self.named: list[str] = []

    def __call__(self, spec: DataSpec, error: DataError) -> DataSpec:
        """Returns what stands for them.

        Raises:
            DataError: Their size is unknown.
        """
        made = stand_in(spec, error)
        self.named += [made.like] if made.like not in self.named else []
        return made


@dataclass
class Needed:
    """What a figure lacks, in one setting of data and network.

    Attributes:
        spec: A run of the setting.
        counts: How often each thing is done, by its name.
        epochs: What acts in the epochs that are lacking, by its name.
        probes: A probe and an epoch that it measures, by its name.
        seeds: Draws of the data that are loaded.
    """

    spec: RunSpec
    counts: Counter[str] = field(default_factory=Counter)
    epochs: dict[str, EpochSpec] = field(default_factory=dict)
    probes: dict[str, tuple[Probe, EpochSpec]] = field(default_factory=dict)
    seeds: set[int] = field(default_factory=set)

    @property
    def trained(self) -> int:
        """How many epochs are to be trained."""
        return self.counts[RECORD]


def needed(plan: Plan, store: RunStore, known: set[str]) -> dict[str, Needed]:
    """Counts what a plan lacks.

    Args:
        plan: The runs of a figure.
        store: What is there already, as of its last `refresh`.
        known: What counts elsewhere: keys with a probe, to which those of this plan are added.

    Returns:
        By setting. An epoch's name says what acts in it, a probe's which it is and whether a deficit acts.
    """
    found: dict[str, Needed] = {}
    for segment in plan.segments:
        shared = {key: value for key, value in segment.spec.static.items() if key != "seed"}
        one = found.setdefault(identity(shared), Needed(segment.spec))
        for number, key in enumerate(segment.keys):
            probes, each = segment.probes[key], segment.spec.epoch_specs[segment.start + number]
            if store.complete(key, probes):
                continue
            lacking = [name for name in ("", *probes) if f"{key} {name}" not in known]
            known.update(f"{key} {name}" for name in lacking)
            if not lacking:
                continue
            held = store.record(key)
            if "" in lacking:
                acting = [*(part.name for part in each.deficits), *(part.name for part in each.stabilizers)]
                words = "epoch " + "+".join(acting)
                one.counts.update({words: 1, RECORD: 1, CHECKPOINT: int(key in plan.forks)})
                one.epochs.setdefault(words, each)
                one.seeds.add(segment.spec.seed)
            for name, probe in probes.items():
                if name in lacking and (held is None or name not in held["probes"]):
                    words = f"probe {name}{' deficient' * bool(each.deficits)}"
                    one.counts[words] += 1
                    one.probes.setdefault(words, (probe, each))
    return found


def report(plans: Mapping[str, Plan], store: RunStore, jobs: int, absent: Iterable[str] = ()) -> str:
    """Returns what figures would take, a line each and one for all.

    Args:
        plans: The runs of each figure, in the order in which they are made.
        store: What is there already.
        jobs: Workers that would share the work.
        absent: Data that are not here, for which images of noise were measured.
    """
    began, known = time.monotonic(), set[str]()
    store.refresh()
    lacking = {name: needed(plan, store, known) for name, plan in plans.items()}
    priced = _prices(lacking, jobs)
    size: dict[str, int] = {}
    width = max(map(len, [*plans, "together"]))
    lines = [f"{'figure':<{width}}  {'runs':>5}  {'epochs to train':>16}  {'minutes':>8}  {'disk':>8}"]
    total: Counter[str] = Counter()
    started, loaded = False, set[tuple[str, int]]()
    for name, plan in plans.items():
        spent, room, epochs = DRAWING_SECONDS, 0.0, 0
        for setting, one in lacking[name].items():
            epochs += one.trained
            if one.trained or one.counts:
                new = {(setting, seed) for seed in one.seeds} - loaded
                loaded |= new
                cost = priced[setting]
                spent += sum(count * cost[what] for what, count in one.counts.items()) / jobs
                # Every worker draws the data of every seed for itself, and all start once.
                spent += len(new) * cost[DRAW] + (0.0 if started else cost[START])
                started = True
                size[setting] = size.get(setting) or measuring.checkpoint_bytes(one.spec)
                room += one.counts[CHECKPOINT] * size[setting] + one.trained * RECORD_BYTES
        lines.append(_line(width, name, len(plan.runs), epochs, plan.epochs_needed, spent, room))
        total.update({"seconds": round(spent), "bytes": round(room), "epochs": epochs})
    runs = {run.run_id for plan in plans.values() for run in plan.runs}
    every = {key for plan in plans.values() for segment in plan.segments for key in segment.keys}
    if len(plans) > 1:
        lines.append(_line(width, "together", len(runs), total["epochs"], len(every), total["seconds"], total["bytes"]))
    workers = f"{jobs} worker{'s' if jobs > 1 else ''}"
    how = f"measured just now in {time.monotonic() - began:.0f} s" if priced else "all of it is stored"
    lines.append(f"with {workers}; {how}; what several figures need counts in the first of them")
    if os.getloadavg()[0] > BUSY * cores():
        lines.append(f"the machine is busy with other things now (load {os.getloadavg()[0]:.0f}): it may take longer")
    lines += [f"{data}: not here; minutes are those of images of noise of the same size" for data in absent]
    return "\n".join(lines)


def _line(width: int, name: str, runs: int, epochs: int, whole: int, seconds: float, room: float) -> str:
    of = f"{epochs} of {whole}"
    return f"{name:<{width}}  {runs:>5}  {of:>16}  {seconds / 60:>8.1f}  {room / 2**20:>4.0f} MiB"


def _prices(lacking: Mapping[str, Mapping[str, Needed]], jobs: int) -> dict[str, dict[str, float]]:
    """Measures what any figure lacks, each thing once."""
    works: dict[str, Work] = {}
    for figure in lacking.values():
        for setting, one in figure.items():
            if one.counts:
                before = works.get(setting, Work(one.spec, {}, {}))
                works[setting] = Work(before.spec, {**one.epochs, **before.epochs}, {**one.probes, **before.probes})
    return dict(zip(works, measuring.prices(list(works.values()), jobs), strict=True))
