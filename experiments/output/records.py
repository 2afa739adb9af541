"""The record of a figure: all that the report, a reader and `make verify` have to know about it, as one JSON file.

A record lies beside its table, `results/tables/<name>/<figure>.json` or `results/reference/<name>/<figure>.json`:
tables are kept and passed on, and their provenance goes with them. It holds what a reader without the data needs.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from critical.core.files import write_atomically
from critical.core.spec import SpecError, closest
from critical.inference.verdicts import Word
from experiments.design.facts import DataFacts
from experiments.output.naming import checked
from experiments.output.record_checks import check_fields

WORDS = get_args(Word)
OWN, REFERENCE = "tables", "reference"
"""The folders of results, one's own and the committed ones."""
NO_RESULT = "smoke"
"""A profile that says nothing: its results stand beside no others."""
_VERDICT_KEYS = (
    *("claim_id", "source", "sentence", "unit", "ratio", "verdict", "confirmed", "reason"),
    *("effect", "low", "high", "p", "n", "spread", "smallest", "direction", "short", "paper_effect"),
    *("batches", "differs"),
)

_LATER = ("profile", "settings", "data_facts")
"""Fields that records of earlier versions lack, and without which a figure cannot be composed again."""


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
        profile: The profile it was composed from.
        settings: The overrides that change results, and the device, the instructions and the fingerprints of folders
            that were found: with them the design can be composed again, without data and device.
        data_facts: Fields of `experiments.design.facts.DataFacts`.
        timelines: Those of its arms; see `experiments.output.timelines`.
        samples: What the network saw; see `experiments.output.samples`.
        leading: Ids of the claims that the headline speaks of.
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
    profile: str = ""
    settings: list[str] = dataclasses.field(default_factory=list)
    data_facts: dict[str, Any] = dataclasses.field(default_factory=dict)
    timelines: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    samples: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    leading: list[str] = dataclasses.field(default_factory=list)

    @property
    def facts(self) -> DataFacts:
        """What is known of the data."""
        return DataFacts(**self.data_facts)

    def order(self) -> tuple[bool, str, str]:
        """Returns where it stands among others: the papers' figures by year, then ours."""
        return (*_year(self.figure), self.figure)

    def __post_init__(self) -> None:
        """Refuses names that leave the folder, and verdicts that nobody has defined.

        Raises:
            ValueError: One line that says what is wrong and where.
        """
        part = r"[A-Za-z0-9_\-]+"
        if not re.fullmatch(rf"{part}(/{part})*", self.figure):
            raise ValueError(f"figure={self.figure!r}: expected letters, digits, '_' and '-', with '/' between parts")
        known = {verdict.get("claim_id") for verdict in self.verdicts}
        if self.verdicts and (strange := [name for name in self.leading if name not in known]):
            raise ValueError(f"{self.figure}: '{strange[0]}' leads, and there is no verdict on it")
        for verdict in self.verdicts:
            where = f"{self.figure}: verdict on '{verdict.get('claim_id', '?')}'"
            missing = [key for key in _VERDICT_KEYS if key not in verdict]
            if missing:
                raise ValueError(f"{where} lacks {', '.join(missing)}")
            if verdict["verdict"] not in WORDS:
                word = str(verdict["verdict"])
                raise ValueError(f"{where}: there is no verdict '{word}'; {closest(word, WORDS)}")


def write_record(record: FigureRecord, results: Path, name: str, where: str = OWN) -> Path:
    """Writes the record of a figure beside its table.

    Args:
        record: Its `table` may be given from `results`, from the working directory, or in full; it is
            kept relative to `results`, so that the files can move together.
        results: The folder of tables, figures and reports.
        name: The name of the results: "quick", "quick+deficit=occlusion", …
        where: `OWN` or `REFERENCE`.

    Returns:
        The path `results/<where>/<name>/<figure>.json`.

    Raises:
        ValueError: If the table lies outside `results`, or a name cannot be one.
    """
    content = {**dataclasses.asdict(record), "table": _below(record.table, results, record.figure)}
    path = results / where / checked(name) / f"{record.figure}.json"
    text = json.dumps(_without_nan(content), indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, f"{text}\n".encode())
    return path


def read_records(results: Path, name: str, where: str = OWN) -> list[FigureRecord]:
    """Reads the records of results: the papers' figures by year, then ours, in the order of their names.

    Args:
        results: The folder of tables, figures and reports.
        name: The name of the results.
        where: `OWN` or `REFERENCE`.

    Returns:
        The records; none when no figure was made. Unknown numbers of verdicts are None.

    Raises:
        SpecError: If a file is no record, or one of an earlier version: one line that names it.
    """
    records, complaints = readable_records(results, name, where)
    if complaints:
        raise SpecError(complaints[0])
    return records


def readable_records(results: Path, name: str, where: str = OWN) -> tuple[list[FigureRecord], list[str]]:
    """Reads the records of results as `read_records` does, without those that cannot be read.

    Returns:
        The records, and a line for each file that is none.
    """
    folder = results / where / checked(name)
    records, complaints = [], []
    for path in _files(folder):
        try:
            records.append(_read(path, folder))
        except SpecError as error:
            complaints.append(str(error))
    return sorted(records, key=FigureRecord.order), complaints


def read_record(results: Path, name: str, figure: str, where: str = OWN) -> FigureRecord | None:
    """Reads the record of one figure; None where there is none.

    Raises:
        SpecError: As `read_records`.
    """
    folder = results / where / checked(name)
    path = folder / f"{figure}.json"
    return _read(path, folder) if path.exists() else None


def names(results: Path, where: str = OWN) -> list[str]:
    """Returns the names of results that hold a record, sorted."""
    folder = results / where
    return sorted(path.name for path in folder.glob("*") if path.is_dir() and any(_files(path)))


def _files(folder: Path) -> Iterator[Path]:
    """Yields the JSON files of a folder, sorted; hidden ones, such as copies of an editor, are none of ours."""
    for path in sorted(folder.rglob("*.json")):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _read(path: Path, folder: Path) -> FigureRecord:
    fields = {field.name: field for field in dataclasses.fields(FigureRecord)}
    needed = [name for name, field in fields.items() if name in _LATER or (
        field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING)]  # fmt: skip
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it holds no mapping")
        if unknown := sorted(set(content) - set(fields)):
            raise ValueError(f"unknown keys {', '.join(unknown)}")
        if missing := [name for name in needed if name not in content]:
            raise ValueError(f"it lacks {', '.join(missing)}, as one of an earlier version does")
        check_fields(content)
        record = FigureRecord(**content)
        if path != folder / f"{record.figure}.json":
            raise ValueError(f"it is the record of '{record.figure}'")
        if record.table != (expected := f"{folder.parent.name}/{folder.name}/{record.figure}.csv"):
            raise ValueError(f"table: {expected} is expected, which lies beside it")
    except OSError as error:
        raise SpecError(f"{path} cannot be read ({error.strerror or error}); mend its rights, or remove it") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise SpecError(f"{path} is no record of a figure ({error}); make the figure again, which trains nothing that "
                        "is stored, or remove the file") from error  # fmt: skip
    return record


def _year(figure: str) -> tuple[bool, str]:
    """Sorts a paper's figures by the year its folder ends in (`iclr2019/…`), and those without a year behind."""
    year = figure.partition("/")[0][-4:]
    return not year.isdecimal(), year if year.isdecimal() else ""


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
