"""Moving letters: two frames, and the class is the direction of the motion, which no frame tells by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from critical.core.randomness import generator
from critical.core.spec import SpecError
from critical.data.glyphs import Glyphs, composed, drawn_parameters
from critical.data.images import Dataset, Split
from critical.data.layers import opacities, pixel_noise
from critical.data.outlines import LETTERS

DIRECTIONS = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}
"""Class → its direction, in rows and columns."""


@dataclass(frozen=True, kw_only=True)
class MovingGlyphs(Glyphs):
    """View a: a letter on a background; view b: the letter moved by `step` pixels; the class is the direction.

    Letters, their fonts, sizes and colours say nothing about the direction. Nor do places: the letter's is uniform, and
    what leaves at a side comes in at the opposite one, so either frame by itself has the same law whatever the
    direction. The background stays; pixel noise is drawn anew. There are no distractors. The fields are those of
    `Glyphs`, whose contrast is to the mean of the whole background here; sizes are multiples of 10 there, of 4 here as
    well.

    Attributes:
        step: Pixels that the letter moves, at least 1 and less than half of `resolution` (half would make left right).
    """

    name: ClassVar[str] = "moving_glyphs"

    resolution: int = 12
    contrast: float = 0.6
    noise: float = 0.05
    fonts: int = 7
    train_size: int = 4_000
    test_size: int = 2_000
    step: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.step < self.resolution / 2:
            raise SpecError(f"data={self.name}: step={self.step}: at least 1 pixel, and less than half of "
                            f"resolution={self.resolution}")  # fmt: skip
        for field in ("train_size", "test_size"):
            size = getattr(self, field)
            if size % len(DIRECTIONS):
                raise SpecError(f"data={self.name}: {field}={size}: must be a multiple of {len(DIRECTIONS)}")

    def full(self, draw: int = 0) -> Dataset:
        """Returns newly made pairs of frames."""
        return replace(super().full(draw), classes=tuple(DIRECTIONS), label="moving letters")

    def describe(self, train: Split, title: str) -> str:
        """Returns what figures print about the data."""
        return f"{title} {self.resolution}×{self.resolution} ({len(train):,} pairs, contrast {self.contrast:g})"

    def _split(self, key: str, size: int) -> Split:
        draws = generator(self.seed, "moving glyphs", key)
        labels = torch.randperm(size, generator=draws) % len(DIRECTIONS)
        letters = torch.randint(len(LETTERS), (size,), generator=draws)
        start = torch.randint(self.resolution, (size, 2), generator=draws)
        end = start + self.step * torch.tensor(list(DIRECTIONS.values()))[labels]
        parameters = drawn_parameters(self, letters, f"{key} moving")
        views = []
        for frame, place in (("first", start), ("second", end)):
            noise = pixel_noise(self.noise, torch.Size((size, 3, self.resolution, self.resolution)),
                                generator(self.seed, "moving glyphs", key, frame))  # fmt: skip
            picture = frames(self, parameters, place) + noise
            views.append(((picture + 128) >> 8).clamp_(0, 255).to(torch.uint8))
        return Split(tuple(views), labels)


def frames(spec: Glyphs, parameters: dict[str, torch.Tensor], place: torch.Tensor) -> torch.Tensor:
    """Draws letters at places, without noise.

    Args:
        spec: Resolution, contrast and fonts.
        parameters: As `critical.data.glyphs.drawn_parameters` draws them.
        place: int64 (N, 2): rows and columns that the letter is moved by from where it is drawn, modulo the resolution.

    Returns:
        int32 (N, 3, R, R), 255·256 is white.
    """
    side = spec.resolution
    still = opacities(side, spec.fonts, parameters)
    rows, columns = ((torch.arange(side) - place[:, axis, None]) % side for axis in (0, 1))
    letter = still[torch.arange(len(place))[:, None, None], 0, rows[:, :, None], columns[:, None]]
    opacity = torch.stack((letter, torch.zeros_like(letter), torch.zeros_like(letter)), dim=1)
    # The background beneath the letter would tell where it lies in the other frame.
    return composed(spec, parameters, opacity, beneath=torch.full_like(letter, 256))
