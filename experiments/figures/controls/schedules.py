"""Is it the schedule? The removal curve where the rate goes on, starts again, starts hotter, cycles, or never falls."""

from collections.abc import Callable

from critical.inference.arms import Contrast, mean
from critical.inference.claims import Claim
from critical.plots.panel import Look, Value
from critical.plots.panels import Dots, Series
from critical.plots.style import OTHER_COLOURS
from experiments.design.contrasts import error_ratio
from experiments.design.figure import Design, Figure
from experiments.design.lines import over
from experiments.design.parameters import TwoRemovals
from experiments.design.protocol import Protocol, WindowArms, cost, harm
from experiments.design.schedules import CONSTANT, CONTINUE, CYCLES, CYCLIC, HEAT, HOT_RESTART, RESTART
from experiments.design.sources import ICLR2019, OURS, PAWLAK2025

LOOKS = {
    CONTINUE: Look("decays on", OTHER_COLOURS[5], "--", "s"),
    RESTART: Look("restart", OTHER_COLOURS[4]),
    HOT_RESTART: Look("hot restart", OTHER_COLOURS[1], "-", "D"),
    CYCLIC: Look("cycles", OTHER_COLOURS[2], "-", "^"),
    CONSTANT: Look("constant", OTHER_COLOURS[3], ":", "v"),
}
AGAIN = {RESTART: "the rate restarts", HOT_RESTART: f"it restarts at {HEAT:g} times the rate", CYCLIC: "it cycles"}
"""What raises the rate at the removal, in words."""


def design(protocol: Protocol, parameters: TwoRemovals) -> Design:
    """Crosses schedules with the reset of the optimiser and with removals, each with clean epochs instead."""
    ends, name = parameters.removals, protocol.deficit.name
    last = ends[-1]
    window = {(how, reset, end): protocol.window(0, end, how, reset=reset)
              for how in LOOKS for reset in (False, True) for end in ends}  # fmt: skip
    kept = {how: window[how, False, last] for how in LOOKS}
    emptied = {how: window[how, True, last] for how in LOOKS}
    published, until = kept[CONTINUE], f"{name.capitalize()} until epoch {last}"

    premise = ("schedules.gap",)
    claims = [
        Claim("schedules.gap", OURS, cost(published), "greater",
              f"{until} costs accuracy where the rate decays on.", short="costs accuracy (decays on)"),
        *(Claim(f"schedules.{how}_closes", PAWLAK2025, published.dose_matched - kept[how].deficit, "not greater",
                f"{until} leaves no gap to the clean network whose rate decays on, where {words} at the removal.",
                requires=premise, short=f"{LOOKS[how].label} closes the gap") for how, words in AGAIN.items()),
        *(Claim(f"schedules.{how}_helps", PAWLAK2025, cost(published) - cost(kept[how]), "greater",
                f"{until} costs less than where the rate decays on, where {words} at the removal.", requires=premise,
                short=f"{LOOKS[how].label} lowers the cost") for how, words in AGAIN.items()),
        Claim("schedules.restart_share", OURS, error_ratio(published) - error_ratio(kept[RESTART]), "greater",
              f"{until} raises the error less, as a share of it, too, where the rate restarts.", requires=premise,
              short="restart lowers cost (share)"),
        Claim("schedules.hotter", OURS, cost(kept[RESTART]) - cost(kept[HOT_RESTART]), "greater",
              f"{until} costs less where the rate restarts hotter.", short="hot restart beats restart"),
        Claim("schedules.constant", ICLR2019, cost(kept[CONSTANT]), "greater",
              f"{until} costs accuracy under a constant rate, too.", short="costs accuracy (constant)"),
        *(Claim(f"schedules.{how}_left", OURS, cost(kept[how]), "greater",
                f"{until} still costs accuracy against as many clean epochs, where {words} at the removal.",
                short=f"{LOOKS[how].label} leaves a cost") for how, words in AGAIN.items()),
        *(Claim(f"schedules.{how}_damage", OURS, harm(kept[how]), "greater",
                f"{until} ends below a network of the same recovery alone, where {words} at the removal.",
                short=f"{LOOKS[how].label} leaves damage") for how, words in AGAIN.items()),
        # By schedule: in a mean, opposite effects would cancel.
        *(Claim(f"schedules.{how}_reset", OURS, cost(emptied[how]) - cost(kept[how]), "none",
                f"{until} costs as much where the optimiser's state is emptied at the removal ({look.label}).",
                short=f"{look.label}: reset, same cost") for how, look in LOOKS.items()),
        *(Claim(f"schedules.{how}_reset_accuracy", OURS, emptied[how].deficit - kept[how].deficit, "none",
                f"{until} ends as high where the optimiser's state is emptied at the removal ({look.label}).",
                short=f"{look.label}: reset, same accuracy") for how, look in LOOKS.items()),
    ]  # fmt: skip

    def curve(title: str, ylabel: str, value: Callable[[WindowArms], Value], unit: str = "") -> Series:
        lines = [(look, {end: value(window[how, False, end]) for end in ends}) for how, look in LOOKS.items()]
        return Series(title=title, xlabel="epoch of removal", ylabel=ylabel, lines=lines, unit=unit)

    def rows(value: Callable[[WindowArms], Contrast], title: str, xlabel: str) -> Dots:
        held = [(Look(f"{look.label}{said}", look.colour, marker=look.marker), value(arms[how]))
                for how, look in LOOKS.items() for said, arms in (("", kept), (", reset", emptied))]  # fmt: skip
        held += [(Look(f"mean{said}", OTHER_COLOURS[0], marker="P"), mean(over(arms, value).values()))
                 for said, arms in (("", kept), (", reset", emptied))]  # fmt: skip
        return Dots(title=title, xlabel=xlabel, rows=held, unit="accuracy")

    return Design(
        panels=[
            [curve(f"{name} until the removal", "final test accuracy (%)", lambda held: held.deficit),
             curve(f"what the {name} costs", "clean epochs instead − deficit (points)", cost, unit="accuracy")],
            [rows(cost, f"cost of {name} until {last}", "clean epochs instead − deficit (points)"),
             rows(harm, f"damage by {name} until {last}", "fresh network − deficit (points)")],
        ],
        claims=claims,
        leading=("schedules.restart_closes", "schedules.restart_left"),
        panel_inches=(3.6, (2.7, 3.7)),
        note=f"A hot restart begins at {HEAT:g} times the rate and falls as low as the plain one; a cycling one goes "
        f"through {CYCLES} cosine cycles in the recovery; 'reset': the optimiser's state is emptied at the removal.",
    )  # fmt: skip


FIGURE = Figure(
    name="controls/schedules",
    title="Schedules of the recovery",
    question="Does a higher rate after the removal close the gap, and does the state of the optimiser matter to it?",
    parameters=TwoRemovals,
    design=design,
    deviations=(
        "Pawlak 2025 has a ResNet-18 on CIFAR-10; the networks and data here are those of the profile.",
        "As many clean epochs under each schedule, fresh networks and the reset of the optimiser are ours.",
    ),
)
