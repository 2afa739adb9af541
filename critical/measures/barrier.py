"""The barrier between two networks: how much worse the networks on the straight line between their weights are.

Two children of one trunk, trained on with different noise, end in one basin where there is none (Frankle, Dziugaite,
Roy and Carbin, *Linear Mode Connectivity and the Lottery Ticket Hypothesis*, ICML 2020; Fort et al., *Deep learning
versus kernel learning*, NeurIPS 2020). Weights in between have other statistics than those that either network has
stored, so that batch normalisation would make a barrier of its own: they are estimated anew at each point (Jordan,
Sedghi, Saukh, Entezari and Neyshabur, *REPAIR*, ICLR 2023, for this case).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import nn

Weights = Mapping[str, torch.Tensor]


def settle(model: nn.Module, batches: Iterable[tuple[torch.Tensor, ...]]) -> None:
    """Estimates the running statistics of batch normalisation anew: the means of those of given batches.

    Args:
        model: Left in evaluation mode.
        batches: Views of examples.
    """
    model.eval()
    for module in model.modules():
        # Nothing else may go by training mode: dropout would draw.
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.reset_running_stats()
            module.momentum = None  # the mean over all batches
            module.train()
    with torch.no_grad():
        for views in batches:
            model(*views)
    model.eval()


def errors_between(
    model: nn.Module,
    first: Weights,
    second: Weights,
    shares: Sequence[float],
    batches: Callable[[], Iterable[tuple[torch.Tensor, ...]]],
    error: Callable[[], float],
) -> list[float]:
    """Returns the error of a network at each of several points between two sets of weights.

    Args:
        model: Takes the weights; it is left with the last of them.
        first: The state of a network of its kind.
        second: Of another one.
        shares: Of the second in each point, in [0, 1].
        batches: Gives the examples on which batch normalisation is settled.
        error: Scores the model as it is.
    """
    found = []
    for share in shares:
        model.load_state_dict({
            name: torch.lerp(value, second[name], share) if value.is_floating_point() else value
            for name, value in first.items()
        })  # fmt: skip
        settle(model, batches())
        found.append(error())
    return found


def barrier(errors: Sequence[float]) -> float:
    """Returns the largest error on the line less the mean of those at its ends, >= 0."""
    return max(errors) - (errors[0] + errors[-1]) / 2
