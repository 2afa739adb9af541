"""Two-stream networks: each view has a stream of its own, a fusion, and a trunk that sees both.

Source: Kleinman, Achille and Soatto, *Critical Learning Periods for Multisensory Integration in Deep
Networks* (CVPR 2023). Their networks add the streams and have one head, or three under dissociation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import nn

from critical.core.batch import HEADS
from critical.core.spec import SpecError, closest
from critical.models.base import Shape, seeded_weights


class Sum(nn.Module):
    """a + b: the fusion of the paper; without weights."""

    def forward(self, from_a: torch.Tensor, from_b: torch.Tensor) -> torch.Tensor:
        """Maps two (N, U, ...) to (N, U, ...)."""
        return from_a + from_b


class Concat(nn.Module):
    """The units of both, a's first; without weights."""

    def forward(self, from_a: torch.Tensor, from_b: torch.Tensor) -> torch.Tensor:
        """Maps two (N, U, ...) to (N, 2U, ...)."""
        return torch.cat((from_a, from_b), dim=1)


class Gate(nn.Module):
    """g∘a + (1 − g)∘b, with g = sigmoid(linear map of both), for each unit and position.

    Args:
        units: Units (or maps) U of either stream.
        spatial: Whether the streams end in maps (N, U, H, W), for a 1×1 convolution, or in (N, U).
    """

    def __init__(self, units: int, spatial: bool) -> None:
        super().__init__()
        self.map: nn.Module = nn.Conv2d(2 * units, units, 1) if spatial else nn.Linear(2 * units, units)

    def forward(self, from_a: torch.Tensor, from_b: torch.Tensor) -> torch.Tensor:
        """Maps two (N, U, ...) to (N, U, ...)."""
        share = self.map(torch.cat((from_a, from_b), dim=1)).sigmoid()
        return share * from_a + (1 - share) * from_b


FUSIONS = ("sum", "concat", "gate")
"""Ways to make one code of two; `concat` has twice the units."""


def check_fusion(fusion: str, model: str) -> None:
    """Raises SpecError (one line) where there is no such fusion."""
    if fusion not in FUSIONS:
        raise SpecError(f"model={model}: fusion={fusion}: there is no such fusion; {closest(fusion, FUSIONS)}")


def make_fusion(fusion: str, units: int, spatial: bool) -> tuple[nn.Module, int]:
    """Returns the fusion of two streams of `units` units, and how many units it has itself."""
    if fusion == "concat":
        return Concat(), 2 * units
    return (Gate(units, spatial) if fusion == "gate" else Sum()), units


class TwoStream(nn.Module):
    """Two streams, a fusion, a trunk, a global average where there are maps, and linear heads.

    Calling the network is exactly `classify(code(*streams(a, b)), head)`, so measurements can take the
    parts: the code for many b beside one a needs a's stream only once.

    Args:
        stream_a: From view a, (N, C, ...) in [0, 1], to (N, U, ...); begins with its `Normalise`.
        stream_b: Likewise, of the same U and size; the weights are its own.
        fusion: From both to (N, F, ...).
        trunk: From that to the code, (N, U', ...): the last layer before average and heads.
        heads: One linear map (U' to classes) for each of the first names in `HEADS`.
    """

    PATHWAYS: ClassVar[dict[str, tuple[str, ...]]] = {
        "a": ("stream_a",),
        "b": ("stream_b",),
        "trunk": ("fusion", "trunk", "heads"),
    }
    """Which submodules make up each pathway: what layers are summed by."""

    def __init__(
        self, stream_a: nn.Module, stream_b: nn.Module, fusion: nn.Module, trunk: nn.Module, heads: nn.ModuleDict
    ) -> None:
        super().__init__()
        self.stream_a = stream_a
        self.stream_b = stream_b
        self.fusion = fusion
        self.trunk = trunk
        self.heads = heads

    def streams(self, a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns what each stream makes of its view: two (N, U, ...)."""
        return self.stream_a(a), self.stream_b(b)

    def code(self, from_a: torch.Tensor, from_b: torch.Tensor) -> torch.Tensor:
        """Returns the code of both, (N, U', ...): the last layer before average and heads."""
        return self.trunk(self.fusion(from_a, from_b))

    def classify(self, code: torch.Tensor, head: torch.Tensor | None = None) -> torch.Tensor:
        """Returns logits, (N, classes).

        Args:
            code: (N, U', ...); maps are averaged over their positions.
            head: int64 (N,), positions in `HEADS`: whose logits are returned for each example. None: `both`.

        Raises:
            SpecError: A head is chosen and the network has only `both`, or not one int64 an example.
        """
        pooled = code.flatten(2).mean(2) if code.dim() > 2 else code
        if head is None:
            return self.heads["both"](pooled)
        if len(self.heads) < len(HEADS):
            raise SpecError("a head was chosen for each example, this network has only 'both'; set model.heads=true")
        if head.dtype != torch.int64 or head.shape != pooled.shape[:1]:
            found = f"{tuple(head.shape)} of {head.dtype}"
            raise SpecError(f"head is {found}; for {len(pooled)} examples: int64, one each")
        # All three, then a choice: no shape hangs on the values, as compilation and vmap demand.
        logits = torch.stack([self.heads[name](pooled) for name in HEADS], dim=1)
        return logits.gather(1, head.view(-1, 1, 1).expand(-1, 1, logits.shape[2])).squeeze(1)

    def forward(self, a: torch.Tensor, b: torch.Tensor, head: torch.Tensor | None = None) -> torch.Tensor:
        """Maps two views in [0, 1] (and the head of each example) to logits (N, classes)."""
        return self.classify(self.code(*self.streams(a, b)), head)


def assemble(
    stream: Callable[[Shape, Sequence[float], Sequence[float]], nn.Module],
    trunk: Callable[[int], tuple[nn.Module, int]],
    *,
    views: tuple[Shape, Shape],
    mean: tuple[Sequence[float], Sequence[float]],
    std: tuple[Sequence[float], Sequence[float]],
    fusion: str,
    units: int,
    spatial: bool,
    heads: bool,
    classes: int,
    seed: int,
) -> TwoStream:
    """Builds a two-stream network with weights that depend only on (seed, spec, shapes).

    They are drawn in the order stream a, stream b, fusion, trunk, heads: the streams differ, and a
    network with three heads has the weights of the one with a single head, and two heads more.

    Args:
        stream: Makes a stream from a view's shape, mean and std.
        trunk: Makes the trunk from the number of fused units, and says how many units its code has.
        views: Shapes of the views.
        mean: Of each view, per channel or for all, in [0, 1].
        std: Likewise.
        fusion: One of `FUSIONS`.
        units: Units (or maps) of either stream's last layer.
        spatial: Whether the streams end in maps.
        heads: Three heads, or `both` alone.
        classes: Logits of each head.
        seed: Seed of the initial weights.
    """
    with seeded_weights(seed):
        stream_a, stream_b = (stream(*of_view) for of_view in zip(views, mean, std, strict=True))
        fuse, fused = make_fusion(fusion, units, spatial)
        above, code = trunk(fused)
        return TwoStream(stream_a, stream_b, fuse, above, make_heads(code, classes, heads))


def make_heads(code: int, classes: int, heads: bool) -> nn.ModuleDict:
    """Returns linear maps from `code` units to the classes: for each name in `HEADS`, or for `both` alone."""
    return nn.ModuleDict({name: nn.Linear(code, classes) for name in (HEADS if heads else HEADS[:1])})


def convolutions(layers: Sequence[tuple[int, int, int]], channels: int, dims: int = 2) -> nn.Sequential:
    """Returns `conv1`, `bn1`, `relu1`, `conv2`, …, padded to keep the size (or halve it, rounding up).

    Args:
        layers: Output maps, stride and (odd) kernel of each convolution; they have no bias.
        channels: Input channels.
        dims: 2 for images, 1 for signals.
    """
    convolution, norm = (nn.Conv2d, nn.BatchNorm2d) if dims == 2 else (nn.Conv1d, nn.BatchNorm1d)
    stack = nn.Sequential()
    for number, (maps, stride, kernel) in enumerate(layers, start=1):
        stack.add_module(
            f"conv{number}", convolution(channels, maps, kernel, stride, padding=kernel // 2, bias=False)
        )
        stack.add_module(f"bn{number}", norm(maps))
        stack.add_module(f"relu{number}", nn.ReLU(inplace=True))
        channels = maps
    return stack


def normalised(normalise: nn.Module, layers: nn.Sequential) -> nn.Sequential:
    """Returns the layers, by their names, behind a first one called `normalise`."""
    stream = nn.Sequential()
    stream.add_module("normalise", normalise)
    for name, layer in layers.named_children():
        stream.add_module(name, layer)
    return stream
