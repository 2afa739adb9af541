"""Reference tables: the committed ones, of which every sitting adds some seeds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from critical.core import environment
from critical.core.spec import SpecError
from experiments.design.figure import Design
from experiments.output import tables
from experiments.output.tables import Tables


def refuse_reference(device: str, instructions: str) -> None:
    """Refuses to write committed tables from changed code, or with bits that other machines do not have.

    Raises:
        SpecError: In one line.
    """
    if environment.commit().endswith("+"):
        raise SpecError("reference: critical/, experiments/ or conf/ differ from the commit; commit them first")
    if device == "cpu" and instructions != "portable":
        raise SpecError("reference: tables are made with arithmetic.instructions=portable, or on an accelerator")


def with_kept(
    new: Tables, design: Design, here: dict[str, Any], folder: Path, name: str
) -> tuple[Tables, list[dict[str, Any]]]:
    """Returns a reference table with the seeds of earlier sittings kept, and who made which.

    What the design no longer has is left out; a kept seed that lacks an arm of it goes whole.

    Args:
        new: What was trained now.
        design: The design.
        here: Who trained it, from `provenance`.
        folder: Where the table lies.
        name: The figure.
    """
    held = tables.read(folder, name)
    record = tables.paths(folder, name)[0].with_suffix(".json")
    if held.runs.empty or not record.exists():
        return new, [here]
    places = {arm.id: place for place, arm in enumerate(design.trained)}
    kept = set(tables.seeds_of(design, sorted(set(held.runs["seed"]) - set(here["seeds"])), held.runs))

    def merged(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
        if before.empty:
            return after
        both = pd.concat([before[before["seed"].isin(kept) & before["arm_id"].isin(places)], after], ignore_index=True)
        order = ["place", "seed", *(["epoch"] if "epoch" in both else [])]
        return both.assign(place=both["arm_id"].map(places)).sort_values(order, kind="stable").drop(columns="place")

    made_by: list[dict[str, Any]] = []
    for who in [*json.loads(record.read_bytes())["made_by"], here]:
        seeds = who["seeds"] if who is here else sorted(kept & set(who["seeds"]))
        if not seeds:
            continue
        part = who | {"seeds": seeds, "cpu_seconds": who["cpu_seconds"] * len(seeds) / len(who["seeds"])}
        same = [one for one in made_by if all(one[key] == part[key] for key in ("commit", "machine", "versions"))]
        if same:
            same[0]["seeds"] = sorted({*same[0]["seeds"], *seeds})
            same[0]["cpu_seconds"] += part["cpu_seconds"]
        else:
            made_by.append(part)
    return Tables(merged(held.runs, new.runs), merged(held.epochs, new.epochs)), made_by
