"""Unlike modalities, one of them cut off at some age and rate: windows, and what is claimed of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from critical.core.batch import VIEWS
from critical.core.spec import SpecError
from critical.deficits import ViewDropout
from critical.inference.arms import Contrast
from critical.inference.claims import Claim
from critical.plots.style import OTHER_COLOURS
from experiments.design.parameters import Parameters, ascending, at_least, spaced
from experiments.design.protocol import RESTART_AT_ONSET, Protocol, WindowArms, age, cost, damage
from experiments.design.rates import LOW, constant_rate, low_from, refuse_high
from experiments.design.sources import CVPR2023, JUMP, OURS, PAWLAK2025

MODALITIES = {"a": "image", "b": "signal"}
COLOURS = {"a": OTHER_COLOURS[4], "b": OTHER_COLOURS[3]}
FOLLOWS = "It follows from the paper, which restarts the rate after the deficit and has no windows at constant rates."
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


_WHERE = {"older": "Where the rate starts again at the onset", "high": "At the constant high rate",
          "settled": "Where windows begin settled at the high rate", "low": "At the constant low rate"}  # fmt: skip

_BRIEF = {"older": "{}", "older_stream": "{} stream", "high": "{}, high rate", "settled": "{}, settled",
          "settled_stream": "settled {} stream", "low": "{}, low rate"}  # fmt: skip


def age_claims(
    view: str,
    parameters: ModalityAges,
    ages: Mapping[tuple[str, int], WindowArms],
    cells: Mapping[tuple[str, str, int], WindowArms],
) -> list[Claim]:
    """Returns what is claimed of the absence of a modality: early and late, at high and low rates.

    Costs of windows of several ages are not enough: clean epochs give a young network more, so their lack costs it
    more. Damage, against networks that skip the window, stands beside each; and an early absence has to do some.
    """
    name, begin, late, last = MODALITIES[view], f"ages.{MODALITIES[view]}_", parameters.late, parameters.onsets[-1]
    seen, stream, learns = f"decoding_{view}", f"probe_maps_{view}", ("ages.learns",)

    def at(kind: str) -> tuple[WindowArms, WindowArms]:
        return cells[view, kind, 0], cells[view, kind, late]

    def rate(low: str) -> Contrast:
        pairs = zip(at(HIGH), at(low), strict=True)
        return 0.5 * sum((cost(high, seen) - cost(less, seen) for high, less in pairs), Contrast({}))

    restarted = (ages[view, parameters.onsets[0]], ages[view, last])
    pairs = {"older": (restarted, seen), "older_stream": (restarted, stream), "high": (at(HIGH), seen),
             "settled": (at(SETTLED), seen), "settled_stream": (at(SETTLED), stream),
             "low": (at(LOWER), seen)}  # fmt: skip
    costs = {what: age(*pair, column) for what, (pair, column) in pairs.items()}
    claims = [
        Claim(f"{begin}older", CVPR2023, costs["older"], "greater",
              f"The network loses more of the {name} where that is cut off early than from epoch {last} on, at the "
              "same rates.", differs=JUMP, short=f"{name}: early loses more", requires=learns),
        Claim(f"{begin}older_stream", OURS, costs["older_stream"], "greater",
              f"The stream of the {name} loses more early than from epoch {last} on, too: a probe reads less.",
              differs=JUMP, short=f"{name}: early impairs more", requires=learns),
        Claim(f"{begin}late", OURS, cost(restarted[1], seen), "not greater",
              f"From epoch {last} on the absence of the {name} costs nothing of it.",
              requires=(f"{begin}older",), short=f"{name}: late costs nothing"),
        Claim(f"{begin}high", CVPR2023, costs["high"], "greater",
              f"At one constant high rate an early absence of the {name} costs more of it than one at {late}.",
              short=f"{name}: early more, high rate", requires=learns),
        Claim(f"{begin}settled", OURS, costs["settled"], "greater",
              f"An early absence of the {name} costs more where both windows begin settled at that rate, too, "
              f"after {parameters.settle} clean epochs.", short=f"{name}: early more, settled", requires=learns),
        Claim(f"{begin}settled_stream", OURS, costs["settled_stream"], "greater",
              f"It impairs the stream of the {name} more, too, where both windows begin settled.",
              short=f"{name}: stream more, settled", requires=learns),
        Claim(f"{begin}low", OURS, costs["low"], "greater",
              f"At one constant low rate an early absence of the {name} costs more of it, too.",
              short=f"{name}: early more, low rate", requires=learns),
        Claim(f"{begin}rate", PAWLAK2025, rate(LOWER), "greater",
              f"At equal age the absence of the {name} costs more of it at the high rate than at the low one.",
              differs=FOLLOWS, short=f"{name}: high rate costs more", requires=learns),
        Claim(f"{begin}dose", OURS, rate(LONGER), "greater",
              f"The high rate costs more of the {name} where the low one lasts as much longer as it is lower, too.",
              requires=(f"{begin}rate",), short=f"{name}: high rate, equal dose"),
    ]  # fmt: skip
    for what, ((early, old), column) in pairs.items():
        kind, _, whole = what.partition("_")
        harmed = f"the stream of the {name}" if whole else f"what the network tells from the {name}"
        than = last if kind == "older" else late
        rates, jump, brief = _WHERE[kind], JUMP if kind == "older" else "", _BRIEF[what].format(name)
        claims += [
            Claim(f"{begin}{what}_harmed", OURS, damage(early, column), "greater",
                  f"{rates}, an early absence does damage to {harmed}: networks that skip the window have more of it.",
                  short=f"{brief}: any damage", requires=learns),
            Claim(f"{begin}{what}_damage", OURS, damage(early, column) - damage(old, column), "greater",
                  f"{rates}, an early absence does more damage to {harmed} than one from epoch {than} on.",
                  differs=jump, short=f"{brief}: more damage", requires=(f"{begin}{what}_harmed",)),
        ]  # fmt: skip
    return claims
