"""What the figures of two-stream networks share: the deprived view, its deficits, and what is said of a stream."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from critical.deficits import Deficit, Dissociation, SplitHeads, ViewDropout
from critical.inference.arms import Arm, Term, Within
from critical.inference.claims import OURS, Claim
from critical.probes import CodeProbe, StreamProbe
from experiments.design.protocol import Protocol, WindowArms, cost, harm

DEPRIVED = "b"
"""The view that the deficits of these figures act on."""
DECODING = f"decoding_{DEPRIVED}"
"""What the network tells from that view beside random partners."""
MAPS = f"probe_maps_{DEPRIVED}"
"""What a linear probe reads from its stream, from the maps that the fusion receives."""
AVERAGED = f"probe_averaged_{DEPRIVED}"
"""The same from the averages of these maps over places."""

NOTHING_LOST = "A clean network has nothing to lose: it tells no more than chance, or its stream than an untrained one."


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


def untrained(arm: Arm, column: str) -> Term:
    """Returns the same column, such as `probe_maps_b`, before any training, of an arm from `reading_untrained`."""
    return arm[column.replace("probe_", "probe_untrained_")]


def probe_lost(window: WindowArms, column: str, floor: Term) -> Within:
    """Returns the share that a deficit takes of what a probe reads from a clean stream beyond an untrained one."""
    return Within((window.dose_matched[column], window.deficit[column], floor),
                  lambda held: _lost(held[0], held[1], held[2]), "share", NOTHING_LOST)  # fmt: skip


def network_lost(window: WindowArms, column: str, classes: int) -> Within:
    """Returns the share that a deficit takes of what a clean network decodes from a view beyond chance."""
    return Within((window.dose_matched[column], window.deficit[column]),
                  lambda held: _lost(held[0], held[1], 100 / classes), "share", NOTHING_LOST)  # fmt: skip


def ignored(window: WindowArms, view: str, floor: Term, classes: int) -> Within:
    """Returns by how much more the network loses of a view than a probe of its stream, as shares of what each can lose.

    In points it would be larger the less is left to a probe to lose: much is read from an untrained stream (`floor`).
    """
    network, probe = network_lost(window, f"decoding_{view}", classes), probe_lost(window, f"probe_maps_{view}", floor)
    return Within((*network.parts, *probe.parts), lambda held: network.estimate(held[:2]) - probe.estimate(held[2:]),
                  "share", NOTHING_LOST)  # fmt: skip


def ignored_beyond(window: WindowArms, view: str, floor: Term, classes: int) -> Within:
    """Returns how much more it is so than in a network that has no epochs in the window's place.

    Less training alone gives something: what a network decodes from one view grows later than what a probe reads.
    """
    held, fresh = (ignored(one, view, floor, classes) for one in (window, without(window)))
    parts = len(held.parts)
    return Within((*held.parts, *fresh.parts), lambda values: held.estimate(values[:parts])
                  - fresh.estimate(values[parts:]), "share", NOTHING_LOST)  # fmt: skip


def without(window: WindowArms) -> WindowArms:
    """Returns the window with the fresh network in the place of the deprived one."""
    return replace(window, deficit=window.fresh)


def _lost(clean: float, deprived: float, floor: float) -> float:
    return (clean - deprived) / (clean - floor) if clean > floor else float("nan")


def stream_claims(
    id: str,
    source: str,
    window: WindowArms,
    view: str,
    what: str,
    under: str,
    brief: str,
    places: bool = True,
    floor: Term | None = None,
    classes: int = 0,
    requires: tuple[str, ...] = (),
    harmed: bool = False,
    **rest: Any,
) -> list[Claim]:
    """Returns what is claimed about a stream: less is decoded, since it is impaired or ignored.

    To be impaired is to stand behind as many clean epochs; to be harmed, behind a network that has none in their place.

    Args:
        id: Beginning of their ids, with its last separator.
        source: Who says that less is decoded; to tell impaired from ignored is ours.
        window: The window whose dose-matched arm is the reference.
        view: The view whose stream is meant.
        what: What acted, as the beginning of a sentence: "A blur until epoch 8".
        under: The learning rate, in words.
        brief: What acted and, where it matters, the learning rate: the beginning of their short names.
        places: Whether streams end in maps, which have averages over places.
        floor: What a probe reads from an untrained stream. Without it nothing is claimed about being ignored: what a
            probe can lose is not known then.
        classes: Number of classes of the data; needed beside `floor`.
        requires: What all of them require.
        harmed: Whether harm is claimed, too: of windows from epoch 0 on.
        **rest: Further fields of all of them.
    """
    decoded, maps = cost(window, f"decoding_{view}"), cost(window, f"probe_maps_{view}")
    claims = [
        Claim(f"{id}decoded", source, decoded, "greater",
              f"{what} leaves less that the network decodes from view {view} alone ({under}).",
              short=f"{brief}: less is decoded", requires=requires, **rest),
        Claim(f"{id}impaired", OURS, maps, "greater",
              f"{what} leaves stream {view} impaired: a linear probe reads less from it than after clean epochs "
              f"({under}).",
              short=f"{brief}: stream impaired", requires=requires, **rest),
    ]  # fmt: skip
    if places:
        claims.append(Claim(
            f"{id}impaired_averaged", OURS, cost(window, f"probe_averaged_{view}"), "greater",
            f"{what} leaves stream {view} impaired: a probe reads less from its maps averaged over places than after "
            f"clean epochs ({under}).",
            short=f"{brief}: averages impaired", requires=requires, **rest,
        ))  # fmt: skip
    if harmed:
        rows = [("decoded", "decoding", "less is decoded from it", "decoding"),
                ("impaired", "probe_maps", "a linear probe reads less from its stream", "stream"),
                ("impaired_averaged", "probe_averaged", "a probe reads less from averages of its stream", "averages")]
        claims += [
            Claim(f"{id}{key}_harm", OURS, harm(window, f"{column}_{view}"), "greater",
                  f"{what} harms view {view}: {words} than where those epochs are left out, so that not all of it was "
                  f"missed ({under}).", short=f"{brief}: {who} harmed", requires=(f"{id}{key}", *requires), **rest)
            for key, column, words, who in (rows if places else rows[:2])
        ]  # fmt: skip
    if floor is not None:
        claims.append(Claim(
            f"{id}ignored", OURS, ignored_beyond(window, view, floor, classes), "greater",
            f"{what} leaves stream {view} ignored: of what it can lose the network loses a larger share than a probe, "
            f"and more so than where those epochs are left out ({under}).", short=f"{brief}: stream ignored",
            requires=(f"{id}decoded", *requires), **rest,
        ))  # fmt: skip
    return claims
