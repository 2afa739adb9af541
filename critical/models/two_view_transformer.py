"""A transformer of two views: the patches of both are tokens of one encoder, which relates them from its first layer.

Source: Kleinman, Achille and Soatto (CVPR 2023), figures 7, 8 and 14, who take the encoder of MultiMAE (Bachmann et
al., ECCV 2022) for two frames. Here it is small enough for a CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from critical.core.spec import SpecError
from critical.models.base import Normalise, Shape, per_view, seeded_weights, two_views
from critical.models.transformer import Dense, Encoder
from critical.models.two_stream import TwoStream, make_heads


class Patches(nn.Module):
    """Maps a view (N, C, H, W) to tokens (N, D, T): a linear map of each patch, plus what its place is.

    A token depends on the pixels of its own patch and on no other.

    Args:
        view: Shape (C, H, W); `patch` divides H and W.
        patch: Side of a patch in pixels.
        dims: Dimensions D of a token.
    """

    def __init__(self, view: Shape, patch: int, dims: int) -> None:
        super().__init__()
        self.patch = patch
        self.map = Dense(view[0] * patch**2, dims)
        self.place = nn.Parameter(torch.randn(dims, view[1] * view[2] // patch**2) * 0.02)

    def forward(self, view: torch.Tensor) -> torch.Tensor:
        """Maps (N, C, H, W) to (N, D, T)."""
        return self.map(patches(view, self.patch)).transpose(1, 2) + self.place


def patches(view: torch.Tensor, side: int) -> torch.Tensor:
    """Cuts (N, C, H, W) into patches, row by row: (N, T, C·side²)."""
    count, channels, height, width = view.shape
    cut = view.reshape(count, channels, height // side, side, width // side, side)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(count, -1, channels * side**2)


class Together(nn.Module):
    """The tokens of both views, a's first; without weights."""

    def forward(self, from_a: torch.Tensor, from_b: torch.Tensor) -> torch.Tensor:
        """Maps two (N, D, T) to (N, D, 2T)."""
        return torch.cat((from_a, from_b), dim=2)


class TwoViewEncoder(TwoStream):
    """A network of two streams: these are patches, its trunk is an `Encoder`, and its heads read the mean of that."""

    trunk: Encoder

    @property
    def patch(self) -> int:
        """Side of a patch in pixels."""
        return int(self.stream_a.get_submodule("patches").patch)  # type: ignore[arg-type]


@dataclass(frozen=True)
class TwoViewTransformer:
    """Patches of both views → encoder of `layers` blocks → mean over tokens → linear heads.

    Streams are the linear maps of the patches and their places, learnt for each view (standard deviation 0.02 at the
    beginning); fusion sets the tokens side by side. There is no class token. Other initial weights are PyTorch's
    defaults.

    Attributes:
        patch: Side of a patch in pixels; it divides height and width of both views.
        dims: Dimensions of a token, a multiple of `attention_heads`.
        layers: Blocks of the encoder.
        attention_heads: Attention heads of a block.
        expansion: Hidden units of a block's perceptron, in `dims`.
        heads: Whether there are heads `a` and `b` beside `both`.
    """

    name: ClassVar[str] = "two_view_transformer"
    streams: ClassVar[int] = 2
    patch: int = 4
    dims: int = 64
    layers: int = 4
    attention_heads: int = 4
    expansion: int = 4
    heads: bool = False

    def __post_init__(self) -> None:
        for field in ("patch", "dims", "layers", "attention_heads", "expansion"):
            if getattr(self, field) < 1:
                raise SpecError(f"model={self.name}: {field}={getattr(self, field)}; it must be at least 1")
        if self.dims % self.attention_heads:
            raise SpecError(f"model={self.name}: dims={self.dims}: no multiple of "
                            f"attention_heads={self.attention_heads}; choose others")  # fmt: skip

    def build(
        self,
        views: Sequence[Shape],
        classes: int,
        seed: int,
        mean: Sequence[Sequence[float]] = ((0.0,), (0.0,)),
        std: Sequence[Sequence[float]] = ((1.0,), (1.0,)),
    ) -> TwoViewEncoder:
        """Builds the network on the CPU; its weights depend only on (seed, spec, shapes).

        Args:
            views: Shapes (C, H, W) of the two views.
            classes: Number of classes, at least 2.
            seed: Seed of the initial weights.
            mean: For each view the mean of its pixels in [0, 1], per channel or for all.
            std: Standard deviation of the pixels, likewise.

        Returns:
            A module from two views (N, C, H, W) in [0, 1] to logits (N, classes).

        Raises:
            SpecError: Not two images that `patch` divides, too few classes, or a mean or std of the wrong length.
        """
        shapes = two_views(views, classes, self.name)
        for view in shapes:
            if len(view) != 3 or view[1] % self.patch or view[2] % self.patch:
                raise SpecError(f"model={self.name}: a view of shape {view}: an image whose sides patch={self.patch} "
                                "divides is wanted; choose another patch or resolution")  # fmt: skip
        means, stds = per_view("mean", mean, self.name), per_view("std", std, self.name)
        with seeded_weights(seed):
            a, b = (self._stream(*of_view) for of_view in zip(shapes, means, stds, strict=True))
            encoder = Encoder(self.dims, self.layers, self.attention_heads, self.expansion)
            return TwoViewEncoder(a, b, Together(), encoder, make_heads(self.dims, classes, self.heads))

    def _stream(self, view: Shape, mean: Sequence[float], std: Sequence[float]) -> nn.Module:
        stream = nn.Sequential()
        stream.add_module("normalise", Normalise(mean, std, view[0]))
        stream.add_module("patches", Patches(view, self.patch, self.dims))
        return stream
