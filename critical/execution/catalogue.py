"""The runs of a store by their records: which there are, a table of them, one by a beginning of its id.

Nothing here imports torch, so commands that only list runs start at once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from critical.core.spec import SpecError, closest, from_settings
from critical.execution import locks, published
from critical.execution.records import Records
from critical.training import schedules

FINISHED, FAILED, RUNNING, UNFINISHED = "finished", "failed", "running", "unfinished"
STATES = (FINISHED, FAILED, RUNNING, UNFINISHED)
"""A run that is `unfinished` goes on where it stopped when its command is given again; one that is `running` is under
way now, or another is that shares its past."""
COLUMNS = (
    *("run_id", "state", "date", "data", "model", "deficit", "view", "onset", "removal", "stabilizer", "schedule"),
    *("rate", "rate_at_onset", "seed", "epochs", "trained", "accuracy", "loss", "device", "commit", "command"),
    "failure",
)
WORDS = ("deficit", "failure")
"""Columns of epochs that hold text."""
_OLD_PANDAS = tuple(int(part) for part in pd.__version__.split(".")[:2]) < (3, 1)
_EXACT: dict[str, Any] = {"float_precision": "round_trip"} if _OLD_PANDAS else {}
"""From 3.1 on pandas reads every number as it was written, and warns when it is asked to."""


class Catalogue:
    """The runs of a store. Nothing is changed there.

    Args:
        root: The folder of the store.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def records(self) -> tuple[dict[str, dict[str, Any]], list[str]]:
        """Returns the records of all runs by their ids, and a line for each that cannot be read.

        Those of unfinished runs hold their settings and keys, and no `environment`.
        """
        found: dict[str, dict[str, Any]] = {}
        damaged = []
        for path in sorted(self.root.glob(f"runs/*/{published.RECORD}")):
            try:
                found[path.parent.name] = checked(published.read(path.parent), path)
            except published.Damaged as error:
                damaged.append(str(error))
        for path in sorted(self.root.glob("planned/*.json")):
            try:
                if path.stem not in found:
                    found[path.stem] = checked(json.loads(path.read_bytes()), path, path.stem)
            except FileNotFoundError:
                continue  # it was finished meanwhile
            except published.Damaged as error:
                damaged.append(str(error))
            except (OSError, ValueError) as error:
                damaged.append(f"{path} cannot be read ({type(error).__name__})")
        return found, damaged

    def table(self, records: Mapping[str, Mapping[str, Any]], damaged: list[str] | None = None) -> pd.DataFrame:
        """Returns a row a run with `COLUMNS`, the last ones first.

        Args:
            records: By id.
            damaged: Gets a line for each run whose epochs are needed and cannot be read; it has no row.

        Raises:
            SpecError: There is such a run, and `damaged` is left out.
        """
        lines = Records(self.root / "records")
        if any("environment" not in record for record in records.values()):
            lines.refresh()
        rows = []
        for record in records.values():
            try:
                rows.append(self._row(record, lines))
            except SpecError as error:
                if damaged is None:
                    raise
                damaged.append(str(error))
        made = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"accuracy": float, "loss": float})
        return made.sort_values(["date", "run_id"], ascending=[False, True], ignore_index=True)

    def _row(self, record: Mapping[str, Any], lines: Records) -> dict[str, Any]:
        row = {**described(record), "run_id": record["run_id"], "date": record.get("date", ""), "failure": ""}
        if "environment" not in record:
            done = (lines.get(key) for key in record["keys"][1:])
            active = any(locks.held(self.root / "locks" / f"{key}.lock") for key in record["keys"][1:])
            row |= {"state": RUNNING if active else UNFINISHED, "command": "", "commit": ""}
            return row | {"trained": sum(bool(held and held["train"]) for held in done)}
        failure = record["failure"] or ""
        row |= {"state": FAILED if failure else FINISHED, "failure": failure, "trained": row["epochs"]}
        row |= {"accuracy": record.get("accuracy"), "loss": record.get("loss")}
        if failure or "accuracy" not in record:
            epochs = self.epochs(record["run_id"])
            row["trained"] = len(epochs) - bool(failure)
            if not failure:
                last = epochs.iloc[-1].to_dict()
                row |= {"accuracy": last.get("test_accuracy"), "loss": last.get("test_loss")}
        makers = record.get("made_by") or [record["environment"]]
        return row | {"command": record.get("command", ""), "commit": makers[0].get("commit", "unknown")}

    def epochs(self, run_id: str) -> pd.DataFrame:
        """Returns the epochs of a finished run.

        Raises:
            SpecError: Their file cannot be read.
        """
        path = self.root / "runs" / run_id / published.EPOCHS
        try:
            table = pd.read_csv(path, dtype=dict.fromkeys(WORDS, str), keep_default_na=False, na_values=[""], **_EXACT)
        except (OSError, ValueError) as error:
            raise SpecError(f"run {run_id}: {path} cannot be read ({type(error).__name__}); remove its folder: who "
                            "trains the run again writes it anew") from error  # fmt: skip
        return table.assign(**{name: table[name].fillna("") for name in WORDS if name in table})

    def finished(self, run_id: str) -> bool:
        """Returns whether a run is finished, or has failed."""
        return (self.root / "runs" / run_id / published.RECORD).exists()

    def ids(self) -> set[str]:
        """Returns the ids of all runs."""
        finished = {path.parent.name for path in self.root.glob(f"runs/*/{published.RECORD}")}
        return finished | {path.stem for path in self.root.glob("planned/*.json")}

    def find(self, run: str) -> str:
        """Returns the whole id of a run.

        Args:
            run: Its id, or a beginning of it that no other run has.

        Raises:
            SpecError: No run has it, or several.
        """
        ids = self.ids()
        found = [run] if run in ids else sorted(name for name in ids if run and name.startswith(run))
        if len(found) == 1:
            return found[0]
        if found:
            raise SpecError(f"run {run}: {len(found)} runs begin so ({found[0]}, {found[1]}, …); give more of the id")
        near = closest(run, ids) if 0 < len(ids) < 6 else "python -m experiments.runs list shows those there are"
        raise SpecError(f"run {run!r}: there is none in {self.root}; {near}")

    def record(self, run_id: str) -> dict[str, Any]:
        """Returns the record of a run.

        Raises:
            SpecError: It is damaged.
        """
        try:
            if self.finished(run_id):
                folder = self.root / "runs" / run_id
                return checked(published.read(folder), folder / published.RECORD)
            path = self.root / "planned" / f"{run_id}.json"
            return checked(json.loads(path.read_bytes()), path, run_id)
        except (OSError, ValueError) as error:
            raise SpecError(f"run {run_id}: {error}; remove that: who trains the run again writes it anew") from error


_KINDS: dict[str, tuple[type, ...]] = {
    **{"keys": (list,), "date": (str,), "command": (str,), "failure": (str, type(None)), "environment": (dict,)},
    **{"accuracy": (int, float, type(None)), "loss": (int, float, type(None)), "made_by": (list,)},
}
"""What a record holds, where it does."""
_NUMBERS = ("onset", "removal", "rate", "rate_at_onset", "seed", "epochs")


def checked(record: Any, path: Path, run_id: str | None = None) -> dict[str, Any]:
    """Returns a record, or refuses one that does not hold what records do.

    Args:
        record: What was read.
        path: From where.
        run_id: Whose it has to be; None: it is known.

    Raises:
        Damaged: A part lacks, or is of another kind.
    """
    try:
        row = described(record)
        wrong = [name for name, value in row.items() if isinstance(value, str) == (name in _NUMBERS)]
        wrong += [name for name, kinds in _KINDS.items() if name in record and not isinstance(record[name], kinds)]
        wrong += [name for name in _NUMBERS if not isinstance(row[name], (int, float))]
        if not wrong and not all(isinstance(key, str) for key in record["keys"]):
            wrong = ["keys"]
        if not wrong and not all(isinstance(maker.get("commit", ""), str) for maker in record.get("made_by", [])):
            wrong = ["made_by"]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise published.Damaged(f"{path} is damaged: it is no record of a run ({type(error).__name__})") from error
    if wrong:
        raise published.Damaged(f"{path} is damaged: {wrong[0]} is of another kind than in records of runs")
    if run_id is not None and record.get("run_id") != run_id:
        raise published.Damaged(f"{path} is damaged: it is of another run")
    return dict(record)


def described(record: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings of a run as columns."""
    windows, methods = record["timeline"]["windows"], record.get("stabilizers", [])
    return {
        "data": record["data"]["name"],
        "model": record["model"]["name"],
        "deficit": "+".join(dict.fromkeys(window["deficit"]["name"] for window in windows)) or "none",
        "view": "+".join(dict.fromkeys(view for window in windows if (view := window["deficit"].get("view")))),
        "onset": min((window["start"] for window in windows), default=0),
        "removal": max((window["end"] for window in windows), default=0),
        "stabilizer": "+".join(dict.fromkeys(held["stabilizer"]["name"] for held in methods)) or "none",
        "schedule": record["schedule"]["name"],
        "rate": record["schedule"]["rate"],
        "rate_at_onset": _rate_at_onset(record["schedule"], [window["start"] for window in windows]),
        "seed": record["seed"],
        "epochs": record["timeline"]["end"],
        "device": record["arithmetic"]["device"],
    }


def _rate_at_onset(schedule: Mapping[str, Any], starts: Sequence[int]) -> float:
    """Returns the rate in the first epoch of the windows, that of epoch 0 without one; NaN for an unknown schedule."""
    if not starts:
        rate: float = schedule["rate"]
        return rate
    try:
        return from_settings(schedules.KINDS, schedule, "schedule").rate_at(min(starts), None)
    except SpecError:
        return math.nan  # of another version: no reason to leave the run out
