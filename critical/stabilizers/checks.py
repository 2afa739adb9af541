"""What the kinds of stabilisers have in common: bounds of their settings, and trainable parameters."""

from __future__ import annotations

import math

from torch import nn

from critical.core.spec import SpecError


def check_bounds(stabilizer: str, field: str, value: float, high: float = math.inf) -> None:
    """Refuses a setting that does not lie in [0, `high`], or is not finite.

    Raises:
        SpecError: One line that names stabiliser and field.
    """
    if not (0 <= value <= high and math.isfinite(value)):
        bounds = "finite and at least 0" if high == math.inf else f"in [0, {high:g}]"
        raise SpecError(f"stabilizer={stabilizer}: {field}={value:g}; it must be {bounds}")


def trainable(module: nn.Module) -> list[nn.Parameter]:
    """Returns the parameters that require a gradient, each once, in order of definition."""
    return [parameter for parameter in module.parameters() if parameter.requires_grad]
