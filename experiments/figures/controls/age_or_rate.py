"""Is it the age of the network or the learning rate? The same window, early and late, at high and low rates."""

from collections.abc import Callable, Mapping

from critical.inference.arms import Term, Within
from critical.inference.claims import Claim
from critical.inference.correlation import rank_correlation
from critical.plots.panel import Look, Value
from critical.plots.panels import Curves, Series, contrasts
from experiments.design.contrasts import error_ratio
from experiments.design.figure import Design, Figure
from experiments.design.lines import over
from experiments.design.protocol import Protocol, WindowArms, cost
from experiments.design.rates import HIGH, HIGH_SETTLED, LONGER, LOOKS, LOW, LOWER, AgesAndRates, windows
from experiments.design.sources import ICLR2019, LOWER_RATES, OURS, PAWLAK2025


def design(protocol: Protocol, parameters: AgesAndRates) -> Design:
    """Crosses age and rate, with settled windows and, at the low rate, windows of equal summed rate."""
    crossed, name, settle = windows(protocol, parameters), protocol.deficit.name, parameters.settle
    cells, first, last = crossed.cells, parameters.late_onsets[0], parameters.late_onsets[-1]
    costs = over(cells, cost)
    traces = over(cells, lambda held: held.dose_matched.log("fisher_trace_window"))
    # Where a window begins after clean epochs, also the trace before its own rate acts.
    onsets = {key: held.dose_matched.log("fisher_trace_onset") for key, held in cells.items()
              if held.deficit.tags["onset"]}  # fmt: skip

    def follows(traces: Mapping[tuple[str, int], Term]) -> Within:
        return rank_correlation([costs[key] for key in traces], list(traces.values()))

    claims = (
        Claim("age.high", ICLR2019, crossed.ages(HIGH, last), "greater",
              f"At the same high rate, {name} costs more early than from epoch {last} on.", differs=LOWER_RATES,
              short="early costs more (high rate)"),
        Claim("age.high_settled", ICLR2019, crossed.ages(HIGH_SETTLED, last), "greater",
              f"It costs more early, too, where both windows begin settled, after {settle} clean epochs at that rate.",
              differs=LOWER_RATES, short="early costs more (high, settled)"),
        Claim("age.low", ICLR2019, crossed.ages(LOWER, first), "greater",
              f"At the same low rate, {name} costs more early than from epoch {first} on.", differs=LOWER_RATES,
              short="early costs more (low rate)"),
        Claim("age.share", ICLR2019, error_ratio(cells[HIGH, 0]) - error_ratio(cells[HIGH, last]), "greater",
              f"Early {name} at the high rate adds more to the error, as a share of it, than from epoch {last} on.",
              differs=LOWER_RATES, short="early costs more (share of error)"),
        Claim("age.trace_rises", ICLR2019, traces[HIGH, last] - traces[LOWER, last], "greater",
              f"The trace of the Fisher information of a clean network is larger in a window from epoch {last} on "
              "where the rate starts again than where it stays low.",
              short="trace rises with restarted rate"),
        Claim("age.follows_trace", ICLR2019, follows(traces), "greater",
              "Over the cells, what a window costs follows the trace of the clean network in it (rank correlation).",
              short="cost follows trace in the window"),
        Claim("age.follows_trace_at_onset", OURS, follows(onsets), "greater",
              "What a window costs follows the trace before it, too, on which its rate has not acted yet.",
              short="cost follows trace before window"),
        Claim("age.rate", PAWLAK2025, crossed.rates(first), "greater",
              f"At equal age, {name} costs more at the high rate than at the low one (mean over ages 0 and {first}).",
              short="high rate costs more at equal age"),
        Claim("age.late_at_high_rate", OURS, costs[HIGH, last], "greater",
              f"From epoch {last} on, {name} at the high rate still costs accuracy.",
              short="late costs accuracy at high rate"),
        Claim("age.rate_not_dose", OURS, crossed.rates(first, low=LONGER), "greater",
              f"At equal age, {name} costs more at the high rate, too, where the low one lasts as much longer as it is "
              f"lower (mean over ages 0 and {first}).", requires=("age.rate",),
              short="high rate costs more at equal dose"),
        Claim("age.no_shock", OURS, costs[HIGH, last] - costs[HIGH_SETTLED, last], "none",
              f"What {name} costs from epoch {last} on is no shock by the jump of the rate: settled networks pay as "
              "much.",
              short="no shock by the jump of the rate"),
        Claim("age.interaction", OURS, crossed.ages(HIGH, first) - crossed.ages(LOWER, first), "none",
              f"Age (0 or {first}) and rate add up: they do not interact.", short="age and rate do not interact"),
    )  # fmt: skip

    def panel(title: str, ylabel: str, seen: Callable[[WindowArms], Value], unit: str = "") -> Series:
        return Series(title=title, ylabel=ylabel, xlabel="age at the window (epochs)", unit=unit,
                      lines=crossed.lines(tuple(LOOKS), seen))  # fmt: skip

    ages_seen = (0, *parameters.late_onsets)
    ends = [(Look(f"{said}, {kind}", LOOKS[kind].colour, line),
             {age: getattr(cells[kind, age], arm) for age in ages_seen if (kind, age) in cells})
            for kind in (HIGH, LOWER)
            for said, arm, line in (("clean", "dose_matched", "-"), (name, "deficit", "--"))]  # fmt: skip
    curves = [(Look(f"{kind}, at {age}" if age else f"{kind}, early", LOOKS[kind].colour, "--" if age else "-"),
               cells[kind, age].dose_matched) for age in (0, last) for kind in (HIGH, LOWER)]  # fmt: skip
    return Design(
        panels=[
            [panel(f"what the {name} costs", "clean epochs instead − deficit (points)", cost, "accuracy"),
             contrasts(claims, "accuracy", title="is it age or rate?", xlabel="difference of costs (points)")],
            [Series(title="where the networks end", xlabel="age at the window (epochs)",
                    ylabel="final test accuracy (%)", lines=ends),
             panel(f"how well the {name} was learnt", "accuracy on deficient images (%)",
                   lambda held: held.deficit["accuracy_deficient"])],
            [panel("Fisher information of clean networks", "logarithm of its trace in the window",
                   lambda held: held.dose_matched.log("fisher_trace_window")),
             Curves(title="the same by epoch", ylabel="trace of the Fisher information", column="fisher_trace",
                    lines=curves, logarithmic=True)],
        ],
        claims=claims,
        leading=("age.high", "age.rate", "age.rate_not_dose"),
        # All arms in the order of the committed table. Fresh networks are not drawn: beside a late window they lack the
        # epochs before it as well.
        arms=[arm for held in cells.values() for arm in (held.dose_matched, held.deficit)]
        + [held.fresh for known in LOOKS for (kind, _), held in cells.items() if kind == known],
        panel_inches=(3.4, (3.6, 2.5, 2.5)),
        note=f"High is {protocol.rate:g}, low {LOW:g} of it, constant in the window; 'longer' windows have "
        f"{round(parameters.length / LOW)} epochs, the others {parameters.length}; 'settled' ones begin after {settle} "
        "clean epochs at their rate.",
    )  # fmt: skip


FIGURE = Figure(
    name="controls/age_or_rate",
    title="Age or learning rate",
    question="Does a deficit cost more because the network is young, or because the learning rate is high?",
    parameters=AgesAndRates,
    design=design,
    deviations=("No paper varies age and rate apart: its claims about age are put to windows at equal rates here.",),
)
