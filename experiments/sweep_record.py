"""Which runs of the store belong to a sweep of wandb: a small file a run, written by `experiments.train`.

Agents on several machines that share a results folder add to the same sweep, so its table can be made from what
lies on disk, also where the values were chosen as the sweep went on (Bayes).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from critical.files import write_atomically


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
    sweep = current_sweep()
    if sweep is not None:
        text = json.dumps({"run_id": run_id, "overrides": list(overrides)}, indent=1)
        write_atomically(_folder(results, sweep) / f"{run_id}.json", text.encode())


def remembered(results: Path, sweep: str) -> list[list[str]]:
    """Returns the overrides of the finished runs of a sweep, in order of their run ids."""
    return [json.loads(path.read_bytes())["overrides"] for path in sorted(_folder(results, sweep).glob("*.json"))]


def _folder(results: Path, sweep: str) -> Path:
    return results / "runs" / "sweeps" / sweep
