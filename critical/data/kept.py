"""Data sets that were loaded last, kept in memory as far as they are small."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from critical.data.images import Dataset

Spec = TypeVar("Spec", bound=Hashable)
LIMIT_BYTES = 256 * 2**20
"""How much the data sets that are kept may take."""
AT_LEAST = 2
"""So many are kept whatever they take: that of a run and the one before it."""


class Kept(Generic[Spec]):
    """A loader that keeps what it has loaded.

    A worker goes from seed to seed, and each has a draw of its own: without this it would draw the same data again for
    every segment, which takes as long as an epoch or two.

    Args:
        load: From a spec and a draw to the data.
        limit: Bytes of the views that are kept.
    """

    def __init__(self, load: Callable[[Spec, int], Dataset], limit: int = LIMIT_BYTES) -> None:
        self._load, self._limit = load, limit
        self._held: OrderedDict[tuple[Spec, int], Dataset] = OrderedDict()

    def __call__(self, spec: Spec, draw: int) -> Dataset:
        """Returns the data; the same object for the same arguments while it is kept."""
        place = (spec, draw)
        if place not in self._held:
            self._held[place] = self._load(spec, draw)
        self._held.move_to_end(place)
        while len(self._held) > AT_LEAST and sum(map(_size, self._held.values())) > self._limit:
            self._held.popitem(last=False)
        return self._held[place]

    def cache_clear(self) -> None:
        """Forgets all of it."""
        self._held.clear()


def _size(data: Dataset) -> int:
    """Returns the bytes of the views; those that several draws share count in each."""
    return sum(view.nbytes for split in (data.train, data.test) for view in split.views)
