"""A finished run as people read it: `run.json` and `epochs.csv` in a folder, with checksums.

`run.json` holds the settings of the run (`RunSpec.describe`) and

    keys, forked_from       the keys of its states, and the last stored one that others may share
    places                  where its data lay
    accuracy, loss          after the last epoch: percent and nats, on the test images
    failure                 why it stopped early, or null
    date, command           when the record was written (UTC), and the command that did
    made_by                 who trained its epochs: commit, machine, versions and the number of epochs of each
    environment             who wrote the record
    sums, sum               checksums (SHA-256) of the files beside it, and of the record without `sum`

Records of earlier versions lack places, accuracy, loss, date, command, made_by and the checksums.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RECORD, EPOCHS = "run.json", "epochs.csv"
NEEDED = {*("data", "model", "optimizer", "augmentation", "schedule", "timeline", "probes", "arithmetic", "seed"),
          *("keys", "failure", "environment")}  # fmt: skip
"""What records of all versions hold."""


class Damaged(ValueError):
    """A file is not what was written; the message is one line that names it."""


def now() -> str:
    """Returns the time as records hold it: `2026-01-31T12:00:00+00:00`."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def sha256(content: bytes) -> str:
    """Returns the checksum of a file's bytes."""
    return hashlib.sha256(content).hexdigest()


def signed(record: Mapping[str, Any]) -> bytes:
    """Returns a record as the bytes of `run.json`, with its checksum."""
    return json.dumps({**record, "sum": _sum(record)}, indent=1).encode()


def _sum(record: Mapping[str, Any]) -> str:
    return sha256(json.dumps(record, sort_keys=True).encode())


def read(folder: Path) -> dict[str, Any]:
    """Reads the record of a run.

    Args:
        folder: `runs/<run_id>`.

    Raises:
        Damaged: It cannot be read, or is not what was written.
    """
    path = folder / RECORD
    try:
        record = json.loads(path.read_bytes())
        held = {key: value for key, value in record.items() if key != "sum"}
    except (OSError, ValueError, AttributeError) as error:
        raise Damaged(f"{path} cannot be read ({type(error).__name__})") from error
    if "sum" in record and record["sum"] != _sum(held):
        raise Damaged(f"{path} is not what was written: its checksum differs")
    if record.get("run_id") != folder.name or not set(record) >= NEEDED:
        raise Damaged(f"{path} is no record of the run {folder.name}")
    return held


def check_files(folder: Path, record: Mapping[str, Any]) -> bool:
    """Compares the files beside a record with its checksums; returns whether it has any.

    Raises:
        Damaged: A file has gone, or is not what was written.
    """
    for name in record.get("sums", {EPOCHS: None}):
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise Damaged(f"{folder / name} cannot be read ({type(error).__name__})") from error
        if "sums" in record and sha256(content) != record["sums"][name]:
            raise Damaged(f"{folder / name} is not what was written: its checksum differs")
    return "sums" in record
