"""Which view do units listen to? Relative source variance after a blurred view (figures 4, 9 to 12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from critical.core.spec import SpecError
from critical.inference.claims import Claim
from critical.measures.information import BINS
from critical.plots import style as plotting
from critical.plots.curves import curve
from critical.training.schedules import Continue, Restart
from experiments.design.contrasts import CONTROL, Removals, dose_matched, window
from experiments.design.figure import Figure
from experiments.design.protocol import DEFICIT, DOSE_MATCHED, FRESH, PlannedRun, Protocol, Tables
from experiments.design.two_views import CVPR2023, SCHEDULE_WORDS, SCHEDULES, arms_of_blur, lost


@dataclass(frozen=True)
class Numbers(Removals):
    """What a profile chooses: at least two epochs of removal."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.removals) < 2:
            raise SpecError(f"removals={list(self.removals)}: at least two are wanted")


def runs(protocol: Protocol, numbers: Numbers) -> list[PlannedRun]:
    """Lists the arms: the blurred view under both schedules, fresh and dose-matched networks."""
    return arms_of_blur(protocol, numbers.removals)


def draw(tables: Tables, protocol: Protocol, numbers: Numbers) -> Drawing:
    """Draws histograms, a row a schedule and a column a removal, and below them what they come to."""
    made, axes = plotting.figure(3, 1 + len(numbers.removals))
    table = tables.runs
    for row, schedule in enumerate(SCHEDULES):
        held = table[table["schedule"] == schedule]
        for column, removal in enumerate((0, *numbers.removals)):
            axis = axes[row, column]
            _histogram(axis, held[(held["arm"] == (DEFICIT if removal else FRESH)) & (held["removal"] == removal)],
                       plotting.arm_colour(DEFICIT if removal else FRESH),
                       "after the blur" if removal else "fresh")  # fmt: skip
            if removal:
                _histogram(axis, held[(held["arm"] == DOSE_MATCHED) & (held["removal"] == removal)],
                           plotting.arm_colour(DOSE_MATCHED), "dose-matched")  # fmt: skip
            axis.set_title(f"removed at {removal}" if removal else "never blurred")
            axis.set_xlabel("relative source variance")
            axis.set_xlim(-1.05, 1.05)
        axes[row, 0].set_ylabel(f"share of units\n({SCHEDULE_WORDS[schedule]})")
        top = max(axis.get_ylim()[1] for axis in axes[row])
        for axis in axes[row]:
            axis.set_ylim(0, top)
    for axis, measured, words in (
        (axes[2, 0], "rsv_polarised", "share of units with |RSV| > 0.5"),
        (axes[2, 1], "rsv_mean", "mean RSV (+1: only view a)"),
    ):
        for schedule, linestyle in zip(SCHEDULES, ("-", "--"), strict=True):
            held = table[table["schedule"] == schedule]
            for arm in (DOSE_MATCHED, DEFICIT):
                rows = held[(held["arm"] == arm) | (held["arm"] == FRESH)].dropna(subset=[measured])
                name = "after the blur" if arm == DEFICIT else "dose-matched"
                plotting.seeds_and_interval(
                    axis, rows, "removal", measured, colour=plotting.arm_colour(arm), linestyle=linestyle,
                    label=f"{name} (fresh at 0), {SCHEDULE_WORDS[schedule]}",
                )  # fmt: skip
        axis.set_xlabel("epoch of removal")
        axis.set_ylabel(words)
    _information(axes[2, 2], tables.epochs, numbers)
    for axis in axes[2, 3:]:
        axis.set_visible(False)
    plotting.failures(axes[2, 0], table, by=("arm", "removal", "seed"))
    plotting.legend(made)
    return made


def _histogram(axis: Axes, rows: pd.DataFrame, colour: str, label: str) -> None:
    """Draws the mean over seeds as a staircase, every seed as a faint one."""
    columns = [f"rsv_histogram/{number:02d}" for number in range(BINS)]
    edges = np.linspace(-1, 1, BINS + 1)
    shares = rows[columns].dropna().to_numpy(dtype=float)
    for share in shares:
        axis.stairs(share, edges, color=colour, alpha=0.25, linewidth=0.6)
    if len(shares):
        axis.stairs(shares.mean(0), edges, color=colour, linewidth=1.5, label=label)


def _information(axis: Axes, epochs: pd.DataFrame, numbers: Numbers) -> None:
    last = numbers.removals[-1]
    chosen = (epochs["arm"] == DEFICIT) & (epochs["schedule"] == Continue.name) & (epochs["removal"] == last)
    for (column, label), colour in zip(
        (("information_both", "both views"), ("information_a", "view a"), ("information_b", "view b (blurred)")),
        ("#000000", *plotting.OTHER_COLOURS[:2]),
        strict=True,
    ):
        curve(axis, epochs[chosen], column, colour=colour, label=label)
    axis.axvline(last, color="#9A9A9A", linewidth=0.8, linestyle=":")
    axis.axhline(0, color="#9A9A9A", linewidth=0.6)
    axis.set_xlabel(f"epoch (blur until {last}, {SCHEDULE_WORDS[Continue.name]})")
    axis.set_ylabel("usable information (bits)")


def claims(protocol: Protocol, numbers: Numbers) -> Sequence[Claim]:
    """Lists what the tables are put to."""
    last, name = numbers.removals[-1], protocol.deficit.name
    found = []
    for schedule, source in ((Continue.name, CVPR2023), (Restart.name, CONTROL)):
        arm = window(0, last, protocol.recovery, schedule, name)
        clean = dose_matched(arm)
        words = SCHEDULE_WORDS[schedule]
        found += [
            Claim(
                f"rsv.one_sided_{schedule}", source,
                f"After a blur of view b until epoch {last} units listen to view a: their mean RSV is higher than "
                f"after clean epochs ({words}).",
                "greater", arm, clean, column="rsv_mean", control=clean, floor=0.05, unit="RSV",
            ),
            Claim(
                f"rsv.polarised_{schedule}", source,
                f"More units than after clean epochs have |RSV| > 0.5 ({words}).",
                "greater", arm, clean, column="rsv_polarised", control=clean, floor=0.05, unit="share",
            ),
            lost(
                f"rsv.information_{schedule}", source,
                f"Less usable information is left in the once blurred view than after clean epochs ({words}).",
                arm, "information_b", floor=0.05, unit="bits",
            ),
        ]  # fmt: skip
    return tuple(found)


def caption(tables: Tables, protocol: Protocol, numbers: Numbers) -> str:
    """Says what is seen."""
    dead = tables.runs["rsv_dead"].mean() if "rsv_dead" in tables.runs else float("nan")
    return (
        "Relative source variance of the units of the last layer before the classifier, at the end of training: +1, "
        "only view a moves the unit; −1, only view b; 0, both alike. Histograms are shares of units (thin: a seed, "
        "strong: the mean); upper row with the rate decaying on, middle row restarted at the removal. Below: the "
        "share of units with |RSV| > 0.5, the mean, and usable information by epoch, in bits, each view with random "
        f"partners. {100 * dead:.0f} % of the units answered to neither view and are left out."
    )


FIGURE = Figure(
    name="cvpr2023/rsv_blur",
    title="Which view the units listen to after a blur of the other",
    numbers=Numbers,
    runs=runs,
    draw=draw,
    claims=claims,
    caption=caption,
    alt="Histograms of relative source variance for networks whose view b was blurred until several epochs, with "
    "decaying and restarted rates, beside clean networks; below them the share of one-sided units, their mean, and "
    "usable information by epoch.",
    deviations=(
        "The sign is that of the paper's definition (+1: only view a matters); its plots carry the opposite one.",
        "Each view is decoded with random partners; the paper zeroes the other view in training and in the test.",
        "Clean networks with as many epochs and the restarted rate are not in the paper.",
    ),
    family="two_streams",
)
