"""What the figures of two-stream networks share: the poor view, its deficits, and what is said of a stream."""

from __future__ import annotations

from dataclasses import replace

from critical.deficits import Deficit, Dissociation, SplitHeads, ViewDropout
from critical.inference.arms import Arm
from critical.inference.claims import Claim
from critical.probes import StreamProbe
from experiments.design.protocol import Protocol, Window, cost

POOR = "b"
"""The view that the deficits of these figures act on."""
DECODING, PROBE = f"decoding_{POOR}", f"probe_maps_{POOR}"
"""What the network tells from the poor view beside random partners, and what a linear probe reads from its stream."""


def deficits(protocol: Protocol) -> dict[str, Deficit]:
    """Returns the deficits of the poor view: the protocol's (blur), dropout and dissociation."""
    return {"blur": protocol.deficit, "dropout": ViewDropout(view=POOR), "dissociation": Dissociation(view=POOR)}


def sham(deficit: Deficit) -> Deficit | None:
    """Returns what the dose-matched arm of a deficit has in its window.

    After a dissociation the head `both` is untrained, which would be its cost even if the streams were whole; so its
    sham trains the heads `a` and `b` on views that belong together.
    """
    return SplitHeads() if isinstance(deficit, Dissociation) else None


def reading_untrained(arm: Arm) -> Arm:
    """Returns the arm with its streams probed before any training too, which is the same in every arm of a seed."""
    probes = tuple(
        replace(probe, untrained=True) if isinstance(probe, StreamProbe) else probe for probe in arm.run.probes
    )
    return replace(arm, run=replace(arm.run, probes=probes))


def stream_claims(id: str, source: str, window: Window, view: str, what: str, under: str) -> tuple[Claim, Claim]:
    """Returns the two claims about a stream: it is impaired, and it is ignored.

    Args:
        id: Beginning of their ids.
        source: Who says so.
        window: The window whose dose-matched arm is the reference.
        view: The view whose stream is meant.
        what: What acted, as the beginning of a sentence: "A blur until epoch 8".
        under: The learning rate, in words.
    """
    return (
        Claim(f"{id}_impaired", source, cost(window, f"probe_maps_{view}"), "greater",
              f"{what} leaves stream {view} impaired: a linear probe reads less from its maps ({under})."),
        Claim(f"{id}_ignored", source, cost(window, f"decoding_{view}"), "greater",
              f"{what} leaves stream {view} ignored: the network tells less from view {view} alone ({under})."),
    )  # fmt: skip
