"""What the epochs of a store measured: lines of JSON, a file a segment, looked up by key.

A line is what one epoch adds to the record of its key:

    {"key": ..., "train": {...} | null, "probes": {id: {column: value}}, "seconds": {what: ...}, "failure": ... | null,
     "maker": ..., "sum": ...}

`sum` is the checksum of the line without it; lines of earlier versions have none. Later lines supplement earlier ones
of the same key: probes that were added later, for instance. Which file holds a key does not matter, since plans differ
in where they cut segments: the index goes through all of them, and at each `refresh` through what was appended since.
"""

from __future__ import annotations

import errno
import json
import os
import re
import warnings
import zlib
from pathlib import Path
from typing import Any

from critical.core.files import writing

Record = dict[str, Any]
_SUM = re.compile(rb', "sum": "([0-9a-f]{8})"\}$')


def signed_line(record: Record) -> bytes:
    """Returns a record as a line of JSON with its checksum (CRC-32), without the line's end."""
    text = json.dumps(record).encode()
    return text[:-1] + f', "sum": "{zlib.crc32(text):08x}"}}'.encode()


def read_line(line: bytes) -> tuple[Record, bool]:
    """Reads a line of a record file, without its end.

    Returns:
        The record, and whether a checksum vouches for it.

    Raises:
        ValueError: It is damaged.
    """
    found = _SUM.search(line)
    if found and int(found[1], 16) != zlib.crc32(line[: found.start()] + b"}"):
        raise ValueError("its checksum differs")
    record = json.loads(line)
    if not isinstance(record, dict) or ("sum" in record) != bool(found):
        raise ValueError("it holds no record")
    return record, bool(found)


class Records:
    """The records below one folder.

    Args:
        folder: Made with the first record.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held: dict[str, Record] = {}
        # How many bytes of each file are in the index.
        self._taken: dict[str, int] = {}

    def refresh(self) -> None:
        """Takes in what any process has appended since the last time."""
        try:
            with os.scandir(self.folder) as entries:
                changed = [
                    entry.name
                    for entry in entries
                    if entry.name.endswith(".jsonl") and entry.stat().st_size != self._taken.get(entry.name, 0)
                ]
        except (FileNotFoundError, NotADirectoryError):
            return  # what lies there instead is told where something is written
        for name in changed:
            self._take(self.folder / name)

    def _take(self, path: Path) -> None:
        with path.open("rb") as file:
            taken = self._taken.get(path.name, 0)
            # A file that is shorter than it was is another one.
            start = file.seek(taken if taken <= os.fstat(file.fileno()).st_size else 0)
            content = file.read()
        # A last line without its end is being written, or a kill cut it short: then its epoch is made again.
        whole = content.rfind(b"\n") + 1
        for line in filter(None, content[:whole].split(b"\n")):
            try:
                self._add(read_line(line)[0])
            except (ValueError, TypeError, KeyError):
                warnings.warn(f"a line of {path} is damaged; its epoch is made again if it is needed", stacklevel=4)
        self._taken[path.name] = start + whole

    def _add(self, line: Record) -> None:
        key, train, failure = line["key"], line["train"], line["failure"]
        probes, seconds = dict(line["probes"]), dict(line["seconds"])
        empty: Record = {"train": None, "probes": {}, "seconds": {}, "failure": None, "maker": None}
        held = self._held.setdefault(key, empty)
        if held["train"] is None and held["failure"] is None and (train is not None or failure is not None):
            held["maker"] = line.get("maker")  # who trained, not who measured more
        # What was there first stays: whoever measures again, measures the same.
        held["train"] = train if held["train"] is None else held["train"]
        held["failure"] = failure if held["failure"] is None else held["failure"]
        held["probes"] = probes | held["probes"]
        held["seconds"] = seconds | held["seconds"]

    def get(self, key: str) -> Record | None:
        """Returns the record of a key as of the last `refresh`; not to be changed."""
        return self._held.get(key)

    def append(self, segment: str, key: str, record: Record) -> None:
        """Adds a line to a segment's file, in one write: a kill leaves all of it or an end that counts for nothing.

        Args:
            segment: The first key of the segment.
            key: The key whose epoch it is.
            record: `train`, `probes`, `seconds`, `failure` and `maker`.

        Raises:
            WriteError: The folder cannot be written.
        """
        line = {"key": key, **record}
        written = signed_line(line) + b"\n"
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder / f"{segment}.jsonl", os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                size = os.fstat(handle).st_size
                if size and os.pread(handle, 1, size - 1) != b"\n":
                    # What a kill has cut short is ended here, so that it spoils no other line.
                    written = b"\n" + written
                if os.write(handle, written) < len(written):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            finally:
                os.close(handle)
        self._add(line)
