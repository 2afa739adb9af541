"""A blur of one view, early and late, at high and low rates: age or learning rate, for two streams."""

from collections.abc import Callable

from critical.plots.panel import Value
from critical.plots.panels import Series, contrasts
from experiments.design.contrasts import LEARNS_BESIDE
from experiments.design.figure import Design, Figure
from experiments.design.lines import of_arms
from experiments.design.protocol import Protocol, WindowArms, cost, damage
from experiments.design.rates import HIGH, HIGH_SETTLED, LONGER, LOW, LOWER, TwoAges, windows
from experiments.design.two_streams import DECODING, DEPRIVED, MAPS
from experiments.design.view_ages import clean_learn, view_age_claims


def design(protocol: Protocol, parameters: TwoAges) -> Design:
    """Crosses age and rate, with settled windows and, at the low rate, windows of equal summed rate."""
    crossed, late = windows(protocol, parameters), parameters.late_onsets[-1]
    asked = view_age_claims(crossed, late, parameters.settle)

    def by_age(title: str, ylabel: str, seen: Callable[[WindowArms], Value], unit: str = "") -> Series:
        return Series(title=title, ylabel=ylabel, xlabel="age at the window (epochs)", unit=unit,
                      lines=crossed.lines((HIGH, LOWER, HIGH_SETTLED, LONGER), seen))  # fmt: skip

    names = {"dose_matched": "clean\ninstead", "skip": "window\nskipped", "deficit": f"view {DEPRIVED}\nblurred"}
    ends = Series(
        title="where networks end, high rate", xlabel="age at the window (epochs)", ylabel="final test accuracy (%)",
        lines=of_arms({age: crossed.cells[HIGH, age] for age in (0, late)}, names),
    )  # fmt: skip
    return Design(
        panels=[
            [by_age("cost", "clean epochs instead − blur (points)", cost, "accuracy"),
             by_age("damage", "window skipped − blur (points)", damage, "accuracy")],
            [by_age(f"damage: decoded from view {DEPRIVED}", "window skipped − blur (points)",
                    lambda held: damage(held, DECODING), "readout"),
             by_age(f"damage: probe of stream {DEPRIVED}", "window skipped − blur (points)",
                    lambda held: damage(held, MAPS), "readout")],
            [contrasts(asked, "accuracy", title="accuracy: age or rate?", xlabel="points"),
             contrasts(asked, "readout", title="stream b: age or rate?", xlabel="points")],
            [ends, by_age("how well the blur was learnt", "accuracy on blurred images (%)",
                          lambda held: held.deficit["accuracy_deficient"])],
        ],
        claims=[*clean_learn(crossed, late, protocol.facts.classes), *asked],
        leading=("split_age.cost_settled", "split_age.damage_settled", "split_age.rate_cost_settled"),
        panel_inches=(3.6, (2.5, 2.5, 6.4, 2.5)),
        note=f"High is {protocol.rate:g}, low {LOW:g} of it, constant in the window, which has {parameters.length} "
        f"epochs; 'longer' ones have {round(parameters.length / LOW)}, 'settled' ones begin after {parameters.settle} "
        "clean epochs at their rate. Until a late window the rate decays to the low one. Damage is what a blur leaves "
        f"less than a run that skips the window. {LEARNS_BESIDE}",
    )  # fmt: skip


FIGURE = Figure(
    name="cvpr2023/split_age",
    title="Age or learning rate, with two streams",
    question="Is a blurred view worse early because the network is young, or because the learning rate is high?",
    parameters=TwoAges,
    design=design,
    deviations=("The paper varies the removal alone, under a decaying rate; everything here is a control of ours.",),
    family="two_streams",
)
