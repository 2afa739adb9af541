"""The run store: checkpoints and records under the keys of prefixes, and claims that die with their owner.

Layout, below one folder:

    states/<kk>/<key>.pt      state of the network and the optimiser at a key (kept at forks and ends)
    records/<key>.jsonl       what the epochs of the segment that begins with the key measured, or how one failed
    wanted/<key>              some process has runs that fork here: keep this checkpoint
    locks/<key>.lock          held by the process that trains from the state before the key; see `workers`
    makers/<name>.json        who trained: commit, machine and versions, named in records
    planned/<run_id>.json     a run that was begun; removed when it is finished
    runs/<run_id>/            a finished run as people read it; see `published`
    in_use                    shared by all who work in the store; who takes something away has it alone

`<kk>` are the first two digits of the key. Checkpoints and what people read are written beside themselves and
renamed, so readers never see half of one and two writers of the same key do no harm: they write the same.
Records grow by whole lines (`critical.execution.records`).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import warnings
import weakref
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from critical.core import environment as surroundings
from critical.core.files import write_atomically, writing
from critical.core.spec import identity, places
from critical.execution import locks, published, writable
from critical.execution.locks import Lock
from critical.execution.records import Record, Records
from critical.training.runs import RunSpec

_FOLDERS = ("states", "records", "wanted", "locks", "makers", "planned", "runs")


class RunStore:
    """Reads and writes one store.

    Args:
        root: Its folder; made when missing.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self._records = Records(self.root / "records")
        self._in_use = False

    def check(self) -> None:
        """Raises WriteError where the store cannot be written."""
        writable.check(self.root, _FOLDERS)

    def use(self) -> None:
        """Keeps others from taking anything away, until the process ends or this object is gone."""
        if self._in_use:
            return
        # Where there are no locks, or nothing can be written, nothing is taken away either.
        with contextlib.suppress(OSError):
            weakref.finalize(self, os.close, locks.shared(self.root / "in_use"))
        self._in_use = True

    def state_path(self, key: str) -> Path:
        """Returns where the checkpoint of a key lies."""
        return self.root / "states" / key[:2] / f"{key}.pt"

    def has_state(self, key: str) -> bool:
        """Returns whether a checkpoint is stored under the key."""
        return self.state_path(key).exists()

    def save_state(self, key: str, state: dict[str, Any]) -> None:
        """Stores a checkpoint.

        Raises:
            WriteError: The disk is full, or the folder cannot be written.
        """
        content = io.BytesIO()
        # Not to the file: torch's own words for a full disk do not say so.
        torch.save(state, content)
        write_atomically(self.state_path(key), content.getbuffer())

    def load_state(self, key: str, device: str) -> dict[str, Any] | None:
        """Returns a checkpoint, or None where there is none that can be read.

        A file that is damaged (a full disk, a lost node) is taken away with a warning: the epochs
        that led to it are trained again.
        """
        path = self.state_path(key)
        try:
            return self.read_state(key, device)
        except FileNotFoundError:
            return None
        except Exception as error:
            # Not torch's own words: they fill a paragraph and advise to load the file unsafely.
            reason = type(error).__name__
            warnings.warn(f"checkpoint {path} cannot be read ({reason}); training it again", stacklevel=2)
            path.unlink(missing_ok=True)
            return None

    def read_state(self, key: str, device: str) -> dict[str, Any]:
        """Returns a checkpoint.

        Raises:
            FileNotFoundError: There is none.
            BadZipFile: Its checksums differ: torch itself would load changed weights without a word.
        """
        path = self.state_path(key)
        with zipfile.ZipFile(path) as parts:
            if damaged := parts.testzip():
                raise zipfile.BadZipFile(f"checksum of {damaged}")
        held: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        return held

    def drop_state(self, key: str) -> None:
        """Removes a checkpoint on the way, unless some process wants to fork there."""
        if not self.wanted(key):
            self.state_path(key).unlink(missing_ok=True)

    def want(self, keys: Iterable[str]) -> None:
        """Says that the checkpoints under these keys are to be kept."""
        folder = self.root / "wanted"
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for key in keys:
                (folder / key).touch()

    def wanted(self, key: str) -> bool:
        """Returns whether some process wants the checkpoint under a key to be kept."""
        return (self.root / "wanted" / key).exists()

    def announce(self, specs: Iterable[RunSpec]) -> None:
        """Notes runs that are about to be trained, so that they have names before they are finished."""
        for spec in specs:
            path = self.root / "planned" / f"{spec.run_id}.json"
            if not path.exists() and not (self.root / "runs" / spec.run_id / published.RECORD).exists():
                record = spec.describe() | {"keys": list(spec.keys), "places": places(spec.data)}
                write_atomically(path, json.dumps(record).encode())

    def refresh(self) -> None:
        """Takes in the records that others have written since the last time."""
        self._records.refresh()

    def record(self, key: str) -> Record | None:
        """Returns the record of a key as of the last `refresh`; not to be changed.

        It is `{"train": {...}, "probes": {id: {...}}, "seconds": {...}, "failure": str | None, "maker": …}`.
        """
        return self._records.get(key)

    def write_record(self, segment: str, key: str, record: Record) -> None:
        """Adds to the record of a key; `segment` is the first key of the segment that it lies on."""
        self._records.append(segment, key, record)

    def failure(self, key: str) -> str | None:
        """Returns how the epoch that leads to the key failed; None where it did not, or is still to come."""
        record = self.record(key)
        return record["failure"] if record else None

    def complete(self, key: str, probe_ids: Iterable[str]) -> bool:
        """Returns whether the epoch that leads to the key is recorded with these probes, or failed."""
        record = self.record(key)
        if record is None:
            return False
        measured = record["train"] is not None and record["probes"].keys() >= set(probe_ids)
        return measured or record["failure"] is not None

    def claim(self, key: str) -> Lock | None:
        """Claims to train from the state before a key; returns None when another process does.

        Whoever claims looks again at what has been trained meanwhile.
        """
        return locks.lock(self.root / "locks" / f"{key}.lock")

    def row(self, spec: RunSpec, epoch: int) -> dict[str, Any] | None:
        """Returns the measurements after `epoch` epochs of a run as one flat row, as of the last `refresh`.

        Args:
            spec: The run.
            epoch: 1 … the run's end.

        Returns:
            None while something is missing; with `failure` (a message) when the run stopped there. It has the
            columns of the probes that are due then (`RunSpec.measured`), and `seconds` of process time.
        """
        record = self.record(spec.keys[epoch])
        if record is None:
            return None
        epoch_spec = spec.epoch_specs[epoch - 1]
        row: dict[str, Any] = {
            "epoch": epoch,
            "deficit": "+".join(deficit.name for deficit in epoch_spec.deficits),
            "reset_optimizer": epoch_spec.reset_optimizer,
        }
        if record["failure"]:
            return row | {"failure": record["failure"]}
        due = spec.measured(epoch)
        if not self.complete(spec.keys[epoch], (probe.id for probe in due)):
            return None
        row |= record["train"]
        for probe in due:
            row |= record["probes"][probe.id]
        return row | {"seconds": sum(record["seconds"].values())}

    def rows(self, spec: RunSpec) -> list[dict[str, Any]] | None:
        """Returns a finished run's rows, an epoch each; None while it is not finished.

        A run that failed ends with the row that holds its `failure`.
        """
        self.refresh()
        rows = []
        for epoch in range(1, spec.timeline.end + 1):
            row = self.row(spec, epoch)
            if row is None:
                return None
            rows.append(row)
            if "failure" in row:
                break
        return rows

    def cpu_seconds(self, keys: Iterable[str]) -> float:
        """Returns the process time in seconds that training and measuring the epochs of these keys took."""
        self.refresh()
        records = (self.record(key) for key in keys)
        return sum(sum(record["seconds"].values()) for record in records if record)

    def publish(self, spec: RunSpec, environment: dict[str, Any]) -> Path:
        """Writes a finished run as people read it, unless it is there: `runs/<run_id>/run.json` and `epochs.csv`.

        Args:
            spec: The run; it must be finished.
            environment: Versions, machine and commit, as `critical.core.environment.describe` gives them.

        Returns:
            The folder.
        """
        self.use()
        folder = self.root / "runs" / spec.run_id
        if not (folder / published.RECORD).exists():
            rows = self.rows(spec)
            if rows is None:
                raise ValueError(f"run {spec.run_id} is not finished")
            table = pd.DataFrame(rows).to_csv(index=False).encode()
            record = spec.describe() | {
                "keys": list(spec.keys),
                "places": places(spec.data),
                "forked_from": self._fork_parent(spec),
                "accuracy": rows[-1].get("test_accuracy"),
                "loss": rows[-1].get("test_loss"),
                "failure": rows[-1].get("failure"),
                "date": published.now(),
                "command": surroundings.command(),
                "made_by": surroundings.merged(self.makers(spec).values()),
                "environment": environment,
                "sums": {published.EPOCHS: published.sha256(table)},
            }
            write_atomically(folder / published.EPOCHS, table)
            write_atomically(folder / published.RECORD, published.signed(record))
        (self.root / "planned" / f"{spec.run_id}.json").unlink(missing_ok=True)
        return folder

    def sign(self, environment: Mapping[str, Any]) -> str:
        """Notes who is about to train, as `core.environment.describe` gives it; returns the name that records take."""
        maker = {key: environment[key] for key in ("commit", "machine", "versions")}
        name = identity(maker)
        write_atomically(self.root / "makers" / f"{name}.json", json.dumps(maker, indent=1).encode())
        return name

    def makers(self, spec: RunSpec) -> dict[str, dict[str, Any]]:
        """Returns who made the epochs of a finished run: commit, machine and versions, by the key after each epoch.

        Where the record of an epoch does not say, who finished the run; `{}` where nobody knows. Epochs after a failure
        were made by nobody and are left out.
        """
        self.refresh()
        records = {key: record for key in spec.keys[1:] if (record := self.record(key))}
        names = {key: record.get("maker") for key, record in records.items()}
        finished = self.root / "runs" / spec.run_id / "run.json"
        known: dict[Any, dict[str, Any]] = {None: {}}
        if None in names.values() and finished.exists():
            known[None] = json.loads(finished.read_bytes())["environment"]
        for name in set(names.values()) - {None}:
            known[name] = json.loads((self.root / "makers" / f"{name}.json").read_bytes())
        return {key: known[name] for key, name in names.items()}

    def _fork_parent(self, spec: RunSpec) -> dict[str, Any] | None:
        """Returns key and epoch of the last stored state that other runs may share with this one."""
        for epoch in range(spec.timeline.end - 1, 0, -1):
            if self.has_state(spec.keys[epoch]):
                return {"key": spec.keys[epoch], "epoch": epoch}
        return None
