"""Is it the age of the network or the learning rate? The same window, early and late, at high and low rates."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from critical.core.spec import SpecError
from critical.inference.arms import Contrast, Term, Within
from critical.inference.claims import Claim
from critical.inference.effects import SMALLEST
from critical.plots.panel import Look, Value
from critical.plots.panels import Curves, Dots
from critical.plots.style import OTHER_COLOURS, arm_colour
from experiments.design.figure import Design, Figure
from experiments.design.protocol import Protocol, WindowArms, cost, harm
from experiments.design.rates import LOW, AgesAndRates, cell, low_from
from experiments.design.sources import ICLR2019, OURS, PAWLAK2025

PUBLISHED = "The late windows of the paper have lower rates than the early ones."


def design(protocol: Protocol, parameters: AgesAndRates) -> Design:
    """Crosses age and rate, with settled windows and, at the low rate, windows of equal summed rate."""
    length, settle, late = parameters.length, parameters.settle, parameters.late_onsets
    if protocol.decay == 1 or late[0] < low_from(protocol):
        raise SpecError(f"late_onsets={list(late)}: a late window begins where the rate has decayed to {LOW:g} of "
                        f"itself: from epoch {low_from(protocol)} on, with a decay below 1")  # fmt: skip
    long = round(length / LOW)
    cells: dict[tuple[str, int], WindowArms] = {}
    for age in (0, *late):
        cells["high", age] = cell(protocol, age, True, length)
        cells["low", age] = cell(protocol, age, False, length)
        cells["high, settled", age] = cell(protocol, age, True, length, settle)
        if age == 0:
            cells["low, settled", age] = cell(protocol, age, False, length, settle)
        if age <= late[0]:
            cells["low, longer", age] = cell(protocol, age, False, long)
    if len({held.dose_matched for held in cells.values()}) < len(cells):
        raise SpecError(f"length={length}: the clean networks of two windows are one, with one trace for both; choose "
                        f"other lengths or late_onsets={list(late)}")  # fmt: skip
    name, last, first = protocol.deficit.name, late[-1], late[0]

    def costs(kind: str, age: int) -> Contrast:
        return cost(cells[kind, age])

    def ages(kind: str, old: int) -> Contrast:
        return costs(kind, 0) - costs(kind, old)

    def share(kind: str, age: int) -> Contrast:
        window = cells[kind, age]
        return window.deficit.log("error") - window.dose_matched.log("error")

    traces = {key: window.dose_matched.log("fisher_trace_window") for key, window in cells.items()}
    # Where a window begins after clean epochs, also the trace before its own rate acts.
    onsets = {key: window.dose_matched.log("fisher_trace_onset") for key, window in cells.items()
              if window.deficit.tags["onset"]}  # fmt: skip

    def follows(traces: Mapping[tuple[str, int], Term]) -> Within:
        parts = (*(cost(cells[key]) for key in traces), *(Contrast({trace: 1.0}) for trace in traces.values()))
        return Within(parts, _rank_correlation, "correlation")

    dose = {age: costs("high", age) - costs("low, longer", age) for age in (0, first)}
    effects = {
        "age_last": (f"age: early − at {last}, high rate", ages("high", last)),
        "age_settled": (f"age: early − at {last}, high, settled", ages("high, settled", last)),
        "age_first": (f"age: early − at {first}, high rate", ages("high", first)),
        "age_low": (f"age: early − at {first}, low rate", ages("low", first)),
        "age": ("age, mean over rates", 0.5 * (ages("high", first) + ages("low", first))),
        "rate": ("rate: high − low, mean over ages", 0.5 * sum(
            (costs("high", age) - costs("low", age) for age in (0, first)), Contrast({})
        )),
        "interaction": ("interaction of age and rate", ages("high", first) - ages("low", first)),
        "dose_early": ("rate at equal summed rate, early", dose[0]),
        "dose_late": (f"rate at equal summed rate, at {first}", dose[first]),
        "shock": (f"shock: unsettled − settled, at {last}", costs("high", last) - costs("high, settled", last)),
    }  # fmt: skip
    effect = {key: contrast for key, (_, contrast) in effects.items()}
    claims = (
        Claim("age.high", ICLR2019, effect["age_last"], "greater",
              f"At the same high rate, {name} costs more early than from epoch {last} on.", differs=PUBLISHED,
              short="early costs more (high rate)"),
        Claim("age.high_settled", ICLR2019, effect["age_settled"], "greater",
              f"So it does where both windows begin settled, after {settle} clean epochs at that rate.",
              differs=PUBLISHED, short="early costs more (high, settled)"),
        Claim("age.low", ICLR2019, effect["age_low"], "greater",
              f"At the same low rate, {name} costs more early than from epoch {first} on.", differs=PUBLISHED,
              short="early costs more (low rate)"),
        Claim("age.share", ICLR2019, share("high", 0) - share("high", last), "greater",
              f"Early {name} at the high rate adds more to the error, as a share of it, than from epoch {last} on.",
              differs=PUBLISHED, short="early costs more (share of error)"),
        Claim("age.trace_rises", ICLR2019, traces["high", last] - traces["low", last], "greater",
              "The trace of the Fisher information of a clean network rises when the rate starts again.",
              short="trace rises with restarted rate"),
        Claim("age.follows_trace", ICLR2019, follows(traces), "greater",
              "Over the cells, what a window costs follows the trace of the clean network in it (rank correlation).",
              short="cost follows trace in the window"),
        Claim("age.follows_trace_at_onset", OURS, follows(onsets), "greater",
              "It follows the trace before the window, too, on which the rate in the window has not acted yet.",
              short="cost follows trace before window"),
        Claim("age.rate", PAWLAK2025, effect["rate"], "greater",
              f"At equal age, {name} costs more at the high rate than at the low one.",
              short="high rate costs more at equal age"),
        Claim("age.late_at_high_rate", OURS, costs("high", last), "greater",
              f"From epoch {last} on, {name} at the high rate still costs accuracy.",
              short="late costs accuracy at high rate"),
        Claim("age.rate_not_dose", OURS, 0.5 * (dose[0] + dose[first]), "greater",
              "It does so where the low rate lasts as much longer as it is lower, too.", requires=("age.rate",),
              short="high rate costs more at equal dose"),
        Claim("age.no_shock", OURS, effect["shock"], "none",
              "That is no shock by the jump of the rate: settled networks pay as much.",
              short="no shock by the jump of the rate"),
        Claim("age.interaction", OURS, effect["interaction"], "none", "Age and rate add up: they do not interact.",
              short="age and rate do not interact"),
    )  # fmt: skip
    looks = {key: Look(f"{f'at {key[1]}' if key[1] else 'early'}, {key[0]}", _colour(key[1], late)) for key in cells}
    reach = SMALLEST["accuracy"].effect

    def dots(words: str, values: Mapping[tuple[str, int], Value], reach: float | None = None) -> Dots:
        return Dots(xlabel=words, rows=[(looks[key], value) for key, value in values.items()], zero=reach is not None,
                    reach=reach)  # fmt: skip

    trained = {key: window.deficit["accuracy_deficient"] for key, window in cells.items()}
    kinds = [key for key in cells if key[0] in ("high", "low") and key[1] in (0, last)]
    curves = [(Look(looks[key].label, looks[key].colour, "-" if key[0] == "high" else ":"), cells[key].dose_matched)
              for key in kinds]  # fmt: skip
    return Design(
        panels=[
            [dots("cost: dose-matched − deficit (points)", {key: cost(held) for key, held in cells.items()}, reach),
             dots("harm: fresh − deficit (points)", {key: harm(held) for key, held in cells.items()}, reach),
             Dots(xlabel="difference of costs (points)", reach=reach,
                  rows=[(Look(label, "#333333"), value) for label, value in effects.values()])],
            [dots(f"how well {name} was learnt (%)", trained),
             dots("log trace of Fisher in the window, clean network", traces),
             Curves(ylabel="trace of Fisher, clean network", column="fisher_trace", lines=curves, logarithmic=True)],
        ],
        claims=claims,
        leading=("age.high", "age.rate"),
        panel_inches=(4.2, 3.4),
        note=f"High is {protocol.rate:g}, low {LOW:g} of it, constant in the window; 'longer' windows have {long} "
        f"epochs, the others {length}.",
    )  # fmt: skip


def _colour(age: int, late: Sequence[int]) -> str:
    return OTHER_COLOURS[late.index(age) % len(OTHER_COLOURS)] if age else arm_colour("deficit")


def _rank_correlation(held: NDArray[np.float64]) -> float:
    """Returns Spearman's correlation of costs and traces of one seed, from an array of costs and then traces."""
    costs, traces = np.split(held, 2)
    return float(spearmanr(costs, traces).statistic)


FIGURE = Figure(
    name="controls/age_or_rate",
    title="Age or learning rate",
    question="Does a deficit cost more because the network is young, or because the learning rate is high?",
    parameters=AgesAndRates,
    design=design,
    deviations=("No paper varies age and rate apart: its claims about age are put to windows at equal rates here.",),
)
