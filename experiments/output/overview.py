"""The verdict matrix as a picture, for the README: docs/overview.png, and as -narrow.png for phones; both as -dark too.

    python -m experiments.output.overview

A row is a claim, a column a profile of the committed results; both pictures are drawn from the records beside the
tables, `results/reference/<profile>/`, and need no data. Shown are the papers' own claims, in figures with many of them
those that lead, and of this suite's controls those that a headline rests on.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import FancyBboxPatch

from critical.core.files import write_atomically
from critical.inference.claims import OURS
from critical.inference.verdicts import DECIDED
from critical.plots import style
from experiments.design.command import in_one_line
from experiments.output.committed import committed
from experiments.output.headline import leaders
from experiments.output.looks import ON_FULL
from experiments.output.records import FigureRecord
from experiments.output.report_text import brief, counted
from experiments.output.small_png import small
from experiments.output.words import VERDICTS

ROOT = Path(__file__).resolve().parents[2]
QUESTION = "Do the papers’ claims hold?"
MANY = 3
"""A figure with more claims of papers shows only those that lead."""

# All in points, 72 an inch. A picture of about 265 points is legible where a phone shows it 390 pixels wide.
LABEL, MARGIN, ROW, LINE = 158.0, 6.0, 12.8, 11.0
COLUMN = {1: 96.0, 2: 76.0, 3: 66.0}
NARROW = 60.0
"""Width of a column where there are four or more."""


@dataclass(frozen=True)
class Row:
    """A claim across the columns.

    Attributes:
        short: Its name.
        ours: Whether it is a control of this suite.
        cells: Its verdict a column; None where the profile lacks it.
    """

    short: str
    ours: bool
    cells: tuple[Mapping[str, Any] | None, ...]


@dataclass(frozen=True)
class Group:
    """The claims of a figure.

    Attributes:
        title: The figure's.
        sources: The papers, in a few words.
        data: What it was made with, a column; empty where the profile lacks it.
        rows: Its claims.
    """

    title: str
    sources: str
    data: tuple[str, ...]
    rows: tuple[Row, ...]


def groups(columns: Mapping[str, Sequence[FigureRecord]]) -> list[Group]:
    """Arranges the records of several profiles as a matrix; figures that claim nothing are left out.

    Args:
        columns: Name of a profile → its records.
    """
    held = {name: {record.figure: record for record in records} for name, records in columns.items()}
    made = []
    for figure in dict.fromkeys(name for records in held.values() for name in records):
        here = [records.get(figure) for records in held.values()]
        verdicts = [{one["claim_id"]: one for one in record.verdicts} if record else {} for record in here]
        shown = dict.fromkeys(name for record in here if record for name in _shown(record))
        rows = []
        for name in shown:
            cells = tuple(column.get(name) for column in verdicts)
            first = next(cell for cell in cells if cell)
            rows.append(Row(first["short"], first["source"] == OURS, cells))
        if rows:
            title = next(record.title for record in here if record)
            data = tuple(record.data.partition(" (")[0] if record else "" for record in here)
            made.append(Group(title, _sources(rows), data, tuple(sorted(rows, key=lambda row: row.ours))))
    return made


def _sources(rows: Sequence[Row]) -> str:
    """Names the papers whose claims are shown, or counts them where their names would not fit."""
    papers = dict.fromkeys(cell["source"] for row in rows if not row.ours for cell in row.cells if cell)
    named = ", ".join(papers)
    return named if len(_wrapped(named, LABEL, 6.5)) == 1 else f"{len(papers)} papers"


def _shown(record: FigureRecord) -> list[str]:
    """Returns the ids of the claims of a figure that the matrix shows."""
    if not record.verdicts:
        return []
    papers = [verdict["claim_id"] for verdict in record.verdicts if verdict["source"] != OURS]
    leading = [verdict["claim_id"] for verdict in leaders(record.verdicts, record.leading)]
    return list(dict.fromkeys([*(papers if len(papers) <= MANY else ()), *leading]))


def tally(name: str, records: Iterable[FigureRecord]) -> str:
    """Counts all claims of the papers: "quick: of 45 claims, 17 reproduced, 4 reversed"."""
    claimed = _of_papers(records)
    return f"{name}: of {len(claimed)} claims, {counted(claimed)}"


def _of_papers(records: Iterable[FigureRecord]) -> list[Mapping[str, Any]]:
    return [verdict for record in records for verdict in record.verdicts if verdict["source"] != OURS]


def draw(columns: Mapping[str, Sequence[FigureRecord]], dark: bool = False, beside: int = 1) -> Drawing:
    """Draws the matrix in the style that acts.

    Args:
        columns: Name of a profile → its records; one to four.
        dark: Whether the style is the dark one: which colours of the words are taken.
        beside: Into how many parts, one beside the other, it is cut.

    Raises:
        ValueError: No record holds a claim.
    """
    made = groups(columns)
    if not made:
        raise ValueError("no claim has a verdict yet; `make reference` makes the tables")
    width = COLUMN.get(len(columns), NARROW)
    part_width = MARGIN + LABEL + len(columns) * width + MARGIN
    across = beside * part_width
    head = [line for name, records in columns.items() for line in _wrapped(tally(name, records), across, 7.5)]
    claimed = max(len(_of_papers(records)) for records in columns.values())
    foot = [line for text in _foot(made, claimed) for line in _wrapped(text, across - 2 * MARGIN, 7)]
    blocks = [_block(group, width) for group in made]
    several = len(columns) > 1
    top = MARGIN + 18.0 + LINE * len(head) + (LINE + 4.0) * several
    parts = _cut(blocks, beside)
    end = top + max(sum(block.height for block in part) for part in parts)
    high = end + LINE * len(foot) + 16.0
    drawing = Drawing(figsize=(across / 72, high / 72), dpi=style.DOTS_PER_INCH)
    FigureCanvasAgg(drawing)
    axis = drawing.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, across), ylim=(high, 0))
    axis.axis("off")
    axis.text(MARGIN, MARGIN + 7, QUESTION, fontsize=12, fontweight="bold", va="center")
    _lines(axis, head, MARGIN, MARGIN + 24, 7.5)
    for place, part in enumerate(parts):
        left, below = MARGIN + place * part_width, top
        middles = [left + LABEL + (rank + 0.5) * width for rank in range(len(columns))]
        if several:
            for middle, name in zip(middles, columns, strict=True):
                axis.text(middle, top - 6, name, fontsize=8.5, fontweight="bold", ha="center", va="center")
        for block in part:
            _draw_block(axis, block, left, below, middles, width, dark)
            below += block.height
    _lines(axis, foot, MARGIN, end + 14, 7)
    return drawing


@dataclass(frozen=True)
class _Block:
    """A figure's claims as they are laid out: lines of the heading, lines of the data a column, height in points."""

    title: list[str]
    sources: str
    data: list[list[str]]
    rows: tuple[Row, ...]
    height: float


def _block(group: Group, width: float) -> _Block:
    data = [_wrapped(text, width, 6.5) for text in group.data]
    title = _wrapped(group.title, LABEL + len(data) * width, 10.0)  # bold letters are wider
    heading = LINE * (len(title) + 0.85 * max(map(len, data))) + 11.0
    return _Block(title, group.sources, data, group.rows, heading + ROW * len(group.rows))


def _cut(blocks: Sequence[_Block], parts: int) -> list[Sequence[_Block]]:
    """Cuts blocks into as many parts, in their order, so that the highest is as low as can be."""
    cuts = itertools.combinations(range(1, len(blocks)), min(parts, len(blocks)) - 1)
    cut = [[blocks[start:stop] for start, stop in itertools.pairwise((0, *way, len(blocks)))] for way in cuts]
    return min(cut, key=lambda made: max(sum(block.height for block in part) for part in made))


def _draw_block(
    axis: Axes, block: _Block, left: float, top: float, middles: Sequence[float], width: float, dark: bool
) -> None:
    """Draws the claims of a figure right of `left`, below a heading that begins at `top`."""
    first = top + block.height - ROW * len(block.rows)
    axis.plot([left, middles[-1] + width / 2], [top + 3, top + 3], color=style.faint(), linewidth=0.5)
    _lines(axis, block.title, left, top + 12, 9, weight="bold")
    axis.text(left, first - 5.5, block.sources, fontsize=6.5, va="center")
    for middle, lines in zip(middles, block.data, strict=True):
        for rank, line in enumerate(reversed(lines)):
            axis.text(middle, first - 5.5 - 0.75 * LINE * rank, line, fontsize=6.5, ha="center", va="center")
    for rank, row in enumerate(block.rows):
        middle = first + (rank + 0.5) * ROW
        slant = "italic" if row.ours else "normal"
        axis.text(left, middle, row.short, fontsize=8, va="center", fontstyle=slant)
        for place, cell in zip(middles, row.cells, strict=True):
            if cell is not None:
                _cell(axis, cell, place, middle, width - 4, dark)


def _cell(axis: Axes, verdict: Mapping[str, Any], x: float, y: float, width: float, dark: bool) -> None:
    """Draws a verdict: filled where confirmed, outlined where provisional, pale where nothing is decided."""
    word, look = verdict["verdict"], VERDICTS[verdict["verdict"]]
    colour = look.dark_colour if dark else look.colour
    confirmed, decided = verdict["confirmed"], word in DECIDED
    corner, high = (x - width / 2, y - ROW / 2 + 1.2), ROW - 2.4
    edge = colour if decided and not confirmed else "none"
    axis.add_patch(FancyBboxPatch(corner, width, high, boxstyle="round,pad=0,rounding_size=2.5", linewidth=1.2,
                                  facecolor=to_rgba(colour, 1.0 if confirmed else 0.18), edgecolor=edge))  # fmt: skip
    ink = ON_FULL if confirmed else style.ink()
    axis.text(x - width / 2 + 7, y, look.sign, fontsize=8.5, fontweight="bold", ha="center", va="center",
              color=ink if confirmed else style.seen(colour, style.TEXT_CONTRAST))  # fmt: skip
    if verdict["effect"] is not None and word != "unfinished":
        axis.text(x + 6, y, brief(verdict), fontsize=7.5, ha="center", va="center", color=ink)


def _foot(made: Sequence[Group], claimed: int) -> list[str]:
    """Says what signs, boxes and rows mean; `claimed` is how many claims the papers have in all."""
    rows = [row for group in made for row in group.rows]
    cells = [cell for row in rows for cell in row.cells if cell]
    papers = sum(not row.ours for row in rows)
    words = "   ".join(f"{look.sign}\u00a0{word.replace(' ', chr(0xA0))}" for word, look in VERDICTS.items()
                       if any(cell["verdict"] == word for cell in cells))  # fmt: skip
    boxes = "Outlined: provisional (one batch of seeds). Filled: confirmed (both)."
    several = f"{papers} of the {claimed} claims" if papers < claimed else f"all {claimed} claims"
    shown = f"Shown: {several} of the papers and, slanted, the controls of ours that a headline rests on."
    return [words, boxes, f"{shown} pt: points of accuracy."]


def _wrapped(text: str, width: float, size: float) -> list[str]:
    """Breaks a text for a width in points; letters of DejaVu Sans are a little more than half as wide as their size."""
    return textwrap.wrap(text, max(8, int((width - 2) / (0.56 * size))), break_long_words=False) if text else [""]


def _lines(axis: Axes, lines: Sequence[str], x: float, y: float, size: float, weight: str = "normal") -> None:
    for rank, line in enumerate(lines):
        axis.text(x, y + LINE * rank, line, fontsize=size, va="center", fontweight=weight)


def write(results: Path, folder: Path) -> list[Path]:
    """Writes the pictures of the committed records in `results/reference` into a folder; returns their paths."""
    columns, paths = committed(results), pictures(folder)
    for path, (beside, dark) in paths.items():
        content = io.BytesIO()
        with style.style(dark=dark):
            draw(columns, dark, beside).savefig(content, format="png", dpi=2 * style.DOTS_PER_INCH)
        write_atomically(path, small(content.getvalue(), source(columns)))
    return list(paths)


def pictures(folder: Path) -> dict[Path, tuple[int, bool]]:
    """Returns the paths of the pictures: one in two parts and one for phones, and whether they are dark."""
    return {folder / f"overview{size}{'-dark' if dark else ''}.png": (beside, dark)
            for size, beside in (("", 2), ("-narrow", 1)) for dark in (False, True)}  # fmt: skip


def source(columns: Mapping[str, Sequence[FigureRecord]]) -> str:
    """Returns a hash of all that is shown."""
    made = groups(columns)
    cells = [brief(cell) for group in made for row in group.rows for cell in row.cells if cell]
    return hashlib.sha256(repr((made, cells, [tally(*one) for one in columns.items()])).encode()).hexdigest()[:16]


@in_one_line
def main() -> None:
    """Writes the pictures of the README."""
    for written in write(ROOT / "results", ROOT / "docs"):
        print(written.relative_to(ROOT))


if __name__ == "__main__":
    main()
