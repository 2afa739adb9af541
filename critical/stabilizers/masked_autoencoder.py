"""A masked auto-encoder of two views: it is trained in place of the classification, without labels.

Source: Kleinman, Achille and Soatto (CVPR 2023), section 4.4: a network that learns to redraw masked patches of two
views, and labels only afterwards, hardly suffers from a dissociation. They take MultiMAE (Bachmann et al., ECCV 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from critical.core.batch import Batch
from critical.core.counter_noise import random_bits
from critical.core.randomness import derived_seed
from critical.core.spec import SpecError
from critical.models.base import seeded_weights
from critical.models.transformer import Block, Dense
from critical.models.two_view_transformer import TwoViewEncoder, patches
from critical.stabilizers.base import Acting, Situation, Stabilizer
from critical.stabilizers.checks import check_bounds

_HEADS = 2  # of the decoders' attention


@dataclass(frozen=True)
class MaskedAutoencoder(Stabilizer):
    """Trains the encoder of a two-view transformer to redraw masked patches, in place of the classification.

    Of the patches of both views together a share is masked, other ones for each example in each epoch, by (seed, epoch,
    example). Masked patches never reach the encoder; it gets the tokens of the others. A view has a decoder of its own:
    a learnt question for each of its patches, and the encoded tokens, attend to each other in `layers` blocks; a linear
    map makes pixels of the questions. The loss is the mean squared error of the masked patches of both views. Their
    pixels are normalised as by the view's stream, then shifted to mean 0 in each patch and divided by its standard
    deviation, nearly as in He et al. (CVPR 2022): without that, clean networks of ours learnt backgrounds alone. A view
    is what the network saw, through the deficits.

    Heads and labels have no part in it, and no other stabiliser acts in its epochs. Decoders are trained along by an
    optimiser like the network's; their initial weights go by (seed, "masked auto-encoder").

    Attributes:
        masked: Share of the patches of both views that are masked, in [0, 1]; at least one is, and one is not. Default
            0.75, published.
        across: Whether the encoder relates the patches of both views and decoders see those of both. False: each view
            by itself, with the same weights, masks and numbers of tokens, which is a control of ours.
        floor: Added to the variance of a patch before that division, > 0, so that blank patches, which hold noise
            alone, count for little. Default 0.05, ours; He et al. have 1e-6.
        dims: Dimensions of the decoders' tokens, an even number. Default 32, ours.
        layers: Blocks of a decoder. Default 1, ours.
    """

    name: ClassVar[str] = "masked_autoencoder"
    streams: ClassVar[int] = 2
    compiles: ClassVar[bool] = False
    labels: ClassVar[bool] = False
    masked: float = 0.75
    across: bool = True
    floor: float = 0.05
    dims: int = 32
    layers: int = 1

    def __post_init__(self) -> None:
        check_bounds(self.name, "masked", self.masked, 1)
        check_bounds(self.name, "floor", self.floor)
        if self.floor == 0:
            raise SpecError(f"stabilizer={self.name}: floor=0 divides blank patches by nothing; it must be above 0")
        for field, step in (("dims", _HEADS), ("layers", 1)):
            value = getattr(self, field)
            if value < 1 or value % step:
                even = ", and even" if step == _HEADS else ""
                raise SpecError(f"stabilizer={self.name}: {field}={value}; it must be at least 1{even}")

    def activate(self, situation: Situation) -> Acting:
        """Returns the hooks of an epoch; the decoders are its `parts`.

        Raises:
            SpecError: Another network, or nobody said what the views are like.
        """
        if not isinstance(situation.model, TwoViewEncoder):
            raise SpecError(f"stabilizer={self.name}: masks patches; take model=two_view_transformer")
        if len(situation.view_shapes) != 2:
            found = len(situation.view_shapes)
            raise SpecError(f"stabilizer={self.name}: knows {found} views; pass Situation(view_shapes=…) of two")
        return _MaskedAutoencoder(self, situation, situation.model)


class _MaskedAutoencoder(Acting):
    parts: nn.ModuleList

    def __init__(self, spec: MaskedAutoencoder, situation: Situation, model: TwoViewEncoder) -> None:
        self._spec, self._model = spec, model
        self._key = derived_seed(situation.seed, spec.name, situation.epoch)
        dims = model.trunk.norm.normalized_shape[0]
        areas = [(view[0] * model.patch**2, view[1] * view[2] // model.patch**2) for view in situation.view_shapes]
        with seeded_weights(derived_seed(situation.seed, "masked auto-encoder")):
            self.parts = nn.ModuleList(Decoder(dims, spec.dims, spec.layers, count, area) for area, count in areas)

    def objective(self, batch: Batch) -> torch.Tensor:
        """Returns the mean squared error of the masked patches."""
        model, spec = self._model, self._spec
        tokens = torch.cat(model.streams(*batch.views), dim=2)
        of_view = views_of([view.shape[-2] * view.shape[-1] // model.patch**2 for view in batch.views], tokens.device)
        visible = visible_tokens(self._key, batch.index, len(of_view), spec.masked)
        encoded = encode(model, tokens, visible, of_view if not spec.across else None).transpose(1, 2)
        errors, weights = [], []
        for number, decode in enumerate(self.parts):
            known = None if spec.across else of_view[visible] == number
            hidden = torch.ones(len(batch), len(of_view), dtype=torch.bool, device=tokens.device)
            hidden = hidden.scatter(1, visible, False)[:, of_view == number]
            error = (decode(encoded, known) - self._target(batch, number)).square().mean(2)
            errors.append((error * hidden).sum())
            weights.append(hidden.sum())
        return torch.stack(errors).sum() / torch.stack(weights).sum()

    @torch.no_grad()
    def _target(self, batch: Batch, number: int) -> torch.Tensor:
        stream = (self._model.stream_a, self._model.stream_b)[number]
        wanted = patches(stream.get_submodule("normalise")(batch.views[number]), self._model.patch)
        spread = wanted.var(2, keepdim=True, correction=0)
        return (wanted - wanted.mean(2, keepdim=True)) / (spread + self._spec.floor).sqrt()


def visible_tokens(key: int, index: torch.Tensor, count: int, masked: float) -> torch.Tensor:
    """Draws which tokens the encoder gets: int64 (N, K) positions, K = count − round(masked·count) in [1, count − 1].

    Args:
        key: Of the draw; with it, a row depends on `index[n]` alone.
        index: int64 (N,): positions of the examples in their split.
        count: Tokens of both views.
        masked: Share that is masked.
    """
    kept = min(max(count - round(masked * count), 1), count - 1)
    return random_bits(key, index, count).argsort(1)[:, :kept]


def views_of(counts: Sequence[int], device: torch.device) -> torch.Tensor:
    """Returns for each token the number of its view, int64 (T,)."""
    return torch.cat([torch.full((count,), number, device=device) for number, count in enumerate(counts)])


def encode(
    model: TwoViewEncoder, tokens: torch.Tensor, visible: torch.Tensor, apart: torch.Tensor | None = None
) -> torch.Tensor:
    """Encodes the visible tokens; the others have no part in it.

    Args:
        model: The network.
        tokens: (N, D, T): those of both views.
        visible: int64 (N, K) positions.
        apart: int64 (T,): the view of each token, where tokens of different views must not see each other.

    Returns:
        (N, D, K).
    """
    given = tokens.gather(2, visible[:, None].expand(-1, tokens.shape[1], -1))
    if apart is None:
        return model.trunk(given)
    seen = apart[visible]
    return model.trunk(given, seen[:, :, None] == seen[:, None])


class Decoder(nn.Module):
    """From the encoded visible tokens to the pixels of every patch of one view.

    Args:
        encoded: Dimensions of an encoded token.
        dims: Dimensions of a token here.
        layers: Blocks.
        count: Patches P of the view.
        pixels: Values of a patch.
    """

    def __init__(self, encoded: int, dims: int, layers: int, count: int, pixels: int) -> None:
        super().__init__()
        self.enter = Dense(encoded, dims)
        self.questions = nn.Parameter(torch.randn(count, dims) * 0.02)
        self.blocks = nn.ModuleList(Block(dims, _HEADS, 2) for _ in range(layers))
        self.norm = nn.LayerNorm(dims)
        self.leave = Dense(dims, pixels)

    def forward(self, encoded: torch.Tensor, known: torch.Tensor | None = None) -> torch.Tensor:
        """Maps (N, K, D) to (N, P, pixels).

        Args:
            encoded: The encoded tokens.
            known: bool (N, K): which of them may be asked; None: all.
        """
        asked = self.questions.expand(len(encoded), -1, -1)
        tokens = torch.cat((asked, self.enter(encoded)), dim=1)
        allowed = None
        if known is not None:
            # Questions may always be asked, so there is something to attend to.
            allowed = torch.cat((known.new_ones(len(known), asked.shape[1]), known), dim=1)[:, None]
        for block in self.blocks:
            tokens = block(tokens, allowed)
        return self.leave(self.norm(tokens[:, : asked.shape[1]]))
