"""Two views of one kind: two eyes that see the same letter, and two halves of one image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch

from critical.core.batch import Batch, filled
from critical.core.spec import SpecError, added, closest, execution
from critical.data.base import DataSpec
from critical.data.folder import Folder
from critical.data.glyphs import Glyphs, render
from critical.data.images import Dataset, Split
from critical.data.sources import Cifar10, Cifar100, Digits, FashionMnist, Mnist


@dataclass(frozen=True, kw_only=True)
class TwoEyes(Glyphs):
    """Two independent pictures of the same letter: view a and view b agree in the class and in nothing else.

    View a is what `glyphs` gives with the same settings. The fields are those of `Glyphs`; the defaults are
    smaller pictures, since a run trains two streams.
    """

    name: ClassVar[str] = "two_eyes"

    resolution: int = 12
    contrast: float = 0.6
    noise: float = 0.08
    fonts: int = 7
    train_size: int = 4_000
    test_size: int = 2_000

    def full(self, draw: int = 0) -> Dataset:
        """Returns newly made pairs of pictures."""
        return replace(super().full(draw), label="two eyes")

    def describe(self, train: Split, title: str) -> str:
        """Returns what figures print about the data."""
        return f"{title} {self.resolution}×{self.resolution} ({len(train):,} pairs, contrast {self.contrast:g})"

    def _split(self, key: str, size: int) -> Split:
        first = super()._split(key, size)
        return Split((first.views[0], render(self, first.labels, f"{key} second eye")), first.labels)


@dataclass(frozen=True)
class TwoHalves:
    """Cuts one image into two views, after augmentation: the left columns and the right ones.

    Both views have the whole image's size. What is cut away holds each channel's mean over the training
    images, which the network's normalisation maps to exactly 0: the authors normalise first and then zero.

    Attributes:
        width_pixels: Columns that either view keeps.
    """

    width_pixels: int

    def __call__(self, batch: Batch) -> Batch:
        """Returns the batch with views a (left) and b (right) instead of its one image (N, C, H, W)."""
        (image,) = batch.views
        if batch.means is None:
            raise SpecError("data=halves: the batch knows no means; take batches from the data set")
        blank, width = filled(image, batch.means[0]), self.width_pixels
        left = torch.cat((image[..., :width], blank[..., width:]), dim=-1)
        right = torch.cat((blank[..., :-width], image[..., -width:]), dim=-1)
        return batch.with_views((left, right))

    def means(self, stored: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
        """Gives both views the moments of the whole images."""
        return stored * 2


SOURCES: dict[str, type[DataSpec]] = {
    kind.name: kind for kind in (Cifar10, Cifar100, FashionMnist, Mnist, Digits, Glyphs, Folder)
}
"""What can be halved: every kind of data with one image an example."""


@dataclass(frozen=True, kw_only=True)
class Halves(DataSpec):
    """The left and the right part of one image as two views.

    Source: Kleinman, Achille and Soatto (CVPR 2023): CIFAR-10 with 16 columns a view, also 14 and 18. The
    augmentation moves and mirrors the whole image before it is cut, with one draw for both views.

    Attributes:
        source: Kind of the images, with its own defaults: cifar10, cifar100, fashion_mnist, mnist, digits,
            glyphs or folder.
        width_pixels: Columns that each view keeps; above half the width the views overlap.
        path: For `folder`: where it lies. Cannot change a result.
        label: For `folder`: what figures call the data. Likewise.
        fingerprint: For `folder`: of its content; filled in when empty, checked when given.
        split: For `folder`: the share of each class that is for testing, where it has no part for that.
        seed: For `folder`: of that split.
    """

    name: ClassVar[str] = "halves"

    source: str = "cifar10"
    width_pixels: int = 16
    path: str = execution("")
    label: str = execution("")
    fingerprint: str = ""
    split: float | None = added(None, neutral=None)
    seed: int = added(0, neutral=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.source not in SOURCES:
            raise SpecError(f"data=halves: source={self.source}: cannot be halved; {closest(self.source, SOURCES)}")
        if self.width_pixels < 1:
            raise SpecError(f"data=halves: width_pixels={self.width_pixels}: at least 1")
        of_folders = (self.path, self.label, self.fingerprint, self.split, self.seed)
        if self.source != Folder.name and any(of_folders):
            given = "path, label, fingerprint, split or seed"
            raise SpecError(f"data=halves: source={self.source}: takes no {given}; use source=folder")

    def whole(self) -> DataSpec:
        """Returns the spec of the images before they are cut."""
        kind = SOURCES[self.source]
        given: dict[str, Any] = {"root": self.root}
        if self.resolution is not None:
            given["resolution"] = self.resolution
        if kind is Folder:
            given |= {"path": self.path, "label": self.label, "fingerprint": self.fingerprint}
            given |= {"split": self.split, "seed": self.seed}
        return kind(**given)

    def resolved(self) -> DataSpec:
        """Returns the spec that identifies the data, with the fingerprint of a folder.

        Raises:
            DataError: The images cannot be had.
        """
        source = self.whole().resolved()
        return replace(self, fingerprint=source.fingerprint) if isinstance(source, Folder) else self

    @property
    def generated(self) -> bool:
        """Whether each draw makes new images."""
        return self.whole().generated

    def full(self, draw: int = 0) -> Dataset:
        """Returns the whole images and how they are cut."""
        data = self.whole().resolved().full(draw)
        width = data.train.views[0].shape[-1]
        if self.width_pixels >= width:
            raise SpecError(
                f"data=halves: width_pixels={self.width_pixels}: the images are {width} wide; keep fewer columns"
            )
        return replace(data, presentation=TwoHalves(self.width_pixels))

    def describe(self, train: Split, title: str) -> str:
        """Returns what figures print about the data."""
        height, width = train.views[0].shape[-2:]
        return f"{title} {height}×{width} in halves of {self.width_pixels} px, {len(train):,} images"
