"""The network of a run before any training, for probes that ask what training gave."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from critical.core.spec import SpecError
from critical.probes.base import ProbeContext


def untrained(context: ProbeContext, name: str, settle: Callable[[nn.Module], object]) -> nn.Module:
    """Returns the network with the initial weights of this very run, in evaluation mode.

    Batch normalisation is built with mean 0 and variance 1, with which no training step ever sees a network; it is
    settled first.

    Args:
        context: Its run.
        name: The probe, for the message.
        settle: Passes examples through the network; batch normalisation keeps the average of their means and variances.

    Raises:
        SpecError: Nobody can make the initial network.
    """
    if context.initial is None:
        raise SpecError(f"probe {name}: untrained=True needs the initial network; measure from the training loop")
    model = context.initial().eval()
    for module in model.modules():
        # Nothing else may go by training mode: dropout would draw.
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
            module.reset_running_stats()
            module.momentum = None  # the mean over all passes
            module.train()
    settle(model)
    return model.eval()
