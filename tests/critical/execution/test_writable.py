"""Folders that cannot hold results. Tests may run as root, who has all rights: what the system refuses is made up."""

import errno
import fcntl
import os
import tempfile

import pytest

from critical.core.files import WriteError
from critical.execution import writable


def refused(folder, *below):
    with pytest.raises(WriteError) as raised:
        writable.check(folder, below)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    writable.check(tmp_path / "a" / "b", ["c/d", "e"])
    writable.check(tmp_path, ["c/d"])
    assert not list(tmp_path.iterdir())


def test_a_link_to_a_folder_is_one(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    writable.check(tmp_path / "link" / "results", ["runs"])


def test_relative_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    writable.check(writable.Path("results"), ["runs"])
    (tmp_path / "results").write_text("")
    assert refused(writable.Path("results")).startswith("results is a file, and a folder belongs there; move it away")


@pytest.mark.parametrize("name", ["results", "results/runs", "results/runs/states"])
def test_a_file_in_the_place_of_a_folder_is_named(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    assert refused(tmp_path / "results", "logs", "runs/states").startswith(f"{path} is a file, and a folder belongs")


def test_a_link_that_leads_nowhere_is_named(tmp_path):
    (tmp_path / "results").symlink_to(tmp_path / "gone")
    assert refused(tmp_path / "results", "runs") == (
        f"{tmp_path}/results is a link to {tmp_path}/gone, which is not there; make that folder, or remove the link"
    )


def test_links_in_a_circle_and_names_that_are_too_long(tmp_path):
    (tmp_path / "results").symlink_to("results")
    assert "its links lead to each other" in refused(tmp_path / "results")
    assert "choose a shorter name" in refused(tmp_path / ("x" * 300))


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EACCES, "Permission denied; mend its rights, or choose another folder"),
        (errno.EROFS, "Read-only file system; mount its disk for writing, or choose another folder"),
        (errno.ENOSPC, "No space left on device; make room"),
        (errno.EDQUOT, "Disk quota exceeded; make room, its quota is used up"),
    ],
)
def test_what_the_system_refuses_is_said(tmp_path, monkeypatch, number, said):
    def refuse(**_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert refused(tmp_path / "results").startswith(f"{tmp_path} cannot be written: {said}, then run the same command")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_disk_without_locks_is_refused(tmp_path, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert "its disk has no locks: choose a folder on a local one" in refused(tmp_path / "results")
