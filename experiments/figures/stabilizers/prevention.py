"""What is said to prevent a critical period: does it, at what price, and more than slowing the trunk does?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from critical.inference.arms import Term
from critical.inference.claims import Claim
from critical.inference.effects import SMALLEST
from critical.plots.panel import Look, Value
from critical.plots.panels import Dots
from critical.plots.style import OTHER_COLOURS, arm_colour
from experiments.design.figure import Design, Figure
from experiments.design.parameters import Parameters, at_least
from experiments.design.protocol import Protocol, WindowArms, cost, harm
from experiments.design.sources import OURS
from experiments.design.two_streams import DECODING, DEPRIVED, PROBES, stream_claims
from experiments.figures.stabilizers.methods import CONTROL_METHOD, METHODS, NONE, strengths, windows, words

MAPS = next(iter(PROBES))


@dataclass(frozen=True)
class Prevention(Parameters):
    """Parameters.

    Attributes:
        removal: Epoch at which the deficit, on from epoch 0, is removed.
    """

    removal: int

    def __post_init__(self) -> None:
        at_least(1, removal=self.removal)

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns the longest window."""
        return {"removal": protocol.longest_window}


def design(protocol: Protocol, parameters: Prevention) -> Design:
    """Sets each method, in the window of the deficit, against none."""
    removal, used = parameters.removal, strengths(protocol, "use")
    window: dict[str, WindowArms] = {
        method: protocol.window(0, removal, stabilizers=windows(method, strength, removal), stabilizer=method)
        for method, strength in {NONE: 0.0, **used}.items()
    }
    without, slow = window[NONE], window[CONTROL_METHOD]
    name = protocol.deficit.name
    what = f"Without any method, {name} of view {DEPRIVED} until epoch {removal}"
    claims = [
        Claim("prevention.cost", OURS, cost(without), "greater", f"{what} costs accuracy (rate restarted).",
              short="no method: costs accuracy"),
        *stream_claims("prevention.", OURS, without, DEPRIVED, what, "rate restarted", "no method"),
    ]  # fmt: skip
    for method in used:
        held, source, said, brief = window[method], METHODS[method].source, words(method), METHODS[method].short
        claims += [
            Claim(f"prevention.{method}_cost", source, cost(without) - cost(held), "greater",
                  f"{said}: the deficit costs less accuracy than without.", requires=("prevention.cost",),
                  short=f"{brief}: costs less"),
            Claim(f"prevention.{method}_mends", source, cost(without, MAPS) - cost(held, MAPS), "greater",
                  f"{said}: stream {DEPRIVED} is less impaired than without.", requires=("prevention.impaired",),
                  short=f"{brief}: mends stream"),
            Claim(f"prevention.{method}_sight", source, cost(without, DECODING) - cost(held, DECODING), "greater",
                  f"{said}: less of view {DEPRIVED} is lost to the network than without.",
                  requires=("prevention.decoded",), short=f"{brief}: decodes more"),
            Claim(f"prevention.{method}_price", OURS, without.dose_matched - held.dose_matched, "not greater",
                  f"{said}: it costs clean networks no accuracy.", short=f"{brief}: clean unharmed"),
        ]  # fmt: skip
        if method != CONTROL_METHOD:
            claims.append(Claim(
                f"prevention.{method}_beyond_slowing", OURS, cost(slow, DECODING) - cost(held, DECODING), "greater",
                f"{said}: less of view {DEPRIVED} is lost than by lowering the trunk's learning rate alone.",
                requires=("prevention.decoded", f"prevention.{method}_sight"),
                short=f"{brief}: beats slowing",
            ))  # fmt: skip

    def dots(label: str, unit: str, value: Callable[[WindowArms], Value], zero: bool = False) -> Dots:
        rows: list[tuple[Look, Value]] = [(_look(method), value(held)) for method, held in window.items()]
        return Dots(xlabel=label, rows=rows, zero=zero, reach=SMALLEST[unit].effect if zero else None)

    return Design(
        panels=[
            [dots("cost: dose-matched − deficit (points)", "accuracy", cost, zero=True),
             dots(f"impaired: cost of probing stream {DEPRIVED} (points)", "readout", lambda w: cost(w, MAPS), True),
             dots(f"lost: cost of decoding view {DEPRIVED} (points)", "readout", lambda w: cost(w, DECODING), True)],
            [dots("harm: fresh − deficit (points)", "accuracy", harm, zero=True),
             dots("clean accuracy, dose-matched (%)", "accuracy", lambda w: Term(w.dose_matched)),
             dots("mean RSV after the deficit (+1: only view a)", "share", lambda w: w.deficit["rsv_mean"])],
        ],
        claims=claims,
        leading=tuple(f"prevention.{method}_{what}" for method in used if method != CONTROL_METHOD
                      for what in ("cost", "sight")),
        panel_inches=(4.4, 0.6 + 0.34 * len(window)),
        note="Each method acts in the window of the deficit (shrink and perturb once, at the removal), in the "
        "dose-matched network too. Strengths of the profile: "
        + ", ".join(f"{words(method)} {strength:g}" for method, strength in used.items()) + ".",
    )  # fmt: skip


def _look(method: str) -> Look:
    return Look(words(method), arm_colour("clean") if method in (NONE, CONTROL_METHOD) else OTHER_COLOURS[4])


FIGURE = Figure(
    name="stabilizers/prevention",
    title="What is said to prevent a critical period",
    question="Does a method keep an early deficit from costing accuracy or a stream, at no price for clean networks?",
    parameters=Prevention,
    design=design,
    deviations=(
        "Cross-sensor reconstruction is an auxiliary loss here; the paper trains a masked auto-encoder first.",
        "Every method acts in the window of the deficit only.",
    ),
    family="two_streams",
)
