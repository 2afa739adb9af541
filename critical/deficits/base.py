"""What all deficits share: the module that is a spec, and what its draws may depend on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from critical.core.batch import Batch
from critical.core.counter_noise import uniform
from critical.core.randomness import derived_seed
from critical.core.spec import SpecError


@dataclass(frozen=True)
class Draw:
    """What a random deficit may depend on: seed, epoch, positions (N,) of the examples, view number."""

    seed: int
    epoch: int | None
    index: torch.Tensor | None
    view: int = 0

    def key(self, name: str, resample: bool) -> int:
        """Returns the key of a random draw; it includes the epoch if the deficit is resampled.

        Raises:
            SpecError: If the deficit is resampled and no epoch was given.
        """
        if resample and self.epoch is None:
            raise SpecError(f"deficit={name}: is drawn anew each epoch; pass epoch=…")
        when = self.epoch if resample and self.epoch is not None else "fixed"
        return derived_seed(self.seed, name, self.view, when)

    def uniform(self, name: str, resample: bool, images: torch.Tensor, count: int) -> torch.Tensor:
        """Draws `count` numbers in [0, 1) for each image.

        Args:
            name: The deficit, part of the key.
            resample: Whether they are drawn anew each epoch.
            images: Or labels: what there is one of for each example, shape (N, ...).
            count: Numbers per example.

        Returns:
            float32, shape (N, count), on the images' device. Without an index, resampled numbers come from
            torch's global generator, as in torchvision's transforms.

        Raises:
            SpecError: If the numbers are fixed per example and no index was given.
        """
        if self.index is None:
            if not resample:
                raise SpecError(f"deficit={name}: is fixed per example; pass index=… or take resample=True")
            return torch.rand(len(images), count, device=images.device)
        return uniform(self.key(name, resample), self.index.to(images.device), count)


class Deficit(nn.Module):
    """What all deficits share. A kind overrides `change_images`, `change_labels` or `change_batch`.

    `needs_heads` says that its targets belong to one view each, so the network must have heads for them.
    """

    name: ClassVar[str]
    changes_labels: ClassVar[bool] = False
    needs_heads: ClassVar[bool] = False
    by_turns: ClassVar[bool] = False
    """Whether the number of the epoch says what it does, and not only what it draws."""

    def __post_init__(self) -> None:
        """Makes the dataclass a module, then checks its values."""
        # The generated __init__ has set the fields already. nn.Module allows that before its own
        # __init__ for plain values, which is all a spec holds, and its __init__ leaves them alone.
        nn.Module.__init__(self)
        self.check()

    def __setattr__(self, key: str, value: Any) -> None:
        """Refuses to change a setting: the identity of runs hangs on it (a module cannot be frozen)."""
        if "training" in self.__dict__ and key in getattr(self, "__dataclass_fields__", ()):
            raise dataclasses.FrozenInstanceError(f"deficit={self.name}: '{key}' is fixed; build another")
        super().__setattr__(key, value)

    def check(self) -> None:
        """Raises SpecError (one line) where a setting is impossible."""

    def removes(self, epoch: int) -> frozenset[str]:
        """Returns the names of the views that are absent in this epoch for every example."""
        return frozenset()

    def drops(self, epoch: int) -> frozenset[str]:
        """Returns the names of the views that may be absent in this epoch, for some examples or all."""
        return self.removes(epoch)

    def acts_on(self, batch: Batch) -> range:
        """Returns the positions of the views that `change_images` is to change: all of them.

        Raises:
            SpecError: The deficit cannot act on such views.
        """
        return range(len(batch.views))

    def check_range(self, images: torch.Tensor) -> None:
        """Raises SpecError (one line) where the deficit wants images in [0, 1] and these are not."""

    def change_images(self, images: torch.Tensor, draw: Draw) -> torch.Tensor:
        """Returns the deficient images, (N, C, H, W) in [0, 1], same dtype and device."""
        return images

    def change_labels(self, labels: torch.Tensor, draw: Draw) -> torch.Tensor:
        """Returns the deficient labels, int64 (N,)."""
        return labels

    def forward(
        self,
        images: torch.Tensor,
        labels: torch.Tensor | int | None = None,
        *,
        index: torch.Tensor | int | None = None,
        seed: int = 0,
        epoch: int | None = None,
    ) -> Any:
        """Applies the deficit to a batch or to one image.

        Args:
            images: Floats in [0, 1], (N, C, H, W) or (C, H, W).
            labels: int64 (N,), or one int for one image.
            index: Positions of the examples in their split, like `labels`; needed by what is fixed per
                example. What is resampled draws from torch's global generator without it.
            seed: Seed of the run.
            epoch: Epoch, needed by what is drawn anew each epoch.

        Returns:
            The images, or `(images, labels)` if labels were given; shapes, dtype and device as given.

        Raises:
            SpecError: Not a float image, values out of [0, 1], or something the deficit needs was not passed.
        """
        if not isinstance(images, torch.Tensor):
            raise SpecError(f"deficit={self.name}: needs image tensors, got {type(images).__name__}")
        if not images.is_floating_point() or images.dim() not in (3, 4):
            got = f"{images.dtype} {tuple(images.shape)}"
            raise SpecError(f"deficit={self.name}: needs floats (N, C, H, W) or (C, H, W), got {got}")
        if self.changes_labels and labels is None:
            raise SpecError(f"deficit={self.name}: changes labels; pass (images, labels)")
        self.check_range(images)
        single = images.dim() == 3
        where = None if index is None else torch.as_tensor(index, device=images.device).reshape(-1)
        draw = Draw(seed, epoch, where)
        changed = self.change_images(images[None] if single else images, draw)
        changed = changed[0] if single else changed
        if labels is None:
            return changed
        if not self.changes_labels:
            return changed, labels
        given = torch.as_tensor(labels)
        target = self.change_labels(given.reshape(-1), draw).reshape(given.shape)
        return changed, target if isinstance(labels, torch.Tensor) else int(target)

    def apply(  # type: ignore[override]
        self, batch: Batch, *, seed: int = 0, epoch: int | None = None
    ) -> Batch:
        """Applies the deficit to the views (and the labels) of a batch; what the loop calls.

        Args:
            batch: The augmented batch.
            seed: Seed of the run.
            epoch: Current epoch, from 0.

        Returns:
            The deficient batch.

        Raises:
            SpecError: The deficit cannot act on such a batch, or needs the epoch.
        """
        if not isinstance(batch, Batch):
            # `nn.Module.apply(function)` of a network that holds a deficit walks through here.
            return super().apply(batch)
        return self.change_batch(batch, Draw(seed, epoch, batch.index))

    def change_batch(self, batch: Batch, draw: Draw) -> Batch:
        """Returns the deficient batch: `change_images` for each view it acts on, then `change_labels`."""
        views = list(batch.views)
        for number in self.acts_on(batch):
            self.check_range(views[number])
            views[number] = self.change_images(views[number], dataclasses.replace(draw, view=number))
        batch = batch.with_views(tuple(views))
        return batch.with_labels(self.change_labels(batch.labels, draw)) if self.changes_labels else batch
