"""Accuracy against the onset of a window of fixed length (Achille et al. 2019, figure 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure as Drawing

from critical.core.spec import SpecError
from critical.inference.claims import Arm, Claim
from critical.inference.statistics import paired_differences
from critical.plots import style as plotting
from critical.training.schedules import Continue, Restart
from experiments.design.contrasts import ICLR2019, cost, dose_matched, window
from experiments.design.figure import Figure
from experiments.design.protocol import (
    DEFICIT,
    DOSE_MATCHED,
    FRESH,
    SAME_RECOVERY,
    SAME_TOTAL,
    PlannedRun,
    Protocol,
    Tables,
)


@dataclass(frozen=True)
class Numbers:
    """What a profile chooses.

    Attributes:
        length: Epochs of the window.
        onsets: Its first epochs; ascending, at least two.
    """

    length: int
    onsets: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.length < 1:
            raise SpecError(f"length={self.length}: a window has at least one epoch")
        if len(self.onsets) < 2 or min(self.onsets) < 0 or list(self.onsets) != sorted(set(self.onsets)):
            raise SpecError(f"onsets={list(self.onsets)}: at least two ascending epochs are wanted")

    def budget(self, onset: int, recovery: int, comparison: str) -> int:
        """Returns the clean epochs after a window: the same for all, or what the same total leaves."""
        return recovery if comparison == SAME_RECOVERY else self.onsets[-1] - onset + recovery


# What is drawn: (comparison, schedule, panel, line).
SERIES = (
    (SAME_RECOVERY, Restart.name, 0, "-"),
    (SAME_RECOVERY, Continue.name, 1, "-"),
    (SAME_TOTAL, Continue.name, 2, "-"),
)


def runs(protocol: Protocol, numbers: Numbers) -> list[PlannedRun]:
    """Lists the arms of the three panels; most are forks of the same trunks."""
    planned = []
    for seed in protocol.seeds:
        for comparison, schedule, *_ in SERIES:
            budgets = {numbers.budget(onset, protocol.recovery, comparison) for onset in numbers.onsets}
            for budget in sorted(budgets):
                planned.append(
                    protocol.arm(seed, FRESH, schedule=schedule, budget=budget, comparison=comparison)
                )
            for onset in numbers.onsets:
                budget = numbers.budget(onset, protocol.recovery, comparison)
                for kind in (DEFICIT, DOSE_MATCHED):
                    planned.append(
                        protocol.arm(seed, kind, onset, numbers.length, schedule, budget, comparison=comparison)
                    )
    return planned


def draw(tables: Tables, protocol: Protocol, numbers: Numbers) -> Drawing:
    """Draws accuracy against onset in three panels, the references beside the deficit."""
    made, axes = plotting.figure(1, 3, sharey=True, panel=(2.7, 3.0))
    titles = (
        f"{protocol.recovery} clean epochs after,\nrate restarted",
        f"{protocol.recovery} clean epochs after,\nrate decaying on",
        f"{numbers.onsets[-1] + numbers.length + protocol.recovery} epochs in all,\nrate decaying on (published)",
    )
    for (comparison, schedule, panel, line), title in zip(SERIES, titles, strict=True):
        axis = axes[0, panel]
        axis.set_title(title)
        table = tables.runs
        table = table[(table["comparison"] == comparison) & (table["schedule"] == schedule)]
        references = table[table["arm"] == FRESH].merge(
            table[table["arm"] == DEFICIT][["seed", "budget", "onset"]], on=["seed", "budget"], suffixes=("_", "")
        )
        for arm, rows, label in (
            (FRESH, references, "fresh (same recovery, no window)"),
            (DOSE_MATCHED, table[table["arm"] == DOSE_MATCHED], "dose-matched (clean epochs instead)"),
            (DEFICIT, table[table["arm"] == DEFICIT], f"{protocol.deficit.name} for {numbers.length} epochs"),
        ):
            plotting.seeds_and_interval(
                axis, rows, "onset", "accuracy", colour=plotting.arm_colour(arm), label=label, linestyle=line
            )
        plotting.failures(axis, table, by=("arm", "onset", "seed"))
        axis.set_xlabel("onset of the window (epoch)")
    axes[0, 0].set_ylabel("test accuracy at the end (%)")
    plotting.legend(made)
    return made


def claims(protocol: Protocol, numbers: Numbers) -> Sequence[Claim]:
    """Lists what the tables are put to: early against late windows, and whether a late one does nothing."""
    first, last = numbers.onsets[0], numbers.onsets[-1]

    def arm(onset: int, comparison: str, schedule: str) -> Arm:
        budget = numbers.budget(onset, protocol.recovery, comparison)
        return window(onset, numbers.length, budget, schedule, protocol.deficit.name, comparison)

    def early_costs_more(id: str, comparison: str, schedule: str, how: str) -> Claim:
        early, late = arm(first, comparison, schedule), arm(last, comparison, schedule)

        def difference_of_costs(table: pd.DataFrame) -> pd.Series:
            costs = [paired_differences(table, dose_matched(one), one) for one in (early, late)]
            return costs[0] - costs[1]

        return Claim(
            id, ICLR2019,
            f"A window at epoch {first} costs more than the same window at epoch {last} ({how}).",
            "greater", statistic=difference_of_costs,
            uses=(early, late, dose_matched(early), dose_matched(late)),
            control=dose_matched(early),
        )  # fmt: skip

    late = arm(last, SAME_RECOVERY, Restart.name)
    return (
        early_costs_more(
            "window.early_same_total", SAME_TOTAL, Continue.name, "same total of epochs, rate decaying: as published"
        ),
        early_costs_more(
            "window.early_same_recovery", SAME_RECOVERY, Restart.name, "same clean epochs after it, rate restarted"
        ),
        cost(
            "window.late_costs_nothing", ICLR2019,
            f"A window at epoch {last} costs nothing (same clean epochs after it, rate restarted).",
            late, "none",
        ),
    )  # fmt: skip


def caption(tables: Tables, protocol: Protocol, numbers: Numbers) -> str:
    """Says what is seen."""
    return (
        f"Test accuracy at the end against the onset of a window of {numbers.length} epochs of "
        f"{protocol.deficit.name}. Left and centre: every arm has {protocol.recovery} clean epochs after its window, "
        "with the learning rate restarted or decaying on. Right: all arms have the same total of epochs, as "
        "published, so late windows are followed by fewer clean epochs. Dose-matched networks see clean images in "
        "the window too; fresh ones have the recovery alone."
    )


FIGURE = Figure(
    name="iclr2019/sensitivity_window",
    title="Accuracy against the onset of a window",
    numbers=Numbers,
    runs=runs,
    draw=draw,
    claims=claims,
    caption=caption,
    alt="Three panels of final test accuracy against the onset of a window of fixed length, for networks with the "
    "deficit, dose-matched and fresh ones: same recovery with the rate restarted, same recovery with the rate "
    "decaying, same total of epochs.",
    deviations=(
        "The paper fixes the total of epochs; the panels with the same recovery are ours.",
        "Fresh and dose-matched networks are not in the paper.",
    ),
)
