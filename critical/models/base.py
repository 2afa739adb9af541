"""What all model families share: normalisation at the input, seeded weights, the one-view front."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import ClassVar, Protocol

import torch
from torch import nn

from critical.randomness import derived_seed
from critical.spec import SpecError

Shape = tuple[int, ...]


class ModelSpec(Protocol):
    """What a model family is: a frozen dataclass with a `name` that can build its network."""

    name: ClassVar[str]

    def build(
        self,
        views: Sequence[Shape],
        classes: int,
        seed: int,
        mean: Sequence[float] = (0.0,),
        std: Sequence[float] = (1.0,),
    ) -> nn.Module:
        """Builds a module from views in [0, 1] of these shapes (C, H, W) to logits (N, classes)."""
        ...


@contextlib.contextmanager
def seeded_weights(seed: int) -> Iterator[None]:
    """Inside, layers draw initial weights that depend only on `seed` and the order of creation.

    Only the CPU generator is seeded (`torch.manual_seed` would reseed the accelerators too), and
    its state is put back on leaving, so building a model leaves the global generators untouched.
    """
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.default_generator.manual_seed(derived_seed(seed, "weights"))
        yield


class Normalise(nn.Module):
    """Maps an image in [0, 1] to (image - mean) / std, channel by channel; not trained.

    It is the first layer of every network, so deficits and augmentation act in pixel space.

    Args:
        mean: One number per channel, or a single one for all channels.
        std: Likewise, all above 0.
        channels: The number of channels of the images.

    Raises:
        SpecError: Wrong number of values, or a standard deviation that is not positive.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float], channels: int) -> None:
        super().__init__()
        for what, values in (("mean", mean), ("std", std)):
            if len(values) not in (1, channels):
                raise SpecError(f"{what}={tuple(values)}: give 1 value or {channels}, one a channel")
        if min(std) <= 0:
            raise SpecError(f"std={tuple(std)}: every value must be above 0")
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32).view(-1, 1, 1))
        self.register_buffer("std", torch.as_tensor(std, dtype=torch.float32).view(-1, 1, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Normalises images of shape (..., C, H, W)."""
        return (images - self.mean) / self.std


class SingleView(nn.Sequential):
    """A network with one eye: named layers in order, called as `network(view)`.

    Being a `Sequential`, its layers carry their plain names (`conv1.weight`, not
    `layers.conv1.weight`), which is what per-layer tables and figures print.
    """

    def forward(self, *views: torch.Tensor) -> torch.Tensor:
        """Maps one view of shape (N, C, H, W) in [0, 1] to logits of shape (N, classes).

        Raises:
            SpecError: If there is not exactly one view.
        """
        if len(views) != 1:
            raise SpecError(f"a single-view network got {len(views)} views; choose one with several streams")
        return super().forward(views[0])


def only_view(views: Sequence[Shape], classes: int, model: str) -> Shape:
    """Returns the shape (C, H, W) of the only view.

    Raises:
        SpecError: Several views, a size below 1, or fewer than two classes.
    """
    if len(views) != 1:
        raise SpecError(f"model={model}: takes one view, the data has {len(views)}; choose another model")
    if len(views[0]) != 3 or min(views[0]) < 1:
        raise SpecError(f"model={model}: a view has shape (channels, height, width), not {tuple(views[0])}")
    if classes < 2:
        raise SpecError(f"model={model}: {classes} classes; at least 2 are needed")
    return views[0]
