"""Unlike modalities, one of them cut off at some age and rate: names, parameters and windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from critical.core.batch import VIEWS
from critical.core.spec import SpecError
from critical.data import ImageAndSignal
from critical.deficits import ViewDropout
from critical.plots.style import OTHER_COLOURS
from experiments.design.parameters import Onsets, at_least, spaced
from experiments.design.protocol import RESTART_AT_ONSET, Protocol, WindowArms
from experiments.design.rates import HIGH, HIGH_SETTLED, LONGER, LOWER, Crossed, crossed, low_from, refuse_high

COLOURS = {"a": OTHER_COLOURS[4], "b": OTHER_COLOURS[3]}


@dataclass(frozen=True)
class Modalities(Onsets):
    """Parameters; onsets are those of the early and of the late window in which a modality is absent.

    Attributes:
        easy: The view that alone tells more in a clean run on calibration seeds, `a` or `b`.
    """

    easy: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.onsets) != 2:
            raise SpecError(f"onsets={list(self.onsets)}: an early and a late one are wanted")
        if self.easy not in VIEWS:
            raise SpecError(f"easy={self.easy}: one of {', '.join(VIEWS)}")

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns windows of the shortest length, at the beginning and after the longest window."""
        steps = spaced(protocol.longest_window, protocol.points)
        return {"length": steps[0], "onsets": (0, steps[-1]), "easy": "a"}


def modality_names(protocol: Protocol) -> Mapping[str, str]:
    """Returns what the views of the data are called: of data of one's own "view a" and "view b"."""
    if protocol.parts.data.name == ImageAndSignal.name:
        return {"a": "image", "b": "signal"}
    return {view: f"view {view}" for view in VIEWS}


def in_ids(name: str) -> str:
    """Returns the name of a view as ids of claims have it."""
    return name.replace(" ", "_")


def with_article(name: str) -> str:
    """Returns the name of a view as sentences have it: "the image", "view a"."""
    return name if name.startswith("view ") else f"the {name}"


@dataclass(frozen=True)
class ModalityAges(Onsets):
    """Parameters; onsets, the first 0, are those of windows of absence whose rate starts again at the onset.

    Attributes:
        late: Age of the late windows at a constant rate; at least where the decaying rate has become low.
        settle: Clean epochs at the window's rate before a window that begins settled.
    """

    late: int
    settle: int

    fewest: ClassVar[int] = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(1, late=self.late, settle=self.settle)
        if self.onsets[0]:
            raise SpecError(f"onsets={list(self.onsets)}: the first window begins with the training, at 0")

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns windows of the shortest length, at four ages up to twice the longest window."""
        steps = spaced(protocol.longest_window, protocol.points)
        length, whole = steps[0], steps[-1]
        onsets = tuple(sorted({0, max(1, whole // 2), max(2, whole), max(3, 2 * whole)}))
        return {"length": length, "onsets": onsets, "late": low_from(protocol), "settle": max(1, length // 2)}


def by_onset(protocol: Protocol, parameters: Onsets) -> dict[tuple[str, int], WindowArms]:
    """Returns the windows at equal rates by the modality that is absent and the onset."""
    return {
        (view, onset): protocol.window(onset, parameters.length, RESTART_AT_ONSET, deficit=ViewDropout(view=view))
        for view in VIEWS
        for onset in parameters.onsets
    }


def by_rate(protocol: Protocol, parameters: ModalityAges) -> dict[str, Crossed]:
    """Returns the windows at a constant rate by the modality that is absent.

    Raises:
        SpecError: The rate has not become low before the late windows.
    """
    late = parameters.late
    refuse_high(protocol, late, f"late={late}")
    places = [(kind, age) for kind in (HIGH, HIGH_SETTLED, LOWER, LONGER) for age in (0, late)]
    return {
        view: crossed(protocol, places, parameters.length, parameters.settle, deficit=ViewDropout(view=view))
        for view in VIEWS
    }
