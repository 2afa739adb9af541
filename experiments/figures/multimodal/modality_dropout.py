"""Unlike modalities, one of them cut off early or late: is the one-sided use of the other lasting?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure as Drawing

from critical.core.batch import VIEWS
from critical.core.spec import SpecError
from critical.deficits import ViewDropout
from critical.inference.claims import Arm, Claim, Statistic
from critical.inference.statistics import paired_differences
from critical.plots import style as plotting
from experiments.design.contrasts import CONTROL, dose_matched, fresh, window
from experiments.design.figure import Figure
from experiments.design.protocol import DEFICIT, DOSE_MATCHED, FRESH, RESTART_AT_ONSET, PlannedRun, Protocol, Tables
from experiments.design.two_views import CVPR2023, MEASURED, lost

MODALITIES = {"a": "image", "b": "signal"}


@dataclass(frozen=True)
class Numbers:
    """What a profile chooses.

    Attributes:
        length: Epochs of the window in which a modality is absent.
        onsets: First epochs of the early and of the late window, ascending.
        easy: The view that alone tells more in a clean run on calibration seeds, `a` or `b`.
    """

    length: int
    onsets: tuple[int, ...]
    easy: str

    def __post_init__(self) -> None:
        if self.length < 1:
            raise SpecError(f"length={self.length}: at least one epoch")
        if len(self.onsets) != 2 or min(self.onsets) < 0 or self.onsets[0] >= self.onsets[1]:
            raise SpecError(f"onsets={list(self.onsets)}: two ascending epochs from 0 on are wanted")
        if self.easy not in VIEWS:
            raise SpecError(f"easy={self.easy}: one of {', '.join(VIEWS)}")


def runs(protocol: Protocol, numbers: Numbers) -> list[PlannedRun]:
    """Lists the arms: each modality absent early and late, with fresh and dose-matched networks."""
    planned = []
    for seed in protocol.seeds:
        planned.append(protocol.arm(seed, FRESH, schedule=RESTART_AT_ONSET).also(view="none"))
        for onset in numbers.onsets:
            span = (onset, numbers.length, RESTART_AT_ONSET)
            planned.append(protocol.arm(seed, DOSE_MATCHED, *span).also(view="none"))
            for view in VIEWS:
                planned.append(protocol.arm(seed, DEFICIT, *span, deficit=ViewDropout(view=view)).also(view=view))
    return [item.also(*MEASURED) for item in planned]


def draw(tables: Tables, protocol: Protocol, numbers: Numbers) -> Drawing:
    """Draws accuracy, decoding and use against the onset of the window, a column a dropped modality."""
    made, axes = plotting.figure(3, len(VIEWS), sharex=True, sharey="row")
    table = tables.runs
    for column, view in enumerate(VIEWS):
        ease = "the easier one" if view == numbers.easy else "the harder one"
        axes[0, column].set_title(f"the {MODALITIES[view]} is cut off ({ease})")
        for axis, measured in zip(axes[:, column], ("accuracy", f"decoding_{view}", f"use_{view}"), strict=True):
            start = table[table["arm"] == FRESH][measured].mean()
            axis.axhline(start, color=plotting.arm_colour(FRESH), linewidth=1.0, linestyle=":",
                         label="fresh (same recovery, no window), mean")  # fmt: skip
            for arm, rows, label in (
                (DOSE_MATCHED, table["arm"] == DOSE_MATCHED, "dose-matched (clean epochs instead)"),
                (DEFICIT, (table["arm"] == DEFICIT) & (table["view"] == view), "modality absent in the window"),
            ):
                plotting.seeds_and_interval(
                    axis, table[rows], "onset", measured, colour=plotting.arm_colour(arm), label=label, interval="bars"
                )
        axes[2, column].set_xlabel(f"onset of the window of {numbers.length} epochs")
        axes[2, column].set_xticks(numbers.onsets)
        plotting.failures(axes[2, column], table[table["view"] == view], by=("onset", "seed"))
    axes[0, 0].set_ylabel("test accuracy, both (%)")
    axes[1, 0].set_ylabel("decoded from the cut\nmodality alone (%)")
    axes[2, 0].set_ylabel("accuracy lost when it\nis exchanged (points)")
    plotting.legend(made)
    return made


def claims(protocol: Protocol, numbers: Numbers) -> Sequence[Claim]:
    """Lists what the tables are put to."""
    early, late = (
        window(onset, numbers.length, protocol.recovery, RESTART_AT_ONSET, ViewDropout.name) for onset in numbers.onsets
    )
    hard = next(view for view in VIEWS if view != numbers.easy)
    found: list[Claim] = []
    for view in VIEWS:
        name, cut = MODALITIES[view], early.but(view=view)
        article = "An" if name[0] in "aeiou" else "A"
        clean = dose_matched(early).but(view="none")
        decoding = f"decoding_{view}"
        found += [
            lost(
                f"modality.{name}_blind", CVPR2023,
                f"{article} {name} that is absent in the first {numbers.length} epochs tells less afterwards than in a "
                "network that always had it.", cut, decoding, clean,
            ),
            Claim(
                f"modality.{name}_early", CVPR2023,
                f"The early window takes more from the {name} than a late one of the same length and learning rates.",
                "greater", statistic=_more_than(cut, late.but(view=view), decoding),
                uses=(cut, late.but(view=view), clean, dose_matched(late).but(view="none")), control=clean,
                column=decoding,
            ),
            lost(
                f"modality.{name}_cost", CONTROL,
                f"An early window without the {name} costs accuracy from both.", cut, "accuracy", clean,
            ),
        ]  # fmt: skip
    clean = dose_matched(early).but(view="none")
    both = (early.but(view=hard), early.but(view=numbers.easy))
    found += [
        Claim(
            "modality.hard_matters", CONTROL,
            f"It matters which one is cut off: the harder one ({MODALITIES[hard]}) loses more of its use than the "
            f"easier one ({MODALITIES[numbers.easy]}).",
            "greater", statistic=_use_lost(both, (hard, numbers.easy), clean), uses=(*both, clean),
            column=f"use_{hard}", control=clean,
        ),
        Claim(
            "modality.harm", CONTROL,
            f"A network without the {MODALITIES[hard]} in its first {numbers.length} epochs ends below a fresh one.",
            "greater", fresh(early).but(view="none"), early.but(view=hard), control=fresh(early).but(view="none"),
        ),
    ]  # fmt: skip
    return tuple(found)


def _more_than(early: Arm, late: Arm, column: str) -> Statistic:
    def difference(table: pd.DataFrame) -> pd.Series:
        losses = [
            paired_differences(table, dose_matched(arm).but(view="none"), arm, column)
            for arm in (early, late)
        ]
        return losses[0] - losses[1]

    return difference


def _use_lost(arms: tuple[Arm, Arm], views: tuple[str, str], clean: Arm) -> Statistic:
    def difference(table: pd.DataFrame) -> pd.Series:
        losses = [
            paired_differences(table, clean, arm, f"use_{view}")
            for arm, view in zip(arms, views, strict=True)
        ]
        return losses[0] - losses[1]

    return difference


def caption(tables: Tables, protocol: Protocol, numbers: Numbers) -> str:
    """Says what is seen."""
    return (
        "Networks with an image and a one-dimensional signal of the same class. In a window of "
        f"{numbers.length} epochs one modality is absent (at its mean) for every example; {protocol.recovery} clean "
        "epochs follow. The learning rate starts again at the onset and at the removal, so windows and recoveries have "
        "the same rates at any age. Top: test accuracy from both. Middle: accuracy from the cut modality alone, "
        "partners drawn at random. Bottom: accuracy lost when its input is exchanged with another example's, which is "
        "how much the network relies on it."
    )


FIGURE = Figure(
    name="multimodal/modality_dropout",
    title="One of two unlike modalities is cut off, early or late",
    numbers=Numbers,
    runs=runs,
    draw=draw,
    claims=claims,
    caption=caption,
    alt="Six panels, a column for each modality that is cut off: accuracy, decoding of the cut modality and reliance "
    "on it, against the onset of the window, for networks with the window and dose-matched ones.",
    deviations=(
        "No paper shows this; the claims carry those of Kleinman et al. over to unlike modalities.",
        "The rate starts again at the onset of a late window too: otherwise it would fall into epochs of a lower rate "
        "than an early one, and age and rate could not be told apart.",
    ),
    family="modalities",
)
