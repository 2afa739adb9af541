"""Whether a folder can hold results: asked before anything is trained for it."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from critical.core.files import WriteError, writing

_ROOM = 4096
"""Bytes that are written to see whether there is room: a block."""


def check(folder: Path, below: Iterable[str | Path] = ()) -> None:
    """Refuses a folder in which results could not be written. Nothing is made there.

    Args:
        folder: The folder, whether or not it exists.
        below: Folders in it, relative to it, that are written as well.

    Raises:
        WriteError: It or a folder on the way to it is a file or a link that leads nowhere, or has no rights, room or
            locks.
    """
    held = dict.fromkeys(_deepest(path) for path in (folder, *(folder / one for one in below)))
    for path in held:
        with writing(path), tempfile.TemporaryFile(dir=path, buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.write(bytes(_ROOM))


def _deepest(path: Path) -> Path:
    """Returns the deepest folder on the way to a path that is there; all below it can be made."""
    deepest = Path(path.anchor)
    for part in (*reversed(path.parents), path):
        with writing(part):
            try:
                mode = os.stat(part).st_mode
            except FileNotFoundError:
                if part.is_symlink():
                    target = os.readlink(part)
                    raise WriteError(f"{part} is a link to {target}, which is not there; make that folder, or remove "
                                     "the link") from None  # fmt: skip
                return deepest
            except NotADirectoryError:
                return deepest
        if not stat.S_ISDIR(mode):
            raise WriteError(f"{part} is a file, and a folder belongs there; move it away, or choose another folder")
        deepest = part
    return deepest
