"""Stabilisers that change what the network sees: modality dropout, and augmentation in a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from critical.core.batch import VIEWS, Batch, filled
from critical.core.counter_noise import uniform
from critical.core.randomness import derived_seed, generator
from critical.core.spec import SpecError, closest
from critical.deficits.views import ABSENT
from critical.stabilizers.base import Acting, Situation, Stabilizer
from critical.stabilizers.checks import check_bounds
from critical.training.augmentation import Augmentation


@dataclass(frozen=True)
class ModalityDropout(Stabilizer):
    """Each example loses view a with a probability, or view b with the same, never both.

    Source: Neverova, Wolf, Taylor and Nebout, *ModDrop: Adaptive Multi-Modal Gesture Recognition* (2015). In the
    code of Kleinman, Achille and Soatto (CVPR 2023) either view is zeroed with probability 0.1, after
    normalisation, so that each can be decoded alone. A modality has to vanish at every entry point; in the
    networks of this suite the view itself is the only one. Draws depend on (seed, epoch, example).

    No example is left with nothing to see: nothing is dropped in an epoch in which a deficit removes a view from
    all examples, and an example keeps a view where the other shows nothing (each channel is of one value), as
    after a deficit that drops it at random.

    Attributes:
        probability: Of losing view a, and of losing view b, in [0, 0.5]. Default 0.1, published (Kleinman et
            al., in their code). ModDrop's own are about 0.1 to 0.2, from memory.
        absent: `mean` (published, as above; the loop knows the means) or `zero`.
    """

    name: ClassVar[str] = "modality_dropout"
    streams: ClassVar[int] = 2
    probability: float = 0.1
    absent: str = "mean"

    def __post_init__(self) -> None:
        check_bounds(self.name, "probability", self.probability, 0.5)
        if self.absent not in ABSENT:
            raise SpecError(f"stabilizer={self.name}: absent={self.absent}; {closest(self.absent, ABSENT)}")

    def activate(self, situation: Situation) -> Acting:
        """Returns the hooks of an epoch."""
        return Acting() if situation.removed else _ModalityDropout(self, situation)


class _ModalityDropout(Acting):
    def __init__(self, spec: ModalityDropout, situation: Situation) -> None:
        self._spec = spec
        self._key = derived_seed(situation.seed, spec.name, situation.epoch)

    def change_input(self, batch: Batch) -> Batch:
        """Fills the views that are dropped; what they held cannot matter, not even a NaN."""
        where = f"stabilizer={self._spec.name}"
        if len(batch.views) != len(VIEWS):
            raise SpecError(f"{where}: needs two views, the batch has {len(batch.views)}; choose other data")
        if self._spec.absent == "mean" and batch.means is None:
            raise SpecError(f"{where}: absent=mean: the batch knows no means; set Batch(means=…), or absent=zero")
        # One number an example decides for both views: that is what makes them exclusive.
        draw = uniform(self._key, batch.index, 1)[:, 0]
        views = []
        for number, view in enumerate(batch.views):
            begin = number * self._spec.probability
            lost = (begin <= draw) & (draw < begin + self._spec.probability) & ~_blank(batch.views[1 - number])
            means = batch.means[number] if batch.means is not None and self._spec.absent == "mean" else (0.0,)
            column = lost.view(-1, *[1] * (view.dim() - 1))
            views.append(torch.where(column, filled(view, means), view))
        return batch.with_views(tuple(views))


def _blank(view: torch.Tensor) -> torch.Tensor:
    """Tells of each example of (N, C, ...) whether every channel is of one value, bool (N,)."""
    lowest, highest = view.flatten(2).aminmax(dim=2)
    return (lowest == highest).all(1)


@dataclass(frozen=True)
class WindowedAugmentation(Stabilizer):
    """Shifts and flips in a window of epochs, on top of the run's own augmentation.

    Source: Golatkar, Achille and Soatto, *Time Matters in Regularizing Deep Networks* (NeurIPS 2019):
    regularisation decides early and does nothing when it comes late. For augmentation in the window alone set
    `augmentation=off`. It comes before the deficit, too; draws go by (seed, "stabilizer augmentation", epoch).

    Attributes:
        shift: Largest shift in pixels. Default 4, from memory of the paper, as is the flip.
        flip: Whether images are mirrored with probability ½.
        fill: Colour of what moves into view, in [0, 1]; None repeats the edge. Default black, ours.
    """

    name: ClassVar[str] = "augmentation"
    shift: int = 4
    flip: bool = True
    fill: tuple[float, ...] | None = (0.0,)

    def __post_init__(self) -> None:
        try:
            Augmentation(self.shift, self.flip, self.fill)
        except SpecError as error:
            raise SpecError(f"stabilizer={error}") from None

    def activate(self, situation: Situation) -> Acting:
        """Returns the hooks of an epoch."""
        return _WindowedAugmentation(self, situation)


class _WindowedAugmentation(Acting):
    def __init__(self, spec: WindowedAugmentation, situation: Situation) -> None:
        self._augmentation = Augmentation(spec.shift, spec.flip, spec.fill)
        self._draws = generator(situation.seed, "stabilizer augmentation", situation.epoch)

    def change_scene(self, batch: Batch) -> Batch:
        """Shifts and flips; one draw serves all views of an example."""
        return self._augmentation.apply(batch, self._draws)
