"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


class WriteError(OSError):
    """A folder cannot be written; the message is one line that names it and says what to do."""


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
            f"{folder} cannot be written: {error.strerror or error}; make room or mend its rights, then run the same "
            "command again: it goes on where it stopped"
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
        temporary.unlink(missing_ok=True)
        raise


def write_atomically(path: Path, content: bytes | memoryview) -> None:
    """Writes all of a file's bytes, atomically.

    Raises:
        WriteError: Its folder cannot be written.
    """
    with writing(path.parent), replacing(path) as temporary:
        temporary.write_bytes(content)
