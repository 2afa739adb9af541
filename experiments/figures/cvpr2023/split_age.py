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
from experiments.design.sources import CVPR2023, JUMP, OURS, PAWLAK2025
from experiments.design.two_streams import DECODING, DEPRIVED, PROBES

VARIED = "The paper varies the removal; windows at equal rates are ours."
READING = "It follows from the paper, which restarts the rate after the deficit, with one stream."
SETTLED = "high, settled"
LOOKS = {
    "high": role("deficit", "high rate"),
    "low": role("dose_matched", "low rate"),
    SETTLED: role("deficit", "high, settled", "--", "s"),
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

    def rates(column: str = "accuracy", low: str = "low") -> Contrast:
        # Costs: beside damage both rates have the same skipped run, which cancels, and no clean window is left.
        parts = (cost(cells["high", age], column) - cost(cells[low, age], column) for age in (0, late))
        return 0.5 * sum(parts, Contrast({}))

    def needs(*which: str) -> tuple[str, ...]:
        return tuple(f"split_age.{one}_learns" for one in which)

    square = {f"{word}_{kind}": (kind, age) for word, age in (("early", 0), ("late", late)) for kind in given}
    two = {kind: needs(f"early_{kind}", f"late_{kind}") for kind in given}
    every = needs(*square)
    read = {"damage": ("accuracy", "the accuracy"),
            "decoded": (DECODING, f"what is decoded from view {DEPRIVED} alone"),
            "impaired": (MAPS, f"what a probe reads from stream {DEPRIVED}")}  # fmt: skip
    streams = [(name, *held) for name, held in read.items() if name != "damage"]

    def harms(name: str, kind: str, key: str, when: str) -> Claim:
        column, what = read[name]
        return Claim(f"split_age.early_{name}_{key}", OURS, damage(cells[kind, 0], column), "greater",
                     f"{when.capitalize()}, an early blur of view {DEPRIVED} does damage to {what}.",
                     requires=needs("early_low" if kind == "low" else "early_high"),
                     short=f"early blur: {name} ({key})")  # fmt: skip

    claims = [
        *(learns(f"split_age.{name}_learns", cells[cell].dose_matched, classes,
                 f"The clean network of the {name.replace('_', ' ')} window", "clean network learns: "
                 f"{name.replace('_', ', ')}") for name, cell in square.items()),
        *(harms(name, kind, kind, words) for name in read for kind, words in given.items()),
        harms("damage", SETTLED, "settled", f"settled for {parameters.settle} epochs"),
        *(Claim(f"split_age.cost_{kind}", CVPR2023, ages(kind, cost), "greater",
                f"{words.capitalize()}, {blur} costs more early than from epoch {late} on.", requires=two[kind],
                differs=f"{VARIED} {JUMP}" if kind == "high" else VARIED, short=f"early costs more ({kind} rate)")
          for kind, words in given.items()),
        *(Claim(f"split_age.{name}_{kind}", OURS, ages(kind, damage, column), "greater",
                f"{words.capitalize()}, {blur} does more damage early than from epoch {late} on to {what}.",
                requires=(*two[kind], f"split_age.early_{name}_{kind}"), short=f"{name}: more early ({kind} rate)")
          for name, (column, what) in read.items() for kind, words in given.items()),
        Claim("split_age.damage_settled", OURS, ages(SETTLED, damage), "greater",
              f"So it does where both windows begin settled, after {parameters.settle} clean epochs at the high rate.",
              requires=(*two["high"], "split_age.early_damage_settled"), short="early damages more (settled)"),
        Claim("split_age.rate_cost", PAWLAK2025, rates(), "greater",
              f"At equal age, {blur} costs more at the high rate than at the low one.", requires=every,
              differs=READING, short="high rate costs more"),
        Claim("split_age.rate_not_dose", OURS, rates(low="low, longer"), "greater",
              "It does so where the low rate lasts as much longer as it is lower, too.",
              requires=("split_age.rate_cost",), short="high rate, at equal dose"),
        Claim("split_age.late_damage", OURS, damage(cells["high", late]), "greater",
              f"From epoch {late} on, {blur} at the high rate still does damage.", requires=needs("late_high"),
              short="late damages at high rate"),
        Claim("split_age.no_shock", OURS, damage(cells["high", late]) - damage(cells[SETTLED, late]), "none",
              "That is no shock by the jump of the rate: settled networks are damaged as much.",
              requires=("split_age.late_damage",), short="late: no shock by the jump"),
        *(Claim(f"split_age.{name}_rate", OURS, rates(column), "greater",
                f"At equal age, {blur} costs more of {what} at the high rate than at the low one.", requires=every,
                short=f"{name}: high rate costs more") for name, column, what in streams),
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
        leading=("split_age.cost_high", "split_age.damage_high", "split_age.rate_cost"),
        panel_inches=(3.6, (2.5, 2.5, 5.0, 2.5)),
        note=f"High is {protocol.rate:g}, low {LOW:g} of it, constant in the window, which has {parameters.length} "
        f"epochs; 'longer' ones have {round(parameters.length / LOW)}, 'settled' ones begin after {parameters.settle} "
        "clean epochs at their rate. Until a late window the rate decays to the low one. Damage is what a blur leaves "
        "less than a run that skips the window.",
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
