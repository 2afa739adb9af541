"""Deficits of the eye: what changes the images."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F

from critical.core.batch import VIEWS, Batch, view_number
from critical.core.ranges import out_of_range
from critical.core.spec import SpecError, added
from critical.deficits.base import Deficit, Draw

CALLS_LOOKED_AT = 16
"""In as many calls a deficit looks at the range of its images; to look in all would cost a wait for the GPU in each."""


def shrunk_side(side: int, factor: int) -> int:
    """Returns the whole pixels, at least one, to which a side shrinks by a factor that need not divide it."""
    return max(1, round(side / factor))


@dataclass(eq=False)
class NoDeficit(Deficit):
    """Nothing: the window of the dose-matched arm."""

    name: ClassVar[str] = "none"


@dataclass(eq=False, kw_only=True)
class ImageDeficit(Deficit):
    """What changes images: those of every view, or of one (the other eye is healthy).

    A tensor that is passed by itself, outside a batch, is changed whatever `view` says. Draws are keyed by
    the view, so a view looks the same whether it alone is deficient or both are.

    Attributes:
        view: `a`, `b`, or None for all views.
    """

    signals: ClassVar[bool] = False
    """Whether a signal (N, C, L) can have the deficit, too."""
    view: str | None = added(None, neutral=None)

    def __post_init__(self) -> None:
        """Refuses a view that there is not."""
        super().__post_init__()
        if self.view is not None:
            view_number(self.view, f"deficit={self.name}")

    def check_range(self, images: torch.Tensor) -> None:
        """Refuses images that are not in [0, 1], in the first calls of this object: what it is given seldom changes.

        Raises:
            SpecError: They are normalised, say, or 0 … 255.
        """
        looked = self.__dict__.get("_looked", 0)
        if looked < CALLS_LOOKED_AT and not torch.compiler.is_compiling():
            if wrong := out_of_range(images):
                raise SpecError(f"deficit={self.name}: the images have {wrong}")
            self._looked = looked + 1

    def acts_on(self, batch: Batch) -> range:
        """Returns the positions of the views to change.

        Raises:
            SpecError: A view is named and the batch has only one, or a view to change is no image.
        """
        where, chosen = f"deficit={self.name}", range(len(batch.views))
        if self.view is not None:
            number = view_number(self.view, where)
            if len(batch.views) != len(VIEWS):
                raise SpecError(f"{where}: view={self.view}: the data have {len(batch.views)} view, not two; "
                                "leave view out (null), or choose other data")  # fmt: skip
            chosen = range(number, number + 1)
        for number in chosen:
            shape = tuple(batch.views[number].shape)
            if len(shape) != 4 and not (self.signals and len(shape) == 3):
                raise SpecError(f"{where}: view {VIEWS[number]} is a signal {shape}, not images (N, C, H, W); "
                                "set view=… to the one that holds images, or choose another deficit")  # fmt: skip
        return chosen


@dataclass(eq=False)
class Blur(ImageDeficit):
    """Images are shrunk and enlarged again: the cataract of ICLR 2019 (32 → 8 → 32, bilinear).

    The way down is antialiased by default: plain bilinear shrinking by 4 looks at 4 of 16 pixels, so
    it folds high frequencies into low ones instead of removing them. Which of the two a published
    number used depends on its library: PIL always antialiases, torchvision does on tensors since 0.17
    only. The way up is plain bilinear, where antialiasing changes nothing.

    Attributes:
        factor: The image is shrunk by this; its sides must be multiples. Neither given: 4.
        size: The shorter side after shrinking, in pixels, instead of `factor`.
        antialias: Whether the way down is antialiased.
    """

    name: ClassVar[str] = "blur"
    factor: int | None = None
    size: int | None = None
    antialias: bool = True

    def __post_init__(self) -> None:
        """Fills in the paper's factor, so that settings always say which of the two counts."""
        if self.factor is None and self.size is None:
            self.factor = 4
        super().__post_init__()

    def check(self) -> None:
        """Raises SpecError for both or impossible sizes."""
        if self.factor is not None and self.size is not None:
            raise SpecError(f"deficit=blur: factor={self.factor} and size={self.size}; give one of them")
        if self.factor is not None and self.factor < 2:
            raise SpecError(f"deficit=blur: factor={self.factor} does nothing; it must be at least 2")
        if self.size is not None and self.size < 1:
            raise SpecError(f"deficit=blur: size={self.size}; it must be at least 1 pixel")

    def shrunk(self, height: int, width: int) -> tuple[int, int]:
        """Returns the (height, width) between shrinking and enlarging.

        Raises:
            SpecError: If the images have no such smaller size.
        """
        shorter = min(height, width)
        if self.size is not None:
            if self.size >= shorter:
                raise SpecError(f"deficit=blur: size={self.size} does nothing to {height}×{width}; lower it")
            return round(height * self.size / shorter), round(width * self.size / shorter)
        factor = self.factor or 4
        if height % factor or width % factor:
            raise SpecError(f"deficit=blur: factor={factor} does not divide {height}×{width}; use size=…")
        return height // factor, width // factor

    def change_images(self, images: torch.Tensor, draw: Draw) -> torch.Tensor:
        """Returns the blurred images."""
        whole = images.shape[-2:]
        small = F.interpolate(images, self.shrunk(*whole), mode="bilinear", antialias=self.antialias)
        # Both steps are convex combinations; only rounding can leave [0, 1].
        return F.interpolate(small, whole, mode="bilinear").clamp_(0, 1)


@dataclass(eq=False)
class Noise(ImageDeficit):
    """Every image is replaced by uniform noise in [0, 1): nothing is to be seen, labels stay.

    Attributes:
        resample: False: each example (and view) has one noise image for good, so labels can be
            learnt by heart; True: a new one each epoch.
    """

    name: ClassVar[str] = "noise"
    signals: ClassVar[bool] = True
    resample: bool = False

    def change_images(self, images: torch.Tensor, draw: Draw) -> torch.Tensor:
        """Returns the noise images."""
        pixels = draw.uniform(self.name, self.resample, images, images.shape[1:].numel())
        return pixels.view(images.shape).to(images.dtype)


@dataclass(eq=False)
class VerticalFlip(ImageDeficit):
    """Images are upside down: a high-level deficit that leaves local statistics alone (ICLR 2019)."""

    name: ClassVar[str] = "vertical_flip"

    def change_images(self, images: torch.Tensor, draw: Draw) -> torch.Tensor:
        """Returns the images with rows reversed."""
        return images.flip(-2)


@dataclass(eq=False)
class Inversion(ImageDeficit):
    """Images are negatives: 1 - x."""

    name: ClassVar[str] = "inversion"
    signals: ClassVar[bool] = True

    def change_images(self, images: torch.Tensor, draw: Draw) -> torch.Tensor:
        """Returns the negatives."""
        return 1 - images


@dataclass(eq=False)
class Occlusion(ImageDeficit):
    """A square patch hides part of each image: filled, per channel, with the mean of that image.

    Attributes:
        side: Side of the patch as a share of the shorter side of the image, in (0, 1).
        central: Whether the patch sits in the middle; otherwise its place is drawn per example.
        resample: Whether the place is drawn anew each epoch; the views of an example share it.
    """

    name: ClassVar[str] = "occlusion"
    side: float = 0.5
    central: bool = False
    resample: bool = False

    def check(self) -> None:
        """Raises SpecError for an impossible patch."""
        if not 0 < self.side < 1:
            raise SpecError(f"deficit=occlusion: side={self.side}; it must lie between 0 and 1")
        if self.central and self.resample:
            raise SpecError("deficit=occlusion: a central patch has one place; leave out central or resample")

    def change_images(self, images: torch.Tensor, draw: Draw) -> torch.Tensor:
        """Returns the images with their patches."""
        height, width = images.shape[-2:]
        side = round(self.side * min(height, width))
        if not 0 < side < min(height, width):
            raise SpecError(f"deficit=occlusion: side={self.side} is {side} px of {height}×{width}")
        room = torch.tensor([height - side + 1, width - side + 1], device=images.device)
        if self.central:
            corner = ((room - 1) // 2).expand(len(images), 2)
        else:
            shared = dataclasses.replace(draw, view=0)
            # In double precision: rounding a product in single precision may reach `room` itself.
            corner = (shared.uniform(self.name, self.resample, images, 2).double() * room).long()
        rows = torch.arange(height, device=images.device) - corner[:, :1]
        columns = torch.arange(width, device=images.device) - corner[:, 1:]
        inside_rows, inside_columns = ((at >= 0) & (at < side) for at in (rows, columns))
        hidden = inside_rows[:, None, :, None] & inside_columns[:, None, None, :]
        return torch.where(hidden, images.mean((-2, -1), keepdim=True), images)
