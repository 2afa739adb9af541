import errno
import os

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
    with pytest.raises(WriteError, match=f"^{tmp_path}/file cannot be written: .*; make room .* the same") as raised:
        write_atomically(tmp_path / "file" / "below", b"")
    assert "\n" not in str(raised.value)


def test_the_innermost_folder_is_named_and_other_errors_pass(tmp_path):
    inner = tmp_path / "inner"
    with pytest.raises(WriteError, match=rf"^{inner} cannot be written: No space"), writing(tmp_path), writing(inner):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(KeyError), writing(tmp_path):
        raise KeyError("x")
