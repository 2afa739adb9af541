"""How seeds, means and intervals are drawn, and how runs that failed are named."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from numpy.typing import ArrayLike

from critical.inference.arms import has_failed
from critical.inference.statistics import mean_interval
from critical.plots import style

FEW_SEEDS = 2
"""The interval of so few reaches 13 standard errors to each side (Student's t), beside which all else is a line."""


@contextmanager
def intervals(axis: Axes, seeds: ArrayLike, ends: ArrayLike) -> Iterator[None]:
    """Keeps intervals that are drawn within from widening the axes where they are of few seeds; they run out of them.

    Args:
        axis: What is drawn on, before its limits are set.
        seeds: How many each end of an interval comes from.
        ends: The ends, shape (len(seeds), 2): x and y.
    """
    reach = axis.dataLim.frozen()
    yield
    axis.dataLim.set(reach)
    counted = np.asarray(ends, dtype=float)[np.asarray(seeds) > FEW_SEEDS]
    if len(counted):
        axis.update_datalim(counted)


def seeds_and_interval(
    axis: Axes,
    table: pd.DataFrame,
    x: str,
    y: str,
    *,
    colour: str,
    label: str = "",
    linestyle: str = "-",
    marker: str = "o",
    interval: str = "band",
    gap: float | None = None,
) -> pd.DataFrame:
    """Draws one series: every seed as a faint dot, the mean as a line, its 95 % interval (Student's t).

    Dots are moved sideways a little, by a step that depends on the seed and on how many series the
    axes hold already, so that equal values stay visible; the mean and its interval stay where they
    are. Set a logarithmic x scale before the call. Colours are mended for the ground (`style.seen`).

    Args:
        axis: Where to draw.
        table: One row per run, with columns `seed`, `x`, `y` and optionally `failure` (a text; ""
            for runs that finished). Failed runs are left out: name them with `failed_runs`.
        x: Column of the horizontal position; numbers.
        y: Column of the value, in the unit of the axis.
        colour: Colour of dots, line and interval.
        label: Entry in the legend; none where it is empty, since the line has its name at its end.
        linestyle: Of the mean.
        marker: Of the mean.
        interval: "band" or "bars". A series with one position always takes bars.
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
        [{x: place, **asdict(mean_interval(rows[y]))} for place, rows in finished.groupby(x, sort=True)]
    )
    colour = style.seen(colour)
    moved = _moved(axis, finished[x], finished["seed"], gap)
    axis.scatter(moved, finished[y], s=9, color=colour, alpha=style.dots_alpha(), linewidths=0)
    axis.plot(drawn[x], drawn["mean"], color=colour, label=label, linestyle=linestyle, marker=marker)
    ends = pd.concat([drawn[[x, side, "n"]].rename(columns={side: "end"}) for side in ("low", "high")])
    with intervals(axis, ends["n"], ends[[x, "end"]]):
        if interval == "bars" or len(drawn) == 1:
            known = drawn.dropna()
            reach = np.stack([known["mean"] - known["low"], known["high"] - known["mean"]])
            axis.errorbar(known[x], known["mean"], reach, fmt="none", ecolor=colour, elinewidth=1.1, capsize=2.5)
        else:
            axis.fill_between(drawn[x], drawn["low"], drawn["high"], color=colour, alpha=0.16, linewidth=0)
    return drawn


def fitted(axis: Axes, text: str, size: float) -> str:
    """Returns a text in lines that are no longer than a panel is wide.

    Args:
        axis: The axes of the panel.
        text: Its own line breaks stay.
        size: Of its letters, in points.
    """
    place = axis.get_subplotspec()
    columns = place.get_gridspec().ncols if place else 1
    points = axis.figure.bbox.width * 72 / axis.figure.dpi / columns
    letters = max(24, int(points / (0.6 * size)))  # a letter of DejaVu Sans is about 0.6 of its size wide
    return "\n".join(textwrap.fill(line, letters, break_on_hyphens=False) for line in text.split("\n"))


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
    axis.annotate(
        "\n".join(fitted(axis, line, 7) for line in shown),
        # Hung on the label of the x axis, so that the layout makes room and nothing is covered.
        xy=(0.5, 0.0),
        xycoords=axis.xaxis.label,
        xytext=(0, -3),
        textcoords="offset points",
        ha="center",
        va="top",
        fontsize=7,
        color=style.seen("#C03030", style.TEXT_CONTRAST),
        annotation_clip=False,
    )


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
    drawn = sum(isinstance(held, PathCollection) for held in axis.collections)
    series = math.ceil(drawn / 2) * (-1) ** drawn  # 0, -1, 1, -2, 2, …
    scaled = scaled + gap * (0.03 * spread / max(1.0, rank.max() / 2) + 0.07 * series)
    return 10**scaled if logarithmic else scaled
