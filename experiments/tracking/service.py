"""A run on Weights & Biases: the one place that calls `wandb.init`.

A point's step is its epoch. So a run that is logged again under the same id, by whoever goes on after a kill or by
`make sync`, adds what the service has not got, and nothing twice.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments.output.sweep_record import current_sweep
from experiments.tracking import marker
from experiments.tracking.courier import CannotLog, Refused
from experiments.tracking.names import Named
from experiments.tracking.rows import RSV
from experiments.tracking.settings import FINISH_SECONDS, INIT_SECONDS, ONLINE, Wandb

QUIET: dict[str, Any] = {
    **{"silent": True, "console": "off", "init_timeout": INIT_SECONDS},
    # Records say with what a run was made, and what its epochs took: finding it out again costs more than an epoch.
    **{"disable_git": True, "disable_code": True, "x_disable_meta": True, "x_disable_machine_info": True},
    **{"x_save_requirements": False, "x_disable_stats": True},
}
PATIENCE: dict[str, Any] = {"finish_timeout": FINISH_SECONDS, "finish_timeout_raises": True}


class OpenRun:
    """A run that is being logged.

    Attributes:
        run: wandb's own.
        known: How many epochs the service has; 0 for a run that is new, or offline.

    Args:
        settings: Where to.
        results: The folder of results.
        named: What it is called.
        run_id: Its id, where that is not its own.
        series: Whether its points are epochs.
    """

    def __init__(
        self, settings: Wandb, results: Path, named: Named, run_id: str | None = None, series: bool = True
    ) -> None:
        if reason := settings.why_not(results):
            raise CannotLog(reason)
        import wandb

        mode: Any = settings.mode_here
        options = QUIET | (PATIENCE if mode == ONLINE else {})
        # The service gave the run of a sweep its id.
        chosen = run_id or (None if in_a_sweep() else named.id)
        try:
            self.run = wandb.init(
                entity=settings.entity, project=settings.project, mode=mode, dir=str(settings.folder(results)),
                id=chosen, resume="allow", reinit="create_new", name=named.name, group=named.group,
                job_type=named.job_type, tags=list(named.tags), notes=named.notes or None, config=dict(named.config),
                settings=wandb.Settings(**options),
            )  # fmt: skip
        except Exception as error:
            raise Refused(str(error) or type(error).__name__) from error
        self.online = mode == ONLINE
        self._beside: dict[str, Any] = {}
        self.known = max(0, int(getattr(self.run, "starting_step", 0) or 0) - 1)
        if series:
            self.run.define_metric("epoch")
            self.run.define_metric("*", step_metric="epoch")

    @property
    def project(self) -> str:
        """The project that has it: a sweep's own, where it is part of one."""
        return str(self.run.project)

    @property
    def path(self) -> str:
        """Where it is: `entity/project/id`, or the folder of an offline file."""
        return str(self.run.path) if self.online else str(Path(self.run.dir).parent)

    def mark(self, folder: Path, **entry: Any) -> None:
        """Notes in the folder of a run where it is, and how far; see `experiments.tracking.marker`."""
        where = {"id": str(self.run.id), "path": self.path}
        if in_a_sweep():
            marker.mark_swept(folder, **where, project=self.project, **entry)
        else:
            marker.mark(folder, self.project if self.online else None, **where, **entry)

    def log(self, point: Mapping[str, Any], clock: float | None = None) -> None:
        """Logs an epoch, unless the service has it.

        Args:
            point: What `rows.point` gives.
            clock: When it was trained, in seconds since 1970; now when left out.
        """
        if point["epoch"] > self.known:
            told = {name: histogram(value) if name == RSV else value for name, value in point.items()} | self._beside
            told["_timestamp"] = time.time() if clock is None else clock
            self.run.log(told, step=point["epoch"], commit=True)
            self._beside = {}

    def show(self, name: str, value: Any) -> None:
        """Logs a picture or a table with the next epoch: a step of its own would pass for that epoch."""
        self._beside[name] = value

    def summarise(self, values: Mapping[str, Any]) -> None:
        """Adds to the run's summary."""
        self.run.summary.update(dict(values))

    def finish(self, failed: bool = False) -> None:
        """Ends the run.

        Raises:
            Refused: What is left was not sent in time.
        """
        try:
            self.run.finish(exit_code=int(failed))
        except TimeoutError as error:
            raise Refused(str(error) or "it was not sent in time") from error


def in_a_sweep() -> bool:
    """Returns whether an agent of a sweep started this process, and gave its run an id."""
    return current_sweep() is not None


def histogram(shares: tuple[float, ...]) -> Any:
    """Returns the histogram of the relative source variance as wandb draws it."""
    import wandb

    return wandb.Histogram(np_histogram=(np.asarray(shares), np.linspace(-1, 1, len(shares) + 1)))
