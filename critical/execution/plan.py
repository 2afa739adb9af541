"""From a list of runs to a tree of segments: what has to be trained, each epoch once.

The keys of the runs form a tree. A *segment* is a stretch of it without a fork: from one fork (or
a root) to the next fork or end of a run. Trunks come before their branches, and the branch with the
most epochs behind it first, so that the workers end together.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from critical.probes import Probe
from critical.training.runs import RunSpec


@dataclass(frozen=True)
class Segment:
    """Epochs `start` … `end − 1` of `spec`, with no fork between.

    Attributes:
        spec: Some run that goes through the segment; all of them agree on it.
        start: Epochs trained before it; the checkpoint under `spec.keys[start]` is its beginning.
        end: Epochs trained after it; the checkpoint under `spec.keys[end]` is kept.
        probes: What the runs through it measure after each epoch: key → probe id → probe.
        epochs_behind: Epochs on the longest path that begins with it: its priority.
    """

    spec: RunSpec
    start: int
    end: int
    probes: Mapping[str, Mapping[str, Probe]]
    epochs_behind: int

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys after each of its epochs."""
        return self.spec.keys[self.start + 1 : self.end + 1]


@dataclass(frozen=True)
class Plan:
    """What a list of runs needs.

    Attributes:
        runs: The runs, without repetition.
        segments: In the order in which they are best taken.
        forks: Keys whose checkpoints are kept: forks and ends of runs.
    """

    runs: tuple[RunSpec, ...]
    segments: tuple[Segment, ...]
    forks: frozenset[str]

    @property
    def epochs_needed(self) -> int:
        """Epochs that have to be trained when every prefix is shared."""
        return sum(segment.end - segment.start for segment in self.segments)

    @property
    def epochs_separate(self) -> int:
        """Epochs that the same runs would take one by one."""
        return sum(run.timeline.end for run in self.runs)

    @functools.cached_property
    def _by_key(self) -> dict[str, tuple[RunSpec, ...]]:
        found: dict[str, tuple[RunSpec, ...]] = {segment.keys[-1]: () for segment in self.segments}
        for run in self.runs:
            for key in run.keys:
                if key in found:
                    found[key] += (run,)
        return found

    def through(self, segment: Segment) -> tuple[RunSpec, ...]:
        """Returns the runs that go through a segment of this plan, or end with it."""
        return self._by_key[segment.keys[-1]]


def plan(specs: Iterable[RunSpec]) -> Plan:
    """Lays the runs over each other.

    Args:
        specs: Any runs; equal ones count once.

    Returns:
        Their tree as segments.
    """
    runs = tuple({spec.run_id: spec for spec in specs}.values())
    children: dict[str, set[str]] = {}
    longest: dict[str, int] = {}
    probes: dict[str, dict[str, Probe]] = {}
    stops = {run.keys[-1] for run in runs}
    for run in runs:
        for epoch, key in enumerate(run.keys):
            longest[key] = max(longest.get(key, 0), run.timeline.end - epoch)
            if epoch > 0:
                probes.setdefault(key, {}).update((probe.id, probe) for probe in run.measured(epoch))
            if epoch < run.timeline.end:
                children.setdefault(key, set()).add(run.keys[epoch + 1])
    forks = frozenset(key for key in longest if key in stops or len(children.get(key, ())) > 1)

    found: dict[str, Segment] = {}
    for run in runs:
        start = 0
        for epoch in range(1, run.timeline.end + 1):
            if run.keys[epoch] not in forks and epoch < run.timeline.end:
                continue
            first, through = run.keys[start + 1], run.keys[start + 1 : epoch + 1]
            if first not in found:
                measured = {key: probes[key] for key in through}
                found[first] = Segment(run, start, epoch, measured, longest[first] + 1)
            start = epoch
    ordered: Sequence[Segment] = sorted(found.values(), key=lambda segment: -segment.epochs_behind)
    return Plan(runs, tuple(ordered), forks)
