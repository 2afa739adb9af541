"""Is anything left that training does not repair? The gap against the length of the recovery."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing

from critical.core.spec import SpecError
from critical.data import load
from critical.deficits import Deficit, LabelPermutation
from critical.inference.claims import Arm, Claim
from critical.inference.exponents import recovery_exponents
from critical.inference.statistics import mean_interval, seed_values
from critical.plots import style as plotting
from experiments.design.contrasts import ICLR2019, cost, dose_matched, harm, window
from experiments.design.figure import Figure
from experiments.design.protocol import DEFICIT, DOSE_MATCHED, FRESH, PlannedRun, Protocol, Tables

LADDER_SOURCE = "haeliotang/critical-period-lm 2026"


@dataclass(frozen=True)
class Numbers:
    """What a profile chooses.

    Attributes:
        length: Epochs of all windows.
        late_onset: First epoch of the late window.
        budgets: Recovery epochs of the rungs; at least three, each twice the last.
    """

    length: int
    late_onset: int
    budgets: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.length < 1 or self.late_onset < 1:
            raise SpecError(f"length={self.length}, late_onset={self.late_onset}: both are at least 1")
        doubled = all(after == 2 * before for before, after in zip(self.budgets, self.budgets[1:], strict=False))
        if len(self.budgets) < 3 or self.budgets[0] < 1 or not doubled:
            raise SpecError(f"budgets={list(self.budgets)}: at least three, each twice the last, e.g. [5, 10, 20]")


@dataclass(frozen=True)
class Case:
    """One of the three windows."""

    label: str
    onset: int
    deficit: Deficit
    colour: str
    linestyle: str


def cases(protocol: Protocol, numbers: Numbers) -> tuple[Case, ...]:
    """Returns early window, late window and the control with permuted labels."""
    name = protocol.deficit.name
    permuted = LabelPermutation(classes=class_count(protocol))
    return (
        Case(f"early {name}", 0, protocol.deficit, plotting.arm_colour(DEFICIT), "-"),
        Case(f"late {name}", numbers.late_onset, protocol.deficit, plotting.OTHER_COLOURS[0], "-"),
        Case("early label permutation", 0, permuted, plotting.OTHER_COLOURS[2], "--"),
    )


def class_count(protocol: Protocol) -> int:
    """Returns the number of classes of the protocol's data."""
    return len(load(protocol.parts.data).classes)


def runs(protocol: Protocol, numbers: Numbers) -> list[PlannedRun]:
    """Lists a ladder of budgets for each window and for both references; every rung restarts the rate."""
    planned = []
    for seed in protocol.seeds:
        for budget in numbers.budgets:
            planned.append(protocol.arm(seed, FRESH, budget=budget))
            for onset in (0, numbers.late_onset):
                planned.append(protocol.arm(seed, DOSE_MATCHED, onset, numbers.length, budget=budget))
            for case in cases(protocol, numbers):
                planned.append(
                    protocol.arm(seed, DEFICIT, case.onset, numbers.length, budget=budget, deficit=case.deficit)
                )
    return planned


def ladder(case: Case, numbers: Numbers, budgets: int | tuple[int, ...]) -> Arm:
    """Selects the deficit arm of a case on one rung or on several."""
    arm = window(case.onset, numbers.length, 0, deficit=case.deficit.name)
    return arm.but(budget=budgets)


def gaps(tables: Tables, case: Case, numbers: Numbers) -> pd.DataFrame:
    """Returns dose-matched − deficit in points, a row a seed and rung; runs that failed are left out."""
    rows = []
    for budget in numbers.budgets:
        arm = ladder(case, numbers, budget)
        difference = seed_values(tables.runs, dose_matched(arm)) - seed_values(tables.runs, arm)
        rows += [{"budget": budget, "seed": seed, "gap": gap} for seed, gap in difference.dropna().items()]
    return pd.DataFrame(rows, columns=["budget", "seed", "gap"])


def noise(table: pd.DataFrame, case: Case, numbers: Numbers) -> float | None:
    """Returns the standard deviation of a gap over seeds that chance alone would give, in points.

    Both arms of a gap vary as the dose-matched network does on the longest rung, independently. None
    where that is not known (one seed) or is zero (all seeds end equal, as on a small test set): the
    residual of the fit then stands in, see `critical.inference.exponents.recovery_exponent`.
    """
    reference = dose_matched(ladder(case, numbers, numbers.budgets[-1]))
    found = float(np.sqrt(2) * seed_values(table, reference).std(ddof=1))
    return found if found > 0 else None


def exponents(table: pd.DataFrame, case: Case, numbers: Numbers) -> pd.Series:
    """Returns alpha of gap = c / budget^alpha for each seed; NaN where the gaps determine none."""
    arm = ladder(case, numbers, numbers.budgets)
    return recovery_exponents(table, dose_matched(arm), arm, noise=noise(table, case, numbers))


def draw(tables: Tables, protocol: Protocol, numbers: Numbers) -> Drawing:
    """Draws accuracy (left), the gap to dose-matched (centre) and the exponents (right)."""
    made, axes = plotting.figure(1, 3, panel=(2.8, 3.0))
    accuracy, gap_axis, alpha_axis = axes[0]
    table = tables.runs
    for axis in (accuracy, gap_axis):
        axis.set_xscale("log", base=2)
        axis.set_xticks(numbers.budgets, [str(budget) for budget in numbers.budgets], minor=False)
        axis.set_xlabel("recovery (epochs)")
    plotting.seeds_and_interval(accuracy, table[table["arm"] == FRESH], "budget", "accuracy",
                                colour=plotting.arm_colour(FRESH), label="fresh", interval="bars")  # fmt: skip
    for onset, linestyle in ((0, "-"), (numbers.late_onset, ":")):
        rows = table[(table["arm"] == DOSE_MATCHED) & (table["onset"] == onset)]
        label = f"dose-matched to {'early' if onset == 0 else 'late'}"
        plotting.seeds_and_interval(accuracy, rows, "budget", "accuracy", linestyle=linestyle, interval="bars",
                                    colour=plotting.arm_colour(DOSE_MATCHED), label=label)  # fmt: skip
    for place, case in enumerate(cases(protocol, numbers)):
        chosen = (table["arm"] == DEFICIT) & (table["deficit"] == case.deficit.name)
        rows = table[chosen & (table["onset"] == case.onset)]
        style: dict[str, Any] = {"colour": case.colour, "linestyle": case.linestyle, "label": case.label}
        plotting.seeds_and_interval(accuracy, rows, "budget", "accuracy", interval="bars", **style)
        plotting.seeds_and_interval(gap_axis, gaps(tables, case, numbers), "budget", "gap", interval="bars", **style)
        alphas = exponents(table, case, numbers).dropna()
        alpha_axis.scatter(np.full(len(alphas), place), alphas, s=12, alpha=0.5, color=case.colour, linewidths=0)
        if len(alphas) > 1:
            found = mean_interval(alphas.to_numpy())
            alpha_axis.errorbar(place, found.mean, [[found.mean - found.low], [found.high - found.mean]],
                                marker="o", color=case.colour, capsize=3)  # fmt: skip
        count = f"{len(alphas)} of {len(protocol.seeds)}"
        alpha_axis.annotate(
            count, (place, 1), (0, 2), ("data", "axes fraction"), "offset points", ha="center", fontsize=7
        )
    plotting.failures(accuracy, table, by=("arm", "budget", "seed"))
    accuracy.set_ylabel("test accuracy at the end (%)")
    gap_axis.set_ylabel("dose-matched − deficit (points)")
    gap_axis.axhline(0, color="#777777", linewidth=0.8)
    alpha_axis.axhline(0, color="#777777", linewidth=0.8)
    labels = [case.label.replace(" ", "\n", 2) for case in cases(protocol, numbers)]
    alpha_axis.set_xticks(range(len(labels)), labels)
    alpha_axis.set_xlim(-0.6, len(labels) - 0.4)
    alpha_axis.set_ylabel("exponent α of gap = c / Tᵅ")
    plotting.legend(made)
    return made


def claims(protocol: Protocol, numbers: Numbers) -> Sequence[Claim]:
    """Lists what the tables are put to."""
    early, late, control = cases(protocol, numbers)
    longest = numbers.budgets[-1]

    def slower(first: Case, second: Case) -> Callable[[pd.DataFrame], pd.Series]:
        return lambda table: exponents(table, first, numbers) - exponents(table, second, numbers)

    def ladders(*chosen: Case) -> tuple[Arm, ...]:
        arms = [ladder(case, numbers, budget) for case in chosen for budget in numbers.budgets]
        return tuple(dict.fromkeys([*arms, *(dose_matched(arm) for arm in arms)]))

    return (
        harm(
            "permanence.harm_left", ICLR2019,
            f"After an early window of {numbers.length} epochs the network stays below a fresh one, however long "
            f"it is trained: here, after {longest} clean epochs.",
            ladder(early, numbers, longest),
        ),
        cost(
            "permanence.cost_left", ICLR2019,
            f"After an early window of {numbers.length} epochs a gap to the dose-matched network is left after "
            f"{longest} clean epochs.",
            ladder(early, numbers, longest),
        ),
        Claim(
            "permanence.early_slower_than_late", ICLR2019,
            "Early damage is repaired more slowly than late damage: its exponent α in gap = c / T^α is smaller "
            f"({LADDER_SOURCE} found the reverse in a language model).",
            "less", statistic=slower(early, late), uses=ladders(early, late), floor=0.2, unit="α",
        ),
        Claim(
            "permanence.early_slower_than_control", LADDER_SOURCE,
            "Early damage by the deficit is repaired at the rate of a control deficit of the labels: their "
            "exponents do not differ.",
            "none", statistic=slower(early, control), uses=ladders(early, control), floor=0.2, unit="α",
        ),
        cost(
            "permanence.control_left", ICLR2019,
            f"A deficit of the labels (permuted for {numbers.length} epochs) leaves no gap to the dose-matched "
            f"network after {longest} clean epochs.",
            ladder(control, numbers, longest), "none",
        ),
    )  # fmt: skip


def caption(tables: Tables, protocol: Protocol, numbers: Numbers) -> str:
    """Says what is seen."""
    return (
        f"Ladders of recoveries of {', '.join(map(str, numbers.budgets))} clean epochs after a window of "
        f"{numbers.length} epochs: early (from epoch 0), late (from epoch {numbers.late_onset}), and early with "
        "permuted labels as a control. On every rung the learning rate restarts and falls equally far. Left: test "
        "accuracy. Centre: what is missing to the dose-matched network. Right: the exponent of gap = c / T^α "
        "fitted to each seed's ladder; the small numbers say for how many seeds the gaps determine one. A gap that "
        "training repairs falls towards 0; α = 0 means that longer training does not help."
    )


FIGURE = Figure(
    name="controls/permanence",
    title="What longer training repairs",
    numbers=Numbers,
    runs=runs,
    draw=draw,
    claims=claims,
    caption=caption,
    alt="Three panels: test accuracy against the number of recovery epochs, the gap to the dose-matched network "
    "against it, and the fitted recovery exponents for an early window, a late window and permuted labels.",
    deviations=("The papers show no recovery of varied length for every window; this control is ours.",),
)
