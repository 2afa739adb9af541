"""From the record of a run to the run again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from critical import data, deficits, models, probes, stabilizers
from critical.core.arithmetic import Arithmetic
from critical.core.spec import SpecError, from_settings
from critical.stabilizers import StabilizerWindow
from critical.training import augmentation, optimizers, schedules
from critical.training.runs import VERSION, RunSpec
from critical.training.timeline import Timeline, Window


def run_of(record: Mapping[str, Any]) -> RunSpec:
    """Returns the run that a record describes.

    Args:
        record: What `RunSpec.describe` gave, with anything besides.

    Returns:
        The run; where its data lie is as by default.

    Raises:
        SpecError: It was made by another version of the suite, which means something else by the same settings.
    """
    run_id = record["run_id"]
    if record.get("version") != VERSION:
        raise SpecError(
            f"run {run_id}: its settings are of version {record.get('version')}, and version {VERSION}, this one, "
            "trains them otherwise; its tables can be read, and it cannot be made again"
        )
    clock = record["timeline"]
    windows = (
        Window(held["start"], held["end"], from_settings(deficits.KINDS, held["deficit"], "deficit"))
        for held in clock["windows"]
    )
    methods = (
        StabilizerWindow(
            from_settings(stabilizers.KINDS, held["stabilizer"], "stabilizer"), held["start"], held["end"]
        )
        for held in record.get("stabilizers", ())
    )
    made = RunSpec(
        data=from_settings(data.KINDS, record["data"], "data"),
        model=from_settings(models.KINDS, record["model"], "model"),
        optimizer=from_settings(optimizers.KINDS, record["optimizer"], "optimizer"),
        augmentation=from_settings(augmentation.KINDS, record["augmentation"], "augmentation"),
        schedule=from_settings(schedules.KINDS, record["schedule"], "schedule"),
        timeline=Timeline(clock["end"], tuple(windows)),
        probes=tuple(from_settings(probes.KINDS, held, "probes") for held in record["probes"]),
        arithmetic=from_settings({Arithmetic.name: Arithmetic}, record["arithmetic"], "arithmetic"),
        seed=record["seed"],
        stabilizers=tuple(methods),
        branch=record.get("branch", 0),
        branch_at=record.get("branch_at", 0),
    )
    if made.run_id != run_id:
        raise SpecError(f"run {run_id}: its settings are those of another run, {made.run_id}, in this version")
    return made
