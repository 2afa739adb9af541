"""What the figures of two-stream networks share: their deficits, columns and contrasts."""

from __future__ import annotations

from typing import Any

from critical.deficits import Deficit, Dissociation, SplitHeads, ViewDropout
from critical.inference.claims import Arm, Claim
from critical.training.schedules import Continue, Restart
from experiments.design.contrasts import dose_matched
from experiments.design.protocol import AUTHORS, DEFICIT, DOSE_MATCHED, FRESH, PlannedRun, Protocol

CVPR2023 = "Kleinman et al. 2023"
POOR = "b"
"""The view that the deficits of these figures act on."""
MEASURED = ("rsv_", "decoding_", "use_", "information_", "probe_", "fisher_trace_pathway/")
"""Beginnings of the columns that a run of two streams takes over from its last epoch."""
SCHEDULES = (Continue.name, Restart.name)


def deficits(protocol: Protocol) -> tuple[Deficit, ...]:
    """Returns the three deficits of one view: the protocol's (blur), dropout and dissociation."""
    return (protocol.deficit, ViewDropout(view=POOR), Dissociation(view=POOR))


def sham(deficit: Deficit) -> Deficit | None:
    """Returns what the dose-matched arm of a deficit has in its window.

    After a dissociation the head `both` is untrained, which would be its cost even if the streams were
    whole; so its sham trains the heads `a` and `b` on views that belong together.
    """
    return SplitHeads() if isinstance(deficit, Dissociation) else None


def arms_of_blur(protocol: Protocol, removals: tuple[int, ...]) -> list[PlannedRun]:
    """Lists what the two figures of the paper share: the blurred view under both schedules, and its references."""
    last, planned = removals[-1], []
    for seed in protocol.seeds:
        for schedule in SCHEDULES:
            planned.append(protocol.arm(seed, FRESH, schedule=schedule))
            for removal in removals:
                for kind in (DEFICIT, DOSE_MATCHED):
                    shown = removal == last
                    planned.append(protocol.arm(seed, kind, 0, removal, schedule, curve=shown))
    return [item.also(*MEASURED) for item in planned]


def own_sham(arm: Arm) -> Arm:
    """Selects the dose-matched arm of a dissociation: the heads of one view, on views that belong together."""
    return dose_matched(arm).but(deficit=SplitHeads.name)


def lost(
    id: str, source: str, sentence: str, arm: Arm, column: str, reference: Arm | None = None, **rest: Any
) -> Claim:
    """Claims that something measured is lower after a deficit than in its dose-matched network."""
    against = dose_matched(arm) if reference is None else reference
    return Claim(id, source, sentence, "greater", against, arm, column=column, control=against, **rest)


SCHEDULE_WORDS = {Continue.name: "rate decaying on", Restart.name: "rate restarted", AUTHORS: "authors' protocol"}
