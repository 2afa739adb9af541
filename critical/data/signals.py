"""One-dimensional signals of ten classes, in the manner of MNIST-1D.

Source of the recipe: Greydanus and Kobak, *Scaling Down Deep Learning with MNIST-1D* (arXiv 2011.14439): a template
of 12 points a class is padded, scaled, sheared and moved, noise is added, and the result is interpolated to
40 points. The templates, the ranges and the code are ours.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from critical.core.randomness import generator

TEMPLATES = torch.tensor(
    [
        [0.0, 3.0, 5.0, 6.0, 6.0, 5.0, 3.0, 0.0, -3.0, -5.0, -3.0, 0.0],
        [0.0, -2.0, -4.0, -2.0, 2.0, 5.0, 6.0, 5.0, 2.0, 0.0, -1.0, 0.0],
        [5.0, 5.0, 4.0, 2.0, -1.0, -4.0, -5.0, -4.0, -1.0, 2.0, 4.0, 5.0],
        [0.0, 5.0, 0.0, -5.0, 0.0, 5.0, 0.0, -5.0, 0.0, 5.0, 0.0, -5.0],
        [-5.0, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        [6.0, 1.0, -2.0, -3.0, -2.0, 0.0, 0.0, 1.0, 3.0, 4.0, 2.0, -4.0],
        [0.0, 0.0, 1.0, 6.0, 1.0, 0.0, 0.0, 1.0, 6.0, 1.0, 0.0, 0.0],
        [4.0, 4.0, 4.0, 4.0, -4.0, -4.0, -4.0, -4.0, 4.0, 4.0, 4.0, 4.0],
        [-4.0, 2.0, 5.0, 3.0, -1.0, -2.0, 1.0, 4.0, 3.0, -2.0, -5.0, -3.0],
        [0.0, 0.0, -3.0, -6.0, -3.0, 0.0, 3.0, 6.0, 3.0, 0.0, 0.0, 0.0],
    ],
    dtype=torch.float64,
)
"""A line a class, 12 points each, in arbitrary units of about ±6."""

_RANGE = 10.0  # ± this is mapped to [0, 1]; with the default noise next to nothing is clipped


def signals(labels: torch.Tensor, length: int, noise: float, seed: int, key: str) -> torch.Tensor:
    """Makes a signal for each label.

    Args:
        labels: int64 class indices in 0 … 9, shape (N,).
        length: Points of a signal, at least 12.
        noise: Standard deviation of the smooth and of the white noise, each, in units of the templates (±6).
        seed: Of the signals.
        key: Purpose (`train`, `test`): the same labels under another key give other signals.

    Returns:
        float32 (N, 1, length) in [0, 1]; a template's 0 is at 0.5.
    """
    count, draws = len(labels), generator(seed, "signals", key)

    def uniform(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(count, 1, generator=draws, dtype=torch.float64)

    points = TEMPLATES.shape[1]
    padded = functional.pad(TEMPLATES[labels], (points // 3, points // 3))
    # Where each point of the result looks in the padded template: about the middle, stretched and moved.
    place = torch.linspace(-1, 1, length, dtype=torch.float64)[None, :] * uniform(0.75, 1.0) + uniform(-0.2, 0.2)
    at = ((place + 1) / 2 * (padded.shape[1] - 1)).clamp(0, padded.shape[1] - 1)
    left = at.floor().long().clamp_max(padded.shape[1] - 2)
    share = at - left
    drawn = padded.gather(1, left) * (1 - share) + padded.gather(1, left + 1) * share
    drawn = drawn * uniform(0.8, 1.2) + uniform(-1.5, 1.5) * torch.linspace(-1, 1, length, dtype=torch.float64)
    smooth = torch.randn(count, 1, length // 4, generator=draws, dtype=torch.float64)
    smooth = functional.interpolate(smooth, length, mode="linear", align_corners=True)[:, 0]
    white = torch.randn(count, length, generator=draws, dtype=torch.float64)
    values = drawn + noise * (smooth + white)
    return (values / (2 * _RANGE) + 0.5).clamp(0, 1).to(torch.float32)[:, None]
