"""Two streams, one of them deprived: accuracy and use of the poor view against the removal (figure 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from critical.core.spec import SpecError
from critical.deficits import Dissociation, ViewDropout
from critical.inference.claims import Claim
from critical.inference.statistics import paired_differences
from critical.plots import style as plotting
from critical.training.schedules import Continue, Restart
from experiments.design.contrasts import CONTROL, Removals, cost, fresh, harm, window
from experiments.design.figure import Figure
from experiments.design.protocol import AUTHORS, DEFICIT, DOSE_MATCHED, FRESH, PlannedRun, Protocol, Tables
from experiments.design.two_views import (
    CVPR2023,
    MEASURED,
    POOR,
    SCHEDULE_WORDS,
    SCHEDULES,
    arms_of_blur,
    deficits,
    lost,
    own_sham,
    sham,
)

DECODING = f"decoding_{POOR}"


@dataclass(frozen=True)
class Numbers(Removals):
    """What a profile chooses.

    Attributes:
        other_removals: Epochs of removal of dropout, dissociation and the authors' protocol: some of `removals`,
            the last one among them, since clean references stand there.
    """

    other_removals: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        some, given = list(self.other_removals), list(self.removals)
        if some != [removal for removal in given if removal in some] or some[-1:] != given[-1:]:
            raise SpecError(f"other_removals={some}: some of removals={given}, ascending, the last among them")


def runs(protocol: Protocol, numbers: Numbers) -> list[PlannedRun]:
    """Lists the arms: three deficits of one view, two schedules and the authors' protocol, and the references."""
    last = numbers.removals[-1]
    planned = arms_of_blur(protocol, numbers.removals)
    for seed in protocol.seeds:
        for deficit in deficits(protocol)[1:]:
            for schedule in SCHEDULES:
                for removal in numbers.other_removals:
                    planned.append(protocol.arm(seed, DEFICIT, 0, removal, schedule, deficit=deficit))
                if sham(deficit):
                    planned.append(protocol.arm(seed, DOSE_MATCHED, 0, last, schedule, sham=sham(deficit)))
        for removal in numbers.other_removals:
            planned.append(protocol.arm(seed, DEFICIT, 0, removal, AUTHORS))
    return [item.also(*MEASURED) for item in planned]


def draw(tables: Tables, protocol: Protocol, numbers: Numbers) -> Drawing:
    """Draws accuracy above and what the poor view alone tells below, a column a deficit."""
    shown, gap = deficits(protocol), float(min(np.diff((0, *numbers.removals))))
    made, axes = plotting.figure(2, len(shown), sharex=True, sharey="row")
    for column, deficit in enumerate(shown):
        axes[0, column].set_title(_title(deficit.name))
        for axis, measured in zip(axes[:, column], ("accuracy", DECODING), strict=True):
            _series(axis, tables.runs, deficit.name, measured, sham(deficit) is not None, gap)
        plotting.failures(axes[1, column], tables.runs[tables.runs["deficit"] == deficit.name],
                          by=("schedule", "removal", "seed"))  # fmt: skip
        axes[1, column].set_xlabel("epoch of removal")
        # One of ten classes: what a view that tells nothing comes to.
        axes[1, column].axhline(10, color="#9A9A9A", linewidth=0.8, linestyle=":", label="chance")
    axes[0, 0].set_ylabel("test accuracy, both views (%)")
    axes[1, 0].set_ylabel(f"decoded from view {POOR} alone (%)")
    plotting.legend(made)
    return made


def _title(name: str) -> str:
    return f"view {POOR}: {'dropout' if name == ViewDropout.name else name.replace('_', ' ')}"


def _series(
    axis: Axes, table: pd.DataFrame, deficit: str, measured: str, own_reference: bool, gap: float
) -> None:
    styles = {Continue.name: ("-", "o"), Restart.name: ("--", "s"), AUTHORS: (":", "^")}
    for schedule, (linestyle, marker) in styles.items():
        rows = table[table["schedule"] == schedule]
        clean = (rows["arm"] == DOSE_MATCHED) & (rows["deficit"] == "none")
        other = (rows["arm"] == DOSE_MATCHED) & (rows["deficit"] == "split_heads")
        start = rows["arm"] == FRESH
        poor = (rows["arm"] == DEFICIT) & (rows["deficit"] == deficit)
        words = SCHEDULE_WORDS[schedule]
        series = [
            (start | clean, "dose_matched", f"clean (fresh at 0, then dose-matched), {words}"),
            (start | poor, "deficit", f"deficit until this epoch (fresh at 0), {words}"),
        ]
        if own_reference:
            series.append((other, "clean", f"dose-matched with the heads of one view, {words}"))
        for chosen, arm, label in series:
            if chosen.any() and (rows[chosen]["removal"] > 0).any():
                plotting.seeds_and_interval(
                    axis, rows[chosen], "removal", measured, colour=plotting.arm_colour(arm), label=label,
                    linestyle=linestyle, marker=marker, gap=gap,
                )  # fmt: skip


def claims(protocol: Protocol, numbers: Numbers) -> Sequence[Claim]:
    """Lists what the tables are put to."""
    last, budget = numbers.removals[-1], protocol.recovery
    names = {"blur": protocol.deficit.name, "dropout": ViewDropout.name, "dissociation": Dissociation.name}
    arms = {
        (word, schedule): window(0, last, budget, schedule, name)
        for word, name in names.items()
        for schedule in SCHEDULES
    }
    decaying, fair = Continue.name, Restart.name
    authors = window(0, last, budget, AUTHORS, names["blur"])

    def falls_less(table: pd.DataFrame) -> pd.Series:
        blurred, dissociated = (
            paired_differences(table, fresh(arms[word, decaying]), arms[word, decaying])
            for word in ("blur", "dissociation")
        )
        return blurred - dissociated

    found = [
        harm(
            "split.blur_harm_continue", CVPR2023,
            f"A view that is blurred until epoch {last} leaves the network worse than one that never was "
            "(the learning rate goes on decaying).",
            arms["blur", decaying],
        ),
        Claim(
            "split.dissociation_falls_less", CVPR2023,
            f"Dissociated views until epoch {last} harm less than a blurred one (rate decaying).",
            "greater", statistic=falls_less,
            uses=(arms["blur", decaying], arms["dissociation", decaying], fresh(arms["blur", decaying])),
            control=fresh(arms["blur", decaying]),
            differs="The head of both views is untrained after a dissociation, which is part of this harm.",
        ),
        lost(
            "split.dissociation_cost_continue", CONTROL,
            f"Dissociation until epoch {last} costs accuracy against as many epochs of the heads of one view (rate "
            "decaying).",
            arms["dissociation", decaying], "accuracy", own_sham(arms["dissociation", decaying]),
        ),
        lost(
            "split.blur_blind_continue", CVPR2023,
            f"After a blur until epoch {last} less can be decoded from the once blurred view (rate decaying).",
            arms["blur", decaying], DECODING,
        ),
        Claim(
            "split.momentum", CONTROL,
            "It makes no difference that the authors' recovery starts without the momentum.",
            "none", arms["blur", decaying], authors, control=fresh(arms["blur", decaying]),
        ),
    ]  # fmt: skip
    for word in names:
        arm = arms[word, fair]
        reference = own_sham(arm) if word == "dissociation" else None
        said = f"{_plain(word)} until epoch {last}"
        against = "as many epochs of the heads of one view" if reference is not None else "as many clean epochs"
        if reference is None:
            found.append(cost(
                f"split.{word}_cost_restart", CONTROL,
                f"{said} costs accuracy against {against} (rate restarted).", arm,
            ))  # fmt: skip
        else:
            found.append(lost(
                f"split.{word}_cost_restart", CONTROL,
                f"{said} costs accuracy against {against} (rate restarted).", arm, "accuracy", reference,
            ))  # fmt: skip
        found.append(lost(
            f"split.{word}_blind_restart", CONTROL,
            f"After {said[0].lower()}{said[1:]} less can be decoded from view {POOR} than after {against} "
            "(rate restarted).", arm, DECODING, reference,
        ))  # fmt: skip
    return tuple(found)


def _plain(word: str) -> str:
    return {"blur": "Blur of one view", "dropout": "Dropout of one view", "dissociation": "Dissociation"}[word]


def caption(tables: Tables, protocol: Protocol, numbers: Numbers) -> str:
    """Says what is seen."""
    return (
        "Networks of two streams; a deficit of view b, on from epoch 0, is removed at the epoch on the axis, and "
        f"{protocol.recovery} clean epochs follow. Top: test accuracy from both views. Bottom: accuracy from view b "
        "alone, its partner drawn at random and the log-probabilities averaged, so that nothing is shown to the "
        "network that it never saw. Solid: the learning rate goes on decaying; dashed: it restarts at the removal; "
        "dotted: the authors' protocol, decaying on without the momentum. Blue: networks that never had the deficit, "
        "with as many epochs. Grey, for dissociation: the same number of epochs with heads a and b answering for "
        "views that belong together, since dissociation leaves the head of both views untrained."
    )


FIGURE = Figure(
    name="cvpr2023/split_removal",
    title="Two streams: accuracy and the poor view against the epoch of removal",
    numbers=Numbers,
    runs=runs,
    draw=draw,
    claims=claims,
    caption=caption,
    alt="Six panels, a column for blur, dropout and dissociation of one view. Top: test accuracy against the removal "
    "epoch; bottom: accuracy decoded from that view alone; with decaying and restarted rates and clean references.",
    deviations=(
        "Fresh and dose-matched networks, the restarted rate and dropout of a view are not in the paper.",
        "A view is decoded with random partners instead of zeros, so training needs no zeroed views.",
        "Dissociation never pairs an image with itself, and the head belongs to the image whose label is asked; the "
        "published code draws head and target independently (deficit.variant=authors).",
    ),
    family="two_streams",
)
