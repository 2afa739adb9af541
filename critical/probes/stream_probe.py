"""Probe of what each stream of a two-stream network holds, whether or not the trunk reads it.

Beside `critical.probes.two_views`, which asks what the *network* reads from a view, it parts two ways to lose a
view: a stream whose maps tell less is impaired; one whose maps tell as much as ever, while the network decodes less
from the view, is ignored.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import nn

from critical.core.batch import VIEWS
from critical.core.spec import SpecError
from critical.data import Split
from critical.measures.fisher_gradients import undisturbed
from critical.measures.stream_probe import PENALTY, averaged, flattened, probe_accuracy
from critical.probes.base import Probe, ProbeContext, held_apart
from critical.probes.two_views import TwoStreamNetwork
from critical.probes.untrained import untrained

READINGS = {"maps": flattened, "averaged": averaged}


@dataclass(frozen=True)
class StreamProbe(Probe):
    """Accuracy of a linear reader of what each stream hands to the fusion; see `critical.measures.stream_probe`.

    It is fitted on newly drawn examples and scored on the test examples, all without deficits, the network in
    evaluation mode. Where the data have too few examples left, it is fitted on the first half of the test examples
    and scored on the second (`critical.probes.base.held_apart`). Accuracies grow with `examples`, as any reader's
    do: compare those of one number only.

    *Untrained:* the network with the initial weights of this very run, its batch normalisation with the mean and
    variance of the examples fitted on (one pass of all of them). With those it is built with, 0 and 1, a stream
    would be read that no training step ever sees; with these it is the untrained filters that are read. The
    numbers are the same whenever they are measured.

    *Price:* examples + test examples passes of the streams and two regressions a view, twice as much with
    `untrained`. What the streams make of all the examples is held in memory.

    Attributes:
        examples: Examples that a reader is fitted on.
        penalty: Of the squared weights of the reader.
        untrained: Whether the streams before any training are read too.
    """

    name: ClassVar[str] = "stream_probe"
    streams: ClassVar[int] = 2
    examples: int = 1_000
    penalty: float = PENALTY
    untrained: bool = False
    every: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.examples < 2 or not self.penalty > 0:
            raise SpecError(
                f"probe stream_probe: examples={self.examples}, penalty={self.penalty}; examples is at least 2, "
                "penalty above 0"
            )

    def measure(self, context: ProbeContext) -> dict[str, Any]:
        """Returns `probe_maps_a`, `probe_maps_b` and `probe_averaged_a`, `probe_averaged_b`, in percent (0–100).

        The first two read each unit at each place, the others the mean of each unit over its places, which is what
        the heads would read. With `untrained` also `probe_untrained_maps_a` and so on. NaN for a diverged network.
        """
        fitting, scored = held_apart(context, self.examples)
        with undisturbed(context.model), torch.no_grad():
            row = self._read(context, context.model, fitting, scored, "probe")
            if self.untrained:
                initial = untrained(context, self.name, lambda model: self._settle(context, model, fitting))
                row |= self._read(context, initial, fitting, scored, "probe_untrained")
        return row

    def _settle(self, context: ProbeContext, model: nn.Module, fitting: Split) -> None:
        """Passes all examples through the streams, at once."""
        TwoStreamNetwork(model, context.arithmetic, batch_size=len(fitting)).streams(_views(context, fitting))

    def _read(
        self, context: ProbeContext, model: nn.Module, fitting: Split, scored: Split, prefix: str
    ) -> dict[str, float]:
        network = TwoStreamNetwork(model, context.arithmetic)
        fitted, tested = network.streams(_views(context, fitting)), network.streams(_views(context, scored))
        return {
            f"{prefix}_{name}_{view}": probe_accuracy(
                features(of_fitting), fitting.labels, features(of_scored), scored.labels, self.penalty
            )
            for name, features in READINGS.items()
            for view, of_fitting, of_scored in zip(VIEWS, fitted, tested, strict=True)
        }


def _views(context: ProbeContext, split: Split) -> tuple[torch.Tensor, ...]:
    return context.dataset.batch(split, torch.arange(len(split), device=split.labels.device)).views
