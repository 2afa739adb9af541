"""Deficits of the teacher: what changes the labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from critical.core.randomness import generator
from critical.core.spec import SpecError
from critical.deficits.base import Deficit, Draw


@dataclass(eq=False)
class LabelPermutation(Deficit):
    """Labels go through a permutation of the classes that leaves none in its place (ICLR 2019).

    Attributes:
        classes: Number of classes.
        resample: False: one permutation for good; True: a new one each epoch.
    """

    name: ClassVar[str] = "label_permutation"
    changes_labels: ClassVar[bool] = True
    classes: int = 10
    resample: bool = False

    def check(self) -> None:
        """Raises SpecError where no derangement exists."""
        if self.classes < 2:
            raise SpecError(f"deficit=label_permutation: classes={self.classes}; at least 2 are needed")

    def permutation(self, seed: int, epoch: int | None) -> torch.Tensor:
        """Returns the new label of each class, int64 (classes,): uniform over the derangements."""
        draws = generator(Draw(seed, epoch, None).key(self.name, self.resample))
        identity = torch.arange(self.classes)
        while True:  # one permutation in e is a derangement, so this ends after 2.7 draws on average
            permutation = torch.randperm(self.classes, generator=draws)
            if not (permutation == identity).any():
                return permutation

    def change_labels(self, labels: torch.Tensor, draw: Draw) -> torch.Tensor:
        """Returns the permuted labels."""
        if len(labels) and int(labels.max()) >= self.classes:
            raise SpecError(f"deficit={self.name}: classes={self.classes}, but a label is {labels.max()}")
        return self.permutation(draw.seed, draw.epoch).to(labels.device)[labels]


@dataclass(eq=False)
class RandomLabels(Deficit):
    """Labels are drawn uniformly over the classes, so one in `classes` is right by chance.

    Attributes:
        classes: Number of classes.
        resample: False: each example has one random label for good; True: a new one each epoch.
    """

    name: ClassVar[str] = "random_labels"
    changes_labels: ClassVar[bool] = True
    classes: int = 10
    resample: bool = False

    def check(self) -> None:
        """Raises SpecError where there is nothing to draw."""
        if self.classes < 2:
            raise SpecError(f"deficit=random_labels: classes={self.classes}; at least 2 are needed")

    def change_labels(self, labels: torch.Tensor, draw: Draw) -> torch.Tensor:
        """Returns the random labels."""
        share = draw.uniform(self.name, self.resample, labels, 1)[:, 0]
        return (share.double() * self.classes).long()
