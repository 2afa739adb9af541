"""Which runs are meant, and which figures and sweeps have them in their tables."""

from __future__ import annotations

import csv
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from critical.core.spec import SpecError, closest
from critical.execution.catalogue import STATES
from critical.results import Results


def table_paths(results: Path) -> list[Path]:
    """Returns the tables of runs: one's own, those of sweeps, and the committed ones."""
    return sorted(
        path
        for folder in ("tables", "reference")
        for path in (results / folder).rglob("*.csv")
        if not path.name.endswith(".epochs.csv")
    )


def runs_in(path: Path) -> set[str]:
    """Returns the ids of the runs in a table; none where it has no such column.

    Raises:
        SpecError: It cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            return {row["run_id"] for row in csv.DictReader(lines) if row.get("run_id")}
    except (OSError, ValueError, csv.Error) as error:
        raise SpecError(f"{path} cannot be read ({type(error).__name__}); make it again, or remove it") from error


def places(results: Path) -> dict[str, list[str]]:
    """Returns by run id the tables that have it, as `<name>/<paper>/<figure>` or `sweeps/<name>`."""
    found: dict[str, list[str]] = {}
    for path in table_paths(results):
        place = "/".join(path.relative_to(results).with_suffix("").parts[1:])
        for run in runs_in(path):
            if place not in found.setdefault(run, []):
                found[run].append(place)
    return found


def chosen(results: Results, wanted: Mapping[str, str | None]) -> pd.DataFrame:
    """Returns the rows of the runs that are meant, with `figures` as a further column.

    Args:
        results: The runs.
        wanted: By column (`figure`, `data`, `deficit`, `seed`, `state`) a value or several with commas; None: any.

    Raises:
        SpecError: No run has such a value.
    """
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        table = results.runs()
    for one in said:
        print(f"warning: {one.message}; it is left out", file=sys.stderr)
    tables = places(results.folder)
    table["figures"] = [";".join(tables.get(run, [])) for run in table["run_id"]]
    for name, given in wanted.items():
        if given is None:
            continue
        values = [part.strip() for part in given.split(",") if part.strip()]
        if name == "figure":
            held = [place.split(";") for place in table["figures"]]
            known = {tail for places in held for place in places for tail in _tails(place)}
            there = [any(value in _tails(place) for place in places for value in values) for places in held]
        else:
            held = [str(value).split("+") for value in table[name]]
            known = {part for parts in held for part in parts} | (set(STATES) if name == "state" else set())
            there = [bool(set(values) & set(parts)) for parts in held]
        for value in values:
            if value not in known:
                near = closest(value, known) if known else "none has any"
                raise SpecError(f"--{name} {value}: no run has it; {near}")
        table = table[there]
    return table.reset_index(drop=True)


def _tails(place: str) -> list[str]:
    """Returns what a table may be called: `quick/iclr2019/deficit_removal`, `iclr2019/deficit_removal`."""
    parts = place.split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))] if place else []
