"""A run that is logged while it trains, from the process that trains it.

Training only hands over rows: the run is opened, its points are made and sent in a thread. What is lost with a kill, or
was refused, stands in the store, and whoever goes on, or `make sync`, sends it.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Mapping, Sequence
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
    """Makes listeners in workers; it can be pickled.

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
        broken: Whether an epoch is missing, so that no later one may be logged.
    """

    spec: RunSpec
    record: dict[str, Any]
    rows: list[Row]
    run: OpenRun
    lock: Lock
    broken: bool = False
    ended: bool = False


@dataclass
class LiveListener(EpochListener):
    """Logs the runs that a process trains.

    Attributes:
        settings: Where to.
        results: The folder of results.
        courier: Does it.
        further: What each epoch is to hold besides.
        hold: Whether a run stays open at its end, until the next one begins or this is closed: for what is added to
            its summary then.
    """

    settings: Wandb
    results: Path
    courier: Courier
    further: Further | None = None
    hold: bool = False
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
        self._put(functools.partial(self._log, row, clock))

    def ends(self, run: RunSpec) -> None:
        """Logs the summary, and closes the run."""
        self._put(functools.partial(self._end, None))
        if not self.hold:
            self._put(self._finish)

    def add_summary(self, values: Mapping[str, Any]) -> None:
        """Adds to the summary of the run that is open."""
        self._put(functools.partial(self._end, dict(values)))

    def finish(self) -> None:
        """Closes the run that is held open."""
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
        pictures.show_samples(opened, samples, epoch=opened.known + 1)
        for row in stored:
            self._log(row, None)

    def _log(self, row: Row, clock: float | None) -> None:
        held = self._held
        if held is None or held.broken:
            return
        if row["epoch"] != len(held.rows) + 1:
            held.broken = True
            return
        held.rows.append(row)
        further = self.further(held.spec, row) if self.further else {}
        held.run.log(rows.point(held.record, row) | dict(further), clock)

    def _end(self, further: Mapping[str, Any] | None) -> None:
        held = self._held
        if held is None:
            return
        if further is None:
            held.ended = not held.broken
            held.run.summarise(rows.summary(held.rows, held.spec))
            if self.settings.checkpoints:
                pictures.log_checkpoints(held.run, held.spec, self.results)
        else:
            held.run.summarise(further)

    def _finish(self) -> None:
        held, self._held = self._held, None
        if held is None:
            return
        try:
            failed = bool(held.rows and held.rows[-1].get("failure"))
            held.run.finish(failed=failed or not held.ended)
            folder = marker.folder_of(self.results, held.spec.run_id)
            held.run.mark(folder, epochs=len(held.rows), closed=True)
        finally:
            held.lock.release()
