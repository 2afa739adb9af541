"""Parting examples that come in one piece, and bringing features into [0, 1]."""

from __future__ import annotations

import torch

from critical.core.randomness import generator
from critical.core.spec import SpecError
from critical.data.images import DataError


def check_share(share: float | None, where: str) -> None:
    """Refuses a share for testing that leaves nothing on one side.

    Raises:
        SpecError: In one line.
    """
    if share is not None and not 0 < share < 1:
        raise SpecError(f"{where}: split={share}: the share for testing lies between 0 and 1, e.g. 0.2")


def parted(labels: torch.Tensor, share: float, seed: int, where: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Parts examples into those for training and those for testing, class by class.

    Args:
        labels: int64 (N,).
        share: Of each class that is for testing, rounded to whole examples, at least one; in (0, 1).
        seed: Of the choice.
        where: Beginning of messages.

    Returns:
        Positions of either, ascending, int64.

    Raises:
        DataError: A class has a single example.
    """
    train, test = [], []
    for label in labels.unique().tolist():
        members = (labels == label).nonzero().squeeze(1)
        if len(members) < 2:
            raise DataError(f"{where}: split={share}: class {label} has one example; it needs two, one to test on")
        order = members[torch.randperm(len(members), generator=generator(seed, "split", label))]
        count = min(max(round(share * len(members)), 1), len(members) - 1)
        test.append(order[:count])
        train.append(order[count:])
    return torch.cat(train).sort().values, torch.cat(test).sort().values


def scaled(features: torch.Tensor, train: torch.Tensor) -> torch.Tensor:
    """Maps each feature to [0, 1] by its least and greatest value in training; the others are clipped to that.

    Args:
        features: float64 (N, F).
        train: int64 positions of the training examples.

    Returns:
        float32 (N, 1, F); a feature that is constant in training is 0.
    """
    least, greatest = features[train].amin(0), features[train].amax(0)
    span = greatest - least
    # Where a feature is constant in training, test examples could only be clipped to noise.
    mapped = torch.where(span > 0, (features - least) / span.where(span > 0, 1.0), 0.0).clamp(0, 1)
    return mapped.to(torch.float32)[:, None]
