"""Is a store what was written? Every file of it is read and compared with its checksum."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from critical.core.spec import identity
from critical.execution import published
from critical.execution.records import read_line

STATES, LINES, RUNS, MAKERS = "checkpoints", "epochs", "runs", "makers"


@dataclass
class Verification:
    """What a look at every file gave.

    Attributes:
        damaged: A line for each file, or line of one, that is not what was written.
        checked: How many there are of each kind, damaged ones included.
        unverifiable: How many of them, made by earlier versions, have no checksum; they can be read.
    """

    damaged: list[str] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)
    unverifiable: Counter[str] = field(default_factory=Counter)


def verify(root: Path) -> Verification:
    """Verifies a store, whoever works in it meanwhile.

    Args:
        root: Its folder.
    """
    found = Verification()
    for path in sorted(root.glob("states/*/*.pt")):
        found.checked[STATES] += 1
        found.damaged += _state(path)
    for path in sorted(root.glob("records/*.jsonl")):
        found.damaged += _lines(path, found)
    for path in sorted(root.glob("makers/*.json")):
        found.checked[MAKERS] += 1
        found.damaged += _maker(path)
    for folder in sorted(path.parent for path in root.glob(f"runs/*/{published.RECORD}")):
        found.checked[RUNS] += 1
        try:
            found.unverifiable[RUNS] += not published.check_files(folder, published.read(folder))
        except published.Damaged as error:
            found.damaged.append(str(error))
    return found


def _state(path: Path) -> Iterator[str]:
    """Yields what is wrong with a checkpoint, which holds checksums (CRC-32) of its own."""
    try:
        with zipfile.ZipFile(path) as parts:
            damaged = parts.testzip()
    except FileNotFoundError:
        return  # a worker has dropped it meanwhile
    except (OSError, zipfile.BadZipFile, RuntimeError) as error:
        yield f"{path} cannot be read ({type(error).__name__})"
    else:
        if damaged:
            yield f"{path} is not what was written: the checksum of {damaged} differs"


def _lines(path: Path, found: Verification) -> Iterator[str]:
    """Yields the damaged lines of a record file; what stands behind the last end of a line was never whole."""
    try:
        *lines, _ = path.read_bytes().split(b"\n")
    except OSError as error:
        yield f"{path} cannot be read ({type(error).__name__})"
        return
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        found.checked[LINES] += 1
        try:
            found.unverifiable[LINES] += not read_line(line)[1]
        except ValueError as error:
            yield f"{path}, line {number}, is damaged ({_first(error)})"


def _maker(path: Path) -> Iterator[str]:
    """Yields what is wrong with the description of a maker, whose name is its checksum."""
    try:
        whole = identity(json.loads(path.read_bytes())) == path.stem
    except (OSError, ValueError, TypeError) as error:
        yield f"{path} cannot be read ({type(error).__name__})"
    else:
        if not whole:
            yield f"{path} is not what was written: its checksum differs"


def _first(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
