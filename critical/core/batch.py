"""A batch: a tuple of views and a target. A network with one eye is the case of one view."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from critical.core.spec import SpecError, closest

VIEWS = ("a", "b")
"""Names of the views, in their order in a batch."""

HEADS = ("both", "a", "b")
"""Names of the heads of a two-stream network, in the order in which `Batch.head` counts them."""


def view_number(view: str, where: str) -> int:
    """Returns the position of a view in a batch.

    Args:
        view: `a` or `b`.
        where: What asks, for the message: `deficit=blur`.

    Raises:
        SpecError: There is no such view.
    """
    if view not in VIEWS:
        raise SpecError(f"{where}: view={view}: there is no such view; {closest(str(view), VIEWS)}")
    return VIEWS.index(view)


@dataclass(frozen=True)
class Batch:
    """What the loop hands from data to augmentation to deficits to the network.

    Attributes:
        views: Tensors of shape (N, ...), floats in [0, 1]: images (N, C, H, W), signals (N, C, L).
        labels: int64 class indices, shape (N,).
        index: int64 position of each example in its split, shape (N,): what a deficit that is
            fixed per image is keyed by.
        head: int64 positions in `HEADS`, shape (N,): the head that answers for each example, whose
            target `labels` holds; None where `both` answers for all.
        means: For each view the mean of each channel over the training examples, in [0, 1]: what
            fills a view that is absent. The network's normalisation maps it to exactly 0. None
            where nobody said.
    """

    views: tuple[torch.Tensor, ...]
    labels: torch.Tensor
    index: torch.Tensor
    head: torch.Tensor | None = None
    means: tuple[tuple[float, ...], ...] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def inputs(self) -> tuple[torch.Tensor, ...]:
        """What the network is called with: the views, and the head where one is chosen."""
        return self.views if self.head is None else (*self.views, self.head)

    def with_views(self, views: tuple[torch.Tensor, ...]) -> Batch:
        """Returns the same examples seen through other views."""
        return replace(self, views=views)

    def with_labels(self, labels: torch.Tensor) -> Batch:
        """Returns the same examples with other labels."""
        return replace(self, labels=labels)

    def with_head(self, head: torch.Tensor) -> Batch:
        """Returns the same examples, to be answered by other heads."""
        return replace(self, head=head)


def filled(view: torch.Tensor, values: tuple[float, ...]) -> torch.Tensor:
    """Returns a view of the same shape that holds one value a channel and nothing else.

    Args:
        view: (N, C, ...); only its shape, dtype and device count.
        values: One number, or one a channel.
    """
    column = torch.tensor(values, dtype=view.dtype, device=view.device)
    return column.view(-1, *[1] * (view.dim() - 2)).expand(view.shape).contiguous()
