"""Mean and standard deviation of the gradient over batches, in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class GradientMoments:
    """Norms over all parameters together, in nats per unit of the parameters.

    Attributes:
        mean: Norm of the mean gradient.
        deviation: Norm of the standard deviations of its entries: the root of the sum of their variances.
        batches: Number of batches.
    """

    mean: float
    deviation: float
    batches: int


def gradient_moments(gradients: Iterable[Sequence[torch.Tensor | None]]) -> GradientMoments:
    """Takes the moments of gradients as they come; two copies of the parameters are all that is kept (Welford 1962).

    Args:
        gradients: Of each batch, a tensor a parameter; None counts as 0.

    Returns:
        The moments; variances are over batches, with n − 1.

    Raises:
        ValueError: There are fewer than two batches.
    """
    mean: list[torch.Tensor] = []
    squares: list[torch.Tensor] = []
    count = 0
    for one in gradients:
        held = [torch.zeros(()) if gradient is None else gradient.detach().float() for gradient in one]
        if not mean:
            mean, squares = [torch.zeros_like(each) for each in held], [torch.zeros_like(each) for each in held]
        count += 1
        for gradient, average, square in zip(held, mean, squares, strict=True):
            change = gradient - average
            average += change / count
            square += change * (gradient - average)
    if count < 2:
        raise ValueError(f"{count} batches: a standard deviation needs two")
    squared = sum(average.square().sum().item() for average in mean)
    variance = sum(square.sum().item() for square in squares) / (count - 1)
    return GradientMoments(squared**0.5, variance**0.5, count)
