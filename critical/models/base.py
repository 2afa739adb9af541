"""What all model families share: normalisation at the input, seeded weights, the one-view front."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Protocol

import torch
from torch import nn

from critical.core.randomness import derived_seed
from critical.core.spec import SpecError

Shape = tuple[int, ...]


class ModelSpec(Protocol):
    """What a model family is: a frozen dataclass with a `name` that can build its network.

    A family of two-stream networks also has `streams: ClassVar[int] = 2` and a field `heads: bool`.
    """

    name: ClassVar[str]

    def build(
        self,
        views: Sequence[Shape],
        classes: int,
        seed: int,
        mean: Sequence[Any] = ...,
        std: Sequence[Any] = ...,
    ) -> nn.Module:
        """Builds a module from views in [0, 1] of these shapes (C, ...) to logits (N, classes).

        `mean` and `std` hold one number a channel; for two views, one such sequence a view.
        """
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
    """Maps a view in [0, 1] to (view - mean) / std, channel by channel; not trained.

    It is the first layer of every network, so deficits and augmentation act in pixel space.

    Args:
        mean: One number per channel, or a single one for all channels.
        std: Likewise, all above 0.
        channels: The number of channels of the view.
        dims: Dimensions after the channels: 2 for images (C, H, W), 1 for signals (C, L).

    Raises:
        SpecError: Wrong number of values, or a standard deviation that is not positive.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float], channels: int, dims: int = 2) -> None:
        super().__init__()
        for what, values in (("mean", mean), ("std", std)):
            if len(values) not in (1, channels):
                raise SpecError(f"{what}={tuple(values)}: give 1 value or {channels}, one a channel")
        if min(std) <= 0:
            raise SpecError(f"std={tuple(std)}: every value must be above 0")
        column = (-1, *[1] * dims)
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32).view(column))
        self.register_buffer("std", torch.as_tensor(std, dtype=torch.float32).view(column))

    def forward(self, views: torch.Tensor) -> torch.Tensor:
        """Normalises views of shape (..., C, H, W), or (..., C, L)."""
        return (views - self.mean) / self.std


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


class OneView(ABC):
    """Base of the specs of networks with one view: a frozen dataclass that says which layers follow the normalisation.

    Attributes:
        signals: Whether the view may be a signal (C, L).
    """

    name: ClassVar[str]
    signals: ClassVar[bool] = False

    @abstractmethod
    def add_layers(self, network: SingleView, shape: Shape, classes: int) -> None:
        """Appends the layers from a normalised view of a shape (C, ...) to logits (N, classes)."""

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
            views: Shapes of the views: exactly one, an image (C, H, W), or a signal (C, L) where `signals` says so.
            classes: Number of classes, at least 2.
            seed: Seed of the initial weights.
            mean: Mean of the pixels in [0, 1], per channel or for all.
            std: Standard deviation of the pixels, likewise.

        Returns:
            A module from (N, C, ...) in [0, 1] to logits (N, classes), its first layer called `normalise`.

        Raises:
            SpecError: Several views, too few classes, or a mean or std of the wrong length.
        """
        shape = only_view(views, classes, self.name, self.signals)
        network = SingleView()
        network.add_module("normalise", Normalise(mean, std, shape[0], dims=len(shape) - 1))
        with seeded_weights(seed):
            self.add_layers(network, shape, classes)
        return network


def only_view(views: Sequence[Shape], classes: int, model: str, signals: bool = False) -> Shape:
    """Returns the shape (C, H, W) of the only view; (C, L) too where signals will do.

    Raises:
        SpecError: Several views, a size below 1, or fewer than two classes.
    """
    if len(views) != 1:
        raise SpecError(f"model={model}: takes one view, the data has {len(views)}; choose another model")
    if (len(views[0]) != 3 and not (signals and len(views[0]) == 2)) or min(views[0]) < 1:
        instead = "" if signals or len(views[0]) != 2 else "; for signals and features take model=mlp"
        raise SpecError(f"model={model}: a view has shape (channels, height, width), not {tuple(views[0])}{instead}")
    if classes < 2:
        raise SpecError(f"model={model}: {classes} classes; at least 2 are needed")
    return views[0]


def two_views(views: Sequence[Shape], classes: int, model: str) -> tuple[Shape, Shape]:
    """Returns the shapes of the two views: (C, H, W) of images, (C, L) of signals.

    Raises:
        SpecError: One view or more than two, a size below 1, or fewer than two classes.
    """
    if len(views) != 2:
        raise SpecError(f"model={model}: takes two views, the data has {len(views)}; choose another model or data")
    for view in views:
        if len(view) not in (2, 3) or min(view) < 1:
            shapes = "(channels, height, width) or (channels, length)"
            raise SpecError(f"model={model}: a view has shape {shapes}, not {tuple(view)}")
    if classes < 2:
        raise SpecError(f"model={model}: {classes} classes; at least 2 are needed")
    return tuple(views[0]), tuple(views[1])


def same_images(views: Sequence[Shape], classes: int, strides: int, model: str) -> tuple[Shape, Shape]:
    """Returns the shapes (C, H, W) of two images of one height and width, each halved `strides` times.

    Raises:
        SpecError: As for `two_views`; a view that is no image, views of different height or width, or
            images of fewer than 2^strides pixels in one direction.
    """
    a, b = two_views(views, classes, model)
    if len(a) != 3 or len(b) != 3:
        raise SpecError(f"model={model}: both views must be images (C, H, W), not {a} and {b}; take two_modality")
    if a[1:] != b[1:]:
        raise SpecError(
            f"model={model}: views of {a[1:]} and {b[1:]} pixels; maps are fused place by place, so make them equal"
        )
    least = 2**strides
    if min(a[1:]) < least:
        raise SpecError(
            f"model={model}: images of {a[1:]} pixels and {strides} strides of 2; give at least {least}×{least}"
        )
    return a, b


def per_view(what: str, values: Sequence[Sequence[float]], model: str) -> tuple[Sequence[float], Sequence[float]]:
    """Returns the mean (or std) of the channels of either view.

    Raises:
        SpecError: Not two sequences.
    """
    if len(values) != 2 or not all(isinstance(view, Sequence) for view in values):
        raise SpecError(f"model={model}: {what}={values!r}; give two sequences of numbers, one a view")
    return values[0], values[1]
