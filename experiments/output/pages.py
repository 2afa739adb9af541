"""What a page of the report shows, from records: which results stand beside each other, sections, sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from experiments.output import compared, forest, pictures, strips
from experiments.output.compared import Column, Tally, agreed, anchor, tallies
from experiments.output.explained import about, recipe
from experiments.output.forest import Group
from experiments.output.headline import headline
from experiments.output.records import NO_RESULT, OWN, REFERENCE, FigureRecord, names, readable_records
from experiments.output.strips import Strips

MANY = 5
"""Claims from which on a paper has a sentence of its own; the others are folded."""


@dataclass(frozen=True)
class Sheet:
    """The results on a page.

    Attributes:
        name: Their name.
        own: One's own; None where there are none.
        reference: The committed ones that they are compared with: of the same name, or of the profile that they are a
            variation of.
        others: Committed results of other names, for the matrix.
        complaints: A line for each file that is no record.
    """

    name: str
    own: Column | None
    reference: Column | None
    others: tuple[Column, ...] = ()
    complaints: tuple[str, ...] = ()

    @property
    def profile(self) -> str:
        """The profile that the results were composed from."""
        column = self.own or self.reference
        return column.profile if column else self.name

    @property
    def columns(self) -> tuple[Column, ...]:
        """All results, one's own first."""
        return (*self.compared, *self.others)

    @property
    def compared(self) -> tuple[Column, ...]:
        """One's own results and their reference, or one of them."""
        return tuple(column for column in (self.own, self.reference) if column is not None)

    @property
    def records(self) -> list[FigureRecord]:
        """The records of one's own results, or of their reference where there are none."""
        column = self.own or self.reference
        return list(column.records.values()) if column else []

    def title(self, column: Column) -> str:
        """Returns what stands above results: beside one's own, those that they are compared with are the reference."""
        return "reference" if self.own and column is self.reference else column.title

    @property
    def figures(self) -> list[str]:
        """The figures on the page: all of a committed name, else those made here; in the order of records."""
        whole = self.reference is not None and self.reference.name == self.name
        shown = self.compared if whole else self.compared[:1]
        held = {name: column.records[name] for column in reversed(shown) for name in column.records}
        return [record.figure for record in sorted(held.values(), key=FigureRecord.order)]

    def shown(self, figure: str) -> Column:
        """Returns whose picture, words and table a figure has: one's own where they are."""
        return next(column for column in self.compared if figure in column.records)


def sheet(results: Path, name: str) -> Sheet:
    """Gathers the results for a page.

    Args:
        results: The folder of tables, figures and reports.
        name: The name of the results.
    """
    complaints: list[str] = []

    def column(held: str, where: str) -> Column | None:
        records, unreadable = readable_records(results, held, where)
        complaints.extend(unreadable)
        return Column(held, where, {record.figure: record for record in records}) if records else None

    own, committed = column(name, OWN), names(results, REFERENCE)
    base = name if name in committed or own is None else own.profile
    reference = column(base, REFERENCE) if base in committed else None
    others = [other for other in committed if other not in (base, NO_RESULT)] if name in committed else []
    beside = tuple(held for held in (column(other, REFERENCE) for other in others) if held)
    return Sheet(name, own, reference, beside, tuple(complaints))


@dataclass(frozen=True)
class Section:
    """A figure on a page.

    Attributes:
        record: Of the results that are shown.
        anchor: Its id.
        where: `OWN` or `REFERENCE`.
        headline: What it found.
        pictures: Kind → link, of those that are there.
        width: Of the picture, in pixels.
        height: Likewise.
        table: Link of the table; empty where it is not there.
        groups: The forest plot.
        strips: The arms as timelines.
        agreed: How it agrees with the reference, where it is made here and there.
        recipe: The line that makes it.
    """

    record: FigureRecord
    anchor: str
    where: str
    headline: str
    pictures: Mapping[str, str]
    width: int
    height: int
    table: str
    groups: Sequence[Group]
    strips: Strips
    agreed: str
    recipe: str

    @property
    def own(self) -> bool:
        """Whether it is made here."""
        return self.where == OWN


def section(sheet: Sheet, figure: str, folder: Path) -> Section:
    """Gathers what the page says about a figure.

    Args:
        sheet: The results.
        figure: The figure.
        folder: Of the page, with pictures and tables in it.
    """
    column = sheet.shown(figure)
    record = column.records[figure]
    links = {kind: f"figures/{figure}.{ending}" for kind, ending in pictures.ENDINGS.items()
             if pictures.path(folder / "figures", figure, kind).is_file()}  # fmt: skip
    width, height = pictures.size(folder / links["svg"]) if "svg" in links else (0, 0)
    here, there = sheet.own, sheet.reference
    both = here and there and figure in here.records and figure in there.records
    said = agreed(Column(here.name, OWN, {figure: record}), there) if both and here and there else ""
    return Section(
        record=record,
        anchor=anchor(figure),
        where=column.where,
        headline=headline(record.verdicts, record.leading),
        pictures=links,
        width=width,
        height=height,
        table=f"tables/{figure}.csv" if (folder / "tables" / f"{figure}.csv").is_file() else "",
        groups=forest.groups(figure, sheet.compared, [sheet.title(column) for column in sheet.compared]),
        strips=strips.strips(record.timelines),
        agreed=said,
        recipe=recipe(record.command),
    )  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What a page says first: a sentence a source, the others folded, and how one's own results agree."""

    first: Sequence[Tally]
    others: Sequence[Tally]
    agreed: str
    whose: str


def found_of(sheet: Sheet) -> Found:
    """Counts the verdicts of the reference where it is the page's own, else those made here."""
    whole = sheet.reference is not None and sheet.reference.name == sheet.name
    column = sheet.reference if whole else sheet.own
    counted = tallies(column.records.values()) if column else []
    papers = [one for one in counted if one.source != compared.OURS]
    ours = [one for one in counted if one.source == compared.OURS]
    said = agreed(sheet.own, sheet.reference) if sheet.own and sheet.reference else ""
    first = [one for one in papers if one.claims >= MANY] or papers[:1]
    return Found(first, [one for one in (*papers, *ours) if one not in first], said, REFERENCE if whole else OWN)


def entry(sheet: Sheet) -> dict[str, Any]:
    """Returns what the entry page says about a page."""
    said = about(sheet.name, sheet.records)
    return {"sheet": sheet, "about": said, "found": found_of(sheet), "link": f"{quote(sheet.name)}/index.html"}
