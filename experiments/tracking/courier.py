"""Runs tasks in background threads; stops after repeated failures.

What is asked for waits in a bounded queue: where a service is so slow that it is full, more is refused. Nothing is
lost by that: the record on disk is complete, and `make sync` sends what is missing.
"""

from __future__ import annotations

import collections
import queue
import sys
import threading
import time
from collections.abc import Callable

GIVE_UP_AFTER = 3
LIMIT = 10_000
"""Tasks that wait, about a hundred runs of a hundred epochs."""
Task = Callable[[], object]
"""Raises where it fails; True says that the service answered."""


class Refused(Exception):
    """The service did not take a run; after a few of them in a row nothing more is tried."""


class CannotLog(Exception):
    """Nothing can be logged here, so nothing more is tried; the message is the reason."""


class Courier:
    """Does tasks in order, and says in a line which failed.

    Args:
        loud: Whether anything is said: a worker's output is its starter's, and the starter finds out itself.
        threads: How many tasks go on at a time; with one they go on in order.
    """

    def __init__(self, loud: bool = True, threads: int = 1) -> None:
        self.given_up = False
        self.failed: set[str] = set()
        self._loud, self._count = loud, threads
        self._threads: list[threading.Thread] = []
        self._tasks: queue.Queue[tuple[str, Task]] = queue.Queue(LIMIT)
        self._pending: collections.Counter[str] = collections.Counter()
        self._guard = threading.Lock()
        self._in_a_row = 0
        self._full = False

    def put(self, what: str, task: Task) -> None:
        """Has a task done, unless it is in vain.

        Args:
            what: What it logs, for the line that says that it failed: "run 0123456789abcdef".
            task: What is done.
        """
        if self.given_up:
            self.failed.add(what)
            return
        with self._guard:
            self._pending[what] += 1
        try:
            self._tasks.put_nowait((what, task))
        except queue.Full:
            self._refuse(what)
            return
        if not self._threads:
            # Daemons: a service that hangs holds up no end of a command.
            self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self._count)]
            for thread in self._threads:
                thread.start()

    def do(self, what: str, task: Task) -> bool:
        """Does a task at once, in the place of the thread; returns whether it was done."""
        if self.given_up:
            self.failed.add(what)
            return False
        try:
            answered = task() is True
        # Whatever a tracking service does, the run on disk is whole: say so and go on.
        except Exception as error:
            with self._guard:
                self._told(what, error)
            return False
        if answered:
            # Many tasks ask nothing of the service: that of a run that was refused has nothing to do.
            self._in_a_row = 0
        return True

    def close(self, seconds: float) -> bool:
        """Waits until all is done, or nothing was for so many seconds; returns whether all is."""
        left, end = self._tasks.unfinished_tasks, time.monotonic() + seconds
        while left and time.monotonic() < end:
            time.sleep(0.01)
            if self._tasks.unfinished_tasks < left:
                left, end = self._tasks.unfinished_tasks, time.monotonic() + seconds
        if left and self._loud:
            print(f"wandb: the service is slow, and {seconds:.0f} s were waited for it; `make sync` sends what is "
                  "missing", file=sys.stderr)  # fmt: skip
        if left:
            self.given_up = True
            with self._guard:
                self.failed |= {what for what, count in self._pending.items() if count > 0}
        return not left

    def _work(self) -> None:
        while True:
            what, task = self._tasks.get()
            try:
                self.do(what, task)
            finally:
                with self._guard:
                    self._pending[what] -= 1
                self._tasks.task_done()

    def _refuse(self, what: str) -> None:
        """Leaves out a task for which the queue has no room, and says so the first time."""
        with self._guard:
            self._pending[what] -= 1
            self.failed.add(what)
            said, self._full = self._full, True
        if not said:
            self._say(f"{what} is not logged as a whole, since {LIMIT} tasks wait for the service already; `make sync` "
                      "sends what is missing")  # fmt: skip

    def _told(self, what: str, error: Exception) -> None:
        self.failed.add(what)
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, CannotLog):
            if not self.given_up:
                self._say(f"nothing is logged: {reason}; the record on disk is complete")
            self.given_up = True
            return
        self._say(f"{what} was not logged ({reason}); the record on disk is complete")
        self._in_a_row += isinstance(error, Refused)
        if self._in_a_row >= GIVE_UP_AFTER and not self.given_up:
            # Each attempt may wait for its time-out; hundreds of them would never come to an end.
            self.given_up = True
            self._say(f"{GIVE_UP_AFTER} failures in a row, so nothing more is sent now; `make sync` sends what is "
                      "missing")  # fmt: skip

    def _say(self, text: str) -> None:
        if self._loud:
            print(f"wandb: {text}", file=sys.stderr, flush=True)
