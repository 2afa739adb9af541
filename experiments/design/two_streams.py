"""What the figures of two-stream networks share: the deprived view, its deficits, and what is said of a stream."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from critical.deficits import Deficit, Dissociation, SplitHeads, ViewDropout
from critical.inference.arms import Arm
from critical.inference.claims import OURS, Claim
from critical.probes import CodeProbe, StreamProbe
from experiments.design.protocol import Protocol, WindowArms, cost

DEPRIVED = "b"
"""The view that the deficits of these figures act on."""
DECODING = f"decoding_{DEPRIVED}"
"""What the network tells from that view beside random partners."""
PROBES = {f"probe_maps_{DEPRIVED}": "maps", f"probe_averaged_{DEPRIVED}": "maps averaged over places"}
"""What a linear probe reads from its stream: from the maps that the fusion receives, and from their averages."""


def deficits(protocol: Protocol) -> dict[str, Deficit]:
    """Returns the deficits of that view: the protocol's (blur), dropout and dissociation."""
    dropout, dissociation = ViewDropout(view=DEPRIVED), Dissociation(view=DEPRIVED)
    return {"blur": protocol.deficit, "dropout": dropout, "dissociation": dissociation}


def sham(deficit: Deficit) -> Deficit | None:
    """Returns what the dose-matched arm of a deficit has in its window.

    After a dissociation the head `both` is untrained, which would be its cost even if the streams were whole; so its
    sham trains the heads `a` and `b` on views that belong together.
    """
    return SplitHeads() if isinstance(deficit, Dissociation) else None


def reading_untrained(arm: Arm) -> Arm:
    """Returns the arm with streams and code probed before any training too, which is the same in all arms of a seed."""
    run = arm.of_seed(0)
    probes = tuple(replace(probe, untrained=True) if isinstance(probe, (StreamProbe, CodeProbe)) else probe
                   for probe in run.probes)  # fmt: skip
    return replace(arm, run=replace(run, probes=probes))


def stream_claims(
    id: str,
    source: str,
    window: WindowArms,
    view: str,
    what: str,
    under: str,
    brief: str,
    places: bool = True,
    **rest: Any,
) -> list[Claim]:
    """Returns what is claimed about a stream: less is decoded, since it is impaired, or since it is ignored.

    Args:
        id: Beginning of their ids, with its last separator.
        source: Who says that less is decoded; to tell impaired from ignored is ours.
        window: The window whose dose-matched arm is the reference.
        view: The view whose stream is meant.
        what: What acted, as the beginning of a sentence: "A blur until epoch 8".
        under: The learning rate, in words.
        brief: What acted and, where it matters, the learning rate: the beginning of their short names.
        places: Whether streams end in maps, which have averages over places.
        **rest: Further fields of all of them.
    """
    decoded, maps = cost(window, f"decoding_{view}"), cost(window, f"probe_maps_{view}")
    claims = [
        Claim(f"{id}decoded", source, decoded, "greater",
              f"{what} leaves less that the network decodes from view {view} alone ({under}).",
              short=f"{brief}: less is decoded", **rest),
        Claim(f"{id}impaired", OURS, maps, "greater",
              f"{what} leaves stream {view} impaired: a linear probe reads less from it ({under}).",
              short=f"{brief}: stream impaired", **rest),
        Claim(f"{id}ignored", OURS, decoded - maps, "greater",
              f"{what} leaves stream {view} ignored: the network loses more of it than a probe ({under}).",
              short=f"{brief}: stream ignored", **rest),
    ]  # fmt: skip
    if places:
        claims.insert(2, Claim(
            f"{id}impaired_averaged", OURS, cost(window, f"probe_averaged_{view}"), "greater",
            f"{what} leaves stream {view} impaired: a probe reads less from its maps averaged over places ({under}).",
            short=f"{brief}: averages impaired", **rest,
        ))  # fmt: skip
    return claims
