"""Whether values lie in [0, 1], as images here do, and what to do where they do not."""

from __future__ import annotations

import math

import torch

_SLACK = 1e-4  # of rounding


def out_of_range(values: torch.Tensor) -> str:
    """Returns what is wrong with floats that do not lie in [0, 1], and the remedy; nothing where they do.

    Costs a pass over the values, and on a GPU a wait for them.
    """
    if not values.numel():
        return ""
    low, high = (float(end) for end in torch.aminmax(values.detach()))
    if not (math.isfinite(low) and math.isfinite(high)):
        return "values that are not finite; find out where they come from"
    if low >= -_SLACK and high <= 1 + _SLACK:
        return ""
    if low < -_SLACK:
        remedy = "they look normalised: put the normalisation into the network, as its first layer"
    elif high > 2:
        remedy = "divide 0 … 255 by 255 first (torchvision: v2.ToDtype(torch.float32, scale=True))"
    else:
        remedy = "bring them back by clamp(0, 1)"
    return f"values from {low:.3g} to {high:.3g} instead of [0, 1]; {remedy}"
