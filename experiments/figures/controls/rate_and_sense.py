"""Is what a high rate leaves permanent, and special to a sense? Several deficits, early and late, at two rates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from critical.core.spec import SpecError
from critical.deficits import Deficit, LabelPermutation, Noise, Occlusion
from critical.inference.arms import Contrast
from critical.inference.claims import Claim
from critical.inference.effects import SMALLEST
from critical.plots.panel import role
from critical.plots.panels import Dots, contrasts
from experiments.design.figure import Design, Figure
from experiments.design.parameters import Parameters, at_least, spaced
from experiments.design.protocol import Protocol, WindowArms, cost, damage
from experiments.design.rates import LOW, cell, low_from, refuse_high
from experiments.design.sources import ICLR2019, OURS

LABELS = LabelPermutation.name
Cells = Mapping[tuple[int, bool], WindowArms]
"""Windows by age, and by whether the rate in them is high."""


@dataclass(frozen=True)
class Senses(Parameters):
    """Parameters.

    Attributes:
        length: Epochs of all windows.
        late: First epoch of the late ones, where the decaying rate has become low.
        budget: Epochs of the long recovery; the short one is the standard one.
        depth: Layers of the second network; null: there is none.
    """

    length: int
    late: int
    budget: int
    depth: int | None

    def __post_init__(self) -> None:
        at_least(1, length=self.length, late=self.late, budget=self.budget)

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns the shortest window, twice the standard recovery, and three layers less; one more than very few."""
        depth = getattr(protocol.parts.model, "depth", None)
        other = None if depth is None else depth - 3 if depth >= 6 else depth + 1
        return {"length": spaced(protocol.longest_window, protocol.points)[0], "late": low_from(protocol),
                "budget": 2 * protocol.recovery, "depth": other}  # fmt: skip


def design(protocol: Protocol, parameters: Senses) -> Design:
    """Crosses age and rate for deficits of the images and of the labels, with a second recovery and network."""
    late, length, short, long = parameters.late, parameters.length, protocol.recovery, parameters.budget
    refuse_high(protocol, late, f"late={late}")
    if long <= short:
        raise SpecError(f"budget={long}: the long recovery has more epochs than the standard one, {short}; raise it")
    if parameters.depth is not None and parameters.depth == getattr(protocol.parts.model, "depth", None):
        raise SpecError(f"depth={parameters.depth}: the first network has it, too; give another one, or null for none")
    acting: dict[str, Deficit] = {
        one.name: one
        for one in (protocol.deficit, Noise(), Occlusion(), LabelPermutation(classes=protocol.facts.classes))
    }
    main, senses = protocol.deficit.name, [name for name in acting if name != LABELS]
    named = {name: name.replace("_", " ") for name in acting} | {LABELS: "permuted labels"}

    def windows(of: Protocol, name: str, budget: int) -> Cells:
        return {(age, high): cell(of, age, high, length, budget=budget, deficit=acting[name])
                for age in (0, late) for high in (True, False)}  # fmt: skip

    first = {name: windows(protocol, name, short) for name in acting}
    lasting = {name: windows(protocol, name, long) for name in acting}
    dosed = dict.fromkeys((main, LABELS))
    longer = {name: {age: cell(protocol, age, False, round(length / LOW), deficit=acting[name]) for age in (0, late)}
              for name in dosed}  # fmt: skip
    other: dict[str, Cells] = {}
    if parameters.depth is not None:
        shallow = protocol.variant(f"depth {parameters.depth}", model={"depth": parameters.depth})
        other = {name: windows(shallow, name, short) for name in dosed}

    def mean(held: Cells, high: bool, value: Callable[[WindowArms], Contrast]) -> Contrast:
        return 0.5 * (value(held[0, high]) + value(held[late, high]))

    def rate(held: Cells, value: Callable[[WindowArms], Contrast] = cost) -> Contrast:
        return mean(held, True, value) - mean(held, False, value)

    def at_equal_dose(name: str) -> Contrast:
        return mean(first[name], True, cost) - 0.5 * (cost(longer[name][0]) + cost(longer[name][late]))

    def over_senses(value: Callable[[str], Contrast]) -> Contrast:
        return sum((value(name) for name in senses if name != LABELS), Contrast({})) * (1 / len(senses))

    after = f"after {long} clean epochs"
    claims = [
        Claim("sense.early", ICLR2019, damage(first[main][0, True]) - damage(first[main][late, True]), "greater",
              f"At the same high rate, {named[main]} does more damage early than from epoch {late} on.",
              differs="The late windows of the paper have lower rates than the early ones.",
              short="early does more damage (high rate)"),
        *(Claim(f"sense.{name}_rate", OURS, rate(first[name]), "greater",
                f"At equal age, {named[name]} costs more at the high rate than at the low one.",
                short=f"rate matters: {named[name]}") for name in acting),
        *(Claim(f"sense.{name}_dose", OURS, at_equal_dose(name), "greater",
                f"So does {named[name]} where the low rate lasts as much longer as it is lower: at equal summed rate.",
                requires=(f"sense.{name}_rate",), short=f"not dose: {named[name]}") for name in dosed),
        *(Claim(f"sense.{name}_damage", OURS, mean(first[name], True, damage), "greater",
                f"At the high rate, {named[name]} does damage, early and late taken together.",
                short=f"does damage: {named[name]}") for name in acting),
        *(Claim(f"sense.{name}_left", OURS, mean(lasting[name], True, damage), "greater",
                f"At the high rate, {named[name]} leaves damage {after}, early and late taken together.",
                requires=(f"sense.{name}_damage",), short=f"damage is left: {named[name]}") for name in acting),
        Claim("sense.special", OURS, over_senses(lambda name: rate(first[name])) - rate(first[LABELS]), "greater",
              "The rate matters more to deficits of the images (their mean) than to permuted labels.",
              requires=(f"sense.{main}_rate",), short="rate matters more to images"),
        Claim("sense.special_left", OURS, over_senses(lambda name: mean(lasting[name], True, damage))
              - mean(lasting[LABELS], True, damage), "greater",
              f"Of deficits of the images at the high rate more damage is left {after} than of permuted labels.",
              requires=(f"sense.{main}_damage",), short="more is left of images"),
        Claim("sense.added", OURS, rate(first[main], damage), "greater",
              f"At equal age, {named[main]} does more damage at the high rate than at the low one.",
              short="the high rate adds damage"),
        Claim("sense.permanent", OURS, rate(lasting[main], damage), "greater",
              f"At equal age, {named[main]} at the high rate is left with more damage than at the low one {after}.",
              requires=("sense.added",), short="what the rate adds is permanent"),
        Claim("sense.repaired", OURS, rate(first[main], damage) - rate(lasting[main], damage), "greater",
              f"Of what the high rate adds to the damage by {named[main]}, longer training repairs a part.",
              requires=("sense.added",), short="what the rate adds is repaired"),
        *(Claim(f"sense.other_{name}", OURS, rate(held), "greater",
                f"In a network of depth {parameters.depth}, too, {named[name]} costs more at the high rate.",
                short=f"other depth: {named[name]}") for name, held in other.items()),
    ]  # fmt: skip
    reach, of_rate = SMALLEST["accuracy"].effect, {True: "high", False: "low"}
    looks = {True: "deficit", False: "dose_matched"}

    def costs(title: str, cells: Mapping[str, Cells]) -> Dots:
        rows = [(role(looks[high], f"{named[name]}, {of_rate[high]}"), mean(held, high, cost))
                for name, held in cells.items() for high in (True, False)]  # fmt: skip
        return Dots(title=title, xlabel="clean epochs instead − deficit (points)", rows=rows, reach=reach)

    left = [(role(looks[True], f"{named[name]}, {budget}", marker=marker), mean(cells[name], True, damage))
            for name in acting for budget, cells, marker in ((short, first, "o"), (long, lasting, "s"))]  # fmt: skip
    network = [[costs(f"cost in a network of depth {parameters.depth}", other), None]] if other else []
    return Design(
        panels=[
            [costs("cost at high and low rates", first),
             Dots(title="damage at the high rate", xlabel="left-out window − deficit (points)", rows=left,
                  reach=reach, note="Numbers behind names are the clean epochs after the window.")],
            [contrasts(claims[: len(claims) // 2], "accuracy", title="rates, sense by sense", xlabel="points"),
             contrasts(claims[len(claims) // 2 :], "accuracy", title="what is left, and in whom", xlabel="points")],
            *network,
        ],
        claims=claims,
        leading=("sense.special", "sense.permanent"),
        panel_inches=(3.6, (2.8, 3.9, 1.8) if network else (2.8, 3.9)),
        note=f"High is {protocol.rate:g}, low {LOW:g} of it, constant in windows of {length} epochs; those of equal "
        f"summed rate have {round(length / LOW)} at the low one. Values are means of a window at epoch 0 and one at "
        f"epoch {late}. Damage: against a network that skipped the window.",
    )  # fmt: skip


FIGURE = Figure(
    name="controls/rate_and_sense",
    title="Rates, sense by sense",
    question="Is what a high rate leaves permanent, and is it special to a sense?",
    parameters=Senses,
    design=design,
    deviations=(
        "No paper crosses rates with deficits; the windows are those of controls/age_or_rate.",
        f"Windows at the low rate have {LOW:g} of the summed rate of those at the high one: what a claim says of the "
        "rate may be its dose. The claims at equal summed rate part them for cost, for one deficit of the images and "
        "for permuted labels; what is left after long recoveries was not put to longer windows.",
    ),
)
