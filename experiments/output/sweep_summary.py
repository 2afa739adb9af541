"""What a sweep ends with: the first rows of its table, and a picture of what was measured over what was swept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from critical.inference.arms import has_failed
from critical.plots import style
from critical.plots.sweeps import over_settings
from experiments.output import tables

ROWS = 6
"""How many rows of the table are printed."""


def summary(table: Path, varied: Sequence[str], effects: Mapping[str, str]) -> list[str]:
    """Draws the table of a sweep.

    Args:
        table: The CSV file; the picture gets its name, in `figures` beside `tables`.
        varied: The columns of the settings that vary, seeds aside.
        effects: The effects that are columns, with their units; without any, accuracies are drawn.

    Returns:
        Lines: the first rows, and where the picture is.
    """
    held = tables.read(table.parent, table.stem).runs
    failed = has_failed(held)
    named = (*varied, "seed", *effects, "accuracy", *(("failure",) if failed.any() else ()))
    shown = held[[name for name in named if name in held]].rename(columns={"accuracy": "accuracy (%)"})
    lines = shown.head(ROWS).to_string(index=False, na_rep="", float_format=lambda value: f"{value:.4g}").splitlines()
    if len(shown) > ROWS:
        lines.append(f"… {len(shown) - ROWS} more rows")
    measures = {name: f"{name.replace('_', ' ')} ({unit})" for name, unit in effects.items() if name in held}
    measures = measures or {"accuracy": "test accuracy at the end (%)"}
    if failed.all() or held.loc[~failed, [*measures]].isna().all(axis=None):
        return [*lines, "no picture: no run finished"]
    count = held.loc[~failed, "seed"].nunique()
    interval = "means with 95 % intervals over seeds" if count > 1 else "one seed, so no interval"
    with style.style():
        drawn = over_settings(held, varied, measures, f"{table.stem}: {interval}")
        saved = style.save(drawn, table.parents[2] / "figures" / table.parent.name, table.stem)
    return [*lines, f"picture: {saved.png}"]
