"""Fisher information of each pathway of two streams: parameters, what is measured, and what is compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from critical.inference.arms import Contrast
from critical.inference.claims import Claim, Direction
from experiments.design.measuring import after_every_epoch, clean_trace_of, clean_variants_of, measuring, variants_of
from experiments.design.parameters import ManyOnsets, at_least
from experiments.design.protocol import Protocol, WindowArms
from experiments.design.sources import OURS
from experiments.design.two_streams import DEPRIVED

SEEING = "a"
"""The view that nothing acts on."""
SEEN, CLEAN = "fisher_trace_pathway/", "fisher_trace_pathway_clean/"
RELATIVE, RELATIVE_CLEAN = "fisher_trace_relative_pathway/", "fisher_trace_relative_pathway_clean/"
"""The trace of each pathway: on images as the network sees them, on clean ones, and both in relative weights."""


@dataclass(frozen=True)
class Pathways(ManyOnsets):
    """What a profile may set.

    Attributes:
        removal: Epoch until which the view is blurred, from epoch 0 on, where traces of pathways are compared.
    """

    removal: int

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(1, removal=self.removal)

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns the longest window, and windows of the shortest length at six onsets or more."""
        return {**cls.spread(protocol, 6), "removal": protocol.longest_window}


def traced(protocol: Protocol) -> Protocol:
    """Returns a protocol that measures these traces, after every epoch and, on clean images, at the removal."""
    probes = variants_of(protocol), clean_trace_of(protocol), clean_variants_of(protocol)
    return after_every_epoch(measuring(protocol, *probes))


def side(held: WindowArms, trace: str, pathway: str, at: str = "") -> Contrast:
    """Returns the logarithm of how many times a trace of a pathway after a blur is that after clean epochs instead.

    `at` is the end of the column, such as `@8` of what was measured after epoch 8.
    """
    column = f"{trace}{pathway}{at}"
    return held.deficit.log(column) - held.dose_matched.log(column)


def shift(held: WindowArms, trace: str, at: str = "") -> Contrast:
    """Returns the logarithm of how many times a blur multiplies the ratio of pathway b to pathway a; see `side`."""
    return side(held, trace, DEPRIVED, at) - side(held, trace, SEEING, at)


def ratio_claims(blurred: WindowArms, again: WindowArms, end: int) -> tuple[list[Claim], list[Claim]]:
    """Returns what is claimed of the ratio of the pathways, and of its two sides, which say which of them moved.

    Args:
        blurred: A blur until `end`, after which the rate decays on.
        again: The same blur, after which the rate is restarted.
        end: That epoch.
    """
    then, blur = f"@{end}", f"a blur of view {DEPRIVED} until epoch {end}"
    less = (f"the ratio of the trace of pathway {DEPRIVED} to that of pathway {SEEING} is smaller than after clean "
            "epochs instead")  # fmt: skip
    relative = "where changes of weights are measured in units of the norm of their layer"
    at_end, recovered = f"At the end of {blur}", f"After {blur} and a recovery"
    learns, on_clean = ("pathways.clean_learns",), ("pathways.on_clean",)
    asked = {
        "removal": (blurred, SEEN, then, f"{at_end} {less}, on the images that the network sees", learns, "as seen"),
        "on_clean": (blurred, CLEAN, then, f"{at_end} {less}, on clean images: it is the weights, and not that a "
                     "blurred view has less contrast", learns, "on clean images"),
        "on_clean_relative": (blurred, RELATIVE_CLEAN, then, f"{at_end} {less}, on clean images, {relative}", on_clean,
                              "clean, relative"),
        "lasting": (blurred, SEEN, "", f"{recovered} {less} (rate decaying on)", (*learns, *on_clean),
                    "after recovery"),
        "lasting_relative": (blurred, RELATIVE, "", f"After the recovery {less} {relative}", ("pathways.lasting",),
                             "relative weights"),
        "restarted": (again, SEEN, "", f"{recovered} {less} (rate restarted)",
                      ("pathways.restarted_learns", *on_clean), "after restart"),
    }  # fmt: skip
    claims = [
        Claim(f"pathways.{name}", OURS, shift(held, trace, at), "less", f"{sentence}.", requires=requires,
              short=f"ratio b/a falls, {brief}")
        for name, (held, trace, at, sentence, requires, brief) in asked.items()
    ]  # fmt: skip
    claims.append(Claim(
        "pathways.mends", OURS, shift(blurred, SEEN) - shift(blurred, CLEAN, then), "greater",
        "The recovery takes a part of that back (both times on clean images).", requires=on_clean,
        short="recovery takes a part back",
    ))  # fmt: skip
    sides = [
        Claim(f"pathways.{name}_of_{pathway}", OURS, side(held, trace, pathway, at), direction,
              f"{_WHEN[name]}, the trace of pathway {pathway} is {word} than after clean epochs instead.",
              requires=(f"pathways.{name}",), short=f"trace of {pathway} {moves}, {brief}")
        for name, (held, trace, at, *_, brief) in asked.items() if name in _WHEN
        for pathway, direction, word, moves in _SIDES
    ]  # fmt: skip
    return claims, sides


_SIDES: tuple[tuple[str, Direction, str, str], ...] = (
    (DEPRIVED, "less", "smaller", "falls"), (SEEING, "greater", "larger", "rises"),
)  # fmt: skip
_WHEN = {
    "on_clean": "At the end of the blur, on clean images",
    "lasting": "After the recovery (rate decaying on)",
    "lasting_relative": "After the recovery, in weights relative to the norm of their layer",
    "restarted": "After the recovery (rate restarted)",
}
"""The moments at which the two sides are told apart, as sentences begin."""
