"""Deficits of one of two views: it is absent, for good or in turn with the other."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from critical.core.batch import VIEWS, Batch, filled, view_number
from critical.core.spec import SpecError, closest
from critical.deficits.base import Deficit, Draw

ABSENT = ("mean", "zero")
"""What fills a view that is absent: each channel's mean (0 after normalisation), or black."""


class ViewDeficit(Deficit):
    """What concerns one view of two, so needs a batch: one image outside the loop has no other view."""

    def forward(self, *arguments: Any, **named: Any) -> Any:
        """Refuses plain tensors.

        Raises:
            SpecError: Always.
        """
        raise SpecError(f"deficit={self.name}: needs a batch of two views; call apply(Batch(…)), not tensors alone")

    def acts_on(self, batch: Batch) -> range:
        """Returns the positions of both views.

        Raises:
            SpecError: The batch has not two views.
        """
        if len(batch.views) != len(VIEWS):
            have = len(batch.views)
            raise SpecError(f"deficit={self.name}: needs two views, the data have {have}; choose other data")
        return range(len(VIEWS))


def check_absent(absent: str, name: str) -> None:
    """Raises SpecError (one line) where there is no such filling."""
    if absent not in ABSENT:
        raise SpecError(f"deficit={name}: absent={absent}: there is no such filling; {closest(str(absent), ABSENT)}")


def without(batch: Batch, number: int, absent: str, name: str, lost: torch.Tensor | None = None) -> Batch:
    """Takes a view away. What it held cannot matter, not even a NaN: it is replaced, not multiplied by 0.

    Args:
        batch: The batch.
        number: Position of the view.
        absent: `mean` or `zero`.
        name: The deficit, for the message.
        lost: bool (N,), which examples lose it; all when left out.

    Returns:
        The batch with that view filled, the other one as it was.

    Raises:
        SpecError: The means are wanted and the batch does not know them.
    """
    values: tuple[float, ...] = (0.0,)
    if absent == "mean":
        if batch.means is None:
            where = f"deficit={name}: absent=mean"
            raise SpecError(f"{where}: the batch knows no means; set Batch(means=…), or absent=zero")
        values = batch.means[number]
    views = list(batch.views)
    view = views[number]
    views[number] = filled(view, values)
    if lost is not None:
        views[number] = torch.where(lost.view(-1, *[1] * (view.dim() - 1)), views[number], view)
    return batch.with_views(tuple(views))


@dataclass(eq=False)
class ViewDropout(ViewDeficit):
    """One view is absent: deprivation of one eye, dropout of one modality.

    The code of Kleinman, Achille and Soatto (CVPR 2023) sets an absent view to zero after normalisation. Here
    deficits act before it, so the same is a view that holds each channel's mean over the training examples.

    Attributes:
        view: `a` or `b`.
        probability: Of losing it, in (0, 1]; below 1 it is drawn for each example anew each epoch.
        absent: `mean` (0 after normalisation; the loop knows the means) or `zero` (black).
    """

    name: ClassVar[str] = "view_dropout"
    view: str = "b"
    probability: float = 1.0
    absent: str = "mean"

    def check(self) -> None:
        """Raises SpecError for an unknown view or filling, or an impossible probability."""
        view_number(self.view, f"deficit={self.name}")
        check_absent(self.absent, self.name)
        if not 0 < self.probability <= 1:
            raise SpecError(f"deficit={self.name}: probability={self.probability}; it must lie above 0 and up to 1")

    def removes(self, epoch: int) -> frozenset[str]:
        """Returns the view where every example loses it."""
        return self.drops(epoch) if self.probability == 1 else frozenset()

    def drops(self, epoch: int) -> frozenset[str]:
        """Returns the view."""
        return frozenset({self.view})

    def change_batch(self, batch: Batch, draw: Draw) -> Batch:
        """Returns the batch without the view; where it is drawn, without it for some examples."""
        number = self.acts_on(batch)[VIEWS.index(self.view)]
        lost = None
        if self.probability < 1:
            own = dataclasses.replace(draw, view=number)
            lost = own.uniform(self.name, True, batch.labels, 1)[:, 0] < self.probability
        return without(batch, number, self.absent, self.name, lost)


@dataclass(eq=False)
class AlternatingDeprivation(ViewDeficit):
    """The views are absent in turn: a for `period` epochs, then b, then a again.

    Each view is seen in half of the epochs and the two are never seen together, so neither is favoured and
    nothing can be learnt of what they have in common. Turns are counted from epoch 0 of the training,
    wherever the window begins. Ours: Kleinman et al. have no such deficit.

    Attributes:
        period: Epochs of a turn.
        absent: `mean` (0 after normalisation; the loop knows the means) or `zero` (black).
    """

    name: ClassVar[str] = "alternating_deprivation"
    by_turns: ClassVar[bool] = True
    period: int = 1
    absent: str = "mean"

    def check(self) -> None:
        """Raises SpecError for an empty turn or an unknown filling."""
        check_absent(self.absent, self.name)
        if self.period < 1:
            raise SpecError(f"deficit={self.name}: period={self.period}; a turn lasts at least 1 epoch")

    def removes(self, epoch: int) -> frozenset[str]:
        """Returns the view whose turn it is to be absent."""
        return frozenset({VIEWS[epoch // self.period % len(VIEWS)]})

    def change_batch(self, batch: Batch, draw: Draw) -> Batch:
        """Returns the batch without the view whose turn it is."""
        if draw.epoch is None:
            raise SpecError(f"deficit={self.name}: the views take turns by the epoch; pass epoch=…")
        (view,) = self.removes(draw.epoch)
        return without(batch, self.acts_on(batch)[VIEWS.index(view)], self.absent, self.name)
