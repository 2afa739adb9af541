"""The report: one static page a profile, made only of what lies on disk.

Every figure leaves a *record* beside its picture, `results/figures/<profile>/<figure>.json`. The page
reads all records of a profile, so it can be written anew after each figure and never holds a
number that is not in a file. It opens from disk without a server, a script or the network:

    results/report/<profile>/index.html
    results/report/<profile>/figures/<figure>.png, .pdf
    results/report/<profile>/tables/<figure>.csv
"""

from __future__ import annotations

import struct
from collections import Counter
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from critical.core.files import write_atomically
from experiments.output.records import FigureRecord, read_records
from experiments.output.report_text import duration, effect, found, probability

VERDICTS = {
    "reproduced": "good",
    "reversed": "bad",
    "negligible": "bad",
    "undecided": "open",
    "premise failed": "open",
    "unfinished": "absent",
}
"""Every verdict, in the order of the summary, and the kind that colours its badge."""

PROFILES = {
    "smoke": "A few epochs, to test that everything runs. Nothing here says anything about a paper.",
    "quick": "Small networks on small embedded data, in minutes and with nothing to download. It shows how "
    "each experiment works; what it finds holds for this data and need not hold for the papers'.",
    "laptop": "Reduced pictures and networks on a CPU, several seeds.",
    "paper": "The papers' data, networks and hyper-parameters.",
}
"""What a reader should know about the profile; any other profile goes without."""


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
        kind=VERDICTS.__getitem__, found=found, effect=effect, probability=probability, duration=duration
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


