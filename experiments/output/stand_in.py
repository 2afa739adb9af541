"""Images of noise in the place of data that are not here, for `dry=true` alone: an epoch of them costs the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from critical.core.randomness import generator
from critical.data import DataError, Dataset, DataSpec, Split
from critical.data.views import Halves, TwoHalves

SIZES = {
    "cifar10": (3, 32, 10, 50_000, 10_000), "cifar100": (3, 32, 100, 50_000, 10_000),
    "mnist": (1, 28, 10, 60_000, 10_000), "fashion_mnist": (1, 28, 10, 60_000, 10_000),
}  # fmt: skip
"""Channels, side in pixels, classes, training and test images."""


@dataclass(frozen=True, kw_only=True)
class StandIn(DataSpec):
    """Noise of the size of other data.

    Attributes:
        like: The kind of data it stands for.
        width_pixels: Columns of each half; None for one view.
    """

    name: ClassVar[str] = "stand_in"

    like: str = "cifar10"
    width_pixels: int | None = None

    def full(self, draw: int = 0) -> Dataset:
        """Returns the noise."""
        channels, side, classes, train, test = SIZES[self.like]
        side = self.resolution or side
        draws = generator(0, "stand-in")
        train_split, test_split = (
            Split((torch.randint(256, (count, channels, side, side), dtype=torch.uint8, generator=draws),),
                  torch.arange(count) % classes) for count in (train, test)
        )  # fmt: skip
        cut = TwoHalves(self.width_pixels) if self.width_pixels else None
        names = tuple(map(str, range(classes)))
        return Dataset(train_split, test_split, names, f"stand-in for {self.like}", presentation=cut)


def stand_in(spec: DataSpec, error: DataError) -> StandIn:
    """Returns what stands for data that are not here.

    Raises:
        DataError: Their size is not known either: the error that was met.
    """
    like = spec.source if isinstance(spec, Halves) else spec.name
    if like not in SIZES:
        raise error
    width = spec.width_pixels if isinstance(spec, Halves) else None
    return StandIn(like=like, width_pixels=width, subset=spec.subset, test_subset=spec.test_subset,
                   resolution=spec.resolution, validation=spec.validation)  # fmt: skip
