"""Is what a high rate leaves permanent, and special to a sense? Several deficits, early and late, at two rates."""

from collections.abc import Mapping

from critical.core.spec import SpecError
from critical.plots.panel import role
from critical.plots.panels import Dots, contrasts
from experiments.design.figure import Design, Figure
from experiments.design.protocol import Protocol, damage
from experiments.design.rates import HIGH, LOW, LOWER, Crossed
from experiments.design.senses import LABELS, Senses, by_deficit, sense_claims, spoken


def design(protocol: Protocol, parameters: Senses) -> Design:
    """Crosses age and rate for deficits of the images and of the labels, with a second recovery and network."""
    late, length, short, long = parameters.late, parameters.length, protocol.recovery, parameters.budget
    if long <= short:
        raise SpecError(f"budget={long}: the long recovery has more epochs than the standard one, {short}; raise it")
    if parameters.depth is not None and parameters.depth == getattr(protocol.parts.model, "depth", None):
        raise SpecError(f"depth={parameters.depth}: the first network has it, too; give another one, or null for none")
    first, lasting = (by_deficit(protocol, parameters, budget) for budget in (short, long))
    main, other = protocol.deficit.name, dict[str, Crossed]()
    if parameters.depth is not None:
        network = protocol.variant(f"depth {parameters.depth}", model={"depth": parameters.depth})
        other = {name: held for name, held in by_deficit(network, parameters, short).items()
                 if name in (main, LABELS)}  # fmt: skip
    claims = sense_claims(main, parameters, first, lasting, other)

    def costs(title: str, crossed: Mapping[str, Crossed]) -> Dots:
        rows = [(role(colour, f"{spoken(name)}, {kind}"), held.mean(kind, late))
                for name, held in crossed.items()
                for kind, colour in ((HIGH, "deficit"), (LOWER, "dose_matched"))]  # fmt: skip
        return Dots(title=title, xlabel="clean epochs instead − deficit (points)", rows=rows, unit="accuracy")

    left = [(role("deficit", f"{spoken(name)}, {budget}", marker=marker), crossed[name].mean(HIGH, late, damage))
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
