"""Reference tables: the committed ones, of which every sitting adds some seeds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from critical.core import environment
from critical.core.spec import SpecError
from experiments.design.figure import Design
from experiments.output import tables
from experiments.output.tables import Tables


def refuse_reference(device: str, instructions: str, said: str) -> None:
    """Refuses to write committed tables from changed code, or with bits that other machines do not have.

    Args:
        device: What trains.
        instructions: Of the CPU.
        said: The device as the command names it; an accelerator must be asked for.

    Raises:
        SpecError: In one line.
    """
    if environment.commit().endswith("+"):
        raise SpecError("reference: critical/, experiments/ or conf/ differ from the commit; commit them first")
    if device == "cpu" and instructions != "portable":
        raise SpecError("reference: tables are made with arithmetic.instructions=portable, or on an accelerator")
    if device not in ("cpu", said):
        raise SpecError(
            f"reference: device={said} is {device} here, whose bits no CPU gives; say device={device} and a name for "
            "its tables, as in name=laptop_cuda, or device=cpu"
        )


def refuse_changed_code(makers: Iterable[Mapping[str, Any]]) -> None:
    """Refuses runs that changed code has left in the store: their identity does not show it.

    Raises:
        SpecError: In one line.
    """
    for maker in makers:
        if str(maker["commit"]).endswith("+"):
            raise SpecError(
                f"reference: runs of seeds {maker['seeds']} in the store were made by changed code "
                f"({maker['commit']}); give another results folder"
            )


def finished_seeds(design: Design, seeds: Iterable[int], folder: Path, name: str) -> list[int]:
    """Returns the seeds of which a reference table holds every run, measured as the design asks, and its maker."""
    held, record = tables.read(folder, name).runs, tables.paths(folder, name)[0].with_suffix(".json")
    if held.empty or not record.exists() or design.table is not None:
        return []
    if not {f"{column}@{epoch}" for column, epochs in design.at.items() for epoch in epochs} <= set(held):
        return []  # what was measured then was not kept
    there = set(held["run_id"])
    made = {seed for maker in json.loads(record.read_bytes())["made_by"] for seed in maker["seeds"]}
    return [
        seed for seed in seeds if seed in made and all(
            item.spec.run_id in there for item in tables.planned(design, [seed])
        )
    ]  # fmt: skip


def with_kept(
    new: Tables, design: Design, now: Sequence[int], makers: list[dict[str, Any]], folder: Path, name: str
) -> tuple[Tables, list[dict[str, Any]]]:
    """Returns a reference table with the seeds of earlier sittings kept, and who made which.

    What the design no longer has is left out; a kept seed that lacks a run of it goes whole. A computed table has all
    seeds, so none is kept.

    Args:
        new: What was trained now.
        design: The design.
        now: The seeds of it.
        makers: Who trained it, as records name them.
        folder: Where the table lies.
        name: The figure.
    """
    held = tables.read(folder, name)
    record = tables.paths(folder, name)[0].with_suffix(".json")
    if held.runs.empty or not record.exists() or design.table is not None:
        return new, makers
    places = {arm.id: place for place, arm in enumerate(design.trained)}
    kept = set(finished_seeds(design, sorted(set(held.runs["seed"]) - set(now)), folder, name))

    def merged(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
        if before.empty or after.empty:
            return after if before.empty else before[before["seed"].isin(kept) & before["arm_id"].isin(places)]
        both = pd.concat([before[before["seed"].isin(kept) & before["arm_id"].isin(places)], after], ignore_index=True)
        order = ["place", "seed", *(["epoch"] if "epoch" in both else [])]
        # A copy lies in one piece; hundreds of columns that were added one by one do not.
        both = both.copy().assign(place=both["arm_id"].map(places)).sort_values(order, kind="stable")
        # The same bytes whatever an earlier sitting's columns stood like.
        return both[[*after.columns, *(name for name in before if name not in after)]]

    earlier = json.loads(record.read_bytes())["made_by"]
    parts = [(maker, sorted(kept & set(maker["seeds"]))) for maker in earlier]
    parts += [(maker, maker["seeds"]) for maker in makers]
    made_by: list[dict[str, Any]] = []
    for maker, seeds in parts:
        if not seeds:
            continue
        share = len(seeds) / len(maker["seeds"])
        part = maker | {"seeds": seeds, **{key: round(share * maker[key]) for key in ("cpu_seconds", "epochs")}}
        same = [one for one in made_by if environment.same(one, part)]
        if same:
            same[0]["seeds"] = sorted({*same[0]["seeds"], *seeds})
            same[0] |= {key: same[0][key] + part[key] for key in ("cpu_seconds", "epochs")}
        else:
            made_by.append(part)
    return Tables(merged(held.runs, new.runs), merged(held.epochs, new.epochs)), made_by
