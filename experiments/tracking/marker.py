"""What is known on disk of a run's mirror: `wandb.json` beside its record.

    place       where the run belongs (`experiments.tracking.logger.Place`)
    projects    by the name of the project: `id` and `path` of the run there, `time`, how many `epochs` were handed
                over, whether it is `closed`, so that they have arrived, and the `effects` in its summary
    offline     the same of the file that was written last, with its folder as `path`
    sweeps      by the id that a sweep gave its own run of these settings: the same, and the `project`

An entry is written when a run begins and when it ends, not after every epoch: that of a process that was killed is not
closed, and who goes on asks the service how many epochs it has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from critical.core.files import write_atomically
from critical.execution.published import now

MARKER = "wandb.json"
UNSENT: dict[str, Any] = {"epochs": 0, "closed": False, "effects": {}}


def folder_of(results: Path, run_id: str) -> Path:
    """Returns the folder of a run, which need not be finished."""
    return results / "runs" / "runs" / run_id


def read(folder: Path) -> dict[str, Any]:
    """Returns what is known of a run's mirror; nothing where the file cannot be read."""
    try:
        held = json.loads((folder / MARKER).read_bytes())
    except (OSError, ValueError):
        return {}
    return held if isinstance(held, dict) else {}


def place_of(folder: Path) -> dict[str, Any]:
    """Returns where a run belongs; `{}` where nobody said."""
    return dict(read(folder).get("place", {}))


def announce(folder: Path, place: Mapping[str, Any]) -> None:
    """Notes where a run belongs, unless that is known: several figures may have it, and it is one run there."""
    if not place_of(folder):
        _add(folder, {"place": dict(place)})


def sent_to(folder: Path, project: str) -> dict[str, Any]:
    """Returns what is known of a run in a project; `{}` where it was never sent there."""
    return dict(read(folder).get("projects", {}).get(project, {}))


def written(folder: Path) -> dict[str, Any]:
    """Returns what is known of a run's offline file; `{}` where there is none."""
    held = dict(read(folder).get("offline", {}))
    return held if held and Path(held["path"]).exists() else {}


def swept(folder: Path, run_id: str) -> dict[str, Any]:
    """Returns what is known of a sweep's own run, by the id that the sweep gave it; `{}` where it was never sent."""
    return dict(read(folder).get("sweeps", {}).get(run_id, {}))


def mark_swept(folder: Path, id: str, **entry: Any) -> None:
    """Notes how far a sweep's own run was handed over: it is another run there than that of a figure."""
    held = UNSENT | swept(folder, id) | {"id": id, **entry, "time": now()}
    _add(folder, {"sweeps": {**read(folder).get("sweeps", {}), id: held}})


def mark(folder: Path, project: str | None, **entry: Any) -> None:
    """Notes how far a run was handed over.

    Args:
        folder: Of the run.
        project: None: to an offline file.
        **entry: `id`, `path`, `epochs`, `closed` and `effects`; what is left out stays as it was.
    """
    before = written(folder) if project is None else sent_to(folder, project)
    held = UNSENT | before | {**entry, "time": now()}
    if project is None:
        _add(folder, {"offline": held})
    else:
        _add(folder, {"projects": {**read(folder).get("projects", {}), project: held}})


def _add(folder: Path, held: Mapping[str, Any]) -> None:
    write_atomically(folder / MARKER, json.dumps({**read(folder), **held}, indent=1).encode())
