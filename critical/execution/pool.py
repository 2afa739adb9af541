"""Runs plans with worker processes and says how far they are."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from critical.core import environment
from critical.core.arithmetic import Arithmetic
from critical.core.cores import cores
from critical.core.files import writing
from critical.execution import processes
from critical.execution.listening import ListenerFactory
from critical.execution.member import Member, await_news
from critical.execution.plan import Plan
from critical.execution.progress import Progress, progress
from critical.execution.store import RunStore
from critical.execution.tracker import Tracker, Watched

FAREWELL_SECONDS = 150.0
"""So long do workers that have nothing left to train have for what they still tell a listener."""
SILENT_SECONDS = 5.0
"""So long of it nothing is said."""


class RunError(RuntimeError):
    """A worker stopped before its work was done; the message is one line that says what to do."""


def default_jobs(arithmetic: Arithmetic) -> int:
    """Returns how many workers fill the machine: a process a core on a CPU, one on an accelerator."""
    return max(1, cores() // arithmetic.threads) if arithmetic.device == "cpu" else 1


def run_all(
    plan: Plan, store: RunStore, jobs: int, label: str, logs: Path, listener: ListenerFactory | None = None
) -> None:
    """Trains everything a plan needs that the store does not hold yet, with workers of its own.

    Args:
        plan: The runs.
        store: Where results go and come from.
        jobs: Worker processes, >= 1.
        label: What the progress line is called.
        logs: Folder for a failed worker's traceback.
        listener: Makes in each worker who is told what it trains.

    Raises:
        RunError: A worker failed or was killed before the plan was done.
    """
    with Workers(store, jobs, logs, listener) as workers:
        workers.run(plan, label)


class Workers:
    """Processes that take plan after plan, so that several plans pay the start of a process (torch's import) once.

    They start with the first plan that has something left to train, and end with the block, however it is left:

        with Workers(store, jobs=2, logs=folder) as workers:
            for name, plan in plans.items():
                workers.run(plan, name)

    Args:
        store: Where results go and come from.
        jobs: Worker processes, >= 1.
        logs: Folder for a failed worker's traceback.
        listener: Makes in each worker who is told what it trains.

    Raises:
        SpecError: The listener cannot be handed to a process.
    """

    def __init__(self, store: RunStore, jobs: int, logs: Path, listener: ListenerFactory | None = None) -> None:
        self._store = store
        self._logs = logs
        given = None if listener is None else processes.pickled(listener)
        self._crew = [Member(store.root, logs / f"worker-{number}.log", given) for number in range(jobs)]
        self._ended = False
        self._whole: Watched | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and not self._ended:
            self._farewell()
        self._end()

    @contextlib.contextmanager
    def watching(self, whole: Plan) -> Iterator[None]:
        """Shows one progress for all plans that are run in the block.

        Args:
            whole: Their runs.
        """
        tracker = Tracker(whole, self._store)
        if tracker.finished:
            yield
            return
        with progress("", tracker.epochs_total, len(whole.runs)) as bar:
            self._whole = Watched(tracker, bar)
            try:
                yield
            finally:
                self._whole = None

    def run(self, plan: Plan, label: str) -> None:
        """Trains everything a plan needs that the store does not hold yet.

        Args:
            plan: The runs.
            label: What the progress line is called; the plan's part of the whole that is watched, if one is.

        Raises:
            RunError: A worker failed or was killed before the plan was done, now or in an earlier plan: these
                workers have ended then.
        """
        processes.end_if_imported()
        if self._ended:
            raise RunError("these workers have ended; run the same command again, it goes on where it stopped")
        tracker = Tracker(plan, self._store)
        if not tracker.finished:
            try:
                self._store.check()
                with self._display(label, tracker, len(plan.runs)) as bar:
                    with writing(self._logs):
                        self._logs.mkdir(parents=True, exist_ok=True)
                        for member in self._crew:
                            member.log.unlink(missing_ok=True)
                    _train(self._crew, plan, tracker, bar)
            except BaseException:
                # Some may be busy with this plan still, and would report it as the next one.
                self._end()
                raise
        for run in plan.runs:
            self._store.publish(run, environment.describe())

    @contextlib.contextmanager
    def _display(self, label: str, tracker: Tracker, runs: int) -> Iterator[Progress]:
        if self._whole is None:
            with progress(label, tracker.epochs_total, runs) as bar:
                yield bar
        else:
            self._whole.name(label)
            yield self._whole

    def _farewell(self) -> None:
        """Lets workers tell what they have to tell still; they end with their pipes."""
        for member in self._crew:
            member.leave()
        if not self._gone(SILENT_SECONDS):
            print(f"all runs are stored; waiting for their logger, {FAREWELL_SECONDS:.0f} s at most", flush=True)
            self._gone(FAREWELL_SECONDS - SILENT_SECONDS)

    def _gone(self, seconds: float) -> bool:
        """Waits for the ends of all workers; returns whether they have ended."""
        end = time.monotonic() + seconds
        return all(member.gone(end - time.monotonic()) for member in self._crew)

    def _end(self) -> None:
        self._ended = True
        for member in self._crew:
            member.end()


def _train(crew: list[Member], plan: Plan, tracker: Tracker, bar: Progress) -> None:
    """Hands a plan to the workers and waits until all are done with it or have ended, or one has failed."""
    given = processes.pickled(plan)
    of_script = processes.of_script(given)
    for member in crew:
        member.start(of_script)
    for member in crew:
        member.give(given)
    busy = crew
    while busy := [member for member in busy if not member.done()]:
        tracker.update()
        bar.update(tracker.epochs_done, tracker.runs_left)
        stopped = any(member.reason or member.exitcode in (1, processes.UNGUARDED) for member in crew)
        if stopped and not tracker.finished:
            break
        await_news(busy)
    tracker.update()
    bar.update(tracker.epochs_done, tracker.runs_left)
    if not tracker.finished:
        raise RunError(_reason(crew))
    for member in busy:
        # Others finished what it still looks at: it must not report this plan as the next one.
        member.end()


def _reason(crew: list[Member]) -> str:
    """Returns in one line why workers ended early."""
    for member in crew:
        # It may have said so since it was last listened to.
        if member.reason or (member.done() and member.reason):
            return member.reason
    for member in crew:
        if said := processes.ended(member.exitcode, member.run, member.of_script):
            return said
    return "the workers ended before the runs were done; run the same command again"
