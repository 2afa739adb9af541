"""The table of a sweep: its runs as rows, with the columns of figures, the settings that vary, and effects."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig

from critical.execution.store import RunStore
from critical.training.runs import RunSpec
from experiments.design.command_line import key_of
from experiments.design.effects import RunEffect, references
from experiments.design.protocol import DEFICIT, DOSE_MATCHED, FRESH
from experiments.output import effect_values, tables
from experiments.output.sweep_record import Refusals
from experiments.output.tables import PlannedRun, Tables

TAGS = ("role", "deficit", "onset", "length", "removal", "schedule", "budget", "stabilizer", "epochs")
"""Columns that every run has, whatever varies, besides its seed."""


@dataclass(frozen=True)
class SweptRun:
    """A run of a sweep.

    Attributes:
        config: Its configuration, as `experiments.train` gets it.
        spec: The run.
        values: The value of every override, by its key, as it was written.
        effects: Those that are asked for.
    """

    config: DictConfig
    spec: RunSpec
    values: Mapping[str, Any]
    effects: tuple[RunEffect, ...] = ()


def values_of(point: Iterable[str]) -> dict[str, Any]:
    """Returns the values of overrides by their keys: numbers, and else text, as written where Hydra refuses it."""
    parser, values = OverridesParser.create(), {}
    for text in (text for text in point if "=" in text):
        value: Any = text.partition("=")[2]
        with contextlib.suppress(HydraException):
            parsed = parser.parse_override(text)
            value = value if parsed.is_sweep_override() else parsed.value()
        values[key_of(text)] = value if isinstance(value, (int, float)) else str(value)
    return values


def planned(run: SweptRun, varied: Sequence[str] = ()) -> PlannedRun:
    """Returns a run with the columns that it has in the tables of figures, and those of the settings that vary."""
    varied_columns = {column(key): run.values.get(key) for key in varied if key != "seed"}
    return PlannedRun(run.spec, tags_of(run.spec) | varied_columns)


def tags_of(spec: RunSpec) -> dict[str, Any]:
    """Returns the columns of a run that say what it is."""
    window = max(spec.timeline.windows, key=lambda held: held.end, default=None)
    name = window.deficit.name if window else "none"
    removal = window.end if window else 0
    return {
        "role": FRESH if window is None else DOSE_MATCHED if name == "none" else DEFICIT,
        "deficit": name,
        "onset": window.start if window else 0,
        "length": removal - window.start if window else 0,
        "removal": removal,
        "schedule": spec.schedule.name,
        "budget": spec.timeline.end - removal,
        "stabilizer": "+".join(held.stabilizer.name for held in spec.stabilizers) or "none",
        "seed": spec.seed,
    }


def column(key: str) -> str:
    """Returns the column of a setting: a group such as deficit=blur_4px says more than that of its name; both stay."""
    return f"setting.{key}" if key in TAGS else key


def measured(runs: Iterable[SweptRun]) -> dict[str, str]:
    """Returns the effects that any of the runs has, and their units."""
    return {effect.name: effect.unit for run in runs for effect in run.effects}


def compared_with(runs: Iterable[SweptRun]) -> list[RunSpec]:
    """Returns the runs that the effects of a sweep are measured against, each once."""
    found = {spec.run_id: spec for run in runs for spec in references(run.effects)}
    return list(found.values())


def varying(points: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns the keys of the settings whose value is not the same in all points."""
    keys = sorted({key for values in points for key in values})
    return [key for key in keys if len({repr(values.get(key)) for values in points}) > 1]


def collect(runs: Sequence[SweptRun], store: RunStore, refused: Refusals = ()) -> Tables:
    """Collects the finished runs of a sweep from the store, however they came into it.

    Args:
        runs: The runs, in any order; the same one twice gives one row.
        store: The store.
        refused: Overrides that cannot be and so have no run, each with the reason.

    Returns:
        A row a run: the columns of the figures' tables where they apply, then each setting whose value is not the
        same in all rows, then its effects. Rows are in order of these settings, so the same runs give the same bytes. A
        failed run is a row with its `failure`. Rows of refused points come last: what varies, and why as their
        `failure`.

    Raises:
        ValueError: A run, or one that it is compared with, is not finished.
    """
    known = {run.spec.run_id: run for run in runs}
    without = [(values_of(point), reason) for point, reason in refused]
    varied = varying([*(run.values for run in known.values()), *(values for values, _ in without)])

    def order(values: Mapping[str, Any]) -> list[tuple[bool, Any]]:
        return [(isinstance(values.get(key, ""), str), values.get(key, "")) for key in varied]

    ordered = sorted(known.values(), key=lambda run: order(run.values))
    made = tables.collect([planned(run, varied) for run in ordered], store)
    for name in measured(ordered):
        values = [{effect.name: effect for effect in run.effects}.get(name) for run in ordered]
        column_of = [math.nan if held is None else effect_values.at_the_end(held, store) for held in values]
        made.runs.insert([*made.runs].index("accuracy"), name, column_of)
    rows = [
        {**{column(key): values.get(key) for key in varied}, "failure": reason, "run_id": ""}
        for values, reason in sorted(without, key=lambda point: order(point[0]))
    ]
    # Whole numbers stay so beside empty cells.
    whole = {name: "Int64" for name, kind in made.runs.dtypes.items() if kind == "int64"}
    return Tables(pd.concat([made.runs.astype(whole), pd.DataFrame(rows)], ignore_index=True))
