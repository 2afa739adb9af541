"""One style for every figure, and the few drawing helpers that figures share.

What is drawn is always every seed, the mean over seeds and its interval, never a mean alone; and a
run that failed is named on the axes instead of vanishing. Figures are made without pyplot, so nothing
here opens a window, keeps global state or depends on a display.

    with plotting.style():
        figure, axes = plotting.figure(1, 2)
        for arm, rows in table.groupby("arm"):
            plotting.seeds_and_interval(
                axes[0, 0], rows, "removal", "accuracy", colour=plotting.arm_colour(arm), label=arm
            )
        plotting.legend(figure)
        plotting.save(figure, Path("results/figures/quick"), "iclr2019/deficit_removal")
"""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, NamedTuple

import matplotlib.style
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from critical.core.files import write_atomically
from critical.core.spec import closest
from critical.inference.arms import has_failed
from critical.inference.statistics import mean_interval

ARM_COLOURS = {"deficit": "#D55E00", "dose_matched": "#0072B2", "fresh": "#009E73", "clean": "#4D4D4D"}
"""The fixed colour of each arm: four of the colour-blind safe palette of Okabe and Ito (2008)."""

OTHER_COLOURS = ("#CC79A7", "#E69F00", "#56B4E9", "#8C6D31", "#7A4FBF", "#000000")
"""Colours for series that are not arms; none of them is an arm's."""

PANEL_INCHES = (3.4, 2.7)
"""Width and height of one panel: one column of a two-column paper, and 9 pt is legible on a phone."""

DOTS_PER_INCH = 160
STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so every machine draws the same letters
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=OTHER_COLOURS),
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "pdf.fonttype": 42,  # text in the PDF stays text: searchable, and accepted by publishers
}


class Saved(NamedTuple):
    """Where a figure was written."""

    png: Path
    pdf: Path


@contextmanager
def style() -> Iterator[None]:
    """Applies the style on top of matplotlib's defaults, whatever the user's own settings are."""
    with matplotlib.style.context(["default", STYLE]):
        yield


def arm_colour(arm: str) -> str:
    """Returns the fixed colour of an arm.

    Args:
        arm: "deficit", "dose_matched", "fresh" or "clean".

    Raises:
        ValueError: For any other name; series that are not arms take `OTHER_COLOURS`.
    """
    if arm not in ARM_COLOURS:
        raise ValueError(f"there is no arm '{arm}' with a fixed colour; {closest(arm, ARM_COLOURS)}")
    return ARM_COLOURS[arm]


def figure(
    rows: int = 1,
    columns: int = 1,
    *,
    panel: tuple[float, float] = PANEL_INCHES,
    sharex: bool = False,
    sharey: bool | Literal["row"] = False,
) -> tuple[Figure, np.ndarray]:
    """Makes a figure of equal panels with constrained layout.

    Args:
        rows: Panels from top to bottom.
        columns: Panels from left to right.
        panel: Width and height of one panel in inches.
        sharex: Whether the panels share their x axis.
        sharey: Whether the panels share their y axis; `row`: those of a row.

    Returns:
        The figure, and its axes as an array (rows, columns), also when there is one panel.
    """
    made = Figure(figsize=(panel[0] * columns, panel[1] * rows), layout="constrained", dpi=DOTS_PER_INCH)
    FigureCanvasAgg(made)
    return made, made.subplots(rows, columns, sharex=sharex, sharey=sharey, squeeze=False)


def seeds_and_interval(
    axis: Axes,
    table: pd.DataFrame,
    x: str,
    y: str,
    *,
    colour: str,
    label: str,
    linestyle: str = "-",
    marker: str = "o",
    interval: str = "band",
    confidence: float = 0.95,
    gap: float | None = None,
) -> pd.DataFrame:
    """Draws one series: every seed as a faint dot, the mean as a line, its Student-t interval.

    Dots are moved sideways a little, by a step that depends on the seed and on how many series the
    axes hold already, so that equal values stay visible; the mean and its interval stay where they
    are. Set a logarithmic x scale before the call.

    Args:
        axis: Where to draw.
        table: One row per run, with columns `seed`, `x`, `y` and optionally `failure` (a text; ""
            for runs that finished). Failed runs are left out: name them with `failures`.
        x: Column of the horizontal position; numbers.
        y: Column of the value, in the unit of the axis.
        colour: Colour of dots, line and interval.
        label: Entry in the legend.
        linestyle: Of the mean.
        marker: Of the mean.
        interval: "band" or "bars". A series with one position always takes bars.
        confidence: Level of the interval.
        gap: Distance of neighbouring positions, of which the dots move a part; that of this series when left out.

    Returns:
        What was drawn: columns x, `mean`, `low`, `high`, `n`, one row per position. With a single
        seed the bounds are NaN and no interval is drawn.

    Raises:
        ValueError: If `interval` is unknown, no run is left to draw, or a run holds no finite value
            although nothing says that it failed.
    """
    if interval not in ("band", "bars"):
        raise ValueError(f"interval='{interval}': expected 'band' or 'bars'")
    finished = table[~has_failed(table)]
    if finished.empty:
        raise ValueError(f"series '{label}': no finished run to draw; skip it and name its failures")
    if not np.isfinite(finished[y].to_numpy(dtype=float)).all():
        seeds = sorted(finished.loc[~np.isfinite(finished[y].astype(float)), "seed"].unique().tolist())
        raise ValueError(f"series '{label}': '{y}' is not finite for seeds {seeds}, yet 'failure' is empty")
    drawn = pd.DataFrame(
        [{x: place, **asdict(mean_interval(rows[y], confidence))} for place, rows in finished.groupby(x, sort=True)]
    )
    moved = _moved(axis, finished[x], finished["seed"], gap)
    axis.scatter(moved, finished[y], s=9, color=colour, alpha=0.4, linewidths=0)
    axis.plot(drawn[x], drawn["mean"], color=colour, label=label, linestyle=linestyle, marker=marker)
    if interval == "bars" or len(drawn) == 1:
        known = drawn.dropna()
        reach = np.stack([known["mean"] - known["low"], known["high"] - known["mean"]])
        axis.errorbar(known[x], known["mean"], reach, fmt="none", ecolor=colour, elinewidth=1.1, capsize=2.5)
    else:
        axis.fill_between(drawn[x], drawn["low"], drawn["high"], color=colour, alpha=0.16, linewidth=0)
    return drawn


def failed_runs(axis: Axes, lines: Sequence[str], at_most: int = 4) -> None:
    """Says under the axes which runs failed, e.g. "blur, seed 3: non-finite loss at epoch 7".

    Args:
        axis: The axes that lack those runs.
        lines: A line a run; nothing is drawn without any.
        at_most: Lines that are shown; the rest is counted in one more.
    """
    if not lines:
        return
    rest = len(lines) - at_most
    shown = [f"× {line}" for line in lines[:at_most]]
    if rest > 0:
        shown.append(f"and {rest} more failed {'run' if rest == 1 else 'runs'}")
    place = axis.get_subplotspec()
    columns = place.get_gridspec().ncols if place else 1
    points = axis.figure.bbox.width * 72 / axis.figure.dpi / columns
    letters = max(24, int(points / 4.2))  # a letter of 7 pt DejaVu Sans is about 4.2 pt wide
    axis.annotate(
        "\n".join(textwrap.fill(line, letters) for line in shown),
        # Hung on the label of the x axis, so that the layout makes room and nothing is covered.
        xy=(0.5, 0.0),
        xycoords=axis.xaxis.label,
        xytext=(0, -3),
        textcoords="offset points",
        ha="center",
        va="top",
        fontsize=7,
        color="#A00000",
        annotation_clip=False,
    )


def share_scale(axes: Sequence[Axes]) -> None:
    """Gives axes that show one quantity the range that holds all of them."""
    if len(axes) > 1:
        limits = [axis.get_ylim() for axis in axes]
        for axis in axes:
            axis.set_ylim(min(limit[0] for limit in limits), max(limit[1] for limit in limits))


def legend(figure: Figure, *, title: str | None = None) -> None:
    """Puts one legend for all axes below them, in as many columns as the figure is wide.

    Args:
        figure: Entries with the same label in several axes become one.
        title: A line above the entries.
    """
    entries: dict[str, Any] = {}
    for axis in figure.axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    for columns in range(len(entries), 0, -1):
        made = figure.legend(
            list(entries.values()), list(entries), loc="outside lower center", ncols=columns, title=title
        )
        made_width = made.get_window_extent(figure.canvas.get_renderer()).width  # type: ignore[attr-defined]
        if columns == 1 or made_width <= 0.98 * figure.bbox.width:
            return
        made.remove()


def save(figure: Figure, folder: Path, name: str) -> Saved:
    """Writes a figure as PNG (160 dots per inch) and PDF, each at once or not at all.

    No time and no version goes into the files: with one version of matplotlib the same table gives
    the same bytes.

    Args:
        figure: What to write.
        folder: Where; made when missing.
        name: File name without its ending; may hold slashes.

    Returns:
        The two paths.
    """
    paths = Saved(folder / f"{name}.png", folder / f"{name}.pdf")
    with style():
        for path, nothing in zip(paths, ({"Software": None}, _NO_PDF_DATA), strict=True):
            content = io.BytesIO()
            figure.savefig(content, format=path.suffix[1:], dpi=DOTS_PER_INCH, metadata=nothing)
            write_atomically(path, content.getvalue())
    return paths


_NO_PDF_DATA: dict[str, Any] = {"CreationDate": None, "Creator": None, "Producer": None}


def _moved(axis: Axes, places: pd.Series, seeds: pd.Series, gap: float | None) -> np.ndarray:
    """Positions of the dots: each seed its own step, each further series on the axes moved on."""
    logarithmic = axis.get_xscale() == "log"
    exact = places.to_numpy(dtype=float)
    scaled = np.log10(exact) if logarithmic else exact
    distinct = np.unique(scaled)
    if gap is None:
        gap = float(np.diff(distinct).min()) if len(distinct) > 1 else 1.0
    rank = pd.Series(seeds).rank(method="dense").to_numpy() - 1
    spread = rank - rank.max() / 2 if len(rank) else rank
    drawn = len(axis.get_legend_handles_labels()[0])
    series = math.ceil(drawn / 2) * (-1) ** drawn  # 0, -1, 1, -2, 2, …
    scaled = scaled + gap * (0.03 * spread / max(1.0, rank.max() / 2) + 0.07 * series)
    return 10**scaled if logarithmic else scaled
