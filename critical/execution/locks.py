"""Locks of the operating system, which end with the process that holds them, however that ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
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


def _locked(path: Path, how: int) -> int | None:
    """Opens and locks a path, whose folder is made; returns the open file, or None where it would have to wait.

    Raises:
        WriteError: The folder cannot be written, or its disk has no locks.
    """
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, how)
        except BlockingIOError:
            os.close(handle)
            return None
        except BaseException:
            os.close(handle)
            raise
        return handle


def lock(path: Path) -> Lock | None:
    """Locks a path; returns None while another process, or another lock of this one, has it.

    Raises:
        WriteError: The folder cannot be written, or its disk has no locks.
    """
    handle = _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if handle is None:
        return None
    # Its last owner may have taken the file away since it was opened: then the next one locks another file.
    with contextlib.suppress(FileNotFoundError):
        if os.fstat(handle).st_ino == path.stat().st_ino:
            return Lock(path, handle)
    os.close(handle)
    return None


def held(path: Path) -> bool:
    """Returns whether some process has a lock on a path; nothing is made there."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # a disk without locks
    finally:
        os.close(handle)
    return False


def shared(path: Path) -> int:
    """Locks a path together with others that share it, and waits while one process has it alone.

    Returns:
        The open file; the lock is gone when it is closed, or with the process.

    Raises:
        WriteError: The folder cannot be written, or its disk has no locks.
    """
    handle = _locked(path, fcntl.LOCK_SH)
    assert handle is not None
    return handle


@contextlib.contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Locks a path for a block, unless others share it; yields whether it did.

    Raises:
        WriteError: The folder cannot be written, or its disk has no locks.
    """
    handle = _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)


@contextlib.contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Locks a path for a block, and waits while another process, or another lock of this one, has it.

    Raises:
        WriteError: The folder cannot be written, or its disk has no locks.
    """
    handle = _locked(path, fcntl.LOCK_EX)
    assert handle is not None
    try:
        yield
    finally:
        os.close(handle)
