"""Probe of how well a network sees through blur and noise that grow rung by rung."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from critical.core.spec import SpecError
from critical.deficits.base import Draw
from critical.deficits.images import Blur, ImageDeficit, shrunk_side
from critical.probes.base import Probe, ProbeContext, evaluate


@dataclass(frozen=True)
class Ladders(Probe):
    """Accuracy on test images that are blurred, and on ones with Gaussian noise, of several strengths each.

    The noise of a test image depends on the run's seed and its place alone, and is scaled from rung to rung, so that
    the networks of a seed are scored on the same images, after whichever epoch.

    Attributes:
        blurs: Factors by which the shorter side is shrunk before it is enlarged again, each at least 2.
        noises: Standard deviations of what is added to pixels in [0, 1], which are clipped there again.
    """

    name: ClassVar[str] = "ladders"
    blurs: tuple[int, ...] = (2, 3, 4, 8)
    noises: tuple[float, ...] = (0.05, 0.1, 0.2, 0.4)

    def __post_init__(self) -> None:
        super().__post_init__()
        for rungs, least in ((self.blurs, 2), (self.noises, 0)):
            if not rungs or list(rungs) != sorted(set(rungs)) or rungs[0] < least or rungs[0] == 0:
                raise SpecError(f"probe ladders: blurs={list(self.blurs)}, noises={list(self.noises)}; ascending "
                                "factors from 2 on, and ascending standard deviations above 0")  # fmt: skip

    def measure(self, context: ProbeContext) -> dict[str, Any]:
        """Returns `accuracy_blur/<factor>`, `accuracy_noise/<s.d.>`, and their means over the rungs.

        The means are `accuracy_blurred` and `accuracy_noisy`; all are in percent.
        """
        side = min(context.dataset.view_shapes[0][-2:])
        blurred = {f"blur/{factor}": Blur(size=shrunk_side(side, factor)) for factor in self.blurs}
        noisy = {f"noise/{level:g}": _Gaussian(level=level) for level in self.noises}
        row: dict[str, Any] = {}
        for mean, rungs in (("accuracy_blurred", blurred), ("accuracy_noisy", noisy)):
            scored = {f"accuracy_{rung}": evaluate(context, context.dataset.test, (held,))[0]
                      for rung, held in rungs.items()}  # fmt: skip
            row |= {**scored, mean: sum(scored.values()) / len(scored)}
        return row


@dataclass(eq=False)
class _Gaussian(ImageDeficit):
    """Gaussian noise on each pixel, fixed per example."""

    name: ClassVar[str] = "gaussian"
    level: float = 0.1

    def change_images(self, images: torch.Tensor, draw: Draw) -> torch.Tensor:
        """Returns the noisy images: Box and Muller's transform of uniform numbers."""
        pixels = images.shape[1:].numel()
        radius, angle = draw.uniform(self.name, False, images, 2 * pixels).split(pixels, dim=1)
        normal = (-2 * torch.log1p(-radius)).sqrt() * torch.cos(2 * math.pi * angle)
        return (images + self.level * normal.view(images.shape).to(images.dtype)).clamp(0, 1)
