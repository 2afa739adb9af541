"""How fine the filters of a convolution are: the share of their power at high spatial frequencies."""

from __future__ import annotations

import torch

HALF_NYQUIST = 0.25
"""In cycles a pixel; the Nyquist frequency is 0.5."""


def high_frequency_share(filters: torch.Tensor, size: int = 64) -> float:
    """Returns the share of the power of filters at radial frequencies above half the Nyquist frequency.

    The power is that of the discrete Fourier transform of each filter, zero-padded to `size` × `size`, summed over all
    filters and input channels: large filters count for more, and dead ones for nothing. A single pixel, and filters of
    independent random weights in expectation, have a share of 1 − π/16 = 0.80.

    Args:
        filters: (maps, channels, height, width).
        size: Side of the padded filters, at least theirs.

    Returns:
        A number from 0 to 1; NaN where all weights are 0.
    """
    power = torch.fft.fft2(filters.detach().double().cpu(), s=(size, size)).abs().square().sum((0, 1))
    frequency = torch.fft.fftfreq(size, dtype=torch.float64)
    high = torch.hypot(frequency[:, None], frequency[None]) > HALF_NYQUIST
    return float(power[high].sum() / power.sum())
