"""The split residual network: two stems that meet halfway.

Source: Kleinman, Achille and Soatto, *Critical Learning Periods for Multisensory Integration in Deep
Networks* (CVPR 2023), after the pre-activation ResNet-18 of He et al., *Identity Mappings in Deep
Residual Networks* (ECCV 2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from critical.models.base import Normalise, Shape, per_view, same_images
from critical.models.resnet import blocks, check_width, maps
from critical.models.two_stream import TwoStream, assemble, check_fusion, convolutions, normalised


@dataclass(frozen=True)
class SplitResNet18:
    """Per stream conv 64, BN, ReLU, 2 blocks of 64, 2 of 128 /2; fusion; 2 of 256 /2, 2 of 512 /2; heads.

    As in the authors' code the stem has a normalisation and a ReLU of its own and none follows the last
    block, so the code may be negative. They average 4×4 maps of 32×32 images; here the average is global,
    so other sizes work. Initial weights are PyTorch's defaults; those of the two streams differ.

    Attributes:
        width: Multiplies all numbers of maps (rounded, at least 1 each); 1 is the paper's network.
        fusion: `sum` (paper), `concat` or `gate`.
        heads: Whether there are heads `a` and `b` beside `both` (paper: under dissociation).
    """

    name: ClassVar[str] = "split_resnet18"
    streams: ClassVar[int] = 2
    width: float = 1.0
    fusion: str = "sum"
    heads: bool = False

    def __post_init__(self) -> None:
        """Refuses networks that cannot be."""
        check_width(self.width, self.name)
        check_fusion(self.fusion, self.name)

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
            views: Shapes (C, H, W) of the two views, of one height and width, at least 8 pixels.
            classes: Number of classes, at least 2.
            seed: Seed of the initial weights.
            mean: For each view the mean of its pixels in [0, 1], per channel or for all.
            std: Standard deviation of the pixels, likewise.

        Returns:
            A module from two views (N, C, H, W) in [0, 1] to logits (N, classes); streams of layers
            `normalise`, `conv1`, `bn1`, `relu1`, `layer1`, `layer2`, a trunk of `layer3`, `layer4`.

        Raises:
            SpecError: Not two images of one size, smaller than 8 pixels, too few classes, or a mean or
                std of the wrong length.
        """
        shapes = same_images(views, classes, 3, self.name)
        first, second, third, fourth = maps(self.width)

        def stream(view: Shape, mean: Sequence[float], std: Sequence[float]) -> nn.Module:
            layers = normalised(Normalise(mean, std, view[0]), convolutions([(first, 1, 3)], view[0]))
            layers.add_module("layer1", blocks(first, first, 1))
            layers.add_module("layer2", blocks(first, second, 2))
            return layers

        def trunk(fused: int) -> tuple[nn.Module, int]:
            layers = nn.Sequential()
            layers.add_module("layer3", blocks(fused, third, 2))
            layers.add_module("layer4", blocks(third, fourth, 2))
            return layers, fourth

        return assemble(
            stream,
            trunk,
            views=shapes,
            mean=per_view("mean", mean, self.name),
            std=per_view("std", std, self.name),
            fusion=self.fusion,
            units=second,
            spatial=True,
            heads=self.heads,
            classes=classes,
            seed=seed,
        )

