"""The fully connected network of the MNIST experiments.

Source: Achille, Rovere and Soatto, *Critical Learning Periods in Deep Networks* (ICLR 2019).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from critical.core.spec import SpecError
from critical.models.base import Normalise, Shape, SingleView, only_view, seeded_weights


@dataclass(frozen=True)
class MLP:
    """Flatten, then linear, batch normalisation and ReLU for each width, then a linear layer.

    Linear layers before a batch normalisation have no bias. Initial weights are PyTorch's defaults.

    Attributes:
        widths: Units of each hidden layer (paper: 2500, 2000, 1500, 1000, 500); may be empty,
            which gives multinomial logistic regression.
    """

    name: ClassVar[str] = "mlp"
    widths: tuple[int, ...] = (2500, 2000, 1500, 1000, 500)

    def __post_init__(self) -> None:
        """Refuses layers without units."""
        if any(width < 1 for width in self.widths):
            raise SpecError(f"model=mlp: widths={self.widths}; every layer needs at least 1 unit")

    def build(
        self,
        views: Sequence[Shape],
        classes: int,
        seed: int,
        mean: Sequence[float] = (0.0,),
        std: Sequence[float] = (1.0,),
    ) -> SingleView:
        """Builds the network on the CPU; its weights depend only on (seed, spec, shapes).

        Args:
            views: Shapes of the views: exactly one, an image (C, H, W) or a signal (C, L).
            classes: Number of classes, at least 2.
            seed: Seed of the initial weights.
            mean: Mean of the pixels in [0, 1], per channel or for all.
            std: Standard deviation of the pixels, likewise.

        Returns:
            A module from (N, C, H, W) in [0, 1] to logits (N, classes), with layers `fc1`, `bn1`,
            `relu1`, …, and a last `fc…` with bias.

        Raises:
            SpecError: Several views, too few classes, or a mean or std of the wrong length.
        """
        shape = only_view(views, classes, self.name, signals=True)
        network = SingleView()
        network.add_module("normalise", Normalise(mean, std, shape[0], dims=len(shape) - 1))
        network.add_module("flatten", nn.Flatten())
        units = math.prod(shape)
        with seeded_weights(seed):
            for number, width in enumerate(self.widths, start=1):
                network.add_module(f"fc{number}", nn.Linear(units, width, bias=False))
                network.add_module(f"bn{number}", nn.BatchNorm1d(width))
                network.add_module(f"relu{number}", nn.ReLU(inplace=True))
                units = width
            network.add_module(f"fc{len(self.widths) + 1}", nn.Linear(units, classes))
        return network
