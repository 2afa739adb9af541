"""Runs plans with worker processes and says how far they are."""

from __future__ import annotations

import contextlib
import functools
import gc
import multiprocessing
import os
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from critical.core import environment
from critical.core.arithmetic import Arithmetic
from critical.core.cores import cores
from critical.core.files import writing
from critical.execution import processes
from critical.execution.listening import ListenerFactory, made
from critical.execution.plan import Plan
from critical.execution.progress import Progress, progress
from critical.execution.store import RunStore
from critical.execution.tracker import Tracker, Watched
from critical.execution.workers import Orphaned, stop_with_parent, work
from critical.training.runs import RunSpec

POLL_SECONDS = 2.0
FAREWELL_SECONDS = 150.0
"""So long do workers that have nothing left to train have for what they still tell a listener."""
BEGUN, DONE, ENDED = b"begun ", b"done", b"ended "
"""What a worker says: that it has begun a run, that it is done with a plan, and why it ends."""


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
    """

    def __init__(self, store: RunStore, jobs: int, logs: Path, listener: ListenerFactory | None = None) -> None:
        self._store = store
        self._logs = logs
        self._crew = [_Member(store.root, logs / f"worker-{number}.log", listener) for number in range(jobs)]
        self._ended = False
        self._whole: Watched | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and not self._ended:
            # What they have to tell, they tell first; they end with their pipes.
            for member in self._crew:
                member.leave()
            end = time.monotonic() + FAREWELL_SECONDS
            for member in self._crew:
                member.wait(end - time.monotonic())
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

    def _end(self) -> None:
        self._ended = True
        for member in self._crew:
            member.end()


class _Member:
    """A worker process as the one that started it sees it.

    Args:
        store: Folder of the run store.
        log: Where it writes what went wrong.
        listener: Makes in it who is told what it trains.
    """

    def __init__(self, store: Path, log: Path, listener: ListenerFactory | None = None) -> None:
        self.log, self._listener = log, listener
        # Why it ended, in one line, and the run that it began last.
        self.reason = self.run = ""
        # What the plan takes from the script, which the process has imported then.
        self.of_script: list[str] = []
        self._store = store
        self._process: BaseProcess | None = None
        self._pipe: Connection

    @property
    def exitcode(self) -> int | None:
        """What it ended with, negative for a signal; None while it lives or before it started."""
        return self._process.exitcode if self._process else None

    @property
    def news(self) -> list[Any]:
        """What becomes ready, for `multiprocessing.connection.wait`, when it reports or ends."""
        assert self._process is not None
        return [self._pipe, self._process.sentinel]

    def start(self, of_script: list[str]) -> None:
        """Starts the process, if there is none that lives and knows what a plan takes from the script."""
        self.reason = self.run = ""
        if of_script and not self.of_script:
            self.end()
        if self._process is not None and self._process.is_alive():
            return
        self.of_script = of_script
        context = multiprocessing.get_context("spawn")
        self._pipe, end = context.Pipe()
        # Paths may be relative, and multiprocessing starts a process where this one started.
        given = (end, self._store, self.log, os.getcwd(), self._listener)
        self._process = context.Process(target=_worker, args=given, daemon=True)
        processes.start(self._process, script=bool(of_script))
        # It alone has this end now, so the pipe ends with it.
        end.close()

    def give(self, plan: bytes) -> None:
        """Hands over a pickled plan."""
        # Where it has ended already, `done` tells.
        with contextlib.suppress(OSError):
            self._pipe.send_bytes(plan)

    def done(self) -> bool:
        """Returns whether it is done with the plan, or has ended."""
        assert self._process is not None
        try:
            while self._pipe.poll():
                said = self._pipe.recv_bytes()
                if not said.startswith(BEGUN):
                    self.reason = said.removeprefix(ENDED).decode() if said != DONE else ""
                    return True
                self.run = said.removeprefix(BEGUN).decode()
        except (EOFError, OSError):
            self._process.join()
            return True
        return not self._process.is_alive()

    def leave(self) -> None:
        """Lets the process end when it is done."""
        if self._process is not None and self._listener is not None:
            self._pipe.close()

    def wait(self, seconds: float) -> None:
        """Waits for the end of a process that was let go."""
        if self._process is not None and self._listener is not None:
            self._process.join(max(0.0, seconds))

    def end(self) -> None:
        """Ends the process; what it has not stored is lost."""
        if self._process is not None and self._process.is_alive():
            self._process.terminate()
            self._process.join()


def _train(crew: list[_Member], plan: Plan, tracker: Tracker, bar: Progress) -> None:
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
        wait([item for member in busy for item in member.news], POLL_SECONDS)
    tracker.update()
    bar.update(tracker.epochs_done, tracker.runs_left)
    if not tracker.finished:
        raise RunError(_reason(crew))
    for member in busy:
        # Others finished what it still looks at: it must not report this plan as the next one.
        member.end()


def _reason(crew: list[_Member]) -> str:
    """Returns in one line why workers ended early."""
    for member in crew:
        # It may have said so since it was last listened to.
        if member.reason or (member.done() and member.reason):
            return member.reason
    for member in crew:
        if said := processes.ended(member.exitcode, member.run, member.of_script):
            return said
    return "the workers ended before the runs were done; run the same command again"


def _worker(
    pipe: Connection, store: Path, log: Path, folder: str = ".", listener: ListenerFactory | None = None
) -> None:
    """Entry point of a worker process; what goes wrong is reported, with a traceback in `log`, and ends it."""
    try:
        os.chdir(folder)
        stop = stop_with_parent(os.getppid())
        starter = multiprocessing.parent_process()
        if starter is None or not starter.is_alive():
            # The number may be that of whoever adopted this process.
            raise Orphaned("the process that started this worker is gone")
        held, told = RunStore(store), made(listener)
        for plan in _plans(pipe, stop):
            work(plan, held, after_epoch=stop, while_waiting=stop, begun=functools.partial(_tell, pipe), listener=told)
        if told is not None:
            told.close()
    except (Orphaned, KeyboardInterrupt):
        sys.exit(0)
    except Exception as error:
        with contextlib.suppress(OSError):
            pipe.send_bytes(ENDED + processes.told(error, log).encode())
        sys.exit(1)


def _tell(pipe: Connection, run: RunSpec) -> None:
    with contextlib.suppress(OSError):
        pipe.send_bytes(BEGUN + run.run_id.encode())


def _plans(pipe: Connection, stop: Callable[[], None]) -> Iterator[Plan]:
    """Yields one plan after another, and reports each when the next is asked for, until the other end is gone."""
    while True:
        try:
            # Not the end of the pipe alone: a copy of the other end may outlive its process.
            while not pipe.poll(POLL_SECONDS):
                stop()
            given = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        yield pickle.loads(given)
        with contextlib.suppress(OSError):
            pipe.send_bytes(DONE)
        # Trainers hold each other in circles, and their data with them; nothing else would free them during the wait.
        gc.collect()
