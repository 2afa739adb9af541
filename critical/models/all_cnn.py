"""The all-convolutional network of the critical-period papers.

Source: Achille, Rovere and Soatto, *Critical Learning Periods in Deep Networks* (ICLR 2019), after
Springenberg et al., *Striving for Simplicity* (2015), with 2·width maps from the first stride on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from torch import nn

from critical.core.spec import SpecError, added
from critical.models import normalization
from critical.models.base import OneView, Shape, SingleView


@dataclass(frozen=True)
class AllCNN(OneView):
    """conv w, w, 2w /2, 2w, 2w, 2w /2, 2w (3×3), 1×1 2w, 1×1 classes, global average.

    Batch normalisation and ReLU follow every convolution but the last, whose averaged outputs are
    the logits: the paper lists "BatchNorm + ReLU after each" layer and does not single the last
    out, but logits that cannot be negative would be odd, and the authors' later public All-CNN
    ends in a plain linear map too. Convolutions before a batch normalisation have no bias.
    Initial weights are PyTorch's defaults (uniform, Kaiming with a = √5).

    Attributes:
        width: Maps of the first layers (paper: 96).
        depth: Number of 3×3 layers (paper: 7), at least 3. Two of them have stride 2 and end the
            first two stages; the other depth - 2 are dealt out one at a time to stages 1, 2, 3,
            1, 2, 3, …, so depth 3 is w, 2w /2, 2w /2 and depth 7 is the paper's network. Only
            stage 1 before its stride is `width` wide, everything else 2·`width`.
        normalization: `batch` (paper), `layer`, `group` or `none`; see `critical.models.normalization`.
    """

    name: ClassVar[str] = "all_cnn"
    width: int = 96
    depth: int = 7
    normalization: str = added("batch", neutral="batch")

    def __post_init__(self) -> None:
        """Refuses networks that cannot be."""
        if self.width < 1:
            raise SpecError(f"model=all_cnn: width={self.width}; it must be at least 1")
        if self.depth < 3:
            raise SpecError(f"model=all_cnn: depth={self.depth}; it must be at least 3 (two have strides)")
        normalization.check(self.normalization, self.name)

    def layers(self) -> list[tuple[int, int]]:
        """Returns (output maps, stride) of each 3×3 layer in order."""
        plain = self.depth - 2
        first, second, third = (len(range(stage, plain, 3)) for stage in range(3))
        wide = 2 * self.width
        return (
            [(self.width, 1)] * first + [(wide, 2)] + [(wide, 1)] * second + [(wide, 2)] + [(wide, 1)] * third
        )

    def parameters(self, channels: int = 3, classes: int = 10) -> int:
        """Returns the number of trainable parameters of the network that is built."""
        beside = 1 if self.normalization == "none" else 2
        shapes = [(maps, 9) for maps, _ in self.layers()] + [(2 * self.width, 1)]
        inputs = [channels, *(maps for maps, _ in shapes)]
        hidden = sum(before * maps * area + beside * maps for before, (maps, area) in zip(inputs, shapes, strict=False))
        return hidden + inputs[-1] * classes + classes

    def of_size(self, depth: int, classes: int = 10) -> AllCNN:
        """Returns a network of another depth with about as many parameters: the width follows.

        Raises:
            SpecError: No width comes within 10 %.
        """
        wanted = self.parameters(classes=classes)
        made = [replace(self, depth=depth, width=width) for width in range(1, 4 * self.width + 4)]
        best = min(made, key=lambda one: abs(math.log(one.parameters(classes=classes) / wanted)))
        if abs(best.parameters(classes=classes) / wanted - 1) > 0.1:
            raise SpecError(f"model=all_cnn: no width of depth {depth} has the {wanted:,} parameters of width "
                            f"{self.width}, depth {self.depth}, to 10 %; choose another depth or width")  # fmt: skip
        return best

    def add_layers(self, network: SingleView, shape: Shape, classes: int) -> None:
        """Appends `conv1`, `bn1`, `relu1` … `conv8_1x1`, `bn8`, `relu8` (at the default depth), and `conv9_1x1`."""
        channels = shape[0]
        shapes = [(maps, stride, 3) for maps, stride in self.layers()] + [(2 * self.width, 1, 1)]
        for number, (maps, stride, kernel) in enumerate(shapes, start=1):
            label = f"conv{number}" if kernel == 3 else f"conv{number}_1x1"
            bias = self.normalization == "none"
            layer = nn.Conv2d(channels, maps, kernel, stride, padding=kernel // 2, bias=bias)
            normalization.add_normalised(network, number, label, layer, self.normalization)
            channels = maps
        network.add_module(f"conv{len(shapes) + 1}_1x1", nn.Conv2d(channels, classes, 1))
        network.add_module("average", nn.AdaptiveAvgPool2d(1))
        network.add_module("flatten", nn.Flatten())
