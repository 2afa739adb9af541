"""A worker process: as the one that started it sees it, and what it does."""

from __future__ import annotations

import contextlib
import functools
import gc
import multiprocessing
import os
import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from critical.execution import processes
from critical.execution.listening import made
from critical.execution.plan import Plan
from critical.execution.store import RunStore
from critical.execution.workers import Orphaned, stop_with_parent, work
from critical.training.runs import RunSpec

POLL_SECONDS = 2.0
BEGUN, DONE, ENDED = b"begun ", b"done", b"ended "
"""What a worker says: that it has begun a run, that it is done with a plan, and why it ends."""


class Member:
    """A worker process as the one that started it sees it.

    Args:
        store: Folder of the run store.
        log: Where it writes what went wrong.
        listener: A pickled `ListenerFactory`, for who is told what it trains; None: nobody is.
    """

    def __init__(self, store: Path, log: Path, listener: bytes | None = None) -> None:
        self.log, self._listener = log, listener
        # Why it ended, in one line, and the run that it began last.
        self.reason = self.run = ""
        # What the plan and the listener take from the script, which the process has imported then.
        self.of_script: list[str] = []
        self._of_listener = [] if listener is None else processes.of_script(listener)
        self._store = store
        self._process: BaseProcess | None = None
        self._pipe: Connection

    @property
    def exitcode(self) -> int | None:
        """What it ended with, negative for a signal; None while it lives or before it started."""
        return self._process.exitcode if self._process else None

    def start(self, of_script: list[str]) -> None:
        """Starts the process, if there is none that lives and knows what a plan takes from the script."""
        self.reason = self.run = ""
        of_script = sorted({*of_script, *self._of_listener})
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

    def gone(self, seconds: float) -> bool:
        """Waits for the end of a process that was let go; returns whether it has ended."""
        if self._process is None or self._listener is None:
            return True
        self._process.join(max(0.0, seconds))
        return not self._process.is_alive()

    def end(self) -> None:
        """Ends the process; what it has not stored is lost."""
        if self._process is not None and self._process.is_alive():
            self._process.terminate()
            self._process.join()

    def waited_for(self) -> list[Any]:
        """Returns what becomes ready when it reports or ends."""
        assert self._process is not None
        return [self._pipe, self._process.sentinel]


def await_news(members: Sequence[Member]) -> None:
    """Waits until one of them reports or ends, or a moment."""
    wait([item for member in members for item in member.waited_for()], POLL_SECONDS)


def _worker(pipe: Connection, store: Path, log: Path, folder: str = ".", listener: bytes | None = None) -> None:
    """Entry point of a worker process; what goes wrong is reported, with a traceback in `log`, and ends it."""
    try:
        os.chdir(folder)
        stop = stop_with_parent(os.getppid())
        starter = multiprocessing.parent_process()
        if starter is None or not starter.is_alive():
            # The number may be that of whoever adopted this process.
            raise Orphaned("the process that started this worker is gone")
        held, told = RunStore(store), None if listener is None else made(lambda: pickle.loads(listener)())
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
