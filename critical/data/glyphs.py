"""Glyphs: letters A to J on coloured backgrounds, made here, so that figures need no download.

A picture holds one letter in one of several fonts, turned, sheared, scaled and moved, over a smooth random
background, with parts of other letters at both sides and pixel noise. The strokes are fine and the letter is
small, so that blur leaves little to read; `contrast` sets the difficulty.

Everything that touches a pixel is integer arithmetic (see `critical.data.layers`), so the pictures are the
same on every machine; float64 serves only for the parameters of a picture, which are rounded to integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from critical.core.randomness import generator
from critical.core.spec import SpecError
from critical.data.base import DataSpec
from critical.data.images import Dataset, Split
from critical.data.layers import SMALLEST, WHITE, background, opacities, pixel_noise, tinted
from critical.data.outlines import FONTS, LETTERS

_COARSE = 4  # the background is a random field of _COARSE × _COARSE colours, interpolated
_CHUNK = 500  # pictures at once: the working set of one chunk fits a cache


@dataclass(frozen=True, kw_only=True)
class Glyphs(DataSpec):
    """Ten letters in many fonts; 3 channels, classes exactly balanced.

    Attributes:
        resolution: Side in pixels; rendered at this size, not reduced from a larger one.
        contrast: Least distance of the letter's mean grey from that of the background beneath it, in
            (0, 0.9]; each letter adds up to 0.3, as far as black and white allow.
        noise: Standard deviation of the Gaussian pixel noise, in [0, 1].
        train_size: Number of training images to make, a multiple of 10.
        test_size: Number of test images, a multiple of 10.
        fonts: Number of fonts, 1 to 16.
        jitter: Rotation, shear and shift of the letters, as a share of the full ±0.4 rad, ±0.2 and ±0.12
            sides, in [0, 1].
        seed: Of the pictures; test images, and the training images of each draw, have keys of their own.
    """

    name: ClassVar[str] = "glyphs"

    resolution: int = 32
    contrast: float = 0.55
    noise: float = 0.05
    train_size: int = 20_000
    test_size: int = 5_000
    fonts: int = 12
    jitter: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.contrast <= 0.9:
            raise SpecError(f"data={self.name}: contrast={self.contrast}: must lie in (0, 0.9]")
        if not 0 <= self.noise <= 1:
            raise SpecError(f"data={self.name}: noise={self.noise}: must lie in [0, 1]")
        if not 0 <= self.jitter <= 1:
            raise SpecError(f"data={self.name}: jitter={self.jitter}: must lie in [0, 1]")
        if not 1 <= self.fonts <= len(FONTS):
            raise SpecError(f"data={self.name}: fonts={self.fonts}: must lie in 1 … {len(FONTS)}")
        for field in ("train_size", "test_size"):
            size = getattr(self, field)
            if size < 1 or size % len(LETTERS):
                raise SpecError(f"data={self.name}: {field}={size}: must be a positive multiple of {len(LETTERS)}")

    @property
    def generated(self) -> bool:
        """Whether each draw makes new training examples: always."""
        return True

    def full(self, draw: int = 0) -> Dataset:
        """Returns newly made pictures: about 0.1 s a thousand at 32×32 on one thread."""
        return Dataset(
            self._split(f"train {draw}", self.train_size),
            self._split("test", self.test_size),
            tuple(LETTERS),
            "glyphs",
            more=lambda count: self._split(f"unseen {draw}", count),
        )

    def describe(self, train: Split, title: str) -> str:
        """Returns what figures print about the data."""
        side = self.resolution
        return f"{title} {side}×{side} ({len(train):,} images, contrast {self.contrast:g})"

    def _split(self, key: str, size: int) -> Split:
        order = torch.randperm(size, generator=generator(self.seed, "glyphs", key, "order"))
        labels = order % len(LETTERS)
        return Split((render(self, labels, key),), labels)


def render(spec: Glyphs, labels: torch.Tensor, key: str) -> torch.Tensor:
    """Draws one picture for each label.

    Args:
        spec: Resolution, contrast, noise, fonts, jitter and seed.
        labels: int64 class indices in 0 … 9, shape (N,).
        key: Purpose of the pictures. The same labels under another key give other pictures, which is how
            a second view of the same letters is made.

    Returns:
        uint8 (N, 3, resolution, resolution).
    """
    parameters = drawn_parameters(spec, labels, key)
    noise = generator(spec.seed, "glyphs", key, "noise")
    images = torch.empty((len(labels), 3, spec.resolution, spec.resolution), dtype=torch.uint8)
    for start in range(0, len(labels), _CHUNK):
        chunk = {name: value[start : start + _CHUNK] for name, value in parameters.items()}
        opacity = opacities(spec.resolution, spec.fonts, chunk)
        picture = composed(spec, chunk, opacity, beneath=opacity[:, 0])
        if spec.noise:
            picture += pixel_noise(spec.noise, picture.shape, noise)
        images[start : start + _CHUNK] = ((picture + 128) >> 8).clamp_(0, 255).to(torch.uint8)
    return images


def drawn_parameters(spec: Glyphs, labels: torch.Tensor, key: str) -> dict[str, torch.Tensor]:
    """Draws what defines each picture, independently of its resolution.

    Index 0 of the second dimension is the letter, 1 and 2 are the distractors at the left and the right.
    """
    count, draws = len(labels), generator(spec.seed, "glyphs", key, "parameters")

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=draws, dtype=torch.float64)

    others = torch.randint(1, len(LETTERS), (count, 2), generator=draws)
    # Scaling what was drawn, not the range it is drawn from, leaves every other draw as it is.
    jitter = spec.jitter
    x, y = jitter * uniform(-0.12, 0.12, 3), jitter * uniform(-0.12, 0.12, 3)
    # The far part of a distractor's box lies outside the picture, the near part inside.
    x[:, 1:] = x[:, 1:] / 2 + torch.tensor([-0.50, 0.50])
    return {
        "letter": torch.cat([labels[:, None], (labels[:, None] + others) % len(LETTERS)], 1),
        "font": torch.randint(spec.fonts, (count, 3), generator=draws),
        "scale": uniform(SMALLEST, 1, 3),
        "angle": jitter * uniform(-0.4, 0.4, 3),
        "shear": jitter * uniform(-0.2, 0.2, 3),
        "x": x,
        "y": y,
        "field": uniform(-0.35, 0.35, 3, _COARSE, _COARSE),
        "base": uniform(0, 1),
        "gap": uniform(0, 0.3, 3),
        "tint": uniform(-0.3, 0.3, 3, 3),
        "sign": torch.randint(2, (count,), generator=draws) * 2 - 1,
    }


def composed(
    spec: Glyphs, drawn: dict[str, torch.Tensor], opacity: torch.Tensor, beneath: torch.Tensor
) -> torch.Tensor:
    """Puts background, distractors and letter together.

    Args:
        spec: Resolution and contrast.
        drawn: Parameters.
        opacity: Of letter and distractors, int32 (N, 3, R, R) in 0 … 256.
        beneath: Where the background's mean grey leaves room for the contrast, int32 (N, R, R) in 0 … 256.

    Returns:
        The picture without noise, int32 (N, 3, R, R) in 0 … WHITE.
    """
    picture = _beneath(spec, drawn, beneath)
    grey = ((drawn["base"] * (1 - spec.contrast))[:, None] + spec.contrast + drawn["gap"]).clamp_max(1)
    colour = tinted(grey, drawn["tint"])
    for layer in (1, 2, 0):
        alpha = opacity[:, layer, None]
        # 17 bits with sign times 9 bits: fits int32.
        picture = picture + (((colour[:, layer, :, None, None] - picture) * alpha) >> 8)
    # Everything so far is bright on dark; half the pictures are turned over.
    bright = drawn["sign"].view(-1, 1, 1, 1) > 0
    return torch.where(bright, picture, WHITE - picture)


def _beneath(spec: Glyphs, drawn: dict[str, torch.Tensor], letter: torch.Tensor) -> torch.Tensor:
    """Makes dark backgrounds whose mean grey beneath the letter leaves room for the contrast.

    Args:
        spec: Resolution and contrast.
        drawn: Parameters.
        letter: Opacity of the letter, int32 (N, R, R) in 0 … 256.

    Returns:
        int32 (N, 3, R, R) in 0 … WHITE.
    """
    field = background(spec.resolution, drawn["field"])
    # Of the background beneath the letter: mean over pixels (by opacity) and channels.
    weight = letter.long()
    local = (field.sum(1) * weight).sum((1, 2)) // (3 * weight.sum((1, 2))).clamp_min(1)
    # With its sign reversed where the picture will be turned over, so that the field is what was drawn.
    field = (field - local.to(torch.int32).view(-1, 1, 1, 1)) * drawn["sign"].to(torch.int32).view(
        -1, 1, 1, 1
    )
    floor = torch.round(drawn["base"] * (1 - spec.contrast) * WHITE)
    # Scaled so that nothing clips, which would shift the mean.
    room = torch.minimum(
        floor / (-field.amin((1, 2, 3))).clamp_min(1), (WHITE - floor) / field.amax((1, 2, 3)).clamp_min(1)
    )
    factor = torch.floor(room.clamp_max(1) * 256).to(torch.int32).view(-1, 1, 1, 1)
    return floor.to(torch.int32).view(-1, 1, 1, 1) + ((field * factor) >> 8)
