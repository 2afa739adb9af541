"""Augmentation: small shifts and mirror images, drawn per example and batched on the device.

In the loop it comes before the deficit: the world moves, the eye is blurred.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from critical.core.batch import Batch
from critical.core.spec import SpecError


@dataclass(frozen=True)
class Augmentation:
    """Shifts by up to `shift` pixels in both directions, then a horizontal flip of every second image.

    Source: "shifts up to 4 px, horizontal flips" (Achille et al., ICLR 2019). What moves into view is not
    stated there; the default is black, as in `torchvision.transforms.RandomCrop(size, padding=shift)`.

    Attributes:
        shift: Largest shift in pixels; each of the (2·shift + 1)² shifts is as likely. 0: none.
        flip: Whether images are mirrored with probability ½.
        fill: Colour of what moves into view, in [0, 1]: one number, or one a channel; None repeats the edge.
    """

    name: ClassVar[str] = "shift_flip"
    shift: int = 4
    flip: bool = True
    fill: tuple[float, ...] | None = (0.0,)

    def __post_init__(self) -> None:
        """Refuses negative shifts and impossible colours."""
        if self.shift < 0:
            raise SpecError(f"augmentation: shift={self.shift}; it must be at least 0")
        if self.fill is not None and (not self.fill or min(self.fill) < 0 or max(self.fill) > 1):
            raise SpecError(f"augmentation: fill={self.fill}; give 1 number, or one a channel, in [0, 1]")

    def apply(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Shifts and flips a batch; one draw serves all views of an example.

        Args:
            batch: Views of shape (N, C, H, W) are augmented, others (a question's words) pass unchanged.
            generator: On the CPU, `randomness.generator(seed, "augmentation", epoch)`; the same numbers are
                drawn whatever the views, so data sets of several views see the same shifts.

        Returns:
            The augmented batch; index, labels, shapes, dtypes and devices as before.
        """
        return self.moved(batch, *self.draw(len(batch), generator))

    def draw(self, count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Draws shifts in pixels (2, count) and which examples are mirrored (count,), on the CPU."""
        offsets = torch.randint(-self.shift, self.shift + 1, (2, count), generator=generator)
        mirrored = torch.randint(0, 2, (count,), generator=generator, dtype=torch.bool)
        return offsets, mirrored if self.flip else torch.zeros_like(mirrored)

    def moved(self, batch: Batch, offsets: torch.Tensor, mirrored: torch.Tensor) -> Batch:
        """Returns a batch with its images moved as drawn."""
        return batch.with_views(
            tuple(self._moved(view, offsets, mirrored) if view.dim() == 4 else view for view in batch.views)
        )

    def _moved(self, images: torch.Tensor, offsets: torch.Tensor, mirrored: torch.Tensor) -> torch.Tensor:
        """Gathers output pixel (y, x) from input pixel (y + dy, ±x + dx), off the edge from the border."""
        if self.shift == 0 and not self.flip:
            return images
        channels, height, width = images.shape[1:]
        device, shift = images.device, self.shift
        offsets, mirrored = offsets.to(device), mirrored.to(device)
        rows = torch.arange(height, device=device) + offsets[0, :, None]
        columns = torch.arange(width, device=device)
        columns = torch.where(mirrored[:, None], columns.flip(0), columns) + offsets[1, :, None]
        stride = width
        if self.fill is None or shift == 0:
            rows, columns, source = rows.clamp_(0, height - 1), columns.clamp_(0, width - 1), images
        else:
            source, stride = self._framed(images), width + 2 * shift
            rows, columns = rows + shift, columns + shift
        # One flat gather: three times as fast as indexing with four broadcast tensors.
        pixels = (rows[:, :, None] * stride + columns[:, None, :]).view(-1, 1, height * width)
        moved = source.flatten(2).gather(2, pixels.expand(-1, channels, -1))
        return moved.view(images.shape)

    def _framed(self, images: torch.Tensor) -> torch.Tensor:
        """Puts a border of the fill colour, `shift` pixels wide, around the images."""
        count, channels, height, width = images.shape
        fill, shift = self.fill or (0.0,), self.shift
        if len(fill) not in (1, channels):
            raise SpecError(f"augmentation: fill={fill}: give 1 number, or {channels} (one a channel)")
        framed = images.new_empty(count, channels, height + 2 * shift, width + 2 * shift)
        framed.copy_(torch.tensor(fill, dtype=images.dtype).view(-1, 1, 1))
        framed[..., shift : shift + height, shift : shift + width] = images
        return framed


KINDS: dict[str, type] = {Augmentation.name: Augmentation}
