"""Locks of the operating system, which end with the process that holds them, however that ends."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from critical.core.files import writing


@dataclass(frozen=True)
class Lock:
    """A lock that this process holds.

    Attributes:
        path: The file that is locked.
        handle: The open file; the lock is gone when it is closed.
    """

    path: Path
    handle: int

    def release(self) -> None:
        """Gives the lock back, and takes its file away."""
        self.path.unlink(missing_ok=True)
        os.close(self.handle)


def lock(path: Path) -> Lock | None:
    """Locks a path; returns None while another process, or another lock of this one, has it.

    Raises:
        WriteError: The folder cannot be written.
    """
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its last owner may have taken the file away since it was opened: then the next one locks another file.
        if os.fstat(handle).st_ino == path.stat().st_ino:
            return Lock(path, handle)
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(handle)
    return None
