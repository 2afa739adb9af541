"""Accuracy against the onset of a window of fixed length (Achille et al. 2019)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from critical.core.spec import SpecError
from critical.inference.arms import Arm
from critical.inference.claims import Claim
from critical.plots.panel import Look, role
from critical.plots.panels import Series
from critical.plots.style import OTHER_COLOURS
from experiments.design.contrasts import WindowArms, age, cost, damage, missed
from experiments.design.figure import Design, Figure
from experiments.design.lines import of_arms, over
from experiments.design.parameters import Onsets, at_least, spaced
from experiments.design.protocol import CONTINUE, RESTART_AT_ONSET, SCHEDULE_TITLES, Protocol
from experiments.design.sources import ICLR2019, JUMP, OURS

PUBLISHED = Look("as published", OTHER_COLOURS[4])
RECOVERED = Look("same recovery", OTHER_COLOURS[0], "--", "s")
EQUAL = Look("equal rates", OTHER_COLOURS[1], "-", "D")
ONSET = "onset of the window (epoch)"


@dataclass(frozen=True)
class WindowOnsets(Onsets):
    """What a profile may set.

    Attributes:
        second_length: Epochs of a longer window at the same onsets; 0: there is none.
        damage: Whether damage at equal rates stands beside cost; its arms leave the window out.
    """

    second_length: int = 0
    damage: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(0, second_length=self.second_length)
        if 0 < self.second_length <= self.length:
            raise SpecError(f"second_length={self.second_length}: longer than length={self.length}, or 0 for none")

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns windows of the shortest length, the last ending with the longest window, and half as long again."""
        points = max(2, protocol.points)
        length = spaced(protocol.longest_window, points)[0]
        later = spaced(protocol.longest_window - length, 2 * (points - 1)) if protocol.longest_window > length else ()
        return {"length": length, "onsets": (0, *later), "second_length": length + (length + 1) // 2, "damage": True}


def design(protocol: Protocol, parameters: WindowOnsets) -> Design:
    """Sets the same window at several ages: as published, and at equal rates."""
    length, onsets, recovery = parameters.length, parameters.onsets, protocol.recovery
    name, first, last, keeps = protocol.deficit.name, onsets[0], onsets[-1], SCHEDULE_TITLES[CONTINUE]

    def windows(length: int, how: str, same_total: bool = False) -> dict[int, WindowArms]:
        return {onset: protocol.window(onset, length, how, (last - onset) * same_total + recovery) for onset in onsets}

    equal, decaying = windows(length, RESTART_AT_ONSET), windows(length, CONTINUE)
    total = windows(length, CONTINUE, same_total=True)

    def panel(title: str, arms: Mapping[int, WindowArms], levels: Sequence[tuple[Look, Arm]] = ()) -> Series:
        names = {"dose_matched": "clean epochs\ninstead", "deficit": f"{name} for\n{length} epochs"}
        return Series(title=title, xlabel=ONSET, ylabel="final test accuracy (%)", levels=levels,
                      lines=of_arms(arms, names))  # fmt: skip

    def costs(title: str, lines: Mapping[Look, Mapping[int, WindowArms]]) -> Series:
        return Series(title=title, xlabel=ONSET, ylabel="clean epochs instead − deficit (points)", unit="accuracy",
                      lines=[(look, over(arms, cost)) for look, arms in lines.items()])  # fmt: skip

    more = f"The {name} costs more in a window at epoch {first} than at epoch {last}"
    claims = [
        Claim("window.early_same_total", ICLR2019, age(total[first], total[last]), "greater",
              f"{more} (same total of epochs, rate decaying: as published).", short="early costs more (as published)"),
        Claim("window.early_costs_low", OURS, cost(decaying[first]), "greater",
              f"A window at epoch {first} does cost accuracy there: {recovery} epochs after it, rate decaying.",
              short="premise: early costs (decaying)"),
        Claim("window.late_costs_nothing", ICLR2019, cost(decaying[last]), "not greater",
              f"A window at epoch {last} costs nothing (at the low rates into which it falls).",
              requires=("window.early_costs_low",), short="late costs nothing (low rates)"),
        Claim("window.early_equal_rates", OURS, age(equal[first], equal[last]), "greater",
              f"{more} at equal rates (started again at every onset and removal).", differs=JUMP,
              short="early costs more (equal rates)"),
        Claim("window.late_costs_at_high_rates", OURS, cost(equal[last]), "greater",
              f"A window at epoch {last} costs accuracy at the rates of an early one.",
              short="late costs accuracy at high rates"),
    ]  # fmt: skip
    optional: list[Series] = []
    if longer := parameters.second_length:
        second = windows(longer, CONTINUE, same_total=True)
        optional.append(costs(f"what {longer} epochs of {name} cost",
                              {PUBLISHED: second, EQUAL: windows(longer, RESTART_AT_ONSET)}))  # fmt: skip
        claims += [
            Claim("window.second_same_total", ICLR2019, age(second[first], second[last]), "greater",
                  f"A longer window, of {longer} epochs, costs more at epoch {first} than at epoch {last}, too "
                  "(as published).", short="longer window: early costs more"),
            Claim("window.longer_costs_more", ICLR2019, cost(second[first]) - cost(total[first]), "greater",
                  f"At epoch {first} a window of {longer} epochs costs more than one of {length} (rate decaying).",
                  short="longer window costs more"),
        ]  # fmt: skip
    if parameters.damage:
        looks = {cost: replace(EQUAL, label="cost"), damage: role("deficit", "damage"),
                 missed: role("skip", "missed", "--", "s")}  # fmt: skip
        optional.append(Series(
            title="equal rates: cost = missed + damage", xlabel=ONSET, ylabel="points", unit="accuracy",
            lines=[(look, over(equal, part)) for part, look in looks.items()],
            note="Networks for which the window was left out part what was missed from damage.",
        ))  # fmt: skip
        claims += [
            Claim("window.early_damage", OURS, damage(equal[first]) - damage(equal[last]), "greater",
                  f"The {name} damages more in a window at epoch {first} than at epoch {last}, at equal rates: the "
                  "network ends further below one for which the window was left out.", differs=JUMP,
                  short="early damages more (equal rates)"),
            Claim("window.late_damage", OURS, damage(equal[last]), "greater",
                  f"A window at epoch {last} damages at the rates of an early one.",
                  short="late damages at high rates"),
        ]  # fmt: skip
    return Design(
        panels=[
            [panel(f"as published: {last + length + recovery} epochs in all,\n{keeps}", total),
             panel(f"same recovery: {recovery} epochs after,\n{keeps}", decaying)],
            [panel("equal rates: learning rate restarted\nat onset and removal", equal,
                   [(role("fresh", "fresh network"), equal[first].fresh)]),
             costs(f"what the {name} costs", {PUBLISHED: total, RECOVERED: decaying, EQUAL: equal})],
            *([optional] if optional else []),
        ],
        # All arms in the order of the committed table; fresh networks at low rates are not drawn.
        arms=[getattr(arms[onset], kind) for arms in (equal, decaying, total)
              for kind in ("fresh", "dose_matched", "deficit") for onset in onsets],
        claims=claims,
        leading=("window.early_same_total", "window.early_equal_rates"),
    )  # fmt: skip


FIGURE = Figure(
    name="iclr2019/sensitivity_window",
    title="Accuracy against the onset of a window",
    question="Does the same window of a deficit cost more when it comes early, and is it the age or the learning rate?",
    parameters=WindowOnsets,
    design=design,
    deviations=(
        "The paper fixes the total of epochs under a decaying rate, so a late window has low rates and few epochs "
        "after it; the other two panels are ours.",
        "Fresh and dose-matched networks, and those for which the window is left out, are not in the paper.",
    ),
)
