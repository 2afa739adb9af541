import errno
import os
from pathlib import Path

import pytest

from critical.core.files import WriteError, replacing, write_atomically, writing


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "folder" / "file"
    write_atomically(path, b"one")
    with pytest.raises(TypeError), replacing(path) as temporary:
        temporary.write_bytes("two")
    assert path.read_bytes() == b"one"
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_folder_that_cannot_be_written_is_named_in_one_line(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WriteError, match=f"^{tmp_path}/file cannot be written: .*; a file lies .* the same") as raised:
        write_atomically(tmp_path / "file" / "below", b"")
    assert "\n" not in str(raised.value)


def test_the_innermost_folder_is_named_and_other_errors_pass(tmp_path):
    inner = tmp_path / "inner"
    with pytest.raises(WriteError, match=rf"^{inner} cannot be written: No space"), writing(tmp_path), writing(inner):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(KeyError), writing(tmp_path):
        raise KeyError("x")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "; make room, then run the same command again"),
        (errno.EDQUOT, "; make room, its quota is used up, then run"),
        (errno.EIO, "; its disk fails: choose another folder, then run"),
        (errno.EROFS, "; mount its disk for writing, or choose another folder, then run"),
        (errno.EMFILE, "; allow more open files (ulimit -n 4096), then run"),
        (errno.ENAMETOOLONG, "; choose a shorter name, then run"),
        (errno.ENOMEDIUM, "; make room or mend its rights, then run"),
    ],
)
def test_what_to_do_follows_from_what_the_system_says(tmp_path, monkeypatch, number, said):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(WriteError) as raised:
        write_atomically(tmp_path / "file", b"")
    assert f"{os.strerror(number)}{said}" in str(raised.value)
    assert not list(tmp_path.iterdir()), "nothing is left"


def test_a_disk_that_fails_is_told_though_nothing_can_be_taken_away(tmp_path, monkeypatch):
    """One that turns read-only midway: the temporary file stays."""

    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(WriteError, match="Read-only file system"):
        write_atomically(tmp_path / "file", b"")
