"""A worker process: how its starter sees it, and what it does."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import pickle
import sys
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from critical.core.files import WriteError
from critical.execution.listening import ListenerFactory, made
from critical.execution.plan import Plan
from critical.execution.store import RunStore
from critical.execution.workers import Orphaned, stop_with_parent, work

POLL_SECONDS = 2.0


class Member:
    """A worker process as the one that started it sees it.

    Args:
        store: Folder of the run store.
        log: Where it writes what went wrong.
        listener: Makes in it who is told what it trains.
    """

    def __init__(self, store: Path, log: Path, listener: ListenerFactory | None = None) -> None:
        self.log = log
        self._listener = listener
        # Why it ended, in one line.
        self.reason = ""
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

    def start(self) -> None:
        """Starts the process, if there is none that lives."""
        self.reason = ""
        if self._process is not None and self._process.is_alive():
            return
        context = multiprocessing.get_context("spawn")
        self._pipe, end = context.Pipe()
        self._process = context.Process(target=_worker, args=(end, self._store, self.log, self._listener), daemon=True)
        self._process.start()
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
            if not self._pipe.poll():
                return not self._process.is_alive()
            self.reason = self._pipe.recv_bytes().decode()
        except (EOFError, OSError):
            self._process.join()
        return True

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


def _worker(pipe: Connection, store: Path, log: Path, listener: ListenerFactory | None) -> None:
    """Entry point of a worker process; what goes wrong is reported, with a traceback in `log`, and ends it."""
    try:
        told = made(listener)
        stop = stop_with_parent(os.getppid())
        starter = multiprocessing.parent_process()
        if starter is None or not starter.is_alive():
            # The number may be that of whoever adopted this process.
            raise Orphaned("the process that started this worker is gone")
        held = RunStore(store)
        for plan in _plans(pipe, stop):
            work(plan, held, after_epoch=stop, while_waiting=stop, listener=told)
        if told is not None:
            told.close()
    except (Orphaned, KeyboardInterrupt):
        sys.exit(0)
    except Exception as error:
        reason = f"a worker stopped: {traceback.format_exception_only(error)[-1].strip()}"
        if isinstance(error, WriteError):
            reason = str(error)
        else:
            # Where there is no room for it, the reason is told all the same.
            with contextlib.suppress(OSError):
                log.write_text(traceback.format_exc())
                reason += f" (traceback in {log})"
        with contextlib.suppress(OSError):
            pipe.send_bytes(" ".join(reason.split()).encode())
        sys.exit(1)


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
            # No reason to have ended.
            pipe.send_bytes(b"")
        # Trainers hold each other in circles, and their data with them; nothing else would free them during the wait.
        gc.collect()
