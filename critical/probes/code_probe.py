"""Probe of the code of a two-stream network: what a linear reader tells from it, without the network's heads.

Beside accuracy, which a network without trained heads has none of: a linear probe reads a frozen encoder after it was
trained without labels (Alain and Bengio, 2016; He et al., CVPR 2022).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import nn

from critical.core.spec import SpecError, added
from critical.data import Split
from critical.measures.fisher_gradients import undisturbed
from critical.measures.stream_probe import PENALTY, averaged, probe_accuracy
from critical.probes.base import Probe, ProbeContext, held_apart
from critical.probes.two_views import TwoStreamNetwork
from critical.probes.untrained import untrained


@dataclass(frozen=True)
class CodeProbe(Probe):
    """Accuracy of a linear reader of the code, averaged over its places, which is what the heads read.

    It is fitted on newly drawn examples and scored on the test examples, all without deficits, the network in
    evaluation mode; see `critical.measures.stream_probe` and `critical.probes.base.held_apart`.

    *Untrained:* the code of the initial network of this very run; as in `StreamProbe`, batch normalisation is settled
    on the examples fitted on. The number is the same whenever it is measured.

    *Price:* examples + test examples passes and a regression, twice as much with `untrained`.

    Attributes:
        examples: Examples that the reader is fitted on, at least 2.
        penalty: Of the squared weights of the reader, > 0.
        untrained: Whether the code before any training is read too.
    """

    name: ClassVar[str] = "code_probe"
    streams: ClassVar[int] = 2
    examples: int = 1_000
    penalty: float = PENALTY
    untrained: bool = added(False, neutral=False)
    every: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.examples < 2 or not self.penalty > 0:
            raise SpecError(
                f"probe code_probe: examples={self.examples}, penalty={self.penalty}; examples is at least 2, penalty "
                "above 0"
            )

    def measure(self, context: ProbeContext) -> dict[str, Any]:
        """Returns `probe_code`, in percent (0–100), with `untrained` also `probe_untrained_code`.

        NaN for a diverged network.
        """
        fitting, scored = held_apart(context, self.examples)
        with undisturbed(context.model), torch.no_grad():
            row = {"probe_code": self._read(context, context.model, fitting, scored)}
            if self.untrained:
                initial = untrained(context, self.name, lambda model: _code(context, model, fitting, len(fitting)))
                row["probe_untrained_code"] = self._read(context, initial, fitting, scored)
        return row

    def _read(self, context: ProbeContext, model: nn.Module, fitting: Split, scored: Split) -> float:
        fitted, tested = (_code(context, model, split) for split in (fitting, scored))
        return probe_accuracy(fitted, fitting.labels, tested, scored.labels, self.penalty)


def _code(context: ProbeContext, model: nn.Module, split: Split, batch_size: int = 500) -> torch.Tensor:
    """Returns the code of all examples, averaged over its places, (N, units)."""
    everyone = torch.arange(len(split), device=split.labels.device)
    network = TwoStreamNetwork(model, context.arithmetic, batch_size)
    from_a, from_b = network.streams(context.dataset.batch(split, everyone).views)
    return torch.cat([averaged(code.float()) for code in network.codes(from_a, from_b, everyone, everyone)])
