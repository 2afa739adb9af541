"""Regularisers that act in some epochs of a clean run: until an epoch, from it on, in a window, at equal rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from critical.core.spec import SpecError
from critical.inference.arms import Arm
from critical.stabilizers import Mixup, Stabilizer, StabilizerWindow, WeightDecay, WindowedAugmentation
from experiments.design.parameters import Parameters, ascending, spaced
from experiments.design.protocol import CONTINUE, Protocol
from experiments.design.rates import low_from


@dataclass(frozen=True)
class Timing(Parameters):
    """What a profile may set.

    Attributes:
        switches: Epochs at which a regulariser is switched off or on; the first is the length of windows, too.
        phase: End of the first phase, one of them.
        weight_decay: Strength of weight decay.
        shift: Of the augmentation, in pixels.
        flip: Whether it mirrors images.
        alpha: Of mixup.
    """

    switches: tuple[int, ...]
    phase: int
    weight_decay: float = 5e-4
    shift: int = 4
    flip: bool = True
    alpha: float = 1.0

    def __post_init__(self) -> None:
        ascending(1, 2, switches=self.switches)
        if self.phase not in self.switches:
            raise SpecError(f"phase={self.phase}: one of switches={list(self.switches)}")

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns switches up to the longest window; the first phase ends where the decaying rate has become low."""
        switches = spaced(protocol.longest_window, max(2, protocol.points))
        low = [switch for switch in switches if switch >= low_from(protocol)]
        return {"switches": switches, "phase": low[0] if low else switches[-1]}

    @property
    def regularisers(self) -> tuple[Stabilizer, ...]:
        """Weight decay, augmentation and mixup, in their strengths."""
        return (WeightDecay(self.weight_decay), WindowedAugmentation(self.shift, self.flip), Mixup(self.alpha))


@dataclass(frozen=True)
class Regularised:
    """The arms of one regulariser, and those without any.

    Attributes:
        never: None acts; the rate decays from epoch 0 on.
        steady: None acts; the rate is constant until the end of the longest window.
        always: It acts in all epochs.
        until: By epoch, it acts before it.
        since: By epoch, it acts from there on.
        window: By onset, it acts in a window, whose length is the first switch.
        same_rate: The same, in the first and the last epochs of the constant rate.
        halves: The same, in windows as long as the first phase, or as half of the constant rate where that is less.
    """

    never: Arm
    steady: Arm
    always: Arm
    until: Mapping[int, Arm]
    since: Mapping[int, Arm]
    window: Mapping[int, Arm]
    same_rate: Mapping[int, Arm]
    halves: Mapping[int, Arm]


def dose_length(protocol: Protocol, parameters: Timing) -> int:
    """Returns the epochs of equal doses: the first phase, or half of the constant rate, so that they do not overlap."""
    return min(parameters.phase, protocol.longest_window // 2)


def regularised(protocol: Protocol, parameters: Timing, regulariser: Stabilizer) -> Regularised:
    """Returns the arms of a regulariser, which acts alone; all are as long as the longest window and its recovery.

    Raises:
        SpecError: A window or the first phase does not fit.
    """
    off = {"shift": 0, "flip": False}
    bare = protocol.variant("not regularised", optimizer={"weight_decay": 0.0}, augmentation=off)
    longest, length = protocol.longest_window, parameters.switches[0]
    # Of equal summed rates; under the decaying one, as many late epochs hardly change a network.
    dose = dose_length(protocol, parameters)
    never = bare.window(0, longest, CONTINUE).dose_matched
    steady = bare.staged(((0, protocol.rate, 1.0),), 0, longest, "constant rate").dose_matched
    total = longest + protocol.recovery
    if parameters.switches[-1] >= total or 2 * length > longest:
        raise SpecError(f"switches={list(parameters.switches)}: two windows of the first fit before epoch {longest}, "
                        f"and the last lies before epoch {total}")  # fmt: skip

    if parameters.shift >= protocol.side:
        raise SpecError(f"shift={parameters.shift}: less than the {protocol.side} pixels of an image is wanted")

    def acting(start: int, end: int, base: Arm = never) -> Arm:
        assert base.run is not None
        name, epochs = regulariser.name, f"[{start}, {end})"
        run = replace(base.run, stabilizers=(StabilizerWindow(regulariser, start, end),))
        return Arm(run, {**base.tags, "variant": name, "acts": epochs, "label": f"{base}: {name} in {epochs}"})

    onsets = [onset for onset in (0, *parameters.switches) if onset + length <= total]
    return Regularised(
        never=never,
        steady=steady,
        always=acting(0, total),
        until={switch: acting(0, switch) for switch in parameters.switches},
        since={switch: acting(switch, total) for switch in parameters.switches},
        window={onset: acting(onset, onset + length) for onset in onsets},
        same_rate={onset: acting(onset, onset + length, steady) for onset in (0, longest - length)},
        halves={onset: acting(onset, onset + dose, steady) for onset in (0, longest - dose)},
    )
