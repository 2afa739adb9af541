"""The fully connected network of the MNIST experiments.

Source: Achille, Rovere and Soatto, *Critical Learning Periods in Deep Networks* (ICLR 2019).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from critical.core.spec import SpecError, added
from critical.models import normalization
from critical.models.base import OneView, Shape, SingleView


@dataclass(frozen=True)
class MLP(OneView):
    """Flatten, then linear, batch normalisation and ReLU for each width, then a linear layer.

    Linear layers before a batch normalisation have no bias. Initial weights are PyTorch's defaults.

    Attributes:
        widths: Units of each hidden layer (paper: 2500, 2000, 1500, 1000, 500); may be empty,
            which gives multinomial logistic regression.
        normalization: `batch` (paper), `layer`, `group` or `none`; see `critical.models.normalization`.
    """

    name: ClassVar[str] = "mlp"
    signals: ClassVar[bool] = True
    widths: tuple[int, ...] = (2500, 2000, 1500, 1000, 500)
    normalization: str = added("batch", neutral="batch")

    def __post_init__(self) -> None:
        """Refuses layers without units."""
        if any(width < 1 for width in self.widths):
            raise SpecError(f"model=mlp: widths={self.widths}; every layer needs at least 1 unit")
        normalization.check(self.normalization, self.name)

    def add_layers(self, network: SingleView, shape: Shape, classes: int) -> None:
        """Appends `flatten`, then `fc1`, `bn1`, `relu1`, …, and a last `fc…` with bias."""
        network.add_module("flatten", nn.Flatten())
        units = math.prod(shape)
        for number, width in enumerate(self.widths, start=1):
            layer = nn.Linear(units, width, bias=self.normalization == "none")
            normalization.add_normalised(network, number, f"fc{number}", layer, self.normalization)
            units = width
        network.add_module(f"fc{len(self.widths) + 1}", nn.Linear(units, classes))
