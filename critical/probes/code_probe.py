"""Probe of what the code of a two-stream network tells, whatever its heads make of it.

Beside accuracy, which a network without trained heads has none of: a linear probe reads a frozen encoder after it was
trained without labels (Alain and Bengio, 2016; He et al., CVPR 2022).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch

from critical.core.spec import SpecError
from critical.data import Split
from critical.measures.fisher_gradients import undisturbed
from critical.measures.stream_probe import PENALTY, averaged, probe_accuracy
from critical.probes.base import Probe, ProbeContext, held_apart
from critical.probes.two_views import TwoStreamNetwork


@dataclass(frozen=True)
class CodeProbe(Probe):
    """Accuracy of a linear reader of the code, averaged over its places, which is what the heads read.

    It is fitted on newly drawn examples and scored on the test examples, all without deficits, the network in
    evaluation mode; see `critical.measures.stream_probe` and `critical.probes.base.held_apart`.

    *Price:* examples + test examples passes and a regression.

    Attributes:
        examples: Examples that the reader is fitted on, at least 2.
        penalty: Of the squared weights of the reader, > 0.
    """

    name: ClassVar[str] = "code_probe"
    streams: ClassVar[int] = 2
    examples: int = 1_000
    penalty: float = PENALTY
    every: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.examples < 2 or not self.penalty > 0:
            raise SpecError(
                f"probe code_probe: examples={self.examples}, penalty={self.penalty}; examples is at least 2, penalty "
                "above 0"
            )

    def measure(self, context: ProbeContext) -> dict[str, Any]:
        """Returns `probe_code`, in percent (0–100); NaN for a diverged network."""
        fitting, scored = held_apart(context, self.examples)
        with undisturbed(context.model), torch.no_grad():
            codes = [self._code(context, split) for split in (fitting, scored)]
        return {"probe_code": probe_accuracy(codes[0], fitting.labels, codes[1], scored.labels, self.penalty)}

    def _code(self, context: ProbeContext, split: Split) -> torch.Tensor:
        everyone = torch.arange(len(split), device=split.labels.device)
        network = TwoStreamNetwork(context.model, context.arithmetic)
        from_a, from_b = network.streams(context.dataset.batch(split, everyone).views)
        return torch.cat([averaged(code.float()) for code in network.codes(from_a, from_b, everyone, everyone)])
