"""The layers of a glyph picture: smooth backgrounds, letters under affine maps, colours, pixel noise.

Fixed point throughout: grey in 1/256 of a level, opacity in 1/256, geometry in 1/65536 of a mask cell.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.special import ndtri

from critical.data.outlines import FIELD, GRID, LETTERS, letter_masks

WHITE = 255 * 256
"""White in fixed-point grey."""

CAPITAL = 0.60
"""Height of a capital at scale 1, in sides of the picture."""

SMALLEST = 0.55
"""Least scale of a letter; the largest is 1."""

_LEVELS = 3  # of antialiasing, for small, middle and large letters
_NOISE_BITS = 15


def tinted(grey: torch.Tensor, tint: torch.Tensor) -> torch.Tensor:
    """Makes colours of a given mean grey.

    Args:
        grey: In [0, 1], shape (N, 3 layers).
        tint: How far each channel lies from the grey, shape (N, 3 layers, 3 channels); shifted to mean 0 and
            reduced where it would leave [0, 1].

    Returns:
        int32 (N, 3 layers, 3 channels) in 0 … WHITE.
    """
    tint = tint - (tint[..., 0:1] + tint[..., 1:2] + tint[..., 2:3]) / 3
    room = torch.minimum(
        grey / (-tint.amin(-1)).clamp_min(1e-6), (1 - grey) / tint.amax(-1).clamp_min(1e-6)
    ).clamp_max(1)
    return torch.round((grey[..., None] + tint * room[..., None]) * WHITE).clamp_(0, WHITE).to(torch.int32)


def background(resolution: int, field: torch.Tensor) -> torch.Tensor:
    """Interpolates coarse fields (N, 3, k, k) in [-1, 1] bilinearly: int32 (N, 3, R, R), WHITE is 1."""
    coarse = field.shape[-1]
    at = np.arange(resolution) * (coarse - 1) / max(resolution - 1, 1)
    weights = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(coarse)[None]))
    high = np.rint(64 * weights)
    high[:, -1] += 64 - high.sum(1)
    # Integers below 2**24 throughout, which float32 multiplies and adds exactly in any order.
    rows = torch.from_numpy(high).float()
    levels = torch.round(field * 255).float()
    fine = rows @ levels @ rows.T
    return (fine.to(torch.int32) * 256) >> 12


def opacities(resolution: int, fonts: int, drawn: dict[str, torch.Tensor]) -> torch.Tensor:
    """Looks the letters' masks up under their affine maps.

    Args:
        resolution: R, in pixels.
        fonts: How many fonts there are to choose from.
        drawn: For each picture and layer, shape (N, 3): `letter` and `font` (int64), `scale`, `angle`
            (radians), `shear`, and the place of the centre `x`, `y` (sides of the picture, 0 the middle).

    Returns:
        Opacities, int32 (N, 3, R, R) in 0 … 256.
    """
    side = resolution
    middles = SMALLEST + (1 - SMALLEST) * (np.arange(_LEVELS) + 0.5) / _LEVELS
    widths = tuple(max(1, round(GRID / FIELD / (side * CAPITAL * middle))) for middle in middles)
    masks: Any = torch.from_numpy(letter_masks(fonts, widths))
    level = ((drawn["scale"] - SMALLEST) / (1 - SMALLEST) * _LEVELS).long().clamp_(0, _LEVELS - 1)
    first = ((level * fonts + drawn["font"]) * len(LETTERS) + drawn["letter"]) * GRID * GRID

    # From the picture (sides) back to the mask (cells): move, turn, shear, scale.
    cosine, sine = torch.cos(drawn["angle"]), torch.sin(drawn["angle"])
    cells = GRID / FIELD / (CAPITAL * drawn["scale"])
    down = (-sine * cells, cosine * cells)
    across = (cosine * cells - drawn["shear"] * down[0], sine * cells - drawn["shear"] * down[1])
    pixel = (2 * torch.arange(side) + 1 - side).to(torch.int32)
    index = first.to(torch.int32)[..., None, None]
    for (of_x, of_y), stride in ((across, 1), (down, GRID)):
        origin = GRID / 2 - of_x * drawn["x"] - of_y * drawn["y"]
        step_x, step_y, start = (
            torch.round(value * 65536).to(torch.int32)[..., None, None]
            for value in (of_x / (2 * side), of_y / (2 * side), origin)
        )
        at = (start + step_y * pixel[:, None] + step_x * pixel) >> 16
        index = index + at.clamp_(0, GRID - 1) * stride
    values = masks.view(-1).index_select(0, index.reshape(-1)).view(index.shape).to(torch.int32)
    return values + (values >> 7)


def pixel_noise(deviation: float, shape: torch.Size, draws: torch.Generator) -> torch.Tensor:
    """Draws Gaussian noise from a table of quantiles: int32, `deviation` in units of WHITE.

    A table and not `torch.randn`, whose last bits depend on the processor's instruction set.
    """
    size = 1 << _NOISE_BITS
    table = np.rint(ndtri((np.arange(size) + 0.5) / size) * deviation * WHITE).astype(np.int32)
    count = shape.numel()
    # One draw of 31 bits feeds two values.
    bits = torch.empty((count + 1) // 2, dtype=torch.int32).random_(generator=draws)
    index = torch.cat([bits & (size - 1), (bits >> _NOISE_BITS) & (size - 1)])[:count]
    return torch.from_numpy(table).index_select(0, index).view(shape)
