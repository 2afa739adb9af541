"""Unlike modalities: a picture and a one-dimensional signal of the same class."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from critical.core.spec import SpecError
from critical.data.glyphs import Glyphs
from critical.data.images import Dataset, Split
from critical.data.signals import TEMPLATES, signals


@dataclass(frozen=True, kw_only=True)
class ImageAndSignal(Glyphs):
    """View a: a letter as `glyphs` draws it, (3, R, R); view b: a signal of its class, (1, L).

    They agree in the class and in nothing else, so either says something about the other only through the
    class. The fields are those of `Glyphs` and two more.

    Attributes:
        signal_length: Points of a signal, at least 12.
        signal_noise: Standard deviation of its noise in units of the templates (±6), at least 0: sets which of
            the modalities is the easier one.
    """

    name: ClassVar[str] = "image_and_signal"

    resolution: int = 12
    contrast: float = 0.6
    noise: float = 0.08
    fonts: int = 7
    train_size: int = 4_000
    test_size: int = 2_000
    signal_length: int = 40
    signal_noise: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.signal_length < TEMPLATES.shape[1]:
            raise SpecError(f"data={self.name}: signal_length={self.signal_length}: at least {TEMPLATES.shape[1]}")
        if not self.signal_noise >= 0:
            raise SpecError(f"data={self.name}: signal_noise={self.signal_noise}: cannot be negative")

    def full(self, draw: int = 0) -> Dataset:
        """Returns newly made pairs."""
        return replace(super().full(draw), label="letters and signals")

    def describe(self, train: Split, title: str) -> str:
        """Returns what figures print about the data."""
        return (
            f"{title} ({len(train):,} pairs: {self.resolution}×{self.resolution} pixels of contrast "
            f"{self.contrast:g}, {self.signal_length} points of noise {self.signal_noise:g})"
        )

    def _split(self, key: str, size: int) -> Split:
        image = super()._split(key, size)
        signal = signals(image.labels, self.signal_length, self.signal_noise, self.seed, key)
        return Split((*image.views, signal), image.labels)
