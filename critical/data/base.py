"""What every data spec has in common: size, resolution, subsets, and the word it puts under a figure."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from critical.core.randomness import generator
from critical.core.spec import SpecError, added, execution
from critical.data.images import Dataset, Split, balanced_order, in_rounds
from critical.data.kept import Kept


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """Which images a run sees.

    Attributes:
        subset: Number of training images: the first of a class-balanced shuffle, another for each draw; None for
            all, and then nothing is drawn.
        test_subset: Number of test images: the first of a shuffle that is the same in every draw.
        resolution: Side of the images in pixels (antialiased bilinear); None for the data set's own.
        validation: Number of training images that are held out and scored instead of the test images (so
            `test_subset` does nothing then), as many of each class as can be. This is where a setting is
            chosen. None: no such split.
        root: Folder of downloads and caches. Cannot change a result, so is no part of the identity.
    """

    name: ClassVar[str] = ""

    subset: int | None = None
    test_subset: int | None = None
    resolution: int | None = None
    validation: int | None = added(None, neutral=None)
    root: str = execution("data")

    def __post_init__(self) -> None:
        for field, least in (("subset", 2), ("test_subset", 1), ("resolution", 4), ("validation", 1)):
            value = getattr(self, field)
            if value is not None and value < least:
                raise SpecError(f"data={self.name}: {field}={value}: must be at least {least}, or null")

    @property
    def generated(self) -> bool:
        """Whether each draw makes new training examples, rather than choosing among those that there are."""
        return False

    def full(self, draw: int = 0) -> Dataset:
        """Returns the whole data set at the resolution asked for, labelled with its name alone.

        Args:
            draw: Which training examples, where they are generated; their number is the field `train_size`.

        Raises:
            DataError: The data cannot be had.
        """
        raise SpecError(f"data={self.name}: choose one of the kinds of data")

    def resolved(self) -> DataSpec:
        """Returns the spec that identifies the data, after making sure that they can be had.

        Raises:
            DataError: They cannot; one line says what was looked for, where, and what to do.
        """
        return self

    def load(self, draw: int = 0) -> Dataset:
        """Loads the data: downloads, decodes or generates what is not cached.

        Args:
            draw: Which training examples are drawn (generated, or chosen by `subset`); the run's seed. The test
                examples are the same in every draw.

        Returns:
            Train and test splits, uint8 views of shape (N, C, H, W).

        Raises:
            DataError: The data cannot be had.
            SpecError: A subset larger than the data.
        """
        return self.resolved()._load(draw)

    def _load(self, draw: int = 0) -> Dataset:
        data = self.full(draw) if self.generated else _source(self._whole())
        data.check_range()
        order = self._order(data.train, "subset", self.subset, draw)
        train = data.train if order is None else data.train.take(order[: self.subset])
        if self.validation is None:
            first = self._order(data.test, "test_subset", self.test_subset, 0)
            test = data.test if first is None else data.test.take(first[: self.test_subset])
        else:
            train, test = self._held_out(train)
        more = data.more if order is None else functools.partial(_left_over, data.train, order[self.subset :])
        return replace(data, train=train, test=test, label=self.describe(train, data.label), more=more)

    def _whole(self) -> DataSpec:
        """Returns the spec without what chooses among its examples."""
        return replace(self, subset=None, test_subset=None, validation=None)

    def _held_out(self, train: Split) -> tuple[Split, Split]:
        """Parts the training images into those that train and those that are scored."""
        left = len(train) - (self.validation or 0)
        if left < 2:
            few = "a single training image" if left == 1 else "no training images"
            raise SpecError(f"data={self.name}: validation={self.validation:,} leaves {few}")
        order = balanced_order(train.labels, generator(0, "validation"))
        # The last of each class, a round of all classes at a time: balanced also where the classes are not.
        order = in_rounds(train.labels, order.flip(0))
        held, kept = order[: len(train) - left], order[len(train) - left :]
        return train.take(kept.sort().values), train.take(held.sort().values)

    def describe(self, train: Split, title: str) -> str:
        """Returns what figures print about the data."""
        height, width = train.views[0].shape[-2:]
        return f"{title} {height}×{width}, {len(train):,} images"

    def _order(self, split: Split, field: str, size: int | None, draw: int) -> torch.Tensor | None:
        """Returns the order of which a subset is the beginning; None where all examples are taken."""
        if size is None:
            return None
        if size > len(split):
            raise SpecError(f"data={self.name}: {field}={size:,}: there are only {len(split):,} images")
        return balanced_order(split.labels, generator(draw, "subset", field))


def _left_over(split: Split, order: torch.Tensor, count: int) -> Split:
    """Returns the first `count` examples that were not drawn, or as many as there are."""
    return split.take(order[:count])


_loaded: Kept[DataSpec] = Kept(lambda spec, draw: spec._load(draw))
_resolved: set[DataSpec] = set()
"""Specs that are known to be there: listing the files of a folder again takes longer than an epoch on a GPU. What is
read later is checked when it is read."""


# What draws have in common is read once: a draw is an index into it.
@functools.lru_cache(maxsize=2)
def _source(whole: DataSpec) -> Dataset:
    return whole.full()


def load(spec: DataSpec, draw: int = 0) -> Dataset:
    """Loads data once per process.

    Args:
        spec: A data spec.
        draw: Which training examples; the run's seed.

    Returns:
        What `spec.load(draw)` returns; the same object for the same arguments, so never change it in place.

    Raises:
        DataError: The data cannot be had.
        SpecError: A subset larger than the data.
    """
    if spec not in _resolved:
        spec = spec.resolved()
        _resolved.add(spec)
    return _loaded(spec, draw)
