"""Blurs of several strengths, and windows in which they follow each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from critical.core.spec import SpecError
from critical.deficits import Blur
from critical.deficits.images import shrunk_side
from experiments.design.parameters import Parameters, ascending, spaced
from experiments.design.protocol import Protocol, WindowArms


@dataclass(frozen=True)
class Blurs(Parameters):
    """What a profile may set.

    Attributes:
        lengths: Epochs of the windows, all from epoch 0 on; the longest has an epoch at least for each blur.
        shrinks: Factors by which the sides of images are shrunk before they are enlarged again; at least three,
            so that two can change places before the last blur of vision that sharpens.
    """

    lengths: tuple[int, ...]
    shrinks: tuple[int, ...] = (2, 3, 4, 8)

    def __post_init__(self) -> None:
        ascending(1, lengths=self.lengths)
        ascending(2, 3, shrinks=self.shrinks)

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns evenly spaced windows up to the longest one."""
        return {"lengths": spaced(protocol.longest_window, protocol.points)}

    @property
    def sharpening(self) -> tuple[int, ...]:
        """The factors in the order in which vision sharpens."""
        return self.shrinks[::-1]

    @property
    def shuffled(self) -> tuple[int, ...]:
        """The others in the opposite order: both courses end on the same blur, which alone would tell them apart."""
        return (*self.shrinks[1:], self.shrinks[0])

    def blurs(self, protocol: Protocol) -> dict[int, Blur]:
        """Returns the blurs by factor.

        Raises:
            SpecError: The images are too small for these factors.
        """
        shrinks, side = self.shrinks, protocol.side
        sizes = {shrink: shrunk_side(side, shrink) for shrink in shrinks}
        if shrinks[-1] > side or len(set(sizes.values())) < len(sizes):
            raise SpecError(f"shrinks={list(shrinks)}: of {side} pixels they leave {list(sizes.values())}; give "
                            f"factors up to {side} that leave different numbers")  # fmt: skip
        return {shrink: Blur(size=size) for shrink, size in sizes.items()}


def course(protocol: Protocol, parameters: Blurs, order: tuple[int, ...], words: str) -> WindowArms:
    """Returns the longest window, in which blurs follow each other; each has as many epochs as in any order.

    Raises:
        SpecError: The window has no epoch for each of them.
    """
    lengths, blurs = parameters.lengths, parameters.blurs(protocol)
    if lengths[-1] < len(blurs):
        raise SpecError(f"lengths={list(lengths)}: the longest has no epoch for each of the blurs that follow "
                        f"each other, shrinks={list(blurs)}")  # fmt: skip
    bounds = [lengths[-1] * step // len(blurs) for step in range(len(blurs) + 1)]
    epochs = {shrink: end - start for shrink, (start, end) in zip(parameters.sharpening, pairwise(bounds), strict=True)}
    return protocol.window(0, lengths[-1], deficit=[(blurs[one], epochs[one]) for one in order], blur=words)
