"""A small network for two unlike senses: an image and a signal, or two of either kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from critical.core.spec import SpecError
from critical.models.base import Normalise, Shape, per_view, two_views
from critical.models.two_stream import TwoStream, assemble, check_fusion, convolutions, normalised


@dataclass(frozen=True)
class TwoModality:
    """Per stream conv w, conv 2w /2, conv 2w /2, global average, linear; fusion; linear layers; heads.

    The shape of a view chooses its convolutions: 3×3 for an image (C, H, W), 5 for a signal (C, L). Batch
    normalisation and ReLU follow every layer but the heads; layers before a batch normalisation have no
    bias. Both streams end in as many units, so they can be added. Initial weights are PyTorch's defaults;
    those of the two streams differ.

    Attributes:
        width: Maps w of the first layer of either stream.
        units: Units of either stream's last layer, and of each layer of the trunk.
        depth: Layers of the trunk; with 0 the fused streams are the code.
        fusion: `concat`, `sum` or `gate`.
        heads: Whether there are heads `a` and `b` beside `both`.
    """

    name: ClassVar[str] = "two_modality"
    streams: ClassVar[int] = 2
    width: int = 16
    units: int = 64
    depth: int = 1
    fusion: str = "concat"
    heads: bool = False

    def __post_init__(self) -> None:
        """Refuses networks that cannot be."""
        for what, least in (("width", 1), ("units", 1), ("depth", 0)):
            if getattr(self, what) < least:
                raise SpecError(f"model=two_modality: {what}={getattr(self, what)}; it must be at least {least}")
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
            views: Shapes of the two views, each (C, H, W) or (C, L), at least 4 long in every direction.
            classes: Number of classes, at least 2.
            seed: Seed of the initial weights.
            mean: For each view the mean of its values in [0, 1], per channel or for all.
            std: Standard deviation of the values, likewise.

        Returns:
            A module from two views (N, C, ...) in [0, 1] to logits (N, classes); streams of layers
            `normalise`, `conv1` to `relu3`, `average`, `flatten`, `fc4`, `bn4`, `relu4`, a trunk of `fc1`, ….

        Raises:
            SpecError: Not two views, too small for the strides, too few classes, or a mean or std of the
                wrong length.
        """
        shapes = two_views(views, classes, self.name)
        for shape in shapes:
            if min(shape[1:]) < 4:
                raise SpecError(
                    f"model=two_modality: a view of {shape} and 2 strides of 2; give at least 4 a direction"
                )

        def stream(view: Shape, mean: Sequence[float], std: Sequence[float]) -> nn.Module:
            dims, channels = len(view) - 1, view[0]
            kernel = 3 if dims == 2 else 5
            sizes = [(self.width, 1, kernel), (2 * self.width, 2, kernel), (2 * self.width, 2, kernel)]
            layers = normalised(Normalise(mean, std, channels, dims), convolutions(sizes, channels, dims))
            layers.add_module("average", nn.AdaptiveAvgPool2d(1) if dims == 2 else nn.AdaptiveAvgPool1d(1))
            layers.add_module("flatten", nn.Flatten())
            _add_linear(layers, 4, 2 * self.width, self.units)
            return layers

        def trunk(fused: int) -> tuple[nn.Module, int]:
            layers = nn.Sequential()
            for number in range(1, self.depth + 1):
                _add_linear(layers, number, fused if number == 1 else self.units, self.units)
            return layers, self.units if self.depth else fused

        return assemble(
            stream,
            trunk,
            views=shapes,
            mean=per_view("mean", mean, self.name),
            std=per_view("std", std, self.name),
            fusion=self.fusion,
            units=self.units,
            spatial=False,
            heads=self.heads,
            classes=classes,
            seed=seed,
        )


def _add_linear(layers: nn.Sequential, number: int, inputs: int, units: int) -> None:
    layers.add_module(f"fc{number}", nn.Linear(inputs, units, bias=False))
    layers.add_module(f"bn{number}", nn.BatchNorm1d(units))
    layers.add_module(f"relu{number}", nn.ReLU(inplace=True))
