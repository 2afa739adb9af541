"""A blur of one view, early and late, at high and low rates: age or learning rate, for two streams."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from critical.inference.arms import Contrast
from critical.inference.claims import Claim
from critical.inference.effects import SMALLEST
from critical.plots.panel import Value, role
from critical.plots.panels import Series, contrasts
from experiments.design.figure import Design, Figure
from experiments.design.premises import learns
from experiments.design.protocol import Protocol, WindowArms, cost, damage
from experiments.design.rates import LOW, AgesAndRates, low_from, windows
from experiments.design.sources import CVPR2023, OURS, PAWLAK2025
from experiments.design.two_streams import DECODING, DEPRIVED, PROBES

VARIED = "The paper varies the removal; windows at equal rates are ours."
LOOKS = {
    "high": role("deficit", "high rate"),
    "low": role("dose_matched", "low rate"),
    "high, settled": role("deficit", "high, settled", "--", "s"),
    "low, longer": role("dose_matched", "low, longer", ":", "D"),
}
MAPS = next(iter(PROBES))
Effect = Callable[[WindowArms, str], Contrast]


@dataclass(frozen=True)
class TwoAges(AgesAndRates):
    """Parameters; see `AgesAndRates`, whose later windows are left out by default."""

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns windows of the shortest length, at epoch 0 and where the decaying rate has become low."""
        return {**AgesAndRates.defaults(protocol), "late_onsets": (low_from(protocol),)}


def design(protocol: Protocol, parameters: TwoAges) -> Design:
    """Crosses age and rate, with settled windows and, at the low rate, windows of equal summed rate."""
    cells, late, classes = windows(protocol, parameters), parameters.late_onsets[-1], protocol.facts.classes
    blur, given = f"a blur of view {DEPRIVED}", {"high": "at the same high rate", "low": "at the same low rate"}

    def ages(kind: str, effect: Effect, column: str = "accuracy") -> Contrast:
        return effect(cells[kind, 0], column) - effect(cells[kind, late], column)

    def rates(effect: Effect, column: str = "accuracy", low: str = "low") -> Contrast:
        parts = (effect(cells["high", age], column) - effect(cells[low, age], column) for age in (0, late))
        return 0.5 * sum(parts, Contrast({}))

    def needs(*which: str) -> tuple[str, ...]:
        return tuple(f"split_age.{one}_learns" for one in which)

    square = {f"{word}_{kind}": (kind, age) for word, age in (("early", 0), ("late", late)) for kind in given}
    two = {kind: needs(f"early_{kind}", f"late_{kind}") for kind in given}
    every = needs(*square)
    read = {"decoded": (DECODING, f"to what is decoded from view {DEPRIVED} alone"),
            "impaired": (MAPS, f"to what a probe reads from stream {DEPRIVED}")}  # fmt: skip
    claims = [
        *(learns(f"split_age.{name}_learns", cells[cell].dose_matched, classes,
                 f"The clean network of the {name.replace('_', ' ')} window", "clean network learns: "
                 f"{name.replace('_', ', ')}") for name, cell in square.items()),
        *(Claim(f"split_age.cost_{kind}", CVPR2023, ages(kind, cost), "greater",
                f"{words.capitalize()}, {blur} costs more early than from epoch {late} on.", differs=VARIED,
                requires=two[kind], short=f"early costs more ({kind} rate)") for kind, words in given.items()),
        *(Claim(f"split_age.damage_{kind}", OURS, ages(kind, damage), "greater",
                f"{words.capitalize()}, {blur} does more damage early than from epoch {late} on: beside runs that "
                "leave the window out.", requires=two[kind], short=f"early damages more ({kind} rate)")
          for kind, words in given.items()),
        Claim("split_age.damage_settled", OURS, ages("high, settled", damage), "greater",
              f"So it does where both windows begin settled, after {parameters.settle} clean epochs at the high rate.",
              requires=two["high"], short="early damages more (settled)"),
        Claim("split_age.rate_cost", PAWLAK2025, rates(cost), "greater",
              f"At equal age, {blur} costs more at the high rate than at the low one.", requires=every,
              short="high rate costs more"),
        Claim("split_age.rate_damage", OURS, rates(damage), "greater",
              f"At equal age, {blur} does more damage at the high rate than at the low one.", requires=every,
              short="high rate damages more"),
        Claim("split_age.rate_not_dose", OURS, rates(damage, low="low, longer"), "greater",
              "It does so where the low rate lasts as much longer as it is lower, too.",
              requires=("split_age.rate_damage",), short="high rate, at equal dose"),
        Claim("split_age.late_damage", OURS, damage(cells["high", late]), "greater",
              f"From epoch {late} on, {blur} at the high rate still does damage.", requires=needs("late_high"),
              short="late damages at high rate"),
        Claim("split_age.no_shock", OURS, damage(cells["high", late]) - damage(cells["high, settled", late]), "none",
              "That is no shock by the jump of the rate: settled networks are damaged as much.",
              requires=("split_age.late_damage",), short="late: no shock by the jump"),
        *(Claim(f"split_age.{name}_{kind}", OURS, ages(kind, damage, column), "greater",
                f"{words.capitalize()}, {blur} does more damage early than from epoch {late} on {to_what}.",
                requires=two[kind], short=f"{name}: more damage early ({kind})")
          for name, (column, to_what) in read.items() for kind, words in given.items()),
        *(Claim(f"split_age.{name}_rate", OURS, rates(damage, column), "greater",
                f"At equal age, {blur} does more damage at the high rate than at the low one {to_what}.",
                requires=every, short=f"{name}: high rate damages more") for name, (column, to_what) in read.items()),
    ]  # fmt: skip

    def by_age(title: str, ylabel: str, value: Callable[[WindowArms], Value], unit: str = "") -> Series:
        lines = [(look, {age: value(held) for (kind, age), held in cells.items() if kind == known})
                 for known, look in LOOKS.items()]  # fmt: skip
        return Series(title=title, ylabel=ylabel, xlabel="age at the window (epochs)", lines=lines, zero=bool(unit),
                      reach=SMALLEST[unit].effect if unit else None)  # fmt: skip

    roles = {"dose_matched": "clean\ninstead", "skip": "window\nskipped", "deficit": f"view {DEPRIVED}\nblurred"}
    ends = Series(
        title="where networks end, high rate", xlabel="age at the window (epochs)", ylabel="final test accuracy (%)",
        lines=[(role(arm, label), {age: getattr(cells["high", age], arm) for age in (0, late)})
               for arm, label in roles.items()],
    )  # fmt: skip
    asked = [claim for claim in claims if isinstance(claim.contrast, Contrast)]
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
        claims=claims,
        leading=("split_age.cost_high", "split_age.damage_high", "split_age.rate_damage"),
        panel_inches=(3.6, (2.5, 2.5, 4.2, 2.5)),
        note=f"High is {protocol.rate:g}, low {LOW:g} of it, constant in the window, which has {parameters.length} "
        f"epochs; 'longer' ones have {round(parameters.length / LOW)}, 'settled' ones begin after {parameters.settle} "
        "clean epochs at their rate. Until a late window the rate decays to the low one.",
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
