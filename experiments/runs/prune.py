"""What no figure and no table needs any more: listed with its size, and removed when that is asked for."""

from __future__ import annotations

import contextlib
import math
import shutil
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from critical.core.spec import SpecError
from critical.execution import locks, published
from critical.execution.catalogue import Catalogue
from critical.execution.records import read_line
from critical.results import Results
from experiments.runs.needs import needs
from experiments.runs.printing import counted, show
from experiments.runs.texts import acting

LEFT_BEHIND_SECONDS = 3600.0
"""A file that was begun so long ago and never got its name is no longer being written."""


@dataclass(frozen=True)
class Unneeded:
    """What may go.

    Attributes:
        runs: Ids of finished runs, or of unfinished ones.
        states: Checkpoints.
        records: Files of epochs, none of which is needed.
        rest: Marks, and files that a kill has left half written.
        spared: How many unfinished runs are spared, which no figure and no table needs.
    """

    runs: tuple[str, ...]
    states: tuple[Path, ...]
    records: tuple[Path, ...]
    rest: tuple[Path, ...]
    spared: int = 0

    def paths(self, root: Path) -> list[Path]:
        """Returns all of it, what names a run last: who is interrupted can find the rest again."""
        runs = [path for run in self.runs for path in (root / "planned" / f"{run}.json", root / "runs" / run)]
        return [*self.rest, *self.records, *self.states, *runs]


def prune(results: Results, keep: Sequence[str] = (), unfinished: bool = False, yes: bool = False) -> int:
    """Lists what is not needed, or removes it; returns the exit status.

    Args:
        results: The runs.
        keep: Ids of runs that are spared, with all that belongs to them.
        unfinished: Whether unfinished runs may go.
        yes: Whether it is removed. Then nobody else may work in the store, and nobody begins until it is done.

    Raises:
        SpecError: A record or a table cannot be read, so that nobody knows what is needed.
    """
    if sys.stderr.isatty():
        print("looking at what figures and tables need …", file=sys.stderr)
    if not yes:
        found = unneeded(results, keep, unfinished, damaged=True)
        told = _told(results, found)
        print(f"{bytes_in_words(told)} in all; nothing was removed, --yes removes it" if told else "nothing to remove")
        return 0
    with locks.alone(results.root / "in_use") as free:
        if not free or any(locks.held(path) for path in results.root.glob("locks/*.lock")):
            print(f"error: another process trains in {results.root}, so nothing was removed; give the command "
                  "again when it is done", file=sys.stderr)  # fmt: skip
            return 1
        found = unneeded(results, keep, unfinished)
        size = _told(results, found)
        for path in found.paths(results.root):
            _remove(path)
    print(f"removed: {bytes_in_words(size)}" if size else "nothing to remove")
    return 0


def unneeded(results: Results, keep: Sequence[str] = (), unfinished: bool = False, damaged: bool = False) -> Unneeded:
    """Returns what no figure and no table needs.

    Args:
        results: The runs.
        keep: Ids of runs that are spared.
        unfinished: Whether unfinished runs may go.
        damaged: Whether a record that cannot be read is said and left out; what its run needs counts as not needed.

    Raises:
        SpecError: A table cannot be read, or a record where `damaged` is not set.
    """
    root = results.root
    records, unreadable = Catalogue(root).records()
    for line in unreadable:
        if not damaged:
            raise SpecError(f"{line}, so nobody knows what it needs; remove it first")
        print(f"warning: {line}, so nobody knows what it needs; --yes removes nothing before it is removed",
              file=sys.stderr)  # fmt: skip
    states = {path: path.stem for path in root.glob("states/*/[!.]*.pt")}
    files = {path: _keys(path) for path in root.glob("records/*.jsonl")}
    marks = {path: path.name for path in root.glob("wanted/*")}
    found = needs(results.folder, records, {*states.values(), *(key for keys in files.values() for key in keys)})
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    spared = {run for run in records if run in keep or ("environment" not in records[run] and not unfinished)}
    keys = found.keys | {key for run in spared for key in records[run]["keys"]}
    runs = [run for run in records if run not in found.runs | spared]
    before = time.time() - LEFT_BEHIND_SECONDS
    begun = [path for pattern in ("states/*/.*", "runs/*/.*", "planned/.*", "makers/.*") for path in root.glob(pattern)]
    return Unneeded(
        tuple(runs),
        tuple(path for path, key in states.items() if key not in keys),
        tuple(path for path, held in files.items() if not held & keys),
        (
            *(path for path, key in marks.items() if key not in keys),
            *(path for path in begun if path.is_file() and path.stat().st_mtime < before),
        ),
        len([run for run in spared - found.runs if run not in keep]),
    )


def _keys(path: Path) -> set[str]:
    """Returns the keys in a file of epochs; of damaged lines nobody needs to know."""
    found = set()
    for line in path.read_bytes().split(b"\n"):
        with contextlib.suppress(ValueError, KeyError):
            found.add(read_line(line)[0]["key"])
    return found


def _told(results: Results, found: Unneeded) -> int:
    """Prints what may go, and what is spared; returns the size of what may go in bytes."""
    root = results.root
    folders = {run: _size([root / "runs" / run, root / "planned" / f"{run}.json"]) for run in found.runs}
    if found.runs:
        print("runs that no figure and no table needs:")
        rows = [_cells(results.row(run)) for run in found.runs]
        show({name: [row[name] for row in rows] for name in rows[0]}, ("seed", "accuracy"), ("written", "data"))
    groups: dict[str, tuple[int, int]] = {
        "runs": (len(found.runs), sum(folders.values())),
        "checkpoints": (len(found.states), _size(found.states)),
        "files of epochs": (len(found.records), _size(found.records)),
        "marks and half-written files": (len(found.rest), _size(found.rest)),
    }
    for name, (number, size) in groups.items():
        if number:
            print(f"  {counted(number, name)}: {bytes_in_words(size)}")
    if found.spared:
        print(f"  spared, since unfinished: {counted(found.spared, 'runs')}; --unfinished counts them in")
    return sum(size for _, size in groups.values())


def _cells(row: Mapping[str, Any]) -> dict[str, str]:
    """Returns a row of the list of runs."""
    return {
        "run": row["run_id"],
        "data": row["data"],
        "deficit": acting(row),
        "seed": str(row["seed"]),
        "accuracy": "" if math.isnan(row["accuracy"]) else f"{row['accuracy']:.2f} %",
        "written": row["date"][:10],
        "command": row["command"],
    }


def _size(paths: Iterable[Path]) -> int:
    """Returns the bytes of files and of all that folders hold."""
    total = 0
    for path in paths:
        files = path.rglob("*") if path.is_dir() else [path]
        for file in files:
            with contextlib.suppress(FileNotFoundError):
                total += file.stat().st_size if file.is_file() else 0
    return total


def _remove(path: Path) -> None:
    """Removes a file or a folder, that of a run with its record first: half of a run is none."""
    if path.is_dir():
        (path / published.RECORD).unlink(missing_ok=True)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def bytes_in_words(size: int) -> str:
    """Returns a size as people read it: `1.2 MiB`."""
    value, units = float(size), iter(("B", "KiB", "MiB", "GiB", "TiB"))
    unit = next(units)
    while value >= 1024 and unit != "TiB":
        value, unit = value / 1024, next(units)
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
