"""Unlike modalities, one of them cut off at some age and rate: windows, and what is claimed of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from critical.core.batch import VIEWS
from critical.core.spec import SpecError
from critical.deficits import ViewDropout
from critical.inference.claims import Claim
from critical.plots.style import OTHER_COLOURS
from experiments.design.parameters import Onsets, at_least, spaced
from experiments.design.protocol import RESTART_AT_ONSET, Protocol, WindowArms, age, cost, damage
from experiments.design.rates import HIGH, HIGH_SETTLED, LONGER, LOWER, Crossed, crossed, low_from, refuse_high
from experiments.design.sources import CVPR2023, JUMP, OURS, PAWLAK2025

MODALITIES = {"a": "image", "b": "signal"}
COLOURS = {"a": OTHER_COLOURS[4], "b": OTHER_COLOURS[3]}
FOLLOWS = "It follows from the paper, which restarts the rate after the deficit and has no windows at constant rates."


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


def by_onset(protocol: Protocol, parameters: ModalityAges) -> dict[tuple[str, int], WindowArms]:
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


_WHERE = {"older": "Where the rate starts again at the onset", "high": "At the constant high rate",
          "settled": "Where windows begin settled at the high rate", "low": "At the constant low rate"}  # fmt: skip

_BRIEF = {"older": "{}", "older_stream": "{} stream", "high": "{}, high rate", "settled": "{}, settled",
          "settled_stream": "settled {} stream", "low": "{}, low rate"}  # fmt: skip


def age_claims(
    view: str,
    parameters: ModalityAges,
    ages: Mapping[tuple[str, int], WindowArms],
    constant: Crossed,
) -> list[Claim]:
    """Returns what is claimed of the absence of a modality: early and late, at high and low rates.

    Costs of windows of several ages are not enough: clean epochs give a young network more, so their lack costs it
    more. Damage, against networks that skip the window, stands beside each; and an early absence has to do some.
    """
    name, begin, late, last = MODALITIES[view], f"ages.{MODALITIES[view]}_", parameters.late, parameters.onsets[-1]
    seen, stream, learns = f"decoding_{view}", f"probe_maps_{view}", ("ages.learns",)

    def at(kind: str) -> tuple[WindowArms, WindowArms]:
        return constant.cells[kind, 0], constant.cells[kind, late]

    restarted = (ages[view, parameters.onsets[0]], ages[view, last])
    pairs = {"older": (restarted, seen), "older_stream": (restarted, stream), "high": (at(HIGH), seen),
             "settled": (at(HIGH_SETTLED), seen), "settled_stream": (at(HIGH_SETTLED), stream),
             "low": (at(LOWER), seen)}  # fmt: skip
    costs = {what: age(*pair, column) for what, (pair, column) in pairs.items()}
    claims = [
        Claim(f"{begin}older", CVPR2023, costs["older"], "greater",
              f"The network loses more of the {name} where that is cut off early than from epoch {last} on, at the "
              "same rates.", differs=JUMP, short=f"{name}: early loses more", requires=learns),
        Claim(f"{begin}older_stream", OURS, costs["older_stream"], "greater",
              f"It costs the stream of the {name} more early than from epoch {last} on, too: a probe reads less.",
              differs=JUMP, short=f"{name} stream: early costs more", requires=learns),
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
              f"It costs the stream of the {name} more, too, where both windows begin settled.",
              short=f"{name}: stream more, settled", requires=learns),
        Claim(f"{begin}low", OURS, costs["low"], "greater",
              f"At one constant low rate an early absence of the {name} costs more of it, too.",
              short=f"{name}: early more, low rate", requires=learns),
        Claim(f"{begin}rate", PAWLAK2025, constant.rates(late, column=seen), "greater",
              f"At equal age the absence of the {name} costs more of it at the high rate than at the low one.",
              differs=FOLLOWS, short=f"{name}: high rate costs more", requires=learns),
        Claim(f"{begin}dose", OURS, constant.rates(late, column=seen, low=LONGER), "greater",
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
