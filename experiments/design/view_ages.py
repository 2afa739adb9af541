"""A blur of one of two views, early and late, at high and low rates: what is claimed of it."""

from critical.inference.claims import Claim
from experiments.design.premises import learns
from experiments.design.protocol import damage
from experiments.design.rates import HIGH, HIGH_SETTLED, LONGER, LOWER, Crossed
from experiments.design.sources import CVPR2023, JUMP_BESIDE_SETTLED, OURS, PAWLAK2025
from experiments.design.two_streams import DECODING, DEPRIVED, MAPS

VARIED = "The paper varies the removal; windows at equal rates are ours."
FOLLOWS = "It follows from the paper, which restarts the rate after the deficit, with one stream."
SHORT = {HIGH: "high", LOWER: "low", HIGH_SETTLED: "settled"}
READ = {"damage": ("accuracy", "the network's accuracy"),
        "decoded": (DECODING, f"what the network decodes from view {DEPRIVED} alone"),
        "impaired": (MAPS, f"what a probe reads from stream {DEPRIVED}")}  # fmt: skip
"""By the word in ids: the column, and what it is in words."""


def clean_learn(crossed: Crossed, late: int, classes: int) -> list[Claim]:
    """Returns the premises that the clean networks of the early and the late windows learn, at either rate."""
    cells = {f"{word}_{kind}": (kind, age) for word, age in (("early", 0), ("late", late)) for kind in (HIGH, LOWER)}
    return [
        learns(f"split_age.{name}_learns", crossed.cells[cell].dose_matched, classes,
               f"The clean network of the {name.replace('_', ' ')} window",
               f"clean network learns: {name.replace('_', ', ')}") for name, cell in cells.items()
    ]  # fmt: skip


def view_age_claims(crossed: Crossed, late: int, settle: int) -> list[Claim]:
    """Returns what is claimed of age and of the rate, each at constant rates and where windows begin settled.

    Those about damage speak of the network: in the window it still learns from the other view.
    """
    cells, blur = crossed.cells, f"a blur of view {DEPRIVED}"
    given = {HIGH: "at the same high rate", LOWER: "at the same low rate",
             HIGH_SETTLED: f"where windows begin settled, after {settle} clean epochs at the high rate"}  # fmt: skip
    jumps = {HIGH: JUMP_BESIDE_SETTLED}

    def needs(kind: str, *words: str) -> tuple[str, ...]:
        return tuple(f"split_age.{word}_{'low' if kind == LOWER else 'high'}_learns" for word in words)

    every = tuple(f"split_age.{word}_{kind}_learns" for word in ("early", "late") for kind in (HIGH, LOWER))
    rate, skipping = "At equal age", "a network that skips the window"
    asked = [
        *(Claim(f"split_age.early_{name}_{SHORT[kind]}", OURS, damage(cells[kind, 0], column), "greater",
                f"{words.capitalize()}, an early blur of view {DEPRIVED} leaves less of {what} than {skipping} has.",
                requires=needs(kind, "early"), short=f"early blur: {name} ({SHORT[kind]})")
          for name, (column, what) in READ.items() for kind, words in given.items()),
        *(Claim(f"split_age.cost_{SHORT[kind]}", CVPR2023, crossed.ages(kind, late), "greater",
                f"{words.capitalize()}, {blur} costs more early than from epoch {late} on.",
                requires=needs(kind, "early", "late"), differs=f"{VARIED} {jumps.get(kind, '')}".strip(),
                short=f"early costs more ({SHORT[kind]}{'' if kind == HIGH_SETTLED else ' rate'})")
          for kind, words in given.items()),
        *(Claim(f"split_age.{name}_{SHORT[kind]}", OURS, crossed.ages(kind, late, damage, column), "greater",
                f"{words.capitalize()}, {blur} takes more of {what} early than from epoch {late} on, each time beside "
                f"{skipping}.", differs=jumps.get(kind, ""),
                requires=(*needs(kind, "early", "late"), f"split_age.early_{name}_{SHORT[kind]}"),
                short=f"{name}: more early ({SHORT[kind]}{'' if kind == HIGH_SETTLED else ' rate'})")
          for name, (column, what) in READ.items() for kind, words in given.items()),
        Claim("split_age.rate_cost", PAWLAK2025, crossed.rates(late), "greater",
              f"{rate}, {blur} costs more at the high rate than at the low one.", requires=every,
              differs=f"{FOLLOWS} {JUMP_BESIDE_SETTLED}", short="high rate costs more"),
        Claim("split_age.rate_cost_settled", OURS, crossed.rates(late, high=HIGH_SETTLED), "greater",
              f"{rate}, {blur} costs more at the high rate where its windows begin settled, {settle} epochs later.",
              requires=every, short="high rate costs more (settled)"),
        Claim("split_age.rate_not_dose", OURS, crossed.rates(late, low=LONGER), "greater",
              f"{rate}, {blur} costs more at the high rate where the low one lasts as much longer as it is lower, too.",
              requires=("split_age.rate_cost",), differs=JUMP_BESIDE_SETTLED, short="high rate, at equal dose"),
        Claim("split_age.late_damage", OURS, damage(cells[HIGH, late]), "greater",
              f"From epoch {late} on, {blur} at the high rate still leaves a network below one that skips the window.",
              requires=needs(HIGH, "late"), differs=JUMP_BESIDE_SETTLED, short="late damages at high rate"),
        Claim("split_age.no_shock", OURS, damage(cells[HIGH, late]) - damage(cells[HIGH_SETTLED, late]), "none",
              "That is no shock by the jump of the rate: settled networks lose as much.",
              requires=("split_age.late_damage",), short="late: no shock by the jump"),
    ]  # fmt: skip
    for name, (column, what) in READ.items():
        if name != "damage":
            asked += [
                Claim(f"split_age.{name}_rate", OURS, crossed.rates(late, column=column), "greater",
                      f"{rate}, {blur} costs more of {what} at the high rate than at the low one.", requires=every,
                      differs=JUMP_BESIDE_SETTLED, short=f"{name}: high rate costs more"),
                Claim(f"split_age.{name}_rate_settled", OURS, crossed.rates(late, column=column, high=HIGH_SETTLED),
                      "greater", f"It costs more of {what} where the windows at the high rate begin settled, {settle} "
                      "epochs later, too.", requires=every, short=f"{name}: high rate more, settled"),
            ]  # fmt: skip
    return asked
