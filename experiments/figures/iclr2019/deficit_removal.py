"""Final accuracy against the epoch at which the blur is removed (Achille et al. 2019, figure 1)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure as Drawing

from critical.inference.claims import Claim
from critical.inference.statistics import paired_differences
from critical.plots import style as plotting
from critical.plots.curves import curve, ordered_colours
from critical.training.schedules import Continue, Restart
from experiments.design.contrasts import CONTROL, ICLR2019, PAWLAK, Removals, cost, dose_matched, fresh, harm, window
from experiments.design.figure import Figure
from experiments.design.protocol import DEFICIT, DOSE_MATCHED, FRESH, PlannedRun, Protocol, Tables

SCHEDULES = (Continue.name, Restart.name)

Numbers = Removals


def runs(protocol: Protocol, numbers: Numbers) -> list[PlannedRun]:
    """Lists the arms: both schedules, each with fresh, deficit and dose-matched networks."""
    last = numbers.removals[-1]
    planned = []
    for seed in protocol.seeds:
        for schedule in SCHEDULES:
            planned.append(protocol.arm(seed, FRESH, schedule=schedule))
            for removal in numbers.removals:
                for kind in (DEFICIT, DOSE_MATCHED):
                    shown = kind == DEFICIT or (schedule == Continue.name and removal == last)
                    planned.append(protocol.arm(seed, kind, 0, removal, schedule, curve=shown))
    return planned


def draw(tables: Tables, protocol: Protocol, numbers: Numbers) -> Drawing:
    """Draws accuracy above and the trace of the Fisher information below, a column a schedule."""
    made, axes = plotting.figure(2, 2, sharex=True)
    epochs = tables.epochs
    clean = epochs[epochs["arm"] == DOSE_MATCHED]
    for column, schedule in enumerate(SCHEDULES):
        top, bottom = axes[0, column], axes[1, column]
        table = tables.runs[tables.runs["schedule"] == schedule]
        top.set_title(f"schedule: {schedule}")
        curve(top, clean, "test_accuracy", colour=plotting.arm_colour("clean"), label="clean run, by epoch",
              linestyle="--")  # fmt: skip
        for arm, label in (
            (FRESH, "fresh (same recovery, no window)"),
            (DOSE_MATCHED, "dose-matched (clean epochs instead)"),
            (DEFICIT, f"{protocol.deficit.name} until this epoch"),
        ):
            rows = table[table["arm"] == arm]
            plotting.seeds_and_interval(
                top, rows, "removal", "accuracy", colour=plotting.arm_colour(arm), label=label
            )
        fresh_mean = table[table["arm"] == FRESH]["accuracy"].mean()
        top.axhline(fresh_mean, color=plotting.arm_colour(FRESH), linewidth=0.8, linestyle=":")
        plotting.failures(top, table, by=("arm", "removal", "seed"))
        curve(bottom, clean, "fisher_trace", colour=plotting.arm_colour("clean"), label="clean run, by epoch",
              linestyle="--")  # fmt: skip
        shades = ordered_colours(len(numbers.removals))
        for removal, shade in zip(numbers.removals, shades, strict=True):
            under = epochs["arm"] == DEFICIT
            rows = epochs[under & (epochs["schedule"] == schedule) & (epochs["removal"] == removal)]
            curve(bottom, rows, "fisher_trace", colour=shade, label=f"removed at {removal}, by epoch")
            bottom.axvline(removal, color=shade, linewidth=0.7, linestyle=":")
        bottom.set_yscale("log")
        bottom.set_xlabel("epoch of removal (dots), epoch (lines)")
    axes[0, 0].set_ylabel("test accuracy (%)")
    axes[1, 0].set_ylabel("trace of the Fisher information")
    low = max(0.0, min(axis.get_ylim()[0] for axis in axes[0]))
    high = min(101.0, max(axis.get_ylim()[1] for axis in axes[0]))
    for axis in axes[0]:
        axis.set_ylim(low, high)
    limits = [axis.get_ylim() for axis in axes[1]]
    for axis in axes[1]:
        axis.set_ylim(min(limit[0] for limit in limits), max(limit[1] for limit in limits))
    plotting.legend(made)
    return made


def claims(protocol: Protocol, numbers: Numbers) -> Sequence[Claim]:
    """Lists what the tables are put to."""
    first, last = numbers.removals[0], numbers.removals[-1]
    budget, name = protocol.recovery, protocol.deficit.name
    late = {schedule: window(0, last, budget, schedule, name) for schedule in SCHEDULES}
    early = window(0, first, budget, Continue.name, name)

    def harm_taken_away(table: pd.DataFrame) -> pd.Series:
        harms = [
            paired_differences(table, fresh(late[schedule]), late[schedule]) for schedule in SCHEDULES
        ]
        return harms[0] - harms[1]

    return (
        harm(
            "removal.harm_continue", ICLR2019,
            f"A deficit that lasts until epoch {last} leaves the network worse than one that never had it "
            "(the authors' protocol: the learning rate goes on decaying).",
            late[Continue.name],
        ),
        Claim(
            "removal.falls", ICLR2019,
            f"Final accuracy falls with the removal epoch: removal at {first} ends above removal at {last} "
            "(rate decaying).",
            "greater", early, late[Continue.name], control=dose_matched(early),
        ),
        harm(
            "removal.harm_restart", CONTROL,
            f"The harm of a deficit until epoch {last} is there too when every arm gets the same recovery "
            "(rate restarted).",
            late[Restart.name],
        ),
        cost(
            "removal.cost_restart", CONTROL,
            f"A deficit until epoch {last} costs accuracy against as many clean epochs (rate restarted).",
            late[Restart.name],
        ),
        Claim(
            "removal.restart_helps", PAWLAK,
            f"Restarting the learning rate at the removal (epoch {last}) takes away some of the harm that shows "
            "when it goes on decaying.",
            "greater", statistic=harm_taken_away,
            uses=(*late.values(), *(fresh(arm) for arm in late.values())),
            control=fresh(late[Continue.name]),
        ),
    )  # fmt: skip


def caption(tables: Tables, protocol: Protocol, numbers: Numbers) -> str:
    """Says what is seen."""
    return (
        f"Top: test accuracy at the end against the epoch at which the deficit ({protocol.deficit.name}, on from "
        f"epoch 0) is removed; {protocol.recovery} clean epochs follow the removal. Left, the learning rate goes on "
        "decaying (the authors' protocol); right, it restarts at the removal, so that every arm has the same "
        "recovery. Fresh networks have no window, dose-matched ones as many clean epochs instead of the deficit. "
        "Dashed: test accuracy of a clean run by epoch. Bottom: trace of the Fisher information by epoch, measured "
        "on what the network saw; dotted lines mark the removals."
    )


FIGURE = Figure(
    name="iclr2019/deficit_removal",
    title="Accuracy against the epoch of removal",
    numbers=Numbers,
    runs=runs,
    draw=draw,
    claims=claims,
    caption=caption,
    alt="Four panels. Top: final test accuracy against the removal epoch for networks with the deficit, fresh and "
    "dose-matched networks, with the learning rate decaying on (left) and restarted (right). Bottom: trace of the "
    "Fisher information by epoch.",
    deviations=(
        "Fresh and dose-matched networks and the restarted schedule are not in the paper.",
        "The trace of the Fisher information is a Monte Carlo estimate; the paper's is variational.",
    ),
)
