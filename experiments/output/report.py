"""The report: one static page a profile, made only of what lies on disk.

Every figure leaves a *record* beside its picture, `results/figures/<profile>/<figure>.json`. The page
reads all records of a profile, so it can be written anew after each figure and never holds a
number that is not in a file. It opens from disk without a server, a script or the network:

    results/report/<profile>/index.html
    results/report/<profile>/figures/<figure>.png, .pdf
    results/report/<profile>/tables/<figure>.csv
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from critical.core.files import write_atomically
from critical.core.spec import closest
from experiments.output.report_text import duration, found, number, probability

VERDICTS = {
    "reproduced": "good",
    "reversed": "bad",
    "not reproduced": "bad",
    "undecided": "open",
    "too few seeds": "open",
    "missing arm": "absent",
    "failed run": "absent",
}
"""Every verdict, in the order of the summary, and the kind that colours its badge."""

PROFILES = {
    "smoke": "A few epochs, to test that everything runs. Nothing here says anything about a paper.",
    "quick": "Small networks on small embedded data, in minutes and with nothing to download. It shows how "
    "each experiment works; what it finds holds for this data and need not hold for the papers'.",
    "quick_replication": "The quick profile on other seeds, chosen when its setting and claims were fixed.",
    "laptop": "Reduced pictures and networks on a CPU, several seeds.",
    "paper": "The papers' data, networks and hyper-parameters.",
}
"""What a reader should know about the profile; any other profile goes without."""

_VERDICT_KEYS = (
    *("claim_id", "source", "sentence", "unit", "verdict", "reason"),
    *("effect", "low", "high", "p", "n", "margin"),
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
        machine: Processor, cores, accelerator.
        versions: Package to version.
        commit: Of the code; "" when it is not known.
        wall_seconds: How long the command took; little when all runs were stored already.
        runs: How many runs the figure shows.
        epochs_needed: Epochs trained with shared pasts trained once.
        epochs_separate: Epochs if every run had been trained from scratch.
        table: Path of the CSV, below `results`.
        created: ISO date, 2026-01-31.
        cpu_seconds: Process time of training and measuring the figure's epochs, whenever that was.
        failures: One line for each failed run.
        verdicts: Fields of `critical.inference.verdicts.Verdict`, one mapping a claim. Intervals are 95 %.
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
    machine: str
    versions: dict[str, str]
    commit: str
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
            if verdict["verdict"] not in VERDICTS:
                word = str(verdict["verdict"])
                raise ValueError(f"{where}: there is no verdict '{word}'; {closest(word, VERDICTS)}")


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


def read_records(results: Path, profile: str) -> list[FigureRecord]:
    """Reads the records of a profile: the papers' figures by year, then ours, in the order of their names.

    Args:
        results: The folder of tables, figures and reports.
        profile: "quick", "laptop", …

    Returns:
        The records; none when no figure was made. Unknown numbers of verdicts are None.

    Raises:
        ValueError: If a file is no record: one line that names it.
    """
    folder = results / "figures" / _checked_name(profile, "profile", slashes=False)
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


def build_report(results: Path, profile: str) -> Path:
    """Writes the page of a profile and copies pictures and tables beside it.

    Args:
        results: The folder of tables, figures and reports.
        profile: "quick", "laptop", …

    Returns:
        The path of `index.html`. The page is replaced at once, so a reader sees the old or the new.

    Raises:
        ValueError: If a record or a picture cannot be read.
    """
    records = read_records(results, profile)
    folder = results / "report" / profile
    figures = [_shown(record, results, profile, folder) for record in records]
    counted = Counter(verdict["verdict"] for record in records for verdict in record.verdicts)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        kind=VERDICTS.__getitem__, found=found, number=number, probability=probability, duration=duration
    )
    page = environment.get_template("report.html.j2").render(
        profile=profile,
        about=PROFILES.get(profile, ""),
        figures=figures,
        counts=[(word, counted[word]) for word in VERDICTS if counted[word]],
        claims=sum(counted.values()),
        updated=max((record.created for record in records), default=""),
    )
    write_atomically(folder / "index.html", page.encode())
    return folder / "index.html"


def _shown(record: FigureRecord, results: Path, profile: str, folder: Path) -> dict[str, Any]:
    """Copies the files of a figure into the report; what is not on disk is None and said so."""
    drawn = results / "figures" / profile
    links: dict[str, str | None] = {}
    for kind, source, target in (
        ("png", drawn / f"{record.figure}.png", f"figures/{record.figure}.png"),
        ("pdf", drawn / f"{record.figure}.pdf", f"figures/{record.figure}.pdf"),
        ("csv", results / record.table, f"tables/{record.figure}.csv"),
    ):
        links[kind] = target if source.is_file() else None
        if links[kind]:
            write_atomically(folder / target, source.read_bytes())
    width, height = _png_size(folder / links["png"]) if links["png"] else (0, 0)
    anchor = "figure-" + record.figure.replace("/", "-")
    return {"record": record, "links": links, "width": width, "height": height, "anchor": anchor}


def _png_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels, so that the page keeps their place before they are loaded."""
    head = path.read_bytes()[:24]
    if len(head) < 24 or head[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError(f"{path} is no PNG picture; make the figure again")
    return struct.unpack(">II", head[16:24])


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
