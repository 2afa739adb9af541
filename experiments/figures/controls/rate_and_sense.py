"""Is what a high rate leaves permanent, and special to a sense? Several deficits, early and late, at two rates."""

from collections.abc import Callable, Mapping

from critical.core.spec import SpecError
from critical.inference.arms import Contrast, mean
from critical.inference.claims import Claim
from critical.plots.panel import role
from critical.plots.panels import Dots, contrasts
from experiments.design.figure import Design, Figure
from experiments.design.protocol import Protocol, cost, damage
from experiments.design.rates import HIGH, LONGER, LOW, LOWER, Crossed, Effect
from experiments.design.senses import LABELS, Senses, by_deficit
from experiments.design.sources import ICLR2019, OURS


def design(protocol: Protocol, parameters: Senses) -> Design:
    """Crosses age and rate for deficits of the images and of the labels, with a second recovery and network."""
    late, length, short, long = parameters.late, parameters.length, protocol.recovery, parameters.budget
    if long <= short:
        raise SpecError(f"budget={long}: the long recovery has more epochs than the standard one, {short}; raise it")
    if parameters.depth is not None and parameters.depth == getattr(protocol.parts.model, "depth", None):
        raise SpecError(f"depth={parameters.depth}: the first network has it, too; give another one, or null for none")
    first, lasting = (by_deficit(protocol, parameters, budget) for budget in (short, long))
    main, senses = protocol.deficit.name, [name for name in first if name != LABELS]
    dosed, other = dict.fromkeys((main, LABELS)), dict[str, Crossed]()
    if parameters.depth is not None:
        network = protocol.variant(f"depth {parameters.depth}", model={"depth": parameters.depth})
        other = {name: held for name, held in by_deficit(network, parameters, short).items() if name in dosed}
    named = {name: name.replace("_", " ") for name in first}

    def rate(held: Crossed, effect: Effect = cost, low: str = LOWER) -> Contrast:
        return held.mean(HIGH, late, effect) - held.mean(low, late, effect)

    def at_high(held: Mapping[str, Crossed], name: str) -> Contrast:
        """Returns the damage at the high rate."""
        return held[name].mean(HIGH, late, damage)

    def over_senses(value: Callable[[str], Contrast]) -> Contrast:
        return mean(value(name) for name in senses)

    after = f"after {long} clean epochs"
    claims = [
        Claim("sense.early", ICLR2019, first[main].ages(HIGH, late, damage), "greater",
              f"At the same high rate, {named[main]} does more damage early than from epoch {late} on.",
              differs="The late windows of the paper have lower rates than the early ones.",
              short="early does more damage (high rate)"),
        *(Claim(f"sense.{name}_rate", OURS, rate(first[name]), "greater",
                f"At equal age, {named[name]} costs more at the high rate than at the low one.",
                short=f"rate matters: {named[name]}") for name in first),
        *(Claim(f"sense.{name}_dose", OURS, rate(first[name], low=LONGER), "greater",
                f"So does {named[name]} where the low rate lasts as much longer as it is lower: at equal summed rate.",
                requires=(f"sense.{name}_rate",), short=f"not dose: {named[name]}") for name in dosed),
        *(Claim(f"sense.{name}_damage", OURS, at_high(first, name), "greater",
                f"At the high rate, {named[name]} does damage, early and late taken together.",
                short=f"does damage: {named[name]}") for name in first),
        *(Claim(f"sense.{name}_left", OURS, at_high(lasting, name), "greater",
                f"At the high rate, {named[name]} leaves damage {after}, early and late taken together.",
                requires=(f"sense.{name}_damage",), short=f"damage is left: {named[name]}") for name in first),
        Claim("sense.special", OURS, over_senses(lambda name: rate(first[name])) - rate(first[LABELS]),
              "greater",
              "The rate matters more to deficits of the images (their mean) than to permuted labels.",
              requires=(f"sense.{main}_rate",), short="rate matters more to images"),
        Claim("sense.special_left", OURS, over_senses(lambda name: at_high(lasting, name)) - at_high(lasting, LABELS),
              "greater",
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

    def costs(title: str, crossed: Mapping[str, Crossed]) -> Dots:
        rows = [(role(colour, f"{named[name]}, {kind}"), held.mean(kind, late))
                for name, held in crossed.items()
                for kind, colour in ((HIGH, "deficit"), (LOWER, "dose_matched"))]  # fmt: skip
        return Dots(title=title, xlabel="clean epochs instead − deficit (points)", rows=rows, unit="accuracy")

    left = [(role("deficit", f"{named[name]}, {budget}", marker=marker), at_high(crossed, name))
            for name in first for budget, crossed, marker in ((short, first, "o"), (long, lasting, "s"))]  # fmt: skip
    below = [[costs(f"cost in a network of depth {parameters.depth}", other), None]] if other else []
    return Design(
        panels=[
            [costs("cost at high and low rates", first),
             Dots(title="damage at the high rate", xlabel="left-out window − deficit (points)", rows=left,
                  unit="accuracy", note="Numbers behind names are the clean epochs after the window.")],
            [contrasts(claims[: len(claims) // 2], "accuracy", title="rates, sense by sense", xlabel="points"),
             contrasts(claims[len(claims) // 2 :], "accuracy", title="what is left, and in whom", xlabel="points")],
            *below,
        ],
        claims=claims,
        leading=("sense.special", "sense.permanent"),
        panel_inches=(3.6, (2.8, 4.7, 1.8) if below else (2.8, 4.7)),
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
