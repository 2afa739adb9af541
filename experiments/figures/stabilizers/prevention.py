"""What is said to prevent a critical period: does it, at what price, and more than slowing the trunk does?"""

from critical.inference.claims import Claim
from critical.plots.panel import Look
from critical.plots.ranked import Ranked
from critical.plots.style import OTHER_COLOURS, arm_colour
from experiments.design.figure import Design, Figure
from experiments.design.parameters import Removal
from experiments.design.protocol import Protocol, WindowArms, cost
from experiments.design.sources import OURS
from experiments.design.two_streams import DECODING, DEPRIVED, MAPS, stream_claims
from experiments.figures.stabilizers.methods import CONTROL_METHOD, METHODS, NONE, strengths, windows, words


def design(protocol: Protocol, parameters: Removal) -> Design:
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
        held, said, brief, proposed = window[method], words(method), METHODS[method].short, METHODS[method].proposed
        by = f" ({proposed})" * bool(proposed)
        claims += [
            Claim(f"prevention.{method}_cost", METHODS[method].claims, cost(without) - cost(held), "greater",
                  f"{said}{by}: the deficit costs less accuracy than without.", requires=("prevention.cost",),
                  short=f"{brief}: costs less"),
            Claim(f"prevention.{method}_mends", OURS, cost(without, MAPS) - cost(held, MAPS), "greater",
                  f"{said}: stream {DEPRIVED} is less impaired than without.", requires=("prevention.impaired",),
                  short=f"{brief}: mends stream"),
            Claim(f"prevention.{method}_sight", OURS, cost(without, DECODING) - cost(held, DECODING), "greater",
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

    def saved(column: str, unit: str, title: str) -> Ranked:
        rows = [(_look(method), cost(without, column) - cost(window[method], column)) for method in used]
        return Ranked(title=title, xlabel="points saved (dotted: all that was lost)", rows=rows,
                      unit=unit, whole=cost(without, column))  # fmt: skip

    price = Ranked(
        title="price: clean networks", xlabel="points lost", unit="accuracy", most_first=False,
        rows=[(_look(method), without.dose_matched - window[method].dose_matched) for method in used],
    )  # fmt: skip
    return Design(
        panels=[
            [saved(DECODING, "readout", f"accuracy, view {DEPRIVED} alone"),
             saved(MAPS, "readout", f"linear probe of stream {DEPRIVED}")],
            [saved("accuracy", "accuracy", "accuracy, both views"), price],
        ],
        claims=claims,
        leading=tuple(f"prevention.{method}_{what}" for method in used if method != CONTROL_METHOD
                      for what in ("cost", "sight")),
        arms=[*(arm for held in window.values() for arm in (held.dose_matched, held.deficit)), without.fresh],
        panel_inches=(4.0, 0.9 + 0.25 * len(used)),
        note="Saved is what the deficit costs less with the method; in the shaded region it is too little to matter. "
        "Each method acts in the window of the deficit (shrink and perturb once, at the removal), in the dose-matched "
        "network too. Strengths of the profile: "
        + ", ".join(f"{words(method)} {strength:g}" for method, strength in used.items()) + ".",
    )  # fmt: skip


def _look(method: str) -> Look:
    name = words(method) if method == CONTROL_METHOD else METHODS[method].short
    return Look(name, arm_colour("clean") if method == CONTROL_METHOD else OTHER_COLOURS[4])


FIGURE = Figure(
    name="stabilizers/prevention",
    title="What is said to prevent a critical period",
    question="Does a method keep an early deficit from costing accuracy or a stream, at no price for clean networks?",
    parameters=Removal,
    design=design,
    deviations=(
        "Cross-sensor reconstruction is an auxiliary loss here; the paper trains a masked auto-encoder first.",
        "Each method acts in the window of the deficit; shrink and perturb acts once, before the first clean epoch.",
        "That a deficit costs less is claimed for reconstruction alone. The others were proposed for other ends; to "
        "put them to a deficit is ours.",
    ),
    family="two_streams",
)
