"""Fisher information of each pathway of two streams: parameters, and what is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from critical.inference.arms import Arm, Term
from experiments.design.measuring import after_every_epoch, clean_trace_of, clean_variants_of, measuring, variants_of
from experiments.design.parameters import ManyOnsets, at_least
from experiments.design.protocol import Protocol

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


def trace_at(clean: Arm, column: str, onsets: Sequence[int]) -> dict[int, Term]:
    """Returns the logarithm of a trace of a clean run at each onset."""
    return {onset: clean.log(f"{column}@{onset}") for onset in onsets}
