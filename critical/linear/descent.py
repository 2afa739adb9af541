"""Gradient descent of linear networks on a task that is given by its correlation alone, from small random weights."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from critical.core.randomness import generator
from critical.core.spec import SpecError


def initial_layers(
    shape: tuple[int, int], layers: int, hidden: int, start: float, seeds: Sequence[int]
) -> list[torch.Tensor]:
    """Draws the weights of a linear network: independent normal numbers.

    Of two layers, the part of the weights that grows is the balanced one, (u·W2 + W1·v)/2 for a mode (u, v). Its square
    is the strength from which the closed form begins; with a variance of 2·start/hidden it is `start` in the mean, and
    varies between modes by √(2/hidden) of that. A wide hidden layer makes the directions of modes in it orthogonal.

    Args:
        shape: Outputs and inputs.
        layers: 1 or 2. Of one, weights have the standard deviation `start`.
        hidden: Units of the hidden layer.
        start: Mean strength of a mode.
        seeds: A network each.

    Returns:
        float64, from the input on, each (seeds, units above, units below).

    Raises:
        SpecError: Another number of layers.
    """
    outputs, inputs = shape
    if layers not in (1, 2):
        raise SpecError(f"layers={layers}: 1 or 2")
    sizes = [inputs, hidden, outputs] if layers == 2 else [inputs, outputs]
    deviation = math.sqrt(2 * start / hidden) if layers == 2 else start
    drawn = []
    for number, (below, above) in enumerate(itertools.pairwise(sizes)):
        each = [torch.randn(above, below, dtype=torch.float64, generator=generator(seed, "linear", str(number)))
                for seed in seeds]  # fmt: skip
        drawn.append(deviation * torch.stack(each))
    return drawn


def descend(correlation: ArrayLike, layers: Sequence[torch.Tensor], rate: float, steps: int) -> NDArray[np.float64]:
    """Trains linear networks by full-batch gradient descent on the mean squared error, at unit covariance of inputs.

    A step changes a layer by rate·(layers above)ᵀ (Σyx − product) (layers below)ᵀ, so `step` is time step·rate in the
    units of `critical.linear.modes`. Any number of layers will do.

    Args:
        correlation: Σyx, shape (outputs, inputs).
        layers: The weights, as `initial_layers` draws them; they are not changed.
        rate: Learning rate.
        steps: How many.

    Returns:
        Shape (steps + 1, seeds, outputs, inputs): the product of the layers before each step and after the last.
    """
    task, held, seen = torch.as_tensor(np.asarray(correlation, dtype=np.float64)), list(layers), []
    for step in range(steps + 1):
        below = [held[0]]
        for layer in held[1:]:
            below.append(layer @ below[-1])
        seen.append(below[-1])
        if step == steps:
            break
        error = task - below[-1]
        changed: list[torch.Tensor] = []
        for number in reversed(range(len(held))):
            gradient = error @ below[number - 1].mT if number else error
            changed.insert(0, held[number] + rate * gradient)
            error = held[number].mT @ error
        held = changed
    return torch.stack(seen).numpy()
