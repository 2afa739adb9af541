"""The timelines of a figure's arms, small enough for its record: windows, last epoch, the learning rate in stages."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from critical.training.runs import RunSpec
from experiments.design.figure import Design
from experiments.design.protocol import DEFICIT, DOSE_MATCHED, FRESH, FROM_SCRATCH, SKIP

ROLES = (DEFICIT, DOSE_MATCHED, SKIP, FRESH, FROM_SCRATCH)
ALIKE = 1e-6
"""Relative difference below which two factors of the rate are the same: rates have ten digits."""


def timelines(design: Design) -> list[dict[str, Any]]:
    """Returns the timelines of the arms that a figure trains.

    Returns:
        Mappings of `label`, `role`, `end` and `removal` (epochs), `windows` (lists of first epoch, epoch of removal,
        name; those in which nothing acts are left out), `stages` (see `stages`) and `stabilizers` (names).
    """
    return [_timeline(arm.run, arm.tags) for arm in design.trained if arm.run is not None]


def _timeline(run: RunSpec, tags: Mapping[str, Any]) -> dict[str, Any]:
    clock = run.timeline
    windows = [[window.start, window.end, window.deficit.name] for window in clock.windows]
    return {
        "label": str(tags.get("label", "")),
        "role": str(tags.get("role", "")),
        "end": clock.end,
        "windows": [window for window in windows if window[2] != "none"],
        "removal": clock.removal,
        "stages": stages([epoch.rate for epoch in run.epoch_specs]),
        "stabilizers": sorted({held.stabilizer.name for held in run.stabilizers}),
    }


def stages(rates: Sequence[float]) -> list[list[float]]:
    """Returns rates by epoch as stages: lists of first epoch, rate there, and its factor per epoch."""
    found: list[list[float]] = []
    epoch = 0
    while epoch < len(rates):
        after = epoch + 1
        factor = rates[after] / rates[epoch] if after < len(rates) else 1.0
        while after < len(rates) and math.isclose(rates[after] / rates[after - 1], factor, rel_tol=ALIKE):
            after += 1
        # A jump is no stage of one factor: what follows it is a stage of its own.
        if after - epoch == 2 and after < len(rates):
            after, factor = epoch + 1, 1.0
        found.append([epoch, rates[epoch], float(f"{factor:.6g}")])
        epoch = after
    return found


def rates(timeline: Mapping[str, Any]) -> list[float]:
    """Returns the rates by epoch that stages stand for."""
    held, end = timeline["stages"], timeline["end"]
    bounds = [int(stage[0]) for stage in held[1:]] + [end]
    return [
        rate * factor ** (epoch - int(start))
        for (start, rate, factor), bound in zip(held, bounds, strict=True)
        for epoch in range(int(start), bound)
    ]


def strip(held: Sequence[Mapping[str, Any]], claim: str = "") -> list[Mapping[str, Any]]:
    """Chooses the arms that explain a figure: those of a claim that leads, of its longest window of a deficit.

    Args:
        held: All timelines of a record.
        claim: The words of the claim, such as "early costs more (high rate)".

    Returns:
        A deficit arm with no stabiliser, if it can be, whose label shares most words with the claim and whose window
        is the longest then; and its companions: the dose-matched
        one with the same rates, the one that leaves the window out, and the fresh one with the rates of the recovery
        alone.
    """
    deficits = [one for one in held if one["role"] == DEFICIT and one["windows"]]
    if not deficits:
        return list(held[:1])
    main = max(deficits, key=lambda one: (not one["stabilizers"], len(_words(one["label"]) & _words(claim)),
                                          one["windows"][0][1] - one["windows"][0][0]))  # fmt: skip
    course, removal = rates(main), main["removal"]
    onset = main["windows"][0][0] if main["windows"] else 0
    companions = (
        (DOSE_MATCHED, removal, lambda one: _alike(rates(one), course)),
        (SKIP, onset, lambda one: _alike(rates(one), course[:onset] + course[removal:])),
        (FRESH, 0, lambda one: _alike(rates(one), course[removal:])),
        (FROM_SCRATCH, 0, lambda one: one["end"] == main["end"] - removal),
    )
    found = [main]
    for role, ends, fits in companions:
        same = (one for one in held if (one["role"], one["removal"]) == (role, ends)
                and one["stabilizers"] == main["stabilizers"])  # fmt: skip
        found += [one for one in same if fits(one)][:1]
    return found


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]{3,}", text.lower()))


def _alike(first: Sequence[float], second: Sequence[float]) -> bool:
    return len(first) == len(second) and all(
        math.isclose(one, other, rel_tol=1e-3) for one, other in zip(first, second, strict=True)
    )
