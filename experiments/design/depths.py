"""Networks of several depths, at one width and at equal numbers of parameters; the shallowest and the deepest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from critical.core.spec import SpecError
from critical.inference.arms import Contrast
from critical.models import AllCNN, SplitAllCNN
from experiments.design.contrasts import WindowArms, cost
from experiments.design.parameters import ManyRemovals, TwoRemovals, ascending, at_least, positive
from experiments.design.protocol import Protocol

Network = TypeVar("Network", AllCNN, SplitAllCNN)

SAME, EQUAL = "same width", "equal parameters"
"""What networks have in common with the one of middle depth."""

PAIRS = {SAME: ("shallow", "deep"), EQUAL: ("wide", "thin")}
"""The words by which ids of claims call the shallowest and the deepest network."""

NAMES = {"shallow": "shallow", "deep": "deep", "wide": "shallow, wide", "thin": "deep, thin"}
"""The same in sentences."""


@dataclass(frozen=True)
class Depths(TwoRemovals):
    """Parameters of a figure of All-CNNs.

    Attributes:
        depths: Numbers of 3×3 layers; ascending. Widths follow from the one in the middle.
    """

    depths: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        ascending(3, 2, depths=self.depths)

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns the shortest and the longest removal, and the paper's network between two others."""
        return {**TwoRemovals.defaults(protocol), "depths": (3, 7, 11)}


@dataclass(frozen=True)
class Blocks(ManyRemovals):
    """Parameters of a figure of networks of two streams.

    Attributes:
        blocks: Numbers of blocks of a stream; ascending, two at least. Widths follow from the one in the middle.
        width: Maps of the first layer where all networks have one width.
        constant_rate: The learning rate.
        recovery: Clean epochs after the removal.
    """

    blocks: tuple[int, ...]
    width: int
    constant_rate: float
    recovery: int

    def __post_init__(self) -> None:
        super().__post_init__()
        ascending(1, 2, blocks=self.blocks)
        at_least(1, width=self.width, recovery=self.recovery)
        positive(constant_rate=self.constant_rate)

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns the paper's numbers of blocks, the profile's width, and a rate chosen by clean runs in `quick`."""
        model = protocol.parts.model
        width = model.width if isinstance(model, SplitAllCNN) else SplitAllCNN.width
        return {**ManyRemovals.defaults(protocol), "blocks": (1, 2, 3), "width": width, "constant_rate": 0.02,
                "recovery": protocol.recovery}  # fmt: skip


def of_depths(same: Mapping[int, Network], classes: int) -> dict[tuple[str, int], Network]:
    """Returns networks, given those of one width by depth, by what they have in common with the middle one, and depth.

    Raises:
        SpecError: No width gives as many parameters to 10 %.
    """
    middle = list(same)[len(same) // 2]
    equal = {depth: one if depth == middle else same[middle].of_size(depth, classes) for depth, one in same.items()}
    return {(kind, depth): one for kind, held in ((SAME, same), (EQUAL, equal)) for depth, one in held.items()}


def compared(depths: Sequence[int]) -> dict[str, tuple[str, int]]:
    """Returns the networks that claims compare: the keys of `of_depths` by the words of `PAIRS`."""
    ends = (depths[0], depths[-1])
    return {who: (kind, depth) for kind, pair in PAIRS.items() for who, depth in zip(pair, ends, strict=True)}


def deeper(
    windows: Mapping[tuple[str, int], WindowArms], kind: str, effect: Callable[[WindowArms], Contrast] = cost
) -> Contrast:
    """Returns the effect of a window on the deepest network of a kind − that on the shallowest."""
    shallowest, *_, deepest = (held for (known, _), held in windows.items() if known == kind)
    return effect(deepest) - effect(shallowest)


def all_cnns(protocol: Protocol, depths: tuple[int, ...]) -> dict[tuple[str, int], AllCNN]:
    """Returns the profile's network in several depths, as `of_depths` does.

    Raises:
        SpecError: It is no All-CNN, or no width gives as many parameters to 10 %.
    """
    given = protocol.parts.model
    if not isinstance(given, AllCNN):
        raise SpecError(f"model={given.name}: iclr2019/depth varies the depth of an All-CNN; choose model=all_cnn")
    return of_depths({depth: replace(given, depth=depth) for depth in depths}, protocol.facts.classes)


def split_networks(parameters: Blocks, classes: int) -> dict[tuple[str, int], SplitAllCNN]:
    """Returns networks of two streams, as `of_depths` does.

    Raises:
        SpecError: No width gives as many parameters to 10 %.
    """
    same = {blocks: SplitAllCNN(width=parameters.width, blocks=blocks) for blocks in parameters.blocks}
    return of_depths(same, classes)
