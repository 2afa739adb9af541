"""A blur of one view, early and late, at high and low rates: age or learning rate, for two streams."""

from collections.abc import Callable

from critical.inference.claims import Claim
from critical.plots.panel import Value
from critical.plots.panels import Series, contrasts
from experiments.design.figure import Design, Figure
from experiments.design.lines import of_arms
from experiments.design.premises import learns
from experiments.design.protocol import Protocol, WindowArms, cost, damage
from experiments.design.rates import HIGH, HIGH_SETTLED, LONGER, LOW, LOWER, TwoAges, windows
from experiments.design.sources import CVPR2023, JUMP, OURS, PAWLAK2025
from experiments.design.two_streams import DECODING, DEPRIVED, MAPS

VARIED = "The paper varies the removal; windows at equal rates are ours."
READING = "It follows from the paper, which restarts the rate after the deficit, with one stream."


def design(protocol: Protocol, parameters: TwoAges) -> Design:
    """Crosses age and rate, with settled windows and, at the low rate, windows of equal summed rate."""
    crossed, late, classes = windows(protocol, parameters), parameters.late_onsets[-1], protocol.facts.classes
    cells, blur = crossed.cells, f"a blur of view {DEPRIVED}"
    given = {HIGH: "at the same high rate", LOWER: "at the same low rate"}

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
                     requires=needs("early_low" if kind == LOWER else "early_high"),
                     short=f"early blur: {name} ({key})")  # fmt: skip

    premises = [
        learns(f"split_age.{name}_learns", cells[cell].dose_matched, classes,
               f"The clean network of the {name.replace('_', ' ')} window",
               f"clean network learns: {name.replace('_', ', ')}") for name, cell in square.items()
    ]  # fmt: skip
    asked = [
        *(harms(name, kind, kind, words) for name in read for kind, words in given.items()),
        harms("damage", HIGH_SETTLED, "settled", f"settled for {parameters.settle} epochs"),
        *(Claim(f"split_age.cost_{kind}", CVPR2023, crossed.ages(kind, late), "greater",
                f"{words.capitalize()}, {blur} costs more early than from epoch {late} on.", requires=two[kind],
                differs=f"{VARIED} {JUMP}" if kind == HIGH else VARIED, short=f"early costs more ({kind} rate)")
          for kind, words in given.items()),
        *(Claim(f"split_age.{name}_{kind}", OURS, crossed.ages(kind, late, damage, column), "greater",
                f"{words.capitalize()}, {blur} does more damage early than from epoch {late} on to {what}.",
                requires=(*two[kind], f"split_age.early_{name}_{kind}"), short=f"{name}: more early ({kind} rate)")
          for name, (column, what) in read.items() for kind, words in given.items()),
        Claim("split_age.damage_settled", OURS, crossed.ages(HIGH_SETTLED, late, damage), "greater",
              f"So it does where both windows begin settled, after {parameters.settle} clean epochs at the high rate.",
              requires=(*two[HIGH], "split_age.early_damage_settled"), short="early damages more (settled)"),
        Claim("split_age.rate_cost", PAWLAK2025, crossed.rates(late), "greater",
              f"At equal age, {blur} costs more at the high rate than at the low one.", requires=every,
              differs=READING, short="high rate costs more"),
        Claim("split_age.rate_not_dose", OURS, crossed.rates(late, low=LONGER), "greater",
              "It does so where the low rate lasts as much longer as it is lower, too.",
              requires=("split_age.rate_cost",), short="high rate, at equal dose"),
        Claim("split_age.late_damage", OURS, damage(cells[HIGH, late]), "greater",
              f"From epoch {late} on, {blur} at the high rate still does damage.", requires=needs("late_high"),
              short="late damages at high rate"),
        Claim("split_age.no_shock", OURS, damage(cells[HIGH, late]) - damage(cells[HIGH_SETTLED, late]), "none",
              "That is no shock by the jump of the rate: settled networks are damaged as much.",
              requires=("split_age.late_damage",), short="late: no shock by the jump"),
        *(Claim(f"split_age.{name}_rate", OURS, crossed.rates(late, column=column), "greater",
                f"At equal age, {blur} costs more of {what} at the high rate than at the low one.", requires=every,
                short=f"{name}: high rate costs more") for name, column, what in streams),
    ]  # fmt: skip

    def by_age(title: str, ylabel: str, seen: Callable[[WindowArms], Value], unit: str = "") -> Series:
        return Series(title=title, ylabel=ylabel, xlabel="age at the window (epochs)", unit=unit,
                      lines=crossed.lines((HIGH, LOWER, HIGH_SETTLED, LONGER), seen))  # fmt: skip

    names = {"dose_matched": "clean\ninstead", "skip": "window\nskipped", "deficit": f"view {DEPRIVED}\nblurred"}
    ends = Series(
        title="where networks end, high rate", xlabel="age at the window (epochs)", ylabel="final test accuracy (%)",
        lines=of_arms({age: cells[HIGH, age] for age in (0, late)}, names),
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
        claims=[*premises, *asked],
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
