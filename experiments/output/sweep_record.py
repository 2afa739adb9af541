"""Which runs of the store belong to a sweep of wandb: a small file a run, written by `experiments.train`.

Agents on several machines that share a results folder add to the same sweep, so its table can be made from what
lies on disk, also where the values were chosen as the sweep went on (Bayes). Runs that were stopped before their end
(early termination) and settings that cannot be would be lost: they have files of their own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from critical.core.files import write_atomically
from critical.core.spec import identity

Refusals = Sequence[tuple[Sequence[str], str]]
"""Hydra's overrides that cannot be, each with the reason in one line."""


def current_sweep() -> str | None:
    """Returns the id of the sweep whose agent started this process; None outside of sweeps."""
    return os.environ.get("WANDB_SWEEP_ID") or None


def remember(results: Path, run_id: str, overrides: Sequence[str]) -> None:
    """Notes that a finished run belongs to the sweep of this process; does nothing outside of sweeps.

    Args:
        results: Folder of tables, figures and run store.
        run_id: The run.
        overrides: Hydra's overrides that describe it.
    """
    _note(results, f"{run_id}.json", {"run_id": run_id, "overrides": list(overrides)})


def remember_begun(results: Path, run_id: str, overrides: Sequence[str]) -> None:
    """Notes that a run of the sweep of this process is about to be trained; does nothing outside of sweeps.

    Args:
        results: Folder of tables, figures and run store.
        run_id: The run.
        overrides: Hydra's overrides that describe it.
    """
    _note(results, f"begun/{run_id}.json", {"run_id": run_id, "overrides": list(overrides)})


def unfinished(results: Path, sweep: str) -> list[list[str]]:
    """Returns the overrides of the runs of a sweep that were begun and not finished, in order of their run ids."""
    folder = _folder(results, sweep)
    paths = [path for path in sorted((folder / "begun").glob("*.json")) if not (folder / path.name).exists()]
    return [json.loads(path.read_bytes())["overrides"] for path in paths]


def remembered(results: Path, sweep: str) -> list[list[str]]:
    """Returns the overrides of the finished runs of a sweep, in order of their run ids."""
    return [json.loads(path.read_bytes())["overrides"] for path in sorted(_folder(results, sweep).glob("*.json"))]


def remember_refused(results: Path, overrides: Sequence[str], reason: str) -> None:
    """Notes that the sweep of this process gave settings that cannot be; does nothing outside of sweeps.

    Args:
        results: Folder of tables, figures and run store.
        overrides: Hydra's overrides, as `remember` would get them. The same ones have one file, with the last reason.
        reason: What was wrong, in one line.
    """
    given = list(overrides)
    _note(results, f"refused/{identity(given)}.json", {"overrides": given, "reason": reason})


def refused(results: Path, sweep: str) -> Refusals:
    """Returns what was refused in a sweep, less what was run all the same, at another time."""
    run = remembered(results, sweep)
    paths = sorted((_folder(results, sweep) / "refused").glob("*.json"))
    notes = [json.loads(path.read_bytes()) for path in paths]
    return [(note["overrides"], note["reason"]) for note in notes if note["overrides"] not in run]


def _note(results: Path, name: str, held: Mapping[str, Any]) -> None:
    sweep = current_sweep()
    if sweep is not None:
        write_atomically(_folder(results, sweep) / name, json.dumps(held, indent=1).encode())


def _folder(results: Path, sweep: str) -> Path:
    return results / "runs" / "sweeps" / sweep
