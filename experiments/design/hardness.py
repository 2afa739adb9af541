"""Two modalities one of which is easier, by the noise of either: windows in which one is cut off, and what is lost."""

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
from critical.inference.arms import Arm, Contrast, Term, Within
from critical.inference.claims import Claim
from experiments.design.parameters import Parameters, at_least, spaced
from experiments.design.protocol import DOSE_MATCHED, FRESH, RESTART_AT_ONSET, Protocol, WindowArms
from experiments.design.sources import OURS

USE, STREAM = "use", "probe_maps"
ROLES = {DOSE_MATCHED: "Clean", FRESH: "Fresh"}
"""What is compared with: clean epochs in the place of the window, or none."""


@dataclass(frozen=True)
class Hardness(Parameters):
    """What a profile may set.

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
    """Windows from epoch 0 on, by the modality that is absent.

    Attributes:
        windows: The windows.
        length: Their epochs.
        chance: Accuracy in percent of who knows nothing.
    """

    windows: Mapping[str, WindowArms]
    length: int
    chance: float

    def beside(self, role: str) -> Arm:
        """Returns what both windows are compared with: the dose-matched network or the fresh one."""
        held = self.windows["a"]
        return {DOSE_MATCHED: held.dose_matched, FRESH: held.fresh}[role]

    def clean(self, column: str) -> Term:
        """Returns a column of the dose-matched network."""
        return self.beside(DOSE_MATCHED)[column]

    def preference(self) -> Contrast:
        """Returns by how much clean networks use the image more than the signal."""
        return self.clean("use_a") - self.clean("use_b")

    def easier(self) -> Contrast:
        """Returns by how much more a probe reads from the stream of the image than from that of the signal.

        Each stream was trained alone, the other modality absent: what is read of streams trained together depends on
        which of them won.
        """
        alone = {view: held.deficit for view, held in self.windows.items()}
        return alone["b"][f"{STREAM}_a@{self.length}"] - alone["a"][f"{STREAM}_b@{self.length}"]

    def to_lose(self, role: str) -> Within:
        """Returns the least there is to lose, in points: uses of both modalities, streams above chance."""
        terms = [self.beside(role)[f"{column}_{view}"] for column in (USE, STREAM) for view in VIEWS]
        floors = np.array([self.floor(column) for column in (USE, STREAM) for _ in VIEWS])

        def least(values: NDArray[np.float64]) -> float:
            return float((values - floors).min())

        return Within(tuple(terms), least, "readout")

    def floor(self, column: str) -> float:
        """Returns what there is of a column where nothing was learnt."""
        return self.chance if column == STREAM else 0.0

    def share_lost(self, view: str, column: str = USE, role: str = DOSE_MATCHED) -> Within:
        """Returns what share a modality loses of its use, or of what a probe reads from its stream above chance."""
        return _shares(self.parts(view, column, role), [1.0], self.floor(column))

    def parts(self, view: str, column: str, role: str) -> tuple[Term, Term]:
        """Returns a column of a modality of the network that is compared with, and after the absence."""
        return self.beside(role)[f"{column}_{view}"], self.windows[view].deficit[f"{column}_{view}"]


def signal_loses_more(*held: tuple[float, Cut], column: str = USE, role: str = DOSE_MATCHED) -> Within:
    """Returns the weighted sum over settings of the share that the signal loses more than the image does."""
    parts = [part for _, cut in held for view in "ba" for part in cut.parts(view, column, role)]
    weights = [sign * weight for weight, _ in held for sign in (1.0, -1.0)]
    return _shares(parts, weights, held[0][1].floor(column))


def share_grows(noisier: Cut, clearer: Cut, view: str, column: str = USE, role: str = DOSE_MATCHED) -> Within:
    """Returns by how much more the share is that a modality loses in one setting than in another."""
    parts = [part for cut in (noisier, clearer) for part in cut.parts(view, column, role)]
    return _shares(parts, [1.0, -1.0], clearer.floor(column))


def _shares(parts: Any, weights: list[float], floor: float) -> Within:
    def estimate(values: NDArray[np.float64]) -> float:
        whole, left = values[::2] - floor, values[1::2] - floor
        return float(np.dot(weights, 1 - left / whole)) if (whole > 0).all() else float("nan")

    return Within(tuple(parts), estimate, "share", "A network has nothing of a modality to lose.")


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
        windows = {view: given.window(0, parameters.length, RESTART_AT_ONSET, deficit=ViewDropout(view=view))
                   for view in VIEWS}  # fmt: skip
        return Cut(windows, parameters.length, 100 / protocol.facts.classes)

    def noisy(name: str, value: float) -> Cut:
        words = {"noise": "image noise", "signal_noise": "signal noise"}
        return cut(protocol.variant(f"{words[name]} {value:g}", data={name: value}))

    base = cut(protocol)
    image = {own["noise"]: base, **{value: noisy("noise", value) for value in parameters.image_noises}}
    signal = {**{value: noisy("signal_noise", value) for value in parameters.signal_noises},
              own["signal_noise"]: base}  # fmt: skip
    return image, signal


def of_losses(role: str, base: Cut, noisy: Cut, clear: Cut, length: int) -> list[Claim]:
    """Returns what is claimed of the shares that are lost.

    Beside clean epochs, what is slow to learn loses more by having fewer of them, without any rivalry of modalities;
    beside fresh networks that is no explanation. That a noisy modality loses more beside the other requires that it
    loses more itself: the difference also grows where the other, now the easier one, loses less.
    """
    end, many, hurt = ("_damage", "damaged more", "damaged") if role == FRESH else ("", "loses more", "impaired")
    use = "the use that fresh networks make of it" if end else "its use"
    read = "what a probe reads from its stream" + " in fresh networks" * bool(end)
    grows = "damage grows" if end else "loss grows"
    cut = f"when cut off in the first {length} epochs"

    def needs(*settings: str) -> tuple[str, ...]:
        return tuple(f"easy.{name}_{role}_to_lose" for name in settings)

    def more(*held: tuple[float, Cut], column: str) -> Within:
        return signal_loses_more(*held, column=column, role=role)

    def by_ease(part: str, column: str, what: str, short: Mapping[str, str]) -> list[Claim]:
        return [
            Claim(f"easy.hard_loses{part}{end}", OURS, more((1.0, base), column=column), "greater",
                  f"Where the image is the easy one, the signal loses the larger share of {what} {cut}.",
                  requires=("easy.image_easier", *needs("base")), short=short["signal"]),
            Claim(f"easy.reversed{part}{end}", OURS, more((-1.0, clear), column=column), "greater",
                  f"Where the signal is the easy one, the image loses the larger share of {what} {cut}.",
                  requires=("easy.signal_easier", *needs("signal")), short=short["image"]),
        ]  # fmt: skip

    def by_noise_of(name: str, part: str, column: str, what: str, own: str, short: str) -> list[Claim]:
        noise = f"easy.{name}_noise{part}"
        other, held, itself = {
            "image": ("signal", noisy, share_grows(noisy, base, "a", column, role)),
            "signal": ("image", clear, share_grows(base, clear, "b", column, role)),
        }[name]
        return [
            Claim(f"{noise}_own{end}", OURS, itself, "greater",
                  f"The noisier the {name}, the larger the share that it loses of {what} {cut}.",
                  requires=needs("base", name), short=f"noisy {name}: {own} {grows}"),
            Claim(f"{noise}{end}", OURS, more((1.0, base), (-1.0, held), column=column), "greater",
                  f"The noisier the {name}, the larger the share that it loses of {what}, also beside the {other}'s.",
                  requires=(*needs("base", name), f"{noise}_own{end}"), short=short),
        ]  # fmt: skip

    sides = {"signal": "image", "image": "signal"}
    return [
        *by_ease("", USE, use, {hard: f"easy {easy}: {hard} {many}" for hard, easy in sides.items()}),
        *by_ease("_stream", STREAM, read, {hard: f"hard {hard}: stream {hurt} more" for hard in sides}),
        *(claim for name in ("image", "signal")
          for claim in by_noise_of(name, "", USE, use, "own", f"noisy {name} {many}")),
        *(claim for name in ("image", "signal")
          for claim in by_noise_of(name, "_stream", STREAM, read, "stream", f"noisy {name}: stream {hurt} more")),
    ]  # fmt: skip
