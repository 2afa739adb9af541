"""Fingerprints of content, and the cheap check that tells when they have to be taken again.

A fingerprint names what files hold: `sha256-` and 16 hexadecimal digits. Taking it reads every byte, so it is
remembered beside the caches, together with the *state* of the files: names, sizes, devices, inodes, and the times of
their last changes to the nanosecond. Where the state is the same, so is the content; where anything differs, all is
read again. A state younger than two seconds is not relied upon: within a tick of the clock of a file system a second
change would not show.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from critical.core.cores import cores
from critical.core.files import replacing
from critical.data.cache import one_line
from critical.data.images import DataError, DataWarning
from critical.data.listing import File, shown

VERSION = 2
"""Of fingerprints and of how files are read: another reading of the same bytes must be another content."""

SETTLED_SECONDS = 2.0

_TASK = 250  # files a task


def fingerprint(parts: Iterable[bytes]) -> str:
    """Returns the fingerprint of a sequence of byte strings; their borders count."""
    content = hashlib.sha256(f"version {VERSION}".encode())
    for part in parts:
        content.update(len(part).to_bytes(8, "big"))
        content.update(part)
    return f"sha256-{content.hexdigest()[:16]}"


def remembered(root: str, place: Path, files: Iterable[File], take: Callable[[], str]) -> str:
    """Returns the fingerprint of files: as it was taken before, if their state is the same, or taken now.

    Args:
        root: Folder of all data; what is remembered lies in its cache.
        place: The folder or file that is meant.
        files: Its files.
        take: Reads them and returns their fingerprint.
    """
    held, began = sorted(files), time.time()
    lines = [(file.path, file.size, *file.state) for file in held]
    state = hashlib.sha256(repr((VERSION, lines)).encode("utf-8", "surrogateescape")).hexdigest()
    key = hashlib.sha256(os.fsencode(place.resolve())).hexdigest()[:16]
    note = Path(root) / "cache" / "fingerprints" / f"{key}.json"
    # Where there is no note, or a damaged one, the fingerprint is taken anew.
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(note.read_text(encoding="utf-8"))
        if known["state"] == state:
            return str(known["fingerprint"])
    found = take()
    # On Windows the second time is that of creation.
    newest = max(max(file.state[2:]) if os.name == "nt" else file.state[3] for file in held)
    if newest < (began - SETTLED_SECONDS) * 1e9:
        try:
            with replacing(note) as temporary:
                text = json.dumps({"place": shown(place), "state": state, "fingerprint": found})
                temporary.write_text(text, encoding="utf-8")
        except OSError as error:
            warnings.warn(
                f"cannot write {note} ({one_line(error)}), so {shown(place)} is read anew by every command; "
                "set data.root to a folder you own",
                DataWarning,
                stacklevel=2,
            )
    return found


def of_folder(root: Path, files: Iterable[File], where: str) -> str:
    """Reads the files of a folder and returns their fingerprint."""

    def digests(some: list[File]) -> list[bytes]:
        return [digest(read(root / file.path, where)) for file in some]

    held = list(files)
    return combined(held, in_threads(digests, held))


def combined(files: Iterable[File], digests: Iterable[bytes]) -> str:
    """Returns the fingerprint of files, in this order, of the digests of what each holds."""
    pairs = zip(files, digests, strict=True)
    return fingerprint(part for file, held in pairs for part in (os.fsencode(file.path), held))


def digest(content: bytes) -> bytes:
    """Returns the digest of what a file holds."""
    return hashlib.sha256(content).digest()


def in_threads(work: Callable[[list[File]], list[bytes]], files: list[File]) -> list[bytes]:
    """Calls `work` on parts of a list, several at once, and returns what it returns in order of the list."""
    with ThreadPoolExecutor(max_workers=min(8, cores())) as pool:
        futures = [pool.submit(work, files[start : start + _TASK]) for start in range(0, len(files), _TASK)]
        try:
            return [one for future in futures for one in future.result()]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def read(path: Path, where: str) -> bytes:
    """Returns what a file holds.

    Raises:
        DataError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        line = f"{where}: {shown(path)} cannot be read ({one_line(error)}); mend its rights or remove it"
        raise DataError(line) from error


def one_file(path: Path, where: str) -> File:
    """Returns a single file as a listing would have it.

    Raises:
        DataError: There is no such file.
    """
    try:
        stat = path.stat()
    except (OSError, ValueError) as error:
        # The message of an error of the system names the file once more; a name with a zero byte is a ValueError.
        why = "" if isinstance(error, FileNotFoundError) else f" ({getattr(error, 'strerror', None) or error})"
        raise DataError(f"{where}: there is no {shown(path)}{why}; set data.path to it") from error
    if not path.is_file():
        raise DataError(f"{where}: {shown(path)} is no file; set data.path to one")
    state = (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns)
    return File("", "", path.name, stat.st_size, state)


def of_file(root: str, path: Path, where: str) -> str:
    """Returns the fingerprint of what one file holds, read only where its state is new.

    Args:
        root: Folder of all data.
        path: The file.
        where: Beginning of messages: `data=mine`.

    Raises:
        DataError: There is no such file.
    """
    return remembered(root, path, [one_file(path, where)], lambda: fingerprint([read(path, where)]))


def checked(given: str, found: str, path: str, where: str) -> str:
    """Returns the fingerprint that was found, or refuses it where another was given.

    Raises:
        DataError: The content is not the one that the fingerprint names.
    """
    if given not in ("", found):
        raise DataError(
            f"{where}: {shown(path)} has fingerprint {found}, not {given}: what it holds has changed; restore it, or "
            "leave the fingerprint out to start anew"
        )
    return found
