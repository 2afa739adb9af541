"""The tables of a figure: a row a run, and a row an epoch of the arms that are drawn as curves.

Nothing that varies between repetitions, such as times, goes in: the same runs give the same bytes.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from critical.core.files import write_atomically
from critical.core.spec import SpecError
from critical.execution.pairs import Barrier
from critical.execution.store import RunStore
from critical.measures.depth import shares_by_part
from critical.training.runs import RunSpec
from experiments.design.figure import Design

NOT_MEASURED = ("seconds", "deficit", "reset_optimizer", "epoch", "failure", "rate")
"""Columns of an epoch that say what was done, or how long it took."""

NEEDED = ("arm_id", "seed", "failure")
"""Columns that every table of a figure has."""


@dataclass(frozen=True)
class PlannedRun:
    """A run and its place in a table.

    Attributes:
        spec: The run.
        tags: Columns that say which arm it is.
        curve: Whether its epochs go into the second table.
        columns: Beginnings of the measured columns with a slash in their names that are kept.
        at: Column → epochs after which it is kept as well.
        sibling: The run between whose last weights and its own the barrier is measured; None: no such column.
    """

    spec: RunSpec
    tags: Mapping[str, Any]
    curve: bool = False
    columns: tuple[str, ...] = ()
    at: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    sibling: RunSpec | None = None


@dataclass(frozen=True)
class Tables:
    """What a figure is drawn from.

    Attributes:
        runs: A row a run: its tags; `accuracy` (percent, test, at the end; NaN if it failed) and `loss` (nats); all
            else that was measured at the end; `accuracy_deficient` (percent, on deficient test images at the end of
            its window: how well the deficit could be learnt; NaN where a view was absent then);
            `fisher_trace_onset` (the trace before the window) and `fisher_trace_window` (its geometric mean over
            the window); `column@epoch` of what the design asks for (NaN where the run has no such epoch); `epochs`,
            `failure` (empty if fine) and `run_id`.
        epochs: A row an epoch of the runs that are drawn as curves: tags, `epoch` and what was measured.
    """

    runs: pd.DataFrame
    epochs: pd.DataFrame = field(default_factory=pd.DataFrame)


def planned(design: Design, seeds: Iterable[int]) -> list[PlannedRun]:
    """Crosses the arms of a figure with seeds; a design that computes its table has no runs."""
    if design.table is not None:
        return []
    curves = design.curves
    return [
        PlannedRun(
            _every_epoch(arm.of_seed(seed)) if arm in curves else arm.of_seed(seed),
            {"arm_id": arm.id, **arm.tags, "seed": seed},
            arm in curves,
            design.columns,
            design.at,
            design.siblings[arm].of_seed(seed) if arm in design.siblings else None,
        )
        for arm in design.trained
        for seed in seeds
    ]


def computed(design: Design, seeds: Iterable[int]) -> Tables:
    """Returns the tables of a design that computes them, the rows of the given seeds."""
    assert design.table is not None
    frames, known = (design.table(), pd.DataFrame() if design.epochs is None else design.epochs()), list(seeds)
    return Tables(*(frame if frame.empty else frame[frame["seed"].isin(known)] for frame in frames))


def _every_epoch(run: RunSpec) -> RunSpec:
    """Returns the run measured in its recovery as often as before."""
    return replace(run, probes=tuple(replace(probe, recovery_every=None) for probe in run.probes))


def refuse_mixed(specs: Iterable[RunSpec]) -> None:
    """Refuses a table whose runs on the CPU have several kinds of instructions: their differences are no effects.

    Raises:
        SpecError: They have.
    """
    kinds = {spec.arithmetic.instructions for spec in specs if spec.arithmetic.device == "cpu"}
    if len(kinds) > 1:
        raise SpecError(
            f"arithmetic.instructions={','.join(sorted(kinds))}: the runs of a table have one kind; make two tables"
        )


def collect(items: Iterable[PlannedRun], store: RunStore) -> Tables:
    """Collects finished runs from the store.

    Raises:
        ValueError: A run is not finished.
        SpecError: Runs have several kinds of CPU instructions.
    """
    items = list(items)
    refuse_mixed(item.spec for item in items)
    runs, epochs = [], []
    for item in items:
        rows = store.rows(item.spec)
        if rows is None:
            raise ValueError(f"run {item.spec.run_id} is not finished")
        rows = [{**row, **shares(row, item.columns)} for row in rows]
        between = {} if item.sibling is None else Barrier().between(store, item.spec, item.sibling)
        runs.append({**_run_row(item, rows), **between})
        if item.curve:
            epochs += [{**_short(item.tags), "epoch": row["epoch"], **_measured(row, item.columns)} for row in rows]
    return Tables(pd.DataFrame(runs), pd.DataFrame(epochs))


def _short(tags: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tags[key] for key in ("arm_id", "label", "seed") if key in tags}


def _measured(row: Mapping[str, Any], columns: tuple[str, ...]) -> dict[str, Any]:
    """Returns what was measured in an epoch; of columns with a slash, those that are asked for."""
    kept = {key: value for key, value in row.items() if key not in NOT_MEASURED}
    return {key: value for key, value in kept.items() if "/" not in key or (columns and key.startswith(columns))}


SHARED = {"fisher_trace/": "fisher_share_", "fisher_trace_relative/": "fisher_share_relative_",
          "fisher_trace_clean/": "fisher_share_clean_"}  # fmt: skip
"""Columns of layers → the beginning of the names of the shares of thirds of the network."""


def shares(row: Mapping[str, Any], columns: tuple[str, ...]) -> dict[str, float]:
    """Returns what share of the columns of layers that are kept the bottom, the middle and the top of a network has.

    Args:
        row: What was measured in an epoch.
        columns: Beginnings of the columns that are kept.
    """
    found: dict[str, float] = {}
    for prefix, name in SHARED.items():
        if prefix in columns:
            layers = {key.removeprefix(prefix): value for key, value in row.items() if key.startswith(prefix)}
            found |= {f"{name}{part}": share for part, share in shares_by_part(layers).items()}
    return found


def _run_row(item: PlannedRun, rows: list[dict[str, Any]]) -> dict[str, Any]:
    last, clock = rows[-1], item.spec.timeline
    removal = clock.removal
    at_removal = rows[removal - 1] if 0 < removal <= len(rows) else {}
    if any(deficit.removes(removal - 1) for deficit in clock.active(removal - 1)):
        # A constant view has no variance: what batch normalisation has stored of it blows up rounding errors.
        at_removal = {}
    if item.tags.get("removal", removal) != removal:
        # The arm's deficit ended before the last window did, which holds its sham.
        at_removal = {}
    measured = _measured(last, item.columns)
    nan = math.nan
    return {
        **item.tags,
        "accuracy": measured.pop("test_accuracy", nan),
        "loss": measured.pop("test_loss", nan),
        "accuracy_deficient": at_removal.get("test_accuracy_deficient", nan),
        **measured,
        **_window_traces(item, rows),
        **{f"{column}@{epoch}": rows[epoch - 1].get(column, nan) if epoch <= len(rows) else nan
           for column, epochs in item.at.items() for epoch in epochs},
        "epochs": clock.end,
        "failure": last.get("failure") or "",
        "run_id": item.spec.run_id,
    }  # fmt: skip


def _window_traces(item: PlannedRun, rows: list[dict[str, Any]]) -> dict[str, float]:
    """Returns the trace of Fisher before the window, and its geometric mean over the measured epochs of the window.

    An arm that leaves the window out has no epochs of it, though its timeline parts its past from its recovery.
    """
    clock = item.spec.timeline
    starts = [window.start for window in clock.windows]
    onset = int(item.tags["onset"]) if item.tags.get("length") == 0 else min(starts, default=0)
    held = [row["fisher_trace"] for row in rows[onset : clock.removal] if "fisher_trace" in row]
    positive = [trace for trace in held if trace > 0]
    mean = math.exp(sum(map(math.log, positive)) / len(positive)) if positive else math.nan
    before = rows[onset - 1].get("fisher_trace", math.nan) if 0 < onset <= len(rows) else math.nan
    return {"fisher_trace_onset": before, "fisher_trace_window": mean}


def paths(folder: Path, name: str) -> tuple[Path, Path]:
    """Returns where the tables of a figure lie: runs and epochs."""
    return folder / f"{name}.csv", folder / f"{name}.epochs.csv"


def write(tables: Tables, folder: Path, name: str) -> tuple[Path, Path]:
    """Writes the tables atomically; numbers with ten digits, which is what every machine agrees on."""
    written = paths(folder, name)
    for path, frame in zip(written, (tables.runs, tables.epochs), strict=True):
        if frame.empty:
            path.unlink(missing_ok=True)
        else:
            write_atomically(path, frame.to_csv(index=False, float_format="%.10g").encode())
    return written


def read(folder: Path, name: str) -> Tables:
    """Reads the tables of a figure back; empty where there are none.

    Raises:
        SpecError: A file cannot be read, or is no whole table: one line that names it.
    """
    frames = [_frame(path) if path.exists() else pd.DataFrame() for path in paths(folder, name)]
    return Tables(*frames)


def read_shown(folder: Path, name: str, seeds: Iterable[int]) -> Tables:
    """Reads the tables that a figure is drawn and judged from.

    Args:
        folder: Where they lie.
        name: The figure.
        seeds: Those of its record, which the table is to hold.

    Raises:
        SpecError: There is no table, it is damaged, or it lacks a column or a seed: one line that names it.
    """
    path, found = paths(folder, name)[0], read(folder, name)
    if not path.exists():
        raise SpecError(f"{path} is missing, and its record lies there; make the figure again, or remove the record")
    if lacking := [column for column in NEEDED if column not in found.runs]:
        raise SpecError(f"{path} is no table of a figure: it lacks the column {lacking[0]}; make the figure again")
    if missing := sorted(set(seeds) - set(found.runs["seed"])):
        raise SpecError(f"{path} lacks seed {missing[0]} of its record; make the figure again")
    return found


def as_text(path: Path) -> pd.DataFrame:
    """Reads a table with every cell as it is written.

    Raises:
        SpecError: It cannot be read, or is no whole table: one line that names it.
    """
    return _read(path, dtype=str, keep_default_na=False)


def _frame(path: Path) -> pd.DataFrame:
    text = {"failure": str, "deficit": str, "run_id": str, "arm_id": str}
    frame = _read(path, dtype=text, keep_default_na=False, na_values=["", "nan"])
    if "failure" in frame:
        frame["failure"] = frame["failure"].fillna("")
    return frame


def _read(path: Path, **options: Any) -> pd.DataFrame:
    try:
        content = path.read_bytes()
        if not content.endswith(b"\n"):
            raise ValueError("it is empty" if not content else "its end is missing")
        frame: pd.DataFrame = pd.read_csv(io.BytesIO(content), **options)
    except OSError as error:
        raise SpecError(f"{path} cannot be read ({error.strerror or error}); mend its rights, or remove it") from error
    except ValueError as error:
        said = " ".join(str(error).split())
        raise SpecError(f"{path} is no table ({said}); make the figure again, or remove the file") from error
    return frame
