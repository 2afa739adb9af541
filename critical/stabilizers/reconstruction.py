"""Cross-sensor reconstruction: what both senses have in common must suffice to redraw either of them.

Source of the idea: Kleinman, Achille and Soatto (CVPR 2023), section 4.4, where a masked auto-encoder of
two views (MultiMAE), trained without labels and then fine-tuned, hardly suffers from a dissociation. The form here
is ours: supervised training goes on, and decoders on the fused code add an auxiliary loss. Nothing is masked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from critical.core.randomness import derived_seed
from critical.core.spec import SpecError
from critical.measures.fisher_gradients import undisturbed
from critical.models.base import Normalise, Shape, seeded_weights
from critical.models.two_stream import TwoStream
from critical.stabilizers.base import Acting, Situation, Stabilizer, Step
from critical.stabilizers.checks import check_bounds


@dataclass(frozen=True)
class CrossSensorReconstruction(Stabilizer):
    """Adds weight·Σ_views mean (decoder_view(code) − view)² to the loss.

    The code is what the trunk returns, so it has seen both views. A view is what the network saw, through the
    deficits and normalised as by its stream, so its variance is about 1 a pixel; no gradient goes into it. From
    maps to an image a decoder is: convolution 1×1, ReLU, convolution 1×1 to C·s² maps, rearranged to s times the
    height and width and cropped, s being the least factor that suffices; otherwise linear, ReLU, linear. The
    decoders are trained along by an optimiser like the network's; their initial weights go by (seed,
    "cross-sensor reconstruction").

    Attributes:
        weight: Strength λ, >= 0. Default 1, ours (a calibration; 10 collapsed). There is no published value.
        hidden: Units or maps of the decoders' hidden layer, >= 1. Default 32, ours.
    """

    name: ClassVar[str] = "cross_sensor_reconstruction"
    streams: ClassVar[int] = 2
    compiles: ClassVar[bool] = False
    weight: float = 1.0
    hidden: int = 32

    def __post_init__(self) -> None:
        check_bounds(self.name, "weight", self.weight)
        if self.hidden < 1:
            raise SpecError(f"stabilizer={self.name}: hidden={self.hidden}; it must be at least 1")

    def activate(self, situation: Situation) -> Acting:
        """Returns the hooks of an epoch; the decoders are its `parts`.

        Raises:
            SpecError: Not a network of two streams, or nobody said what the views are like.
        """
        if not isinstance(situation.model, TwoStream):
            raise SpecError(f"stabilizer={self.name}: needs a network of two streams, such as split_all_cnn")
        if len(situation.view_shapes) != 2:
            found = len(situation.view_shapes)
            raise SpecError(f"stabilizer={self.name}: knows {found} views; pass Situation(view_shapes=…) of two")
        return _CrossSensorReconstruction(self, situation, situation.model)


class _CrossSensorReconstruction(Acting):
    parts: nn.ModuleList

    def __init__(self, spec: CrossSensorReconstruction, situation: Situation, model: TwoStream) -> None:
        self._spec = spec
        self._normalise = [_normalise(stream) for stream in (model.stream_a, model.stream_b)]
        self._code: torch.Tensor | None = None
        code = code_shape(model, situation.view_shapes)
        with seeded_weights(derived_seed(situation.seed, "cross-sensor reconstruction")):
            self.parts = nn.ModuleList(decoder(code, view, spec.hidden) for view in situation.view_shapes)
        self._hook = model.trunk.register_forward_hook(self._keep)

    def _keep(self, trunk: nn.Module, inputs: tuple[torch.Tensor, ...], code: torch.Tensor) -> None:
        self._code = code

    def loss(self, step: Step) -> torch.Tensor:
        """Returns the weighted sum of both views' mean squared errors, in units of their variances."""
        code, self._code = self._code, None
        if code is None:
            raise SpecError(
                f"stabilizer={self._spec.name}: the trunk's code was not seen in this step; a compiled network hides "
                "it, so set arithmetic.compile=false"
            )
        errors = []
        for decode, normalise, view in zip(self.parts, self._normalise, step.batch.views, strict=True):
            with torch.no_grad():
                target = normalise(view)
            errors.append(functional.mse_loss(decode(code).to(target.dtype), target))
        return self._spec.weight * torch.stack(errors).sum()

    def close(self) -> None:
        """Takes the hook off the trunk."""
        self._hook.remove()
        self._code = None


def _normalise(stream: nn.Module) -> nn.Module:
    """Returns the normalisation that a stream begins with."""
    return next(module for module in stream.modules() if isinstance(module, Normalise))


def code_shape(model: TwoStream, views: Sequence[Shape]) -> Shape:
    """Returns the shape (U, ...) of the code of views of these shapes; the network is left as it is."""
    device = next(model.parameters()).device
    with undisturbed(model), torch.no_grad():
        return tuple(model.code(*model.streams(*(torch.zeros(1, *view, device=device) for view in views))).shape[1:])


def decoder(code: Shape, view: Shape, hidden: int) -> nn.Module:
    """Returns a small decoder from codes (N, *code) to normalised views (N, *view)."""
    if len(code) == 3 and len(view) == 3:
        channels, height, width = view
        factor = max(math.ceil(height / code[1]), math.ceil(width / code[2]))
        maps = channels * factor**2
        return nn.Sequential(
            nn.Conv2d(code[0], hidden, 1),
            nn.ReLU(),
            nn.Conv2d(hidden, maps, 1),
            nn.PixelShuffle(factor),
            Crop(height, width),
        )
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(math.prod(code), hidden),
        nn.ReLU(),
        nn.Linear(hidden, math.prod(view)),
        nn.Unflatten(1, view),
    )


class Crop(nn.Module):
    """Cuts images (N, C, H', W') to their upper left `height` × `width` pixels."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Maps (N, C, H', W') to (N, C, height, width)."""
        return images[..., : self.height, : self.width]
