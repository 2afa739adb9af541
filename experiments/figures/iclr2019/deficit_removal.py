"""Final accuracy against the epoch at which the blur is removed (Achille et al. 2019)."""

from critical.inference.claims import Claim
from critical.plots.panel import role
from critical.plots.panels import Curves, Series
from experiments.design.figure import Design, Figure
from experiments.design.lines import curves_by_removal, of_arms
from experiments.design.parameters import Removals
from experiments.design.protocol import CONTINUE, RESTART, SCHEDULE_TITLES, Protocol, cost, harm, opportunity
from experiments.design.sources import ICLR2019, OURS, PAWLAK2025


def design(protocol: Protocol, parameters: Removals) -> Design:
    """Sets windows [0, removal) under both schedules against their references."""
    name, ends = protocol.deficit.name, parameters.removals
    first, last = ends[0], ends[-1]
    window = {how: {end: protocol.window(0, end, how) for end in ends} for how in (CONTINUE, RESTART)}
    late, fair = window[CONTINUE][last], window[RESTART][last]

    def accuracy(how: str) -> Series:
        arms, scale = window[how], ", own scale" if how == RESTART else ""
        lines = of_arms(arms, {"dose_matched": "clean epochs\ninstead", "deficit": f"{name} until\nthis epoch"})
        levels = [(role("fresh", "fresh\nnetwork"), late.from_scratch)]
        if how == CONTINUE:
            lines.append((role("fresh", "fresh, at the\nlow rates", "--", "s"), {end: arms[end].fresh for end in ends}))
        return Series(title=SCHEDULE_TITLES[how], xlabel="epoch of removal", ylabel=f"final test accuracy (%){scale}",
                      lines=lines, levels=levels)  # fmt: skip

    def curves(how: str, column: str, words: str) -> Curves:
        return curves_by_removal(window[how], late.dose_matched, name, ylabel=words, column=column,
                                 logarithmic=column == "fisher_trace")  # fmt: skip

    until = f"until epoch {last}"
    claims = (
        Claim("removal.cost", ICLR2019, cost(late), "greater",
              f"{name.capitalize()} {until} leaves the network worse than a clean run of the same length "
              "(rate decaying).",
              short="deficit costs accuracy (decaying)"),
        Claim("removal.falls", ICLR2019, window[CONTINUE][first].deficit - late.deficit, "greater",
              f"Accuracy falls with the removal: removal at {first} ends above removal at {last} (rate decaying).",
              short="later removal, lower accuracy"),
        Claim("removal.opportunity", OURS, opportunity(late), "greater",
              "Part of that cost is what was missed: at the same low rates, clean epochs before the recovery help.",
              short="cost is partly lost time"),
        Claim("removal.harm_continue", OURS, harm(late), "greater",
              f"The rest is damage: the {name} ends below a network that starts with the rates of its recovery.",
              short="damage: below fresh (decaying)"),
        Claim("removal.harm_restart", OURS, harm(fair), "greater",
              f"The {name} {until} ends below a fresh network when the rate restarts at the removal.",
              short="damage: below fresh (restarted)"),
        Claim("removal.cost_restart", OURS, cost(fair), "greater",
              f"The {name} {until} ends below a network with as many clean epochs when the rate restarts.",
              short="deficit costs accuracy (restarted)"),
        Claim("removal.restart_helps", PAWLAK2025, cost(late) - cost(fair), "greater",
              "Restarting the rate at the removal takes away some of the cost.", requires=("removal.cost",),
              short="restarting the rate lowers cost"),
    )  # fmt: skip
    return Design(
        panels=[
            [accuracy(how) for how in window],
            [curves(how, "test_accuracy", "test accuracy by epoch (%)") for how in window],
            [curves(how, "fisher_trace", "trace of the Fisher information") for how in window],
        ],
        claims=claims,
        # Fresh networks first, as in the committed table.
        arms=[*(window[CONTINUE][end].fresh for end in ends), late.from_scratch],
        panel_inches=(3.4, (2.7, *[2.5 + 0.1 * len(ends)] * 2)),
        leading=("removal.cost", "removal.harm_restart"),
    )


FIGURE = Figure(
    name="iclr2019/deficit_removal",
    title="Accuracy against the epoch of removal",
    question="Does final accuracy fall the later a deficit is removed, and is that lost time or damage?",
    parameters=Removals,
    design=design,
    deviations=(
        "Fresh and dose-matched networks and the restarted rate are not in the paper.",
        "The trace of the Fisher information is a Monte Carlo estimate; the paper's is variational.",
    ),
)
