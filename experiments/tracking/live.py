"""A run that is logged while it trains, from the process that trains it.

Training only hands over rows: the run is opened, its points are made and sent in a thread. What is lost with a kill, or
was refused, stands in the store, and whoever goes on, or `make sync`, sends it.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from critical.execution import locks
from critical.execution.listening import EpochListener, Row
from critical.execution.locks import Lock
from critical.training.runs import RunSpec
from experiments.tracking import marker, pictures, rows
from experiments.tracking.courier import Courier, Task
from experiments.tracking.logger import Further
from experiments.tracking.names import named
from experiments.tracking.service import OpenRun, in_a_sweep
from experiments.tracking.settings import CLOSE_SECONDS, Wandb


def lock_of(results: Path, run_id: str) -> Path:
    """Returns what the process holds that has a run open; within a sweep, the sweep's own run of the same settings."""
    own = f"-{os.environ.get('WANDB_RUN_ID', '')}" if in_a_sweep() else ""
    return results / "runs" / "locks" / f"wandb-{run_id}{own}.lock"


@dataclass(frozen=True)
class Live:
    """Makes the listener of a worker, which gets it pickled: a listener, with its threads, can only be made there.

    Attributes:
        settings: Where runs are logged.
        results: The folder of results.
    """

    settings: Wandb
    results: Path

    def __call__(self) -> LiveListener:
        """Makes a listener with a thread of its own, which says nothing: the command finds out what is missing."""
        return LiveListener(self.settings, self.results, Courier(loud=False))


@dataclass
class _Held:
    """A run that is open.

    Attributes:
        spec: The run.
        record: Its settings.
        rows: Its epochs so far.
        run: wandb's.
        lock: Held while it is open.
        effects: What its last epoch held besides.
        broken: Whether an epoch is missing, or the summary, so that nothing later may be logged.
        ended: Whether all of it was logged.
    """

    spec: RunSpec
    record: dict[str, Any]
    rows: list[Row]
    run: OpenRun
    lock: Lock
    effects: dict[str, float] = field(default_factory=dict)
    broken: bool = False
    ended: bool = False


@dataclass
class LiveListener(EpochListener):
    """Logs the runs that a process trains.

    Attributes:
        settings: Where to.
        results: The folder of results.
        courier: Does it.
        further: What each epoch is to hold besides; the last values go into the summary.
    """

    settings: Wandb
    results: Path
    courier: Courier
    further: Further | None = None
    _held: _Held | None = field(default=None, init=False)
    _what: str = field(default="", init=False)

    def begins(self, run: RunSpec, rows: Sequence[Row]) -> None:
        """Opens the run, and logs what is stored of it."""
        self._what = f"run {run.run_id}"
        if self.courier.given_up:
            return
        samples: list[tuple[str, Image.Image]] = []
        # Here, since the data are at hand here, and their cache is no other thread's.
        with contextlib.suppress(Exception):
            samples = pictures.sample_images(run)
        self._put(functools.partial(self._open, run, list(rows), samples))

    def trained(self, run: RunSpec, row: Row, clock: float) -> None:
        """Logs an epoch."""
        self._put(functools.partial(self._log, run.run_id, row, clock))

    def ends(self, run: RunSpec) -> None:
        """Logs the summary, and closes the run."""
        self._put(functools.partial(self._end, run.run_id))
        self._put(self._finish)

    def close(self) -> None:
        """Closes what is open, and waits for it, though not for long."""
        self._put(self._finish)
        self.courier.close(CLOSE_SECONDS)

    def _put(self, task: Task) -> None:
        self.courier.put(self._what, task)

    def _open(self, run: RunSpec, stored: list[Row], samples: Sequence[tuple[str, Image.Image]]) -> None:
        self._finish()
        folder = marker.folder_of(self.results, run.run_id)
        lock = locks.lock(lock_of(self.results, run.run_id))
        if lock is None:
            return
        try:
            record = run.describe()
            known = marker.sent_to(folder, self.settings.project)
            place = marker.place_of(folder)
            marked = None if in_a_sweep() else known.get("id")
            opened = OpenRun(self.settings, self.results, named(record, place, self.settings.tags), marked)
        except BaseException:
            lock.release()
            raise
        self._held = _Held(run, record, [], opened, lock)
        opened.mark(folder, closed=False)
        pictures.show_samples(opened, samples)
        for row in stored:
            self._log(run.run_id, row, None)

    def _open_of(self, run_id: str) -> _Held | None:
        """Returns a run, if it is open and whole so far; where the queue was full, another run may be open."""
        held = self._held
        return held if held is not None and held.spec.run_id == run_id and not held.broken else None

    def _log(self, run_id: str, row: Row, clock: float | None) -> None:
        held = self._open_of(run_id)
        if held is None:
            return
        # Until it was handed over: an epoch may be refused.
        held.broken = True
        if row["epoch"] != len(held.rows) + 1:
            return
        held.effects = dict(self.further(held.spec, row)) if self.further else {}
        held.run.log(rows.point(held.record, row) | held.effects, clock)
        held.rows.append(row)
        held.broken = False

    def _end(self, run_id: str) -> None:
        held = self._open_of(run_id)
        if held is None:
            return
        held.broken = True
        held.run.summarise(rows.summary(held.rows, held.spec) | held.effects)
        held.broken, held.ended = False, True
        if self.settings.checkpoints:
            pictures.log_checkpoints(held.run, held.spec, self.results)

    def _finish(self) -> bool:
        """Closes the run that is open; returns whether there was one, so that the service has answered."""
        held, self._held = self._held, None
        if held is None:
            return False
        try:
            failed = bool(held.rows and held.rows[-1].get("failure"))
            held.run.finish(failed=failed or not held.ended)
            folder = marker.folder_of(self.results, held.spec.run_id)
            held.run.mark(folder, epochs=len(held.rows), closed=not held.broken, effects=held.effects)
        finally:
            held.lock.release()
        return True
