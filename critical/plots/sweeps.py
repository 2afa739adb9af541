"""Pictures of sweeps: what was measured over the settings that vary, in the form that fits them.

| the settings that vary                                 | form                                                   |
| ------------------------------------------------------ | ------------------------------------------------------ |
| two numbers in a grid, three values each or more       | a heat map, means and half-widths in its cells         |
| others in a grid                                       | lines: every seed, the mean, its interval              |
| numbers that were chosen one by one (random, Bayes)    | points: a panel a setting                              |
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from critical.inference.arms import has_failed
from critical.inference.statistics import mean_interval
from critical.plots import marks, style
from critical.plots.heat import heat
from critical.plots.runs import at_least_wide

MOST_TICKS = 12
"""Up to so many swept values each has its tick."""
ORDERS = 100.0
"""From this ratio of the largest to the smallest value on, a swept setting has a logarithmic axis."""
LEAST_OF_A_MAP = 3
"""Values that each of two settings has at least in a heat map: of fewer, lines say more."""
LINES = ("-", "--", ":")


def over_settings(runs: pd.DataFrame, settings: Sequence[str], measures: Mapping[str, str], title: str) -> Figure:
    """Draws what was measured in a sweep over its settings, a panel for each measure.

    Args:
        runs: A row a run: `seed`, `failure`, the settings and the measures. What lacks a measure is left out and named.
        settings: Those that vary, the seed aside; there may be none.
        measures: Column → words with the unit. Those that are no accuracy are differences, of which 0 means something.
        title: Above the panels.

    Returns:
        The figure; call it and save it within `style.style()`.
    """
    finished = runs[~has_failed(runs)]
    # The setting with most values lies along the axis; of several the first.
    along = sorted(settings, key=lambda name: -finished[name].nunique()) or ["seed"]
    if settings and _chosen_one_by_one(finished, settings):
        made, axes = style.figure(len(measures), len(settings), panel=(3.6, 3.2))
        for row, (measure, words) in zip(axes, measures.items(), strict=True):
            for axis, setting in zip(row, settings, strict=True):
                _points(axis, _known(runs, measure), setting, measure, words)
    elif len(settings) == 2 and _is_map(finished, settings):
        made, axes = style.figure(1, len(measures), panel=(4.2, 3.4))
        for axis, (measure, words) in zip(axes[0], measures.items(), strict=True):
            _map(axis, _known(runs, measure), along, measure, words)
    else:
        made, axes = style.figure(1, len(measures), panel=(5.0, 3.4))
        for axis, (measure, words) in zip(axes[0], measures.items(), strict=True):
            _lines(axis, _known(runs, measure), along, measure, words)
        style.legend(made)
    made.suptitle(title, fontsize=10)
    lacking = runs[has_failed(runs) | runs[[*measures]].isna().any(axis=1)]
    marks.failed_runs(axes[-1, 0], [_lacking(row, settings) for _, row in lacking.iterrows()])
    return made


def _known(runs: pd.DataFrame, measure: str) -> pd.DataFrame:
    return runs[~has_failed(runs) & runs[measure].notna()].copy()


def _lacking(row: pd.Series, settings: Sequence[str]) -> str:
    where = ", ".join(f"{name}={_value(row[name])}" for name in settings) or f"seed {row['seed']}"
    return f"{where}, {row['failure'] or 'a run that it is compared with failed'}"


def _numbers(values: pd.Series) -> bool:
    return bool(pd.to_numeric(values, errors="coerce").notna().all())


def _is_map(finished: pd.DataFrame, settings: Sequence[str]) -> bool:
    return all(_numbers(finished[name]) and finished[name].nunique() >= LEAST_OF_A_MAP for name in settings)


def _chosen_one_by_one(finished: pd.DataFrame, settings: Sequence[str]) -> bool:
    """Returns whether settings are numbers that hardly ever come again, so that there are no cells to average over."""
    if not all(_numbers(finished[name]) for name in settings):
        return False
    cells = len(finished.groupby([*settings]))
    every = math.prod(finished[name].nunique() for name in settings)
    return len(finished) < 1.5 * cells and (cells < every / 2 or (len(settings) == 1 and cells > MOST_TICKS))


def _map(axis: Axes, known: pd.DataFrame, along: Sequence[str], measure: str, words: str) -> None:
    x, y = (pd.to_numeric(known[name]) for name in along)
    across, up = sorted(set(x)), sorted(set(y))
    means, below = np.full((len(up), len(across)), np.nan), np.full((len(up), len(across)), "", dtype=object)
    for (column, row), rows in known.groupby([x, y]):
        found, place = mean_interval(rows[measure]), (up.index(row), across.index(column))
        means[place] = found.mean
        below[place] = f"± {found.high - found.mean:.1f}" if math.isfinite(found.high) else ""
    heat(axis, means, across, up, signed=not _is_accuracy(measure), below=below)
    axis.set_xlabel(along[0])
    axis.set_ylabel(along[1])
    axis.set_title(words)


def _lines(axis: Axes, known: pd.DataFrame, along: Sequence[str], measure: str, words: str) -> None:
    x, *series = along
    known["place"] = _places(axis, known[x])
    colours = (style.arm_colour("dose_matched"), style.arm_colour("deficit"), *style.OTHER_COLOURS)
    groups = list(known.groupby(series, sort=False, dropna=False)) if series else [((), known)]
    for number, (held, rows) in enumerate(groups):
        label = ", ".join(f"{name}={_value(value)}" for name, value in zip(series, held, strict=True))
        marks.seeds_and_interval(
            axis, rows, "place", measure, colour=colours[number % len(colours)], label=label, interval="bars",
            linestyle=LINES[number // len(colours) % len(LINES)],
        )  # fmt: skip
    _measured(axis, measure, words)
    axis.set_xlabel(x)


def _points(axis: Axes, known: pd.DataFrame, x: str, measure: str, words: str) -> None:
    axis.scatter(_places(axis, known[x]), known[measure], s=16, color=style.seen(style.arm_colour("dose_matched")),
                 linewidths=0)  # fmt: skip
    _measured(axis, measure, words)
    axis.set_xlabel(x)


def _measured(axis: Axes, measure: str, words: str) -> None:
    if not _is_accuracy(measure):
        axis.axhline(0, color=style.faint(), linewidth=0.8)
    at_least_wide(axis, accuracy=_is_accuracy(measure))
    axis.set_ylabel(words)


def _is_accuracy(measure: str) -> bool:
    return measure == "accuracy"


def _places(axis: Axes, values: pd.Series) -> pd.Series:
    """Returns where values lie along an axis, and gives it scale and ticks."""
    if not _numbers(values):
        names = list(dict.fromkeys(values.astype(str)))
        axis.set_xticks(np.arange(len(names)), names)
        return values.astype(str).map(names.index).astype(float)
    numbers = pd.to_numeric(values)
    if len(numbers) and numbers.min() > 0 and numbers.max() / numbers.min() >= ORDERS:
        axis.set_xscale("log")
    distinct = sorted(set(numbers))
    if len(distinct) <= MOST_TICKS:
        axis.set_xticks(distinct, [f"{value:g}" for value in distinct])
        axis.xaxis.set_minor_locator(NullLocator())
    elif (numbers == numbers.round()).all():
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    return numbers


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)
