"""Figures of unlike modalities, one of which is cut off: their windows by age and rate, or by how hard either is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from critical.core.batch import VIEWS
from critical.core.spec import SpecError
from critical.deficits import ViewDropout
from critical.inference.arms import Contrast, Term, Within
from critical.plots.style import OTHER_COLOURS
from experiments.design.parameters import Parameters, ascending, at_least, spaced
from experiments.design.protocol import RESTART_AT_ONSET, Protocol, WindowArms
from experiments.design.rates import LOW, constant_rate, low_from, refuse_high

MODALITIES = {"a": "image", "b": "signal"}
COLOURS = {"a": OTHER_COLOURS[4], "b": OTHER_COLOURS[3]}
HIGH, SETTLED, LOWER, LONGER = "high", "high, settled", "low", "low, longer"
"""Kinds of windows at a constant rate; 'longer' ones have the summed rate of high ones."""


@dataclass(frozen=True)
class ModalityAges(Parameters):
    """Parameters.

    Attributes:
        length: Epochs of the window in which a modality is absent.
        onsets: First epochs of windows whose rate starts again at the onset; ascending, the first 0.
        late: Age of the late windows at a constant rate; at least where the decaying rate has become low.
        settle: Clean epochs at the window's rate before a window that begins settled.
    """

    length: int
    onsets: tuple[int, ...]
    late: int
    settle: int

    def __post_init__(self) -> None:
        at_least(1, length=self.length, late=self.late, settle=self.settle)
        ascending(0, 3, onsets=self.onsets)
        if self.onsets[0]:
            raise SpecError(f"onsets={list(self.onsets)}: the first window begins with the training, at 0")

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns windows of the shortest length, at four ages up to twice the longest window."""
        steps = spaced(protocol.longest_window, protocol.points)
        length, whole = steps[0], steps[-1]
        onsets = tuple(sorted({0, max(1, whole // 2), max(2, whole), max(3, 2 * whole)}))
        return {"length": length, "onsets": onsets, "late": low_from(protocol), "settle": max(1, length // 2)}


def by_onset(protocol: Protocol, parameters: ModalityAges) -> dict[tuple[str, int], WindowArms]:
    """Returns the windows at equal rates by the modality that is absent and the onset."""
    return {
        (view, onset): protocol.window(onset, parameters.length, RESTART_AT_ONSET, deficit=ViewDropout(view=view))
        for view in VIEWS
        for onset in parameters.onsets
    }


def by_rate(protocol: Protocol, parameters: ModalityAges) -> dict[tuple[str, str, int], WindowArms]:
    """Returns the windows at a constant rate by the modality that is absent, the kind of rate, and the age.

    Raises:
        SpecError: The rate has not become low before the late windows.
    """
    length, settle, late = parameters.length, parameters.settle, parameters.late
    refuse_high(protocol, late, f"late={late}")
    kinds = {HIGH: (True, length, 0), SETTLED: (True, length, settle), LOWER: (False, length, 0),
             LONGER: (False, round(length / LOW), 0)}  # fmt: skip
    return {
        (view, kind, age): constant_rate(protocol, age, high, epochs, clean, deficit=ViewDropout(view=view))
        for view in VIEWS
        for kind, (high, epochs, clean) in kinds.items()
        for age in (0, late)
    }


@dataclass(frozen=True)
class Hardness(Parameters):
    """Parameters.

    Attributes:
        length: Epochs of the window, from epoch 0 on, in which a modality is absent.
        image_noises: Noise of the image beside that of the data, which is less: ascending.
        signal_noises: Noise of the signal beside that of the data, which is more: ascending.
    """

    length: int
    image_noises: tuple[float, ...] = (0.3, 0.6)
    signal_noises: tuple[float, ...] = (0.75, 1.5)

    def __post_init__(self) -> None:
        at_least(1, length=self.length)
        for name in ("image_noises", "signal_noises"):
            held = list(getattr(self, name))
            if not held or held != sorted(set(held)) or held[0] < 0:
                raise SpecError(f"{name}={held}: ascending numbers from 0 on are wanted")

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns windows of the shortest length."""
        return {"length": spaced(protocol.longest_window, protocol.points)[0]}


@dataclass(frozen=True)
class Cut:
    """Windows from epoch 0 on, by the modality that is absent."""

    windows: Mapping[str, WindowArms]

    def clean(self, column: str) -> Term:
        """Returns a column of the dose-matched network, which both windows share."""
        return self.windows["a"].dose_matched[column]

    def preference(self) -> Contrast:
        """Returns by how much clean networks use the image more than the signal."""
        return self.clean("use_a") - self.clean("use_b")

    def easier(self) -> Contrast:
        """Returns by how much more a probe reads from the stream of the image than from that of the signal."""
        return self.clean("probe_maps_a") - self.clean("probe_maps_b")

    def lost(self, view: str, column: str) -> Contrast:
        """Returns how much less of a modality there is for its absence."""
        held = self.windows[view]
        return held.dose_matched[f"{column}_{view}"] - held.deficit[f"{column}_{view}"]

    def share_lost(self, view: str) -> Within:
        """Returns what share of its use a modality loses."""
        return _shares(self.parts(view), [1.0])

    def parts(self, view: str) -> tuple[Contrast, Contrast]:
        """Returns the use of a modality after clean epochs and after its absence."""
        held = self.windows[view]
        return tuple(Contrast({arm[f"use_{view}"]: 1.0}) for arm in (held.dose_matched, held.deficit))  # type: ignore[return-value]


def signal_loses_more(*held: tuple[float, Cut]) -> Within:
    """Returns the weighted sum over settings of what share of its use the signal loses more than the image does."""
    parts = [part for _, cut in held for view in "ba" for part in cut.parts(view)]
    return _shares(parts, [sign * weight for weight, _ in held for sign in (1.0, -1.0)])


def _shares(parts: Any, weights: list[float]) -> Within:
    def estimate(values: NDArray[np.float64]) -> float:
        whole, left = values[::2], values[1::2]
        return float(np.dot(weights, 1 - left / whole)) if (whole > 0).all() else float("nan")

    return Within(tuple(parts), estimate, "share", "A clean network does not use a modality at all.")


def by_noise(protocol: Protocol, parameters: Hardness) -> tuple[dict[float, Cut], dict[float, Cut]]:
    """Returns the windows by the noise of the image and by that of the signal; both hold the data as they are.

    Raises:
        SpecError: The data have no such noise, or theirs lies among the others.
    """
    data = protocol.parts.data
    names = {field.name for field in dataclasses.fields(data)}
    if not {"noise", "signal_noise"} <= names:
        raise SpecError(f"data={data.name}: there is no noise of an image and of a signal to vary; leave "
                        "multimodal/easy_wins out, or choose data=image_and_signal")  # fmt: skip
    own = {name: float(getattr(data, name)) for name in ("noise", "signal_noise")}
    if not own["noise"] < parameters.image_noises[0] or not parameters.signal_noises[-1] < own["signal_noise"]:
        raise SpecError(f"image_noises={list(parameters.image_noises)}, signal_noises="
                        f"{list(parameters.signal_noises)}: those of the image lie above that of the data, "
                        f"{own['noise']:g}, those of the signal below it, {own['signal_noise']:g}")  # fmt: skip

    def cut(given: Protocol) -> Cut:
        return Cut({view: given.window(0, parameters.length, RESTART_AT_ONSET, deficit=ViewDropout(view=view))
                    for view in VIEWS})  # fmt: skip

    def noisy(name: str, value: float) -> Cut:
        words = {"noise": "image noise", "signal_noise": "signal noise"}
        return cut(protocol.variant(f"{words[name]} {value:g}", data={name: value}))

    base = cut(protocol)
    image = {own["noise"]: base, **{value: noisy("noise", value) for value in parameters.image_noises}}
    signal = {**{value: noisy("signal_noise", value) for value in parameters.signal_noises},
              own["signal_noise"]: base}  # fmt: skip
    return image, signal
