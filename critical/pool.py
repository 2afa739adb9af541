"""Runs a plan with worker processes and says how far it is."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
import traceback
from multiprocessing.process import BaseProcess
from pathlib import Path

from critical import environment
from critical.arithmetic import Arithmetic
from critical.plan import Plan
from critical.progress import Progress, progress
from critical.store import RunStore
from critical.workers import Ledger, Orphaned, stop_with_parent, work

POLL_SECONDS = 1.0


class RunError(RuntimeError):
    """A worker stopped before its work was done; the message is one line that says what to do."""


def default_jobs(arithmetic: Arithmetic) -> int:
    """Returns how many workers fill the machine: a process a core on a CPU, one on an accelerator."""
    return max(1, environment.cores() // arithmetic.threads) if arithmetic.device == "cpu" else 1


def run_all(plan: Plan, store: RunStore, jobs: int, label: str, logs: Path) -> None:
    """Trains everything a plan needs that the store does not hold yet.

    Args:
        plan: The runs.
        store: Where results go and come from.
        jobs: Worker processes, >= 1.
        label: What the progress line is called.
        logs: Folder for a failed worker's traceback.

    Raises:
        RunError: A worker failed or was killed before the plan was done.
    """
    tracker = _Tracker(plan, store)
    if not tracker.finished:
        with progress(label, tracker.epochs_total, len(plan.runs)) as bar:
            _train(plan, store, jobs, logs, tracker, bar)
    for run in plan.runs:
        store.publish(run, environment.describe())


class _Tracker:
    """Counts what is done, looking only at what was not done when it last looked."""

    def __init__(self, plan: Plan, store: RunStore) -> None:
        self._ledger = Ledger(store)
        self._pending = list(plan.segments)
        self._runs = list(plan.runs)
        self._keys = {
            key: segment.probes for segment in plan.segments for key in segment.keys
        }
        self.epochs_total = len(self._keys)
        self.update()

    @property
    def finished(self) -> bool:
        return not self._pending

    @property
    def epochs_done(self) -> int:
        return self.epochs_total - len(self._keys)

    @property
    def runs_left(self) -> int:
        return len(self._runs)

    def update(self) -> None:
        complete = self._ledger.complete
        self._keys = {key: probes for key, probes in self._keys.items() if not complete(key, probes)}
        self._pending = [part for part in self._pending if not self._ledger.segment_complete(part)]
        self._runs = [
            run
            for run in self._runs
            if any(key in self._keys for key in run.keys) and not self._ledger.dead(run, run.timeline.end)
        ]
        # The epochs after a failure will never be trained.
        to_come = {key for run in self._runs for key in run.keys}
        self._keys = {key: probes for key, probes in self._keys.items() if key in to_come}


def _train(plan: Plan, store: RunStore, jobs: int, logs: Path, tracker: _Tracker, bar: Progress) -> None:
    context = multiprocessing.get_context("spawn")
    logs.mkdir(parents=True, exist_ok=True)
    workers: list[BaseProcess] = [
        context.Process(target=_worker, args=(plan, store.root, logs / f"worker-{number}.log"), daemon=True)
        for number in range(jobs)
    ]
    for number in range(jobs):
        (logs / f"worker-{number}.log").unlink(missing_ok=True)
    try:
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers):
            if any(worker.exitcode == 1 for worker in workers):
                break
            tracker.update()
            bar.update(tracker.epochs_done, tracker.runs_left)
            time.sleep(POLL_SECONDS)
    finally:
        # What ended by itself: whoever is terminated here is not to blame.
        codes = [worker.exitcode for worker in workers]
        for worker in workers:
            if worker.is_alive() and not tracker.finished:
                worker.terminate()
        for worker in workers:
            worker.join()
    tracker.update()
    bar.update(tracker.epochs_done, tracker.runs_left)
    if tracker.finished:
        return
    for number in range(jobs):
        log = logs / f"worker-{number}.log"
        if log.exists():
            reason = log.read_text().strip().splitlines()[-1]
            raise RunError(f"a worker stopped: {reason} (traceback in {log})")
    for code in codes:
        if code and code < 0:
            raise RunError(
                f"a worker was ended by signal {-code} (9 is often a lack of memory: try fewer JOBS); "
                "run the same command again, it goes on where it stopped"
            )
    raise RunError("the workers ended before the runs were done; run the same command again")


def _worker(plan: Plan, store: Path, log: Path) -> None:
    """Entry point of a worker process; what goes wrong is written to `log` and ends it with status 1."""
    try:
        work(plan, RunStore(store), after_epoch=stop_with_parent(os.getppid()))
    except Orphaned:
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(0)
    except Exception:
        log.write_text(traceback.format_exc())
        sys.exit(1)
