"""The verdict matrix of a page: a row a claim, a column a result; and the legend of its signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from experiments.output import compared
from experiments.output.compared import Block, Chosen, Column, Verdict, anchor, blocks, controls, of_papers
from experiments.output.pages import Sheet
from experiments.output.report_text import brief, found, listed, sureness
from experiments.output.words import VERDICTS

SPELLED = 2
"""Papers that stand by name beside a figure; more of them are counted."""


@dataclass(frozen=True)
class Cell:
    """A verdict in a matrix.

    Attributes:
        word: The verdict.
        sign: Its sign.
        text: Its effect, as short as it can be.
        sure: "confirmed", "provisional" or nothing.
        said: All of it, for those who do not see it.
        link: Where it leads.
    """

    word: str
    sign: str
    text: str
    sure: str
    said: str
    link: str


@dataclass(frozen=True)
class MatrixRow:
    """A claim with a cell a column; None where it was not made. Its source, where those of the figure differ."""

    short: str
    sentence: str
    source: str
    link: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class MatrixBlock:
    """The claims of a figure: who makes them, and what each column made it with."""

    figure: str
    title: str
    sources: str
    data: tuple[str, ...]
    link: str
    rows: tuple[MatrixRow, ...]


def matrix(sheet: Sheet, chosen: Chosen) -> list[MatrixBlock]:
    """Returns the verdict matrix of a page: the papers' claims, or our controls."""
    return [_block(sheet, block) for block in blocks(sheet.columns, chosen, sheet.figures)]


def _block(sheet: Sheet, block: Block) -> MatrixBlock:
    rows = []
    papers = list(dict.fromkeys(row.source for row in block.rows if row.source != compared.OURS))
    for row in block.rows:
        link = anchor(block.figure, row.claim_id)
        cells = tuple(
            None if verdict is None else cell(verdict, column.title, _link(sheet, column, link))
            for column, verdict in zip(sheet.columns, row.verdicts, strict=True)
        )
        rows.append(MatrixRow(row.short, row.sentence, row.source if len(papers) > 1 else "", f"#{link}", cells))
    sources = listed(papers) if len(papers) <= SPELLED else f"{len(papers)} papers"
    return MatrixBlock(block.figure, block.title, sources, block.data, f"#{anchor(block.figure)}", tuple(rows))


def _link(sheet: Sheet, column: Column, place: str) -> str:
    return f"#{place}" if column in sheet.compared else f"../{quote(column.name)}/index.html#{place}"


def cell(verdict: Verdict, where: str, link: str) -> Cell:
    """Returns a verdict as a cell."""
    word, sure = verdict["verdict"], sureness(verdict)
    said = ", ".join(filter(None, (f"{where}: {word}", sure, found(verdict))))
    return Cell(word, VERDICTS[word].sign, brief(verdict), sure, said, link)


@dataclass(frozen=True)
class Key:
    """What the signs of a page mean.

    Attributes:
        words: The verdicts that it has.
        confirmed: One of which some are confirmed; empty where none is.
        points: Whether effects are in percentage points.
    """

    words: Sequence[str]
    confirmed: str
    points: bool


def key(sheet: Sheet) -> Key:
    """Returns the legend of a page's matrix."""
    cells = [one for chosen in (of_papers, controls) for block in matrix(sheet, chosen) for row in block.rows
             for one in row.cells if one]  # fmt: skip
    held = {one.word for one in cells}
    sure = next((one.word for one in cells if one.sure == "confirmed"), "")
    return Key([word for word in VERDICTS if word in held], sure, any(one.text.endswith(" pt") for one in cells))
