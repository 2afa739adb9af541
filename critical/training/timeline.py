"""Timelines: which deficit acts in which epochs.

Epochs are counted from 0. A window is half-open, `[start, end)`: a deficit with `start=0, end=10`
acts in epochs 0 … 9, and epoch 10 is the first clean one. (The authors' code for the multi-view
paper uses `start < epoch < end`; we do not.)
"""

from __future__ import annotations

from dataclasses import dataclass

from critical.core.spec import SpecError
from critical.deficits import Deficit


@dataclass(frozen=True)
class Window:
    """A deficit that acts while `start <= epoch < end`.

    Attributes:
        start: First epoch with the deficit.
        end: First epoch without it (the removal).
        deficit: What acts. With the kind `none` nothing acts, but the
            recovery starts at its end; this is how a dose-matched arm is written.
    """

    start: int
    end: int
    deficit: Deficit

    def __post_init__(self) -> None:
        if self.start < 0:
            raise SpecError(f"deficit.start={self.start}: a window cannot start before epoch 0")
        if self.end <= self.start:
            raise SpecError(
                f"deficit.end={self.end} does not lie after deficit.start={self.start}: the window "
                "[start, end) holds no epoch; raise the end or leave the deficit out"
            )

    def active(self, epoch: int) -> bool:
        """Returns whether the deficit acts in this epoch."""
        return self.start <= epoch < self.end


@dataclass(frozen=True)
class Timeline:
    """The windows of a run and its length.

    Attributes:
        end: Number of epochs of the run; epochs 0 … end − 1 are trained.
        windows: Windows, which may overlap; deficits act in the order given.
    """

    end: int
    windows: tuple[Window, ...] = ()

    def __post_init__(self) -> None:
        if self.end < 1:
            raise SpecError(f"epochs={self.end}: a run needs at least one epoch")
        if self.removal > self.end:
            raise SpecError(
                f"epochs={self.end}: the run ends before its last window does (epoch {self.removal}); "
                "lengthen the run or shorten the window"
            )
        for epoch in range(self.removal):
            dropped = frozenset[str]().union(*(deficit.drops(epoch) for deficit in self.active(epoch)))
            if len(dropped) > 1:
                raise SpecError(
                    f"deficit: epoch {epoch} drops views {' and '.join(sorted(dropped))}, which leaves nothing to "
                    "see; part the windows, or drop either at random by stabilizer=modality_dropout"
                )

    @property
    def removal(self) -> int:
        """The epoch at which the last window ends: where the recovery begins; 0 with no window."""
        return max((window.end for window in self.windows), default=0)

    def active(self, epoch: int) -> tuple[Deficit, ...]:
        """Returns the deficits that act in `epoch`, in order; windows in which nothing acts are left out."""
        return tuple(
            window.deficit
            for window in self.windows
            if window.active(epoch) and window.deficit.name != "none"
        )

    def since_removal(self, epoch: int) -> int | None:
        """Returns the epochs since the last window's end; None before it."""
        return epoch - self.removal if epoch >= self.removal else None
