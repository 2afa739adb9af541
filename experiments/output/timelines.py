"""The timelines of a figure's arms, small enough for its record: windows, last epoch, the learning rate in stages."""

from __future__ import annotations

import math
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
        name; those in which nothing acts are left out), `stages` (see `stages`) and `stabilizers` (names); `leads`,
        true, only where the claim that leads compares the arm.
    """
    led = design.lead.arms if design.lead is not None else ()
    return [_timeline(arm.run, arm.tags) | ({"leads": True} if arm in led else {})
            for arm in design.trained if arm.run is not None]  # fmt: skip


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


def strip(held: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Chooses the arms that explain a figure: those of the claim that leads.

    Args:
        held: All timelines of a record.

    Returns:
        A deficit arm: of the claim that leads, with no stabiliser and the longest window, as far as there is one, and
        the earliest of these; then the other arms of that claim with as many epochs, so that they share an axis, that
        look otherwise; then its companions: the dose-matched one with the same rates, the one that leaves the window
        out, and the fresh one with the rates of the recovery alone. Without a deficit, an arm of the claim.
    """
    deficits = [one for one in held if one["role"] == DEFICIT and one["windows"]]
    if not deficits:
        return [max(held, key=_leads)] if held else []
    lookalikes = shams(held)
    main = max(deficits, key=lambda one: (_leads(one), not one["stabilizers"], _acted(one, lookalikes),
                                          -one["windows"][0][0]))  # fmt: skip
    found = [main, *(one for one in held if _leads(one)
                     and all(one[key] == main[key] for key in ("end", "stabilizers")))]  # fmt: skip
    course, removal = rates(main), main["removal"]
    onset = next((start for start, _, name in main["windows"] if name not in lookalikes), 0)
    companions = (
        (DOSE_MATCHED, lambda one: _alike(rates(one), course)),
        (SKIP, lambda one: one["removal"] == onset and _alike(rates(one), course[:onset] + course[removal:])),
        (FRESH, lambda one: _alike(rates(one), course[removal:])),
        (FROM_SCRATCH, lambda one: one["end"] == main["end"] - removal),
    )
    for role, fits in companions:
        same = (one for one in held if one["role"] == role and one["stabilizers"] == main["stabilizers"])
        found += [one for one in same if fits(one)][:1]
    # Arms of other data or networks look alike: the first of them says all.
    distinct: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for one in found:
        distinct.setdefault(_look(one), one)
    ranks = {role: rank for rank, role in enumerate(ROLES)}
    return sorted(distinct.values(), key=lambda one: ranks.get(one["role"], len(ROLES)))


def shams(held: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Returns the names of what acts in windows of arms without a deficit, too: the shams of deficits."""
    return frozenset(name for one in held if one["role"] != DEFICIT for _, _, name in one["windows"])


def _leads(one: Mapping[str, Any]) -> bool:
    return bool(one.get("leads"))


def _acted(one: Mapping[str, Any], lookalikes: frozenset[str]) -> int:
    return sum(stop - start for start, stop, name in one["windows"] if name not in lookalikes)


def _look(one: Mapping[str, Any]) -> tuple[Any, ...]:
    return (one["role"], one["end"], *((start, stop) for start, stop, _ in one["windows"]), *map(tuple, one["stages"]))


def _alike(first: Sequence[float], second: Sequence[float]) -> bool:
    return len(first) == len(second) and all(
        math.isclose(one, other, rel_tol=1e-3) for one, other in zip(first, second, strict=True)
    )
