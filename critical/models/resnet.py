"""The residual network of the critical-period papers, and what the one of two streams shares with it.

Source: the pre-activation ResNet-18 of He et al., *Identity Mappings in Deep Residual Networks* (ECCV 2016), with a
stem of 3×3 for small images, as Achille et al. (ICLR 2019) and Kleinman et al. (CVPR 2023) train it on CIFAR-10.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from critical.core.spec import SpecError
from critical.models.base import OneView, Shape, SingleView


class PreActivationBlock(nn.Module):
    """Two rounds of batch normalisation, ReLU and convolution 3×3, added to the input.

    Where the size changes, the input passes the first normalisation and ReLU, and a convolution 1×1 of
    the pixels that the stride leaves.

    Args:
        channels: Maps of the input.
        maps: Maps of the output.
        stride: Of the first convolution (and of the shortcut).
    """

    def __init__(self, channels: int, maps: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, maps, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(maps)
        self.conv2 = nn.Conv2d(maps, maps, 3, padding=1, bias=False)
        plain = stride == 1 and channels == maps
        self.stride = stride
        self.shortcut = None if plain else nn.Conv2d(channels, maps, 1, bias=False)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Maps (N, channels, H, W) to (N, maps, H/stride, W/stride)."""
        active = functional.relu(self.bn1(inputs))
        changed = self.conv2(functional.relu(self.bn2(self.conv1(active))))
        if self.shortcut is None:
            return changed + inputs
        # Not a strided convolution: backward, oneDNN's for 1×1 writes past its memory where a channels-last
        # input has under 8 (AVX2) or 16 (AVX-512) channels: github.com/uxlfoundation/oneDNN/issues/6035.
        return changed + self.shortcut(active[:, :, :: self.stride, :: self.stride])


def blocks(channels: int, maps: int, stride: int) -> nn.Sequential:
    """Returns a group of two blocks; the first has the stride."""
    return nn.Sequential(PreActivationBlock(channels, maps, stride), PreActivationBlock(maps, maps, 1))


def maps(width: float) -> tuple[int, int, int, int]:
    """Returns the maps of the four groups: 64, 128, 256 and 512 times `width`, rounded, at least 1 each."""
    first, second, third, fourth = (max(1, round(width * of_paper)) for of_paper in (64, 128, 256, 512))
    return first, second, third, fourth


def check_width(width: float, model: str) -> None:
    """Raises SpecError (one line) for a width factor that cannot be."""
    if not (math.isfinite(width) and width > 0):
        raise SpecError(f"model={model}: width={width:g}; it must be above 0 (1: the paper's network)")


@dataclass(frozen=True)
class ResNet18(OneView):
    """conv 64, 2 blocks of 64, 2 of 128 /2, 2 of 256 /2, 2 of 512 /2, BN, ReLU, global average, linear.

    The stem has no normalisation of its own, since the first block begins with one. At width 1, with three channels and
    ten classes, there are 11,172,170 parameters, those of batch normalisation and of the last layer among them. Initial
    weights are PyTorch's defaults.

    Attributes:
        width: Multiplies all numbers of maps (rounded, at least 1 each); 1 is the published network.
    """

    name: ClassVar[str] = "resnet18"
    width: float = 1.0

    def __post_init__(self) -> None:
        """Refuses networks that cannot be."""
        check_width(self.width, self.name)

    def add_layers(self, network: SingleView, shape: Shape, classes: int) -> None:
        """Appends `conv1`, `layer1` … `layer4`, `bn`, `relu`, `average`, `flatten` and `fc`."""
        channels = [shape[0], *maps(self.width)]
        network.add_module("conv1", nn.Conv2d(channels[0], channels[1], 3, padding=1, bias=False))
        for group, (before, after) in enumerate(zip((channels[1], *channels[1:]), channels[1:], strict=False), start=1):
            network.add_module(f"layer{group}", blocks(before, after, 1 if group == 1 else 2))
        network.add_module("bn", nn.BatchNorm2d(channels[-1]))
        network.add_module("relu", nn.ReLU(inplace=True))
        network.add_module("average", nn.AdaptiveAvgPool2d(1))
        network.add_module("flatten", nn.Flatten())
        network.add_module("fc", nn.Linear(channels[-1], classes))
