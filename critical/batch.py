"""A batch: a tuple of views and a target. A network with one eye is the case of one view."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch


@dataclass(frozen=True)
class Batch:
    """What the loop hands from data to augmentation to deficits to the network.

    Attributes:
        views: Tensors of shape (N, ...), images as floats in [0, 1].
        labels: int64 class indices, shape (N,).
        index: int64 position of each example in its split, shape (N,): what a deficit that is
            fixed per image is keyed by.
    """

    views: tuple[torch.Tensor, ...]
    labels: torch.Tensor
    index: torch.Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def with_views(self, views: tuple[torch.Tensor, ...]) -> Batch:
        """Returns the same examples seen through other views."""
        return replace(self, views=views)

    def with_labels(self, labels: torch.Tensor) -> Batch:
        """Returns the same examples with other labels."""
        return replace(self, labels=labels)
