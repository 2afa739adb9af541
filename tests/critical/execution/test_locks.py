import errno
import fcntl
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from critical.core.files import WriteError
from critical.execution import locks
from critical.execution.locks import lock


@pytest.fixture
def path(tmp_path):
    return tmp_path / "locks" / "abcd.lock"


def test_one_at_a_time(path):
    ours = lock(path)
    assert ours is not None
    assert lock(path) is None
    assert lock(path.with_name("abce.lock")) is not None, "another one is free"
    ours.release()
    assert lock(path) is not None


def test_leave_no_files(path):
    lock(path).release()
    assert not list(path.parent.iterdir())


def test_what_one_thread_has_another_cannot_claim(path):
    ours = lock(path)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lock, path).result() is None
    ours.release()


@pytest.mark.parametrize("next_one", [False, True])
def test_a_file_that_was_taken_away_as_it_was_opened_is_no_claim(path, monkeypatch, next_one):
    """Otherwise two would hold one claim: he whose file is gone, and the next, who makes another."""
    ours, theirs, real = lock(path), [], locks.fcntl.flock

    def late(handle, how):
        monkeypatch.setattr(locks.fcntl, "flock", real)
        ours.release()
        if next_one:
            theirs.append(lock(path))
        real(handle, how)

    monkeypatch.setattr(locks.fcntl, "flock", late)
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else None
    assert lock(path) is None
    assert not next_one or theirs[0] is not None
    if before:
        assert len(os.listdir("/proc/self/fd")) == before - 1 + next_one, "no file is left open"
    assert (lock(path) is None) == next_one


def test_a_folder_that_cannot_be_made_is_one_line(path):
    path.parent.write_text("")
    with pytest.raises(WriteError, match=f"^{path.parent} cannot be written: "):
        lock(path)


def test_whether_a_lock_is_held_is_seen_without_taking_it(tmp_path):
    path = tmp_path / "a.lock"
    assert not locks.held(path)
    assert not path.exists()
    first = locks.lock(path)
    assert locks.held(path)
    assert locks.held(path)
    first.release()
    assert not locks.held(path)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_disk_without_locks_is_one_line(path, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    path.parent.mkdir()
    path.touch()
    monkeypatch.setattr(fcntl, "flock", refuse)
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else None
    entered = [lambda one, take=take: take(one).__enter__() for take in (locks.alone, locks.in_turn)]
    for take in (lock, locks.shared, *entered):
        with pytest.raises(WriteError, match="its disk has no locks: choose a folder on a local one"):
            take(path)
    assert not locks.held(path), "nobody can have it"
    if before:
        assert len(os.listdir("/proc/self/fd")) == before, "no file is left open"
