"""The run store: checkpoints and records under the keys of prefixes, and locks that die with their owner.

Layout, below one folder:

    states/<kk>/<key>.pt      state of the network and the optimiser at a key (kept at forks and ends)
    records/<kk>/<key>.json   what the epoch that led to the key measured, or how it failed
    wanted/<key>              some process has runs that fork here: keep this checkpoint
    locks/<key>.lock          held by the process that trains the epoch that leads to the key
    runs/<run_id>/            a finished run as people read it: run.json and epochs.csv

`<kk>` are the first two digits of the key. Every file is written beside itself and renamed, so
readers never see half of one and two writers of the same key do no harm: they write the same.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from filelock import FileLock, Timeout

from critical.core.files import replacing, write_atomically
from critical.core.spec import identity, settings
from critical.training.runs import RunSpec


class RunStore:
    """Reads and writes one store.

    Args:
        root: Its folder; made when missing.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def state_path(self, key: str) -> Path:
        """Returns where the checkpoint of a key lies."""
        return self.root / "states" / key[:2] / f"{key}.pt"

    def record_path(self, key: str) -> Path:
        """Returns where the record of a key lies."""
        return self.root / "records" / key[:2] / f"{key}.json"

    def has_state(self, key: str) -> bool:
        """Tells whether a checkpoint is stored under the key."""
        return self.state_path(key).exists()

    def save_state(self, key: str, state: dict[str, Any]) -> None:
        """Stores a checkpoint."""
        with replacing(self.state_path(key)) as temporary:
            torch.save(state, temporary)

    def load_state(self, key: str, device: str) -> dict[str, Any] | None:
        """Returns a checkpoint, or None where there is none that can be read.

        A file that is damaged (a full disk, a lost node) is taken away with a warning: the epochs
        that led to it are trained again.
        """
        path = self.state_path(key)
        try:
            held: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
            return held
        except FileNotFoundError:
            return None
        except Exception as error:
            # Not torch's own words: they fill a paragraph and advise to load the file unsafely.
            reason = type(error).__name__
            warnings.warn(f"checkpoint {path} cannot be read ({reason}); training it again", stacklevel=2)
            path.unlink(missing_ok=True)
            return None

    def drop_state(self, key: str) -> None:
        """Removes a checkpoint on the way, unless some process wants to fork there."""
        if not self.wanted(key):
            self.state_path(key).unlink(missing_ok=True)

    def want(self, keys: Iterable[str]) -> None:
        """Says that the checkpoints under these keys are to be kept."""
        folder = self.root / "wanted"
        folder.mkdir(parents=True, exist_ok=True)
        for key in keys:
            (folder / key).touch()

    def wanted(self, key: str) -> bool:
        """Tells whether some process wants the checkpoint under a key to be kept."""
        return (self.root / "wanted" / key).exists()

    def record(self, key: str) -> dict[str, Any] | None:
        """Returns the record of a key: `{"train": {...}, "probes": {id: {...}}, "failure": str | None}`."""
        try:
            held: dict[str, Any] = json.loads(self.record_path(key).read_bytes())
            return held
        except FileNotFoundError:
            return None
        except ValueError:
            warnings.warn(f"record {self.record_path(key)} is damaged; making it again", stacklevel=2)
            self.record_path(key).unlink(missing_ok=True)
            return None

    def write_record(self, key: str, record: dict[str, Any]) -> None:
        """Stores the record of a key."""
        write_atomically(self.record_path(key), json.dumps(record).encode())

    def claim(self, key: str) -> FileLock | None:
        """Claims the epoch that leads to a key; None when another process has it.

        The claim is a lock of the operating system: it ends with the process, however that ends.
        Whoever claims looks again whether the epoch has been trained meanwhile.
        """
        folder = self.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{key}.lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return None
        return lock

    def release(self, lock: FileLock) -> None:
        """Ends a claim; the lock's file goes too, since the epoch it guards is done or will be claimed anew."""
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()

    def row(self, spec: RunSpec, epoch: int) -> dict[str, Any] | None:
        """Returns the measurements after `epoch` epochs of a run as one flat row.

        Args:
            spec: The run.
            epoch: 1 … the run's end.

        Returns:
            None while something is missing; with `failure` (a message) when the run stopped there.
        """
        record = self.record(spec.keys[epoch])
        if record is None:
            return None
        act = spec.acts[epoch - 1]
        row: dict[str, Any] = {
            "epoch": epoch,
            "deficit": "+".join(deficit.name for deficit in act.deficits),
            "reset_optimizer": act.reset_optimizer,
        }
        if record["failure"]:
            return row | {"failure": record["failure"]}
        row |= record["train"]
        for probe in spec.probes:
            columns = record["probes"].get(identity(settings(probe)))
            if columns is None:
                return None
            row |= columns
        return row | {"seconds": sum(record["seconds"].values())}

    def rows(self, spec: RunSpec) -> list[dict[str, Any]] | None:
        """Returns a finished run's rows, an epoch each; None while it is not finished.

        A run that failed ends with the row that holds its `failure`.
        """
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
        records = (self.record(key) for key in keys)
        return sum(sum(record["seconds"].values()) for record in records if record)

    def publish(self, spec: RunSpec, environment: dict[str, Any]) -> Path:
        """Writes a finished run as people read it: `runs/<run_id>/run.json` and `epochs.csv`.

        Args:
            spec: The run; it must be finished.
            environment: Versions, machine and commit, as `critical.core.environment.describe` gives them.

        Returns:
            The folder.
        """
        folder = self.root / "runs" / spec.run_id
        if (folder / "run.json").exists():
            return folder
        rows = self.rows(spec)
        if rows is None:
            raise ValueError(f"run {spec.run_id} is not finished")
        write_atomically(folder / "epochs.csv", pd.DataFrame(rows).to_csv(index=False).encode())
        record = spec.describe() | {
            "keys": list(spec.keys),
            "forked_from": self._fork_parent(spec),
            "failure": rows[-1].get("failure"),
            "environment": environment,
        }
        write_atomically(folder / "run.json", json.dumps(record, indent=1).encode())
        return folder

    def _fork_parent(self, spec: RunSpec) -> dict[str, Any] | None:
        """Returns key and epoch of the last stored state that other runs may share with this one."""
        for epoch in range(spec.timeline.end - 1, 0, -1):
            if self.has_state(spec.keys[epoch]):
                return {"key": spec.keys[epoch], "epoch": epoch}
        return None
