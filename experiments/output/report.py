"""The report: a static page for each name of results, made only of what lies on disk.

Every figure leaves a *record* beside its table. A page reads one's own records and the committed ones, so it can be
written anew after each figure and never holds a number that is not in a file. It opens from disk without a server,
a script or the network:

    results/report/index.html                         leads to the pages
    results/report/<name>/index.html
    results/report/<name>/figures/<figure>.svg, .dark.svg, .png
    results/report/<name>/tables/<figure>.csv

`python -m experiments.output.report quick` writes one anew (`make report`).
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from critical.core.files import write_atomically
from critical.core.spec import SpecError, closest
from critical.inference.claims import OURS
from experiments.design.command import in_one_line
from experiments.output import compared, explained, looks, matrices, pages, pictures, report_text
from experiments.output.pages import Sheet
from experiments.output.records import OWN, REFERENCE, names
from experiments.output.words import VERDICTS


def build_report(results: Path, name: str, *, drawing: bool = False, jobs: int | None = None) -> Path:
    """Writes the page of a name and what lies beside it.

    Args:
        results: The folder of tables, figures and reports.
        name: The name of the results: "quick", "quick+deficit=occlusion", …
        drawing: Whether pictures of committed figures are drawn where they are missing, which takes seconds.
        jobs: Processes that draw; as many as there are cores when left out.

    Returns:
        The path of `index.html`. The page is replaced at once, so a reader sees the old or the new.

    Raises:
        SpecError: There are no results of that name.
        ValueError: A picture cannot be read.
    """
    known = known_names(results)
    if name not in known:
        hint = closest(name, known) if known else "there are none yet: make figures makes some"
        raise SpecError(f"report: there are no results called '{name}'; {hint}")
    sheet = pages.sheet(results, name)
    folder = results / "report" / name
    if drawing:
        pictures.draw_lacking(orders(results, sheet), jobs)
    _copy(results, sheet, folder)
    page = _environment().get_template("page.html.j2").render(
        sheet=sheet,
        figures=[pages.section(sheet, figure, folder) for figure in sheet.figures],
        about=explained.about(sheet.name, sheet.records),
        papers=matrices.matrix(sheet, compared.of_papers),
        controls=matrices.matrix(sheet, compared.controls),
        found=pages.found_of(sheet),
        key=matrices.key(sheet),
    )
    write_atomically(folder / "index.html", page.encode())
    build_index(results)
    return folder / "index.html"


def build_index(results: Path) -> Path:
    """Writes the page that leads to the others."""
    entries = [pages.entry(pages.sheet(results, name)) for name in known_names(results)
               if (results / "report" / name / "index.html").is_file()]  # fmt: skip
    page = _environment().get_template("index.html.j2").render(entries=entries)
    write_atomically(results / "report" / "index.html", page.encode())
    return results / "report" / "index.html"


def known_names(results: Path) -> list[str]:
    """Returns the names of which there are results: the committed ones first."""
    return list(dict.fromkeys([*names(results, REFERENCE), *names(results, OWN)]))


def orders(results: Path, sheet: Sheet) -> list[pictures.Order]:
    """Returns the committed figures whose pictures a page shows."""
    folder = results / "report" / sheet.name / "figures"
    return [pictures.Order(results, sheet.name, figure, folder) for figure in sheet.figures
            if sheet.shown(figure).where == REFERENCE]  # fmt: skip


def _copy(results: Path, sheet: Sheet, folder: Path) -> None:
    """Copies one's own pictures and the tables beside a page."""
    for figure in sheet.figures:
        column = sheet.shown(figure)
        if column.where == OWN:
            pictures.copy(results / "figures" / sheet.name, figure, folder / "figures")
        table = results / column.records[figure].table
        if table.is_file():
            write_atomically(folder / "tables" / f"{figure}.csv", table.read_bytes())


@functools.cache
def _environment() -> Environment:
    """Returns the templates, compiled once: a page is written anew after each figure."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        slug=looks.slug, url=quote,
        **{name: getattr(report_text, name) for name in
           ("found", "smallest", "brief", "probability", "duration", "sureness", "ranges", "data_name")},
    )  # fmt: skip
    made.globals.update(verdicts=VERDICTS, light=looks.scheme(False), dark=looks.scheme(True), on_full=looks.ON_FULL,
                        ours_source=OURS)  # fmt: skip
    return made


@in_one_line
def main(arguments: Sequence[str] | None = None) -> None:
    """Writes a page anew and says where it is."""
    parser = argparse.ArgumentParser(prog="python -m experiments.output.report", description="Writes a page anew.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="of results (default: all there are)")
    parser.add_argument("--results", type=Path, default=Path("results"), help="the folder of results")
    options = parser.parse_args(arguments)
    for name in _wanted(options.names, options.results):
        print(build_report(options.results, name, drawing=True))


def _wanted(given: Iterable[str], results: Path) -> list[str]:
    return list(given) or known_names(results) or ["quick"]


if __name__ == "__main__":
    main()
