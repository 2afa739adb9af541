"""The split all-convolutional networks of several depths.

Source: Kleinman, Achille and Soatto, *Critical Learning Periods for Multisensory Integration in Deep
Networks* (CVPR 2023), figure 5, centre: does a deeper network lose more?
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from torch import nn

from critical.core.batch import HEADS
from critical.core.spec import SpecError
from critical.models.base import Normalise, Shape, per_view, same_images
from critical.models.two_stream import TwoStream, assemble, check_fusion, convolutions, normalised


@dataclass(frozen=True)
class SplitAllCNN:
    """Per stream conv w, then blocks of conv w·2^(i−1), conv w·2^i /2; fusion; conv 3×3, conv 1×1; heads.

    Batch normalisation and ReLU follow every convolution, which has no bias. The authors' last layer is a
    convolution 1×1 to the classes followed by a global average; here the average comes first and a linear
    map after it, which is the same function of the same weights and makes further heads cheap. Initial
    weights are PyTorch's defaults; those of the two streams differ.

    Attributes:
        width: Maps w of the first layer (paper: 96).
        blocks: Blocks n of each stream, 1 to 3, each with a stride of 2 (paper: 1, 2, 3).
        fusion: `sum` (paper), `concat` or `gate`.
        heads: Whether there are heads `a` and `b` beside `both`.
    """

    name: ClassVar[str] = "split_all_cnn"
    streams: ClassVar[int] = 2
    width: int = 96
    blocks: int = 1
    fusion: str = "sum"
    heads: bool = False

    def __post_init__(self) -> None:
        """Refuses networks that cannot be."""
        if self.width < 1:
            raise SpecError(f"model=split_all_cnn: width={self.width}; it must be at least 1")
        if not 1 <= self.blocks <= 3:
            raise SpecError(f"model=split_all_cnn: blocks={self.blocks}; it must be 1, 2 or 3")
        check_fusion(self.fusion, self.name)

    def layers(self) -> list[tuple[int, int, int]]:
        """Returns (output maps, stride, kernel) of each layer of a stream in order."""
        layers = [(self.width, 1, 3)]
        for block in range(self.blocks):
            maps = self.width * 2**block
            layers += [(maps, 1, 3), (2 * maps, 2, 3)]
        return layers

    def trunk(self) -> list[tuple[int, int, int]]:
        """Returns the same of the trunk."""
        maps = self.width * 2**self.blocks
        return [(maps, 1, 3), (maps, 1, 1)]

    def parameters(self, channels: Sequence[int] = (3, 3), classes: int = 10) -> int:
        """Returns the number of trainable parameters of the network that is built."""
        units = self.layers()[-1][0]
        fused = 2 * units if self.fusion == "concat" else units
        gate = 2 * units * units + units if self.fusion == "gate" else 0
        heads = len(HEADS) if self.heads else 1
        streams = sum(_weights(of_view, self.layers()) for of_view in channels)
        return streams + gate + _weights(fused, self.trunk()) + heads * (units + 1) * classes

    def of_size(self, blocks: int, classes: int = 10) -> SplitAllCNN:
        """Returns a network of another depth with about as many parameters: the width follows.

        Raises:
            SpecError: No width comes within 10 %.
        """
        wanted = self.parameters(classes=classes)
        # A block more has about four times as many.
        made = [replace(self, blocks=blocks, width=width) for width in range(1, 5 * self.width)]
        best = min(made, key=lambda one: abs(math.log(one.parameters(classes=classes) / wanted)))
        if abs(best.parameters(classes=classes) / wanted - 1) > 0.1:
            raise SpecError(f"model=split_all_cnn: no width with blocks={blocks} has the {wanted:,} parameters of "
                            f"width {self.width}, blocks={self.blocks}, to 10 %; choose another width")  # fmt: skip
        return best

    def build(
        self,
        views: Sequence[Shape],
        classes: int,
        seed: int,
        mean: Sequence[Sequence[float]] = ((0.0,), (0.0,)),
        std: Sequence[Sequence[float]] = ((1.0,), (1.0,)),
    ) -> TwoStream:
        """Builds the network on the CPU; its weights depend only on (seed, spec, shapes).

        Args:
            views: Shapes (C, H, W) of the two views, of one height and width, at least 2^`blocks` pixels.
            classes: Number of classes, at least 2.
            seed: Seed of the initial weights.
            mean: For each view the mean of its pixels in [0, 1], per channel or for all.
            std: Standard deviation of the pixels, likewise.

        Returns:
            A module from two views (N, C, H, W) in [0, 1] to logits (N, classes); streams of layers
            `normalise`, `conv1`, `bn1`, `relu1`, …, a trunk of `conv1` to `relu2`.

        Raises:
            SpecError: Not two images of one size, too small for the strides, too few classes, or a mean
                or std of the wrong length.
        """
        shapes = same_images(views, classes, self.blocks, self.name)
        maps = self.width * 2**self.blocks

        def stream(view: Shape, mean: Sequence[float], std: Sequence[float]) -> nn.Module:
            return normalised(Normalise(mean, std, view[0]), convolutions(self.layers(), view[0]))

        return assemble(
            stream,
            lambda fused: (convolutions(self.trunk(), fused), maps),
            views=shapes,
            mean=per_view("mean", mean, self.name),
            std=per_view("std", std, self.name),
            fusion=self.fusion,
            units=maps,
            spatial=True,
            heads=self.heads,
            classes=classes,
            seed=seed,
        )


def _weights(channels: int, layers: Sequence[tuple[int, int, int]]) -> int:
    """Returns the parameters of convolutions without bias, each with the normalisation behind it."""
    inputs = [channels, *(maps for maps, _, _ in layers)]
    return sum(
        before * maps * kernel**2 + 2 * maps for before, (maps, _, kernel) in zip(inputs, layers, strict=False)
    )
