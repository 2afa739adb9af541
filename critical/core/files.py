"""Files that are written whole or not at all, and what to do where they cannot be written."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

_NO_LOCKS = "its disk has no locks: choose a folder on a local one"
_IN_THE_WAY = "a file lies where a folder belongs: move it away, or choose another folder"
_RIGHTS = "mend its rights, or choose another folder"
REMEDIES = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room, its quota is used up",
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: "mount its disk for writing, or choose another folder",
    errno.EIO: "its disk fails: choose another folder",
    errno.ESTALE: "mount its disk again",
    errno.EMFILE: "allow more open files (ulimit -n 4096)",
    errno.ENFILE: "the machine has too many open files: close other programs",
    errno.EFBIG: "allow larger files (ulimit -f unlimited)",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EEXIST: _IN_THE_WAY,
    errno.EISDIR: "a folder lies where a file belongs: move it away",
    errno.ELOOP: "its links lead to each other: mend them",
    errno.ENOLCK: _NO_LOCKS,
    errno.EOPNOTSUPP: _NO_LOCKS,
    errno.ENOSYS: _NO_LOCKS,
}
"""What a person does about an error of the operating system, by its number."""


class WriteError(OSError):
    """A folder cannot be written; the message is one line that names it and says what to do."""


def remedy(error: OSError) -> str:
    """Returns what is wrong and what to do: `No space left on device; make room`."""
    return f"{error.strerror or error}; {REMEDIES.get(error.errno or 0, 'make room or mend its rights')}"


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns what keeps a block from writing into a folder (a full disk, a lack of rights) into one line.

    Raises:
        WriteError: An error of the operating system within the block.
    """
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        raise WriteError(
            f"{folder} cannot be written: {remedy(error)}, then run the same command again: it goes on where it stopped"
        ) from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`, which takes its place when the block ends without error.

    Readers see the old file or the new one, never a part, also when the process is killed.

    Args:
        path: The file to be; missing folders are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes private files; a shared folder needs the usual permissions.
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        # Where the disk fails the file stays; the reason is what it fails of.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def write_atomically(path: Path, content: bytes | memoryview) -> None:
    """Writes all of a file's bytes, atomically.

    Raises:
        WriteError: Its folder cannot be written.
    """
    with writing(path.parent), replacing(path) as temporary:
        temporary.write_bytes(content)
