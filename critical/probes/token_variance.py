"""Probe of a two-view transformer: which view the units of each of its layers listen to."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import nn

from critical.core.randomness import generator
from critical.core.spec import SpecError
from critical.measures.fisher_gradients import undisturbed
from critical.measures.information import BINS, relative_source_variance, source_variance
from critical.models.two_view_transformer import TwoViewEncoder
from critical.probes.base import Probe, ProbeContext
from critical.probes.two_views import TwoStreamNetwork


@dataclass(frozen=True)
class TokenVariance(Probe):
    """Relative source variance of a two-view transformer, layer by layer; see `critical.measures.information`.

    A unit is a dimension of a token. Layer 0 are the patches of both views, of which each unit depends on one view
    alone; layer n is what the n-th block returns. So units of layer 0 lie at +1 and −1, and later ones leave the ends
    as far as the encoder relates the views. The grid combines both views of the same test examples, drawn anew each
    epoch, without deficits and in evaluation mode.

    *Price:* `examples`² passes of the encoder.

    Attributes:
        examples: Test examples, each of which gives both views; at least 2.
    """

    name: ClassVar[str] = "token_variance"
    streams: ClassVar[int] = 2
    examples: int = 16
    every: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.examples < 2:
            raise SpecError(f"probe {self.name}: examples={self.examples}; at least 2 are wanted (one has no variance)")

    def measure(self, context: ProbeContext) -> dict[str, Any]:
        """Returns `rsv_one_sided_layer0`, … (shares beyond ±0.5), and `rsv_tokens/00` … `/19` of the last layer.

        All are NaN for a network whose activations are not finite.

        Raises:
            SpecError: Another network.
        """
        model, test = context.model, context.dataset.test
        if not isinstance(model, TwoViewEncoder):
            raise SpecError(f"probe {self.name}: {type(model).__name__} has no tokens; take model=two_view_transformer")
        draws = generator(context.seed, "token variance", context.epoch)
        chosen = torch.randperm(len(test), generator=draws)[: self.examples].to(test.labels.device)
        with undisturbed(model), torch.no_grad():
            grids = _grids(model, context, context.dataset.batch(test, chosen).views)
        names = [f"rsv_one_sided_layer{number}" for number in range(len(grids))]
        bins = [f"rsv_tokens/{number:02}" for number in range(BINS)]
        if not all(grid.isfinite().all() for grid in grids):
            return dict.fromkeys((*names, *bins), math.nan)
        found = [source_variance(relative_source_variance(grid)) for grid in grids]
        shares = dict(zip(names, (one.polarised for one in found), strict=True))
        return {**shares, **dict(zip(bins, found[-1].histogram, strict=True))}


def _grids(model: TwoViewEncoder, context: ProbeContext, views: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
    """Returns for each layer the units of f(a_i, b_j), (examples, examples, units)."""
    kept: list[list[torch.Tensor]] = [[] for _ in range(1 + len(model.trunk.blocks))]

    def keep(number: int, tokens: torch.Tensor) -> None:
        kept[number].append(tokens.flatten(1).float())

    def entering(trunk: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        keep(0, given[0].transpose(1, 2))

    hooks = [model.trunk.register_forward_pre_hook(entering)]
    for number, block in enumerate(model.trunk.blocks, start=1):
        hooks.append(block.register_forward_hook(lambda _, __, tokens, number=number: keep(number, tokens)))
    count = len(views[0])
    everyone = torch.arange(count, device=views[0].device)
    try:
        network = TwoStreamNetwork(model, context.arithmetic)
        pairs = everyone.repeat_interleave(count), everyone.repeat(count)
        for _ in network.codes(*network.streams(views), *pairs):
            pass
    finally:
        for hook in hooks:
            hook.remove()
    return [torch.cat(parts).view(count, count, -1) for parts in kept]
