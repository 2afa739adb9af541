"""Images in memory: splits, data sets, class-balanced subsets, resizing.

Pixels are held as uint8 and become floats one batch at a time. That is a quarter of the memory (50,000
pictures of 3×32×32: 154 MB instead of 614 MB), so several runs fit beside each
other, and an epoch of batches takes no longer: fewer bytes gathered pay for the conversion.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch.nn import functional

from critical.core.batch import VIEWS, Batch
from critical.core.ranges import out_of_range
from critical.core.spec import SpecError


class DataError(SpecError):
    """Data that cannot be had: one line that says what was looked for, where, and what to do."""


class DataWarning(UserWarning):
    """Something about data that a person should know: one line."""


@dataclass(frozen=True)
class Split:
    """Examples held in memory.

    Attributes:
        views: One tensor a view, shape (N, C, H, W): uint8 in 0 … 255, or floats in [0, 1].
        labels: int64 class indices, shape (N,).
    """

    views: tuple[torch.Tensor, ...]
    labels: torch.Tensor

    def __post_init__(self) -> None:
        lengths = {len(view) for view in self.views} | {len(self.labels)}
        if not self.views or len(lengths) != 1:
            raise SpecError(f"a split needs views and labels of one length, got {sorted(lengths)}")
        if self.labels.dtype != torch.int64:
            raise SpecError(f"labels must be int64, got {self.labels.dtype}")

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, index: torch.Tensor) -> Batch:
        """Gathers examples as floats.

        Args:
            index: int64 positions, shape (B,), on the device of the split.

        Returns:
            The batch: views float32 (B, C, H, W) in [0, 1], labels (B,), and `index` itself.
        """
        return Batch(tuple(_floats(view[index]) for view in self.views), self.labels[index], index)

    def take(self, index: torch.Tensor) -> Split:
        """Returns the split made of the examples at these positions, in this order."""
        return Split(tuple(view[index] for view in self.views), self.labels[index])

    def to(self, device: torch.device | str) -> Split:
        """Returns the split on a device."""
        return Split(tuple(view.to(device) for view in self.views), self.labels.to(device))


def _floats(images: torch.Tensor) -> torch.Tensor:
    """Turns uint8 0 … 255 into float32 in [0, 1]; leaves floats as they are."""
    return images.to(torch.float32).div_(255) if images.dtype == torch.uint8 else images


def _histogram(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns float64 values in [0, 1] and how often each occurs; counting bytes is fast and exact."""
    if images.dtype != torch.uint8:
        values = images.double().reshape(-1).cpu()
        return values, torch.ones_like(values)
    counts = torch.bincount(images.reshape(-1).cpu(), minlength=256)
    return torch.arange(256, dtype=torch.float64) / 255, counts.double()


class Presentation(Protocol):
    """How stored examples become views, after augmentation and before deficits."""

    def __call__(self, batch: Batch) -> Batch:
        """Returns the examples as the network is to see them; `batch.means` is set."""
        ...

    def means(self, stored: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
        """Maps what is known per stored view and channel to the presented views."""
        ...


@dataclass(frozen=True)
class Dataset:
    """A training and a test split of the same classes.

    Attributes:
        train: Training examples.
        test: Test examples.
        classes: Names of the classes; label i is `classes[i]`.
        label: What figures print, such as `glyphs 16×16 (4,000 images, contrast 0.55)`.
        presentation: Makes the views that the network sees of those that are stored (two halves of
            one image, say); None where they are the same.
        more: From a number to as many further training examples, none of which is in `train`; fewer where there are
            no more. None where all there are train.
    """

    train: Split
    test: Split
    classes: tuple[str, ...]
    label: str
    presentation: Presentation | None = None
    more: Callable[[int], Split] | None = None

    def unseen(self, count: int) -> Split | None:
        """Returns `count` examples like the training ones that no network of this draw trains on.

        They lie on the device of the data. None where fewer are left than asked for.
        """
        found = None if self.more is None else self.more(count)
        return None if found is None or len(found) < count else found.to(self.train.labels.device)

    def to(self, device: torch.device | str) -> Dataset:
        """Returns the data on a device; itself when it is there already."""
        if torch.device(device) == self.train.labels.device:
            return self
        return replace(self, train=self.train.to(device), test=self.test.to(device))

    def check_range(self) -> None:
        """Refuses views that are neither uint8 nor floats in [0, 1]: deficits would clip them.

        Raises:
            SpecError: In one line that says what the values look like.
        """
        for name, split in (("train", self.train), ("test", self.test)):
            for number, view in enumerate(split.views):
                if view.dtype == torch.uint8:
                    continue
                wrong = f"{view.dtype}, not uint8 or floats in [0, 1]"
                if not view.is_floating_point() or (wrong := out_of_range(view)):
                    raise SpecError(f"{self.label}: view {VIEWS[number]} of the {name} part has {wrong}")

    def batch(self, split: Split, index: torch.Tensor) -> Batch:
        """Gathers examples as the network sees them without augmentation and deficits.

        Args:
            split: `train` or `test` of this data set.
            index: int64 positions, shape (B,), on the device of the split.
        """
        return self.present(split.batch(index))

    def present(self, batch: Batch) -> Batch:
        """Makes the views that the network sees of stored (and augmented) ones, and sets `batch.means`."""
        batch = replace(batch, means=self.view_means)
        return batch if self.presentation is None else self.presentation(batch)

    @functools.cached_property
    def view_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes (C, ...) of the views that the network sees."""
        first = self.batch(self.train, torch.zeros(1, dtype=torch.int64, device=self.train.labels.device))
        return tuple(tuple(view.shape[1:]) for view in first.views)

    @property
    def view_means(self) -> tuple[tuple[float, ...], ...]:
        """For each view that the network sees, the mean of each channel, in [0, 1]."""
        return self._of_views(0)

    @property
    def view_stds(self) -> tuple[tuple[float, ...], ...]:
        """For each view that the network sees, the standard deviation of each channel, at least 1/255."""
        return self._of_views(1)

    def _of_views(self, moment: int) -> tuple[tuple[float, ...], ...]:
        stored = tuple(moments[moment] for moments in self._view_moments)
        return stored if self.presentation is None else self.presentation.means(stored)

    @functools.cached_property
    def _view_moments(self) -> tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]:
        if len(self.train.views) == 1:
            return (self._moments,)
        return tuple(replace(self, train=Split((view,), self.train.labels))._moments for view in self.train.views)

    @functools.cached_property
    def _moments(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        channels = {view.shape[1] for view in self.train.views}
        if len(channels) != 1:
            raise SpecError(f"{self.label}: views with {sorted(channels)} channels have no common mean")
        means, deviations = [], []
        for channel in range(channels.pop()):
            count, first, second = 0, 0.0, 0.0
            for view in self.train.views:
                # A chunk at a time: the copies of a whole channel would be many times its size.
                for part in view[:, channel].split(5000):
                    values, times = _histogram(part)
                    count += part.numel()
                    first += (values * times).sum().item()
                    second += (values.square() * times).sum().item()
            mean = first / count
            means.append(mean)
            # A constant channel would have deviation 0; one grey level keeps the division defined.
            deviations.append(max(max(second / count - mean**2, 0.0) ** 0.5, 1 / 255))
        return tuple(means), tuple(deviations)

    @property
    def channel_mean(self) -> tuple[float, ...]:
        """Mean of each channel over the training images of all views, in [0, 1]."""
        return self._moments[0]

    @property
    def channel_std(self) -> tuple[float, ...]:
        """Standard deviation of each channel over the training images, at least 1/255."""
        return self._moments[1]


def balanced_order(labels: torch.Tensor, draws: torch.Generator) -> torch.Tensor:
    """Shuffles so that every beginning of the order holds the classes as equally as can be.

    Args:
        labels: int64 class indices, shape (N,).
        draws: CPU generator.

    Returns:
        A permutation of 0 … N-1, int64 (N,): rounds of one example a class (in random order) for as long
        as the classes last. The first n hold n/classes of each, give or take one, if each has as many.
    """
    return in_rounds(labels, torch.randperm(len(labels), generator=draws))


def in_rounds(labels: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """Reorders examples into rounds of one a class, for as long as the classes last.

    Args:
        labels: int64 class indices, shape (N,).
        order: A permutation of 0 … N-1, int64 (N,); it stays the order within each class.
    """
    rank = torch.empty(len(labels), dtype=torch.int64)
    for label in labels.unique():
        members = (labels[order] == label).nonzero().squeeze(1)
        rank[members] = torch.arange(len(members))
    return order[torch.argsort(rank, stable=True)]


def resized(images: torch.Tensor, resolution: int | None) -> torch.Tensor:
    """Resizes by antialiased bilinear interpolation.

    Args:
        images: uint8 (N, C, H, W).
        resolution: Side of the square result in pixels, or None to leave the images as they are.

    Returns:
        uint8 (N, C, resolution, resolution).
    """
    if resolution is None or tuple(images.shape[-2:]) == (resolution, resolution):
        return images
    result = torch.empty((*images.shape[:2], resolution, resolution), dtype=torch.uint8)
    for start in range(0, len(images), 1000):
        part = images[start : start + 1000].float()
        part = functional.interpolate(part, size=(resolution, resolution), mode="bilinear", antialias=True)
        result[start : start + 1000] = part.round_().clamp_(0, 255).to(torch.uint8)
    return result
