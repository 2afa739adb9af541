"""The record of a figure: all that the report, a reader and `make verify` have to know about it, as one JSON file.

A record lies beside the picture, `results/figures/<profile>/<figure>.json`, and beside the table, whose provenance it
is: tables are kept and passed on.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from critical.core.files import write_atomically
from critical.core.spec import closest
from critical.inference.verdicts import Word

WORDS = get_args(Word)
_VERDICT_KEYS = (
    *("claim_id", "source", "sentence", "unit", "ratio", "verdict", "confirmed", "reason"),
    *("effect", "low", "high", "p", "n", "smallest"),
)


@dataclasses.dataclass(kw_only=True)
class FigureRecord:
    """What the report has to know about one figure.

    Attributes:
        figure: Its name, with slashes: `iclr2019/deficit_removal`.
        title: A heading.
        caption: What is seen, as plain text.
        alt: The picture in words, for readers who do not see it.
        command: The line that makes the figure.
        data: The data it was made with.
        schedule: The schedule of the learning rate.
        seeds: The seeds of its runs.
        made_by: Who made the runs: mappings of `commit`, `machine`, `versions` and `seeds`, one a sitting.
        wall_seconds: How long the command took; little when all runs were stored already.
        runs: How many runs the figure shows.
        epochs_needed: Epochs trained with shared pasts trained once.
        epochs_separate: Epochs if every run had been trained from scratch.
        table: Path of the CSV, below `results`.
        created: ISO date, 2026-01-31.
        cpu_seconds: Process time of training and measuring the figure's epochs, whenever that was.
        failures: One line for each failed run.
        verdicts: Fields of `critical.inference.verdicts.Verdict`, one mapping a claim. Intervals are 95 %.
        arms: For each arm its label, role and, where it has a deficit, how well that was learnt (percent).
        deviations: What differs from the paper, one sentence each.
    """

    figure: str
    title: str
    caption: str
    alt: str
    command: str
    data: str
    schedule: str
    seeds: list[int]
    made_by: list[dict[str, Any]]
    wall_seconds: float
    runs: int
    epochs_needed: int
    epochs_separate: int
    table: str
    created: str
    cpu_seconds: float | None = None
    failures: list[str] = dataclasses.field(default_factory=list)
    verdicts: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    deviations: list[str] = dataclasses.field(default_factory=list)
    arms: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuses names that leave the folder, and verdicts that nobody has defined.

        Raises:
            ValueError: One line that says what is wrong and where.
        """
        _checked_name(self.figure, "figure")
        for verdict in self.verdicts:
            where = f"{self.figure}: verdict on '{verdict.get('claim_id', '?')}'"
            missing = [key for key in _VERDICT_KEYS if key not in verdict]
            if missing:
                raise ValueError(f"{where} lacks {', '.join(missing)}")
            if verdict["verdict"] not in WORDS:
                word = str(verdict["verdict"])
                raise ValueError(f"{where}: there is no verdict '{word}'; {closest(word, WORDS)}")


def write_record(record: FigureRecord, results: Path, profile: str) -> Path:
    """Writes the record of a figure beside its picture.

    Args:
        record: Its `table` may be given from `results`, from the working directory, or in full; it is
            kept relative to `results`, so that the files can move together.
        results: The folder of tables, figures and reports.
        profile: "quick", "laptop", …

    Returns:
        The path `results/figures/<profile>/<figure>.json`.

    Raises:
        ValueError: If the table lies outside `results`, or a name holds something but letters,
            digits, `_`, `-` and (for the figure) `/`.
    """
    content = {**dataclasses.asdict(record), "table": _below(record.table, results, record.figure)}
    path = results / "figures" / _checked_name(profile, "profile", slashes=False) / f"{record.figure}.json"
    text = json.dumps(_without_nan(content), indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, f"{text}\n".encode())
    return path


def read_records(results: Path, profile: str, where: str = "figures") -> list[FigureRecord]:
    """Reads the records of a profile: the papers' figures by year, then ours, in the order of their names.

    Args:
        results: The folder of tables, figures and reports.
        profile: "quick", "laptop", …
        where: Those beside the pictures (`figures`), or those beside the committed tables (`reference`).

    Returns:
        The records; none when no figure was made. Unknown numbers of verdicts are None.

    Raises:
        ValueError: If a file is no record: one line that names it.
    """
    folder = results / where / _checked_name(profile, "profile", slashes=False)
    fields = {field.name: field for field in dataclasses.fields(FigureRecord)}
    records = []
    for path in sorted(folder.rglob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(content, dict):
                raise ValueError("it holds no mapping")
            if unknown := sorted(set(content) - set(fields)):
                raise ValueError(f"unknown keys {', '.join(unknown)}")
            record = FigureRecord(**content)
            if path != folder / f"{record.figure}.json":
                raise ValueError(f"it is the record of '{record.figure}'")
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path} is no record of a figure ({error}); make the figure again") from error
        records.append(record)
    return sorted(records, key=lambda record: (*_year(record.figure), record.figure))


def _year(figure: str) -> tuple[bool, str]:
    """Sorts a paper's figures by the year its folder ends in (`iclr2019/…`), and those without a year behind."""
    year = figure.partition("/")[0][-4:]
    return not year.isdecimal(), year if year.isdecimal() else ""


def _checked_name(name: str, what: str, slashes: bool = True) -> str:
    part = r"[A-Za-z0-9_\-]+"
    if not re.fullmatch(rf"{part}(/{part})*" if slashes else part, name):
        allowed = "letters, digits, '_' and '-'" + (", with '/' between parts" if slashes else "")
        raise ValueError(f"{what}={name!r}: expected {allowed}")
    return name


def _below(table: str, results: Path, figure: str) -> str:
    """The path of a table relative to `results`."""
    for path in (results / table, Path(table)):
        full = path.resolve()
        if full.is_relative_to(results.resolve()) and full.is_file():
            return full.relative_to(results.resolve()).as_posix()
    raise ValueError(f"{figure}: the table '{table}' is not a file below '{results}'; write it first")


def _without_nan(value: Any) -> Any:
    """JSON has no NaN: an unknown number is null."""
    if isinstance(value, Mapping):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_without_nan(item) for item in value]
    if hasattr(value, "item"):  # a number of numpy
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
