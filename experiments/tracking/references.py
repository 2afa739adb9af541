"""The runs that a run with a deficit is compared with, found among others: its cost and its harm."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from critical.training.runs import RunSpec


def dose_matched(spec: RunSpec, others: Iterable[RunSpec]) -> RunSpec | None:
    """Returns the run with as many clean epochs instead, at the same rates; None where there is none."""
    wanted = [(window.start, window.end) for window in spec.timeline.windows]
    for other in others:
        windows = other.timeline.windows
        if (
            wanted
            and [(window.start, window.end) for window in windows] == wanted
            and all(window.deficit.name == "none" for window in windows)
            and other.stabilizers == spec.stabilizers
            and _alike(spec, other, 0)
        ):
            return other
    return None


def fresh(spec: RunSpec, others: Iterable[RunSpec]) -> RunSpec | None:
    """Returns the run that has the recovery alone, at the same rates and without stabilisers; None where none is."""
    for other in others:
        plain = not other.timeline.windows and not other.stabilizers
        if plain and spec.timeline.removal and _alike(spec, other, spec.timeline.removal):
            return other
    return None


def effects(specs: Iterable[RunSpec], accuracy: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Returns what the deficits of some runs cost, where their references are among them.

    Args:
        specs: The runs.
        accuracy: By run id, percent; NaN where a run failed.

    Returns:
        By the id of a run with a deficit: `cost`, dose-matched − deficit, and `harm`, fresh − deficit, in points.
    """
    specs, found = list(specs), {}
    by_static: dict[str, list[RunSpec]] = {}
    for spec in specs:
        by_static.setdefault(spec.keys[0], []).append(spec)
    for spec in specs:
        if all(window.deficit.name == "none" for window in spec.timeline.windows):
            continue
        others = by_static[spec.keys[0]]
        pairs = {"cost": dose_matched(spec, others), "harm": fresh(spec, others)}
        differences = {
            name: accuracy.get(other.run_id, math.nan) - accuracy.get(spec.run_id, math.nan)
            for name, other in pairs.items() if other is not None
        }  # fmt: skip
        if kept := {name: value for name, value in differences.items() if math.isfinite(value)}:
            found[spec.run_id] = kept
    return found


def _alike(spec: RunSpec, other: RunSpec, skipped: int) -> bool:
    """Returns whether another run has the rates of this one without its first epochs; computed otherwise, so nearly."""
    if other.keys[0] != spec.keys[0] or other.timeline.end != spec.timeline.end - skipped:
        return False
    rates = zip(spec.epoch_specs[skipped:], other.epoch_specs, strict=True)
    return all(math.isclose(one.rate, two.rate, rel_tol=1e-9) for one, two in rates)
