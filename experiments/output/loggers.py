"""Loggers: mirrors of what stands on disk. A logger's failure is a line, never the end of a run.

A run is read from the folder that `RunStore.publish` made, so what is sent at once and what `experiments.sync`
sends later are the same.
"""

from __future__ import annotations

import csv
import datetime
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from critical.core.files import write_atomically
from critical.core.spec import SpecError, from_settings
from experiments.output.sweep_record import current_sweep

MARKER = "wandb.json"
"""Beside a run's record: which projects have it, as {project: {id, time}}."""
INIT_SECONDS = 20
GIVE_UP_AFTER = 3


@dataclass(frozen=True)
class Logger:
    """The logger that logs nothing: the record on disk is complete without one."""

    name: ClassVar[str] = "none"

    def log_run(self, folder: Path, tags: Mapping[str, Any]) -> bool:
        """Mirrors a finished run.

        Args:
            folder: Its folder, with `run.json` and `epochs.csv`.
            tags: Where it belongs: `figure` or `sweep`, `profile`, `arm`, … .

        Returns:
            Whether nothing went wrong.
        """
        return True

    def log_figure(self, name: str, picture: Path) -> bool:
        """Mirrors a figure; tells whether nothing went wrong."""
        return True


@dataclass(frozen=True)
class WandbLogger(Logger):
    """Weights & Biases: series over `epoch`, the complete config, figures as images.

    Attributes:
        project: Project to log to.
        mode: `offline` (no account, no network; `wandb sync` or `make sync` later), `online` or `disabled`.
        folder: Where wandb writes its `wandb/` folder.
    """

    name: ClassVar[str] = "wandb"
    project: str = "critical-periods"
    mode: str = "offline"
    folder: str = "results"
    _refusals: list[str] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.mode not in ("offline", "online", "disabled"):
            raise SpecError(f"logger.mode={self.mode}: offline, online or disabled")

    def log_run(self, folder: Path, tags: Mapping[str, Any]) -> bool:
        """Sends a run under its own id, so that sending it twice makes no second one.

        In a process that an agent of a sweep started, the run is the sweep's, whose id the service gave.
        """

        def send(wandb: Any) -> None:
            record = json.loads((folder / "run.json").read_bytes())
            named = current_sweep() or tags.get("sweep") or tags.get("figure", "train")
            place = {} if current_sweep() else {"id": record["run_id"]}
            labels = [str(tags[key])[:64] for key in ("figure", "sweep", "profile", "role") if tags.get(key)]
            config = configuration(record) | {"experiment": dict(tags)}
            with self._run(wandb, config=config, group=str(named), job_type="run", tags=labels, **place) as run:
                run.define_metric("epoch")
                run.define_metric("*", step_metric="epoch")
                for row in series(record, folder / "epochs.csv"):
                    run.log(row)
                if record["failure"]:
                    run.summary["failure"] = record["failure"]
                run.finish(exit_code=int(bool(record["failure"])))
            if self.mode == "online":
                mark_sent(folder, self.project, record["run_id"])

        return self._attempt(send, f"run {folder.name}")

    def log_figure(self, name: str, picture: Path) -> bool:
        """Sends a figure as an image."""

        def send(wandb: Any) -> None:
            place = {"id": f"figure-{name.replace('/', '-')}", "group": name, "tags": [name[:64]]}
            with self._run(wandb, job_type="figure", **place) as run:
                run.log({"figure": wandb.Image(str(picture))})

        return self._attempt(send, f"figure {name}")

    def _run(self, wandb: Any, **settings: Any) -> Any:
        try:
            Path(self.folder).mkdir(parents=True, exist_ok=True)
            if not os.access(self.folder, os.W_OK):
                # wandb would go to a temporary folder, where nobody looks.
                raise PermissionError(f"{self.folder} cannot be written to; choose logger.folder")
            quiet = wandb.Settings(silent=True, console="off", init_timeout=INIT_SECONDS)
            run = wandb.init(project=self.project, mode=self.mode, dir=self.folder, settings=quiet, **settings)
        except Exception as error:
            self._refusals.append(str(error))
            raise
        self._refusals.clear()
        return run

    def _attempt(self, send: Callable[[Any], None], what: str) -> bool:
        if len(self._refusals) >= GIVE_UP_AFTER:
            return False
        try:
            import wandb

            send(wandb)
        # Whatever a tracking service does, the run on disk is whole: say so and go on.
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            print(f"wandb: {what} was not logged ({reason}); the record on disk is complete", file=sys.stderr)
            if len(self._refusals) == GIVE_UP_AFTER:
                # Each attempt may wait for its time-out; hundreds of them would hold up the figures.
                print(f"wandb: {GIVE_UP_AFTER} failures in a row, so nothing more is sent now; `make sync` sends what "
                      "is missing", file=sys.stderr)  # fmt: skip
            return False
        return True


def configuration(record: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a run's record says of its settings: all of it but what was measured.

    Args:
        record: The content of `run.json`.

    Returns:
        The settings, `forked_from`, versions, machine, date and command; and by name alone the `deficit` and the
        `stabilizer`.
    """
    left_out = ("keys", "places", "accuracy", "loss", "failure", "sums", "sum")
    kept = {key: value for key, value in record.items() if key not in left_out}
    deficits = [window["deficit"]["name"] for window in record["timeline"]["windows"]]
    methods = [window["stabilizer"]["name"] for window in record.get("stabilizers", [])]
    return kept | {"deficit": "+".join(deficits) or "none", "stabilizer": "+".join(methods) or "none"}


def series(record: Mapping[str, Any], table: Path) -> list[dict[str, Any]]:
    """Returns what a run's series are made of: a row an epoch, numbers only.

    Args:
        record: The content of `run.json`.
        table: Its `epochs.csv`.

    Returns:
        The columns of the table that hold numbers, and `deficit_active` and `stabilizer_active`, 0 or 1.
    """
    rows = []
    with table.open(newline="") as lines:
        for held in csv.DictReader(lines):
            epoch = int(held["epoch"])
            acting = [
                window
                for window in record.get("stabilizers", [])
                if window["stabilizer"]["name"] != "none" and window["start"] < epoch <= (window["end"] or epoch)
            ]
            row: dict[str, Any] = {"epoch": epoch}
            row["deficit_active"] = int(bool(set(held["deficit"].split("+")) - {"", "none"}))
            row["stabilizer_active"] = int(bool(acting))
            for column, text in held.items():
                if text and column not in ("epoch", "deficit", "reset_optimizer", "failure"):
                    row[column] = float(text)
            rows.append(row)
    return rows


def sent_to(folder: Path) -> dict[str, Any]:
    """Returns which projects have a run, by their names."""
    marker = folder / MARKER
    held: dict[str, Any] = json.loads(marker.read_bytes()) if marker.exists() else {}
    return held


def mark_sent(folder: Path, project: str, run_id: str) -> None:
    """Notes that a project has a run."""
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    known = sent_to(folder) | {project: {"id": run_id, "time": now}}
    write_atomically(folder / MARKER, json.dumps(known, indent=1).encode())


KINDS: dict[str, type[Logger]] = {kind.name: kind for kind in (Logger, WandbLogger)}


def logger(mapping: Mapping[str, Any]) -> Logger:
    """Builds a logger from its settings."""
    return from_settings(KINDS, mapping, "logger")
