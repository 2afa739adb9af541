"""Fisher information of each pathway of two streams: parameters, what is measured, and what is compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from critical.inference.arms import Arm, Contrast
from experiments.design.measuring import after_every_epoch, clean_trace_of, clean_variants_of, measuring, variants_of
from experiments.design.parameters import ManyOnsets, at_least
from experiments.design.protocol import Protocol, WindowArms
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


def shift(held: WindowArms, trace: str, at: str = "") -> Contrast:
    """Returns the logarithm of how many times a blur multiplies what pathway b has of a trace beside pathway a.

    `at` is the end of the columns, such as `@8` of what was measured after epoch 8.
    """

    def beside(arm: Arm) -> Contrast:
        return arm.log(f"{trace}{DEPRIVED}{at}") - arm.log(f"{trace}{SEEING}{at}")

    return beside(held.deficit) - beside(held.dose_matched)
