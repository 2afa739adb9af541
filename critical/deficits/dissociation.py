"""Dissociation: the two views of an example show different things, as with a squint (strabismus)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from critical.core.batch import HEADS, VIEWS, Batch, view_number
from critical.core.counter_noise import random_bits
from critical.core.spec import SpecError, closest
from critical.deficits.base import Draw
from critical.deficits.views import ViewDeficit

VARIANTS = ("own_head", "authors")
"""Whose head answers: that of the view whose label is asked, or either, as in the published code."""


class _OneViewAsked(ViewDeficit):
    """What asks for the label of one view at a time, a or b with probability 1/2, of a head of its own."""

    needs_heads: ClassVar[bool] = True

    def draws(self, batch: Batch, draw: Draw) -> torch.Tensor:
        """Returns int64 (N, 4): for each example two ranks, whether b is asked, and a spare coin.

        The key is shared by the kinds, so a dissociation and its sham ask each example for the same view.

        Raises:
            SpecError: Not two views, heads that are chosen already, or no epoch.
        """
        self.acts_on(batch)
        if batch.head is not None:
            raise SpecError(f"deficit={self.name}: another deficit has chosen the heads already; part their windows")
        if draw.epoch is None:
            raise SpecError(f"deficit={self.name}: is drawn anew each epoch; pass epoch=…")
        return random_bits(draw.key(Dissociation.name, resample=True), batch.index, 4)


@dataclass(eq=False)
class Dissociation(_OneViewAsked):
    """One view comes from another example of the batch; the label asked is either view's, with probability 1/2.

    Source: Kleinman, Achille and Soatto, *Critical Learning Periods for Multisensory Integration in Deep
    Networks* (CVPR 2023), their strabismus. The network has three heads; the head `both` gets no gradient
    meanwhile, so weight decay alone moves it (and what momentum is left).
    There are two variants:

    * `own_head` (as the paper describes it): no example keeps its own view (the partners form one cycle through
      the batch, uniform among all such cycles), and the label of a's example is asked of head a, that of b's of head b;
    * `authors` (as their code has it, `train` in `main_independent_rhf.py`): the view goes through a plain
      permutation of the batch, in which one example a batch on average keeps its own; the label asked is
      drawn for each example, and one head for the whole batch, *independently of it*: so half of the
      examples ask a head for the label of the view that is not its own. Their code draws from NumPy's global
      generator; here a hash of (seed, epoch, example) draws.

    This is the one deficit whose result depends on the batch's composition, not on its order. Which examples
    form a batch is a function of (seed, epoch), so a forked run equals one from scratch nevertheless.
    `index` stays that of the example that was not exchanged; a batch of one example is refused.

    Attributes:
        view: The view that is exchanged, `a` or `b`.
        variant: `own_head` or `authors`.
    """

    name: ClassVar[str] = "dissociation"
    view: str = "b"
    variant: str = "own_head"

    def check(self) -> None:
        """Raises SpecError for an unknown view or variant."""
        view_number(self.view, f"deficit={self.name}")
        if self.variant not in VARIANTS:
            known = closest(str(self.variant), VARIANTS)
            raise SpecError(f"deficit={self.name}: variant={self.variant}: there is no such variant; {known}")

    def change_batch(self, batch: Batch, draw: Draw) -> Batch:
        """Returns the batch with one view exchanged, the labels asked and the heads that answer."""
        if len(batch) < 2:
            raise SpecError(f"deficit={self.name}: a batch of {len(batch)} example has no other to take a view from; "
                            "change the batch size, or the number of examples")  # fmt: skip
        number = VIEWS.index(self.view)
        bits = self.draws(batch, draw)
        # A hash has no ties among examples, so its ranks are a uniform permutation on every device, and
        # nothing has to come back from an accelerator.
        ranked = bits[:, 0].argsort()
        partner = torch.empty_like(ranked)
        partner[ranked] = ranked.roll(-1) if self.variant == "own_head" else bits[:, 1].argsort()
        b_asked = bits[:, 2] < 0
        exchanged_asked = b_asked if number == 1 else ~b_asked
        views = list(batch.views)
        views[number] = views[number][partner]
        # In the authors' variant the first in rank throws the coin of the batch.
        b_answers = (bits[ranked[:1], 3] < 0).expand(len(batch)) if self.variant == "authors" else b_asked
        labels = torch.where(exchanged_asked, batch.labels[partner], batch.labels)
        return batch.with_views(tuple(views)).with_labels(labels).with_head(_heads(b_answers))


@dataclass(eq=False)
class SplitHeads(_OneViewAsked):
    """The sham of a dissociation: the views belong together, and head a or head b answers, with probability 1/2.

    A dissociation leaves the head `both` untrained, which costs something by itself. Against a network
    whose heads a and b were trained on whole examples, what is left is the cost of views that
    do not belong together. Examples ask the same views as under `Dissociation` with the same seed and epoch.
    """

    name: ClassVar[str] = "split_heads"

    def change_batch(self, batch: Batch, draw: Draw) -> Batch:
        """Returns the batch with the heads that answer."""
        return batch.with_head(_heads(self.draws(batch, draw)[:, 2] < 0))


def _heads(b_answers: torch.Tensor) -> torch.Tensor:
    """Turns bool (N,) into the positions in `HEADS` of b (true) and a."""
    a, b = (HEADS.index(view) for view in VIEWS)
    return torch.where(b_answers, b, a)
