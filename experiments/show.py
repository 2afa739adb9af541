"""What do the committed results say? `python -m experiments.show` (`make show`), no training, no data.

Prints the verdicts on the claims that lead a figure, a line a claim, and writes the page of every committed profile,
with one's own results beside them; their pictures take a minute the first time. `all=true` prints all claims,
`profile=quick` shows one profile, `results=…` is the folder.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from critical.core.spec import SpecError, closest
from critical.core.terminal import on_terminal
from critical.inference.claims import OURS
from experiments.design.command import in_one_line
from experiments.design.command_line import HELP, few
from experiments.design.help import page
from experiments.output import compared, pages, pictures
from experiments.output.compared import Chosen, Column, Row, blocks
from experiments.output.pages import Sheet
from experiments.output.records import NO_RESULT, REFERENCE, names
from experiments.output.report import build_index, build_report, known_names, orders
from experiments.output.report_text import brief, tally
from experiments.output.words import VERDICTS

SETTINGS = {"all": "false", "profile": "", "results": "results"}
EXAMPLES = ("python -m experiments.show", "python -m experiments.show profile=quick all=true")
LEADING = {"leading claim": compared.leading}
ALL = {"claim of a paper": compared.of_papers, "control of this suite": compared.controls}
CONTROL = "› "
"""Marks a claim of ours."""
STYLES = {"good": "green", "bad": "red", "small": "cyan", "open": "dim", "absent": "dim"}


def settings(arguments: Sequence[str]) -> dict[str, str]:
    """Reads key=value.

    Raises:
        SpecError: No setting of this command, or no value of it.
    """
    found = {**SETTINGS, **few(arguments, SETTINGS, "profile=quick")}
    if found["all"] not in ("true", "false"):
        raise SpecError(f"all={found['all']}: true or false")
    return found


def sheets(results: Path, profile: str) -> list[Sheet]:
    """Gathers the results that are shown: all the committed ones, with one's own of the same names, or one name.

    Raises:
        SpecError: There are no results of that name.
    """
    known = known_names(results)
    if profile and profile not in known:
        raise SpecError(f"profile={profile}: there are no results of it; {closest(profile, known)}")
    committed = [name for name in names(results, REFERENCE) if name != NO_RESULT]
    shown = [profile] if profile else committed or known
    if not shown:
        raise SpecError(f"show: there are no results in {results}; make figures makes some")
    return [pages.sheet(results, name) for name in shown]


def columns(shown: Sequence[Sheet]) -> list[Column]:
    """Returns the results of several pages, each once: one's own and the committed ones."""
    held = {(column.where, column.name): column for sheet in shown for column in sheet.compared}
    return list(held.values())


def listed(held: Sequence[Column], heading: str, chosen: Chosen, width: int | None = None) -> Table:
    """Returns a table of claims and results.

    Args:
        held: The results, a column each.
        heading: What stands above the claims.
        chosen: Those that are wanted.
        width: Of the terminal; None where lines are read by another program.
    """
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, title_justify="left")
    table.add_column("figure", no_wrap=True)
    table.add_column(heading, no_wrap=True)
    for column in held:
        table.add_column(title(column), no_wrap=True)
    for block in blocks(held, chosen):
        for place, row in enumerate(block.rows):
            # In a terminal a figure is named once; lines that are searched name it each.
            name = block.figure if place == 0 or width is None else ""
            ours = CONTROL if row.source == OURS else ""
            table.add_row(name, f"{ours}{row.short}", *_cells(row))
    return table


def title(column: Column) -> str:
    """Returns what stands above results in a terminal."""
    return column.name if column.where == REFERENCE else f"{column.name}, here"


def _cells(row: Row) -> list[Text]:
    found = []
    for verdict in row.verdicts:
        if verdict is None:
            found.append(Text("·"))
            continue
        look = VERDICTS[verdict["verdict"]]
        sure = "!" if verdict["confirmed"] else ""
        found.append(Text(f"{look.sign}{sure} {brief(verdict)}", style=STYLES[look.kind]))
    return found


@in_one_line
def main() -> None:
    """Shows the results."""
    if any(word in HELP for word in sys.argv[1:]):
        print(page(__doc__ or "", EXAMPLES, {}))
        return
    given = settings(sys.argv[1:])
    results = Path(given["results"])
    shown = sheets(results, given["profile"])
    console = Console(highlight=False, width=None if on_terminal() else 200)
    width = console.width if on_terminal() else None
    held = columns(shown)
    tables = ALL if given["all"] == "true" else LEADING
    for heading, chosen in tables.items():
        console.print(listed(held, heading, chosen, width))
    for column in held:
        every = [verdict for record in column.records.values() for verdict in record.verdicts]
        console.print(f"{title(column)}: {tally(every)}", soft_wrap=True)
    signs = ", ".join(f"{look.sign} {word}" for word, look in VERDICTS.items())
    console.print(f"{signs}; ! confirmed on two batches of seeds, else provisional. pt: percentage points")
    if tables is LEADING:
        count = sum(len(block.rows) for chosen in ALL.values() for block in blocks(held, chosen))
        console.print(f"{CONTROL}a control of this suite. All {count} claims: all=true (make show ALL=1)")
    if others := [name for name in known_names(results) if name not in [sheet.name for sheet in shown]]:
        console.print(f"There is also {', '.join(others)}: profile=NAME shows it", soft_wrap=True)
    for sheet in shown:
        for complaint in sheet.complaints:
            console.print(f"left out: {complaint}")
    # All at once, so that the cores are filled.
    wanted = [order for sheet in shown for order in orders(results, sheet)]
    if lacking := sum(order.lacking for order in wanted):
        console.print(f"drawing {lacking} picture{'s' * (lacking != 1)} for the pages, some seconds each")
    pictures.draw_lacking(wanted)
    for sheet in shown:
        console.print(f"page: {build_report(results, sheet.name)}", soft_wrap=True)
    # Written once all of them are there.
    console.print(f"all: {build_index(results)}", soft_wrap=True)


if __name__ == "__main__":
    main()
