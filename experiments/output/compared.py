"""Results beside each other: which verdicts stand in which column, whether they agree, what a page says first.

Pure functions of records; `experiments.output.report` and `experiments.show` put them on pages and in a terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from critical.inference.claims import OURS
from experiments.output.headline import leaders
from experiments.output.records import OWN, FigureRecord
from experiments.output.report_text import data_label, data_name, listed, tally

HERE = "here"
"""The title of the column of one's own results."""
AGREES, NEAR, DIFFERS, OPEN = "agrees", "near", "differs", "unfinished"
AGREEMENT = {
    AGREES: "the same verdict",
    NEAR: "another verdict; the intervals overlap",
    DIFFERS: "another verdict; the intervals lie apart",
    OPEN: "no verdict yet on one side",
}

Verdict = Mapping[str, Any]
Chosen = Callable[[FigureRecord], Sequence[Verdict]]
"""Which verdicts of a record stand in a matrix."""


@dataclass(frozen=True)
class Column:
    """Results of one name.

    Attributes:
        name: The name of the results.
        where: `OWN` or `REFERENCE`.
        records: Its records, by figure.
    """

    name: str
    where: str
    records: Mapping[str, FigureRecord] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What stands above the column."""
        return HERE if self.where == OWN else self.name

    @property
    def profile(self) -> str:
        """The profile that the results were composed from."""
        return next(iter(self.records.values())).profile

    def verdict(self, figure: str, claim_id: str) -> Verdict | None:
        """Returns the verdict on a claim; None where there is none."""
        record = self.records.get(figure)
        held = record.verdicts if record else ()
        return next((verdict for verdict in held if verdict["claim_id"] == claim_id), None)


@dataclass(frozen=True)
class Row:
    """A claim in a matrix: what it is called, who makes it, and its verdict in each column (None: not made)."""

    figure: str
    claim_id: str
    short: str
    sentence: str
    source: str
    verdicts: tuple[Verdict | None, ...]


@dataclass(frozen=True)
class Block:
    """The claims of a figure in a matrix; what each column made it with, empty where it lacks it."""

    figure: str
    title: str
    rows: tuple[Row, ...]
    data: tuple[str, ...]


def anchor(figure: str, claim_id: str = "") -> str:
    """Returns the id of a figure, or of one of its claims, on a page."""
    named = "figure-" + figure.replace("/", "-")
    return f"{named}--{claim_id.replace('.', '-')}" if claim_id else named


def of_papers(record: FigureRecord) -> list[Verdict]:
    """Returns the verdicts on the papers' claims."""
    return [verdict for verdict in record.verdicts if verdict["source"] != OURS]


def controls(record: FigureRecord) -> list[Verdict]:
    """Returns the verdicts on our claims."""
    return [verdict for verdict in record.verdicts if verdict["source"] == OURS]


def leading(record: FigureRecord) -> list[Verdict]:
    """Returns the verdicts that the headline of a figure speaks of."""
    return leaders(record.verdicts, record.leading)


def blocks(columns: Sequence[Column], chosen: Chosen, figures: Sequence[str] | None = None) -> list[Block]:
    """Returns the rows of a verdict matrix, figure by figure.

    Args:
        columns: The results that stand beside each other. Figures and claims are in the order of the first that has
            them.
        chosen: The claims of a figure that are wanted: `of_papers`, `controls` or `leading`.
        figures: The figures that are wanted; all that a column has when left out.
    """
    wanted = dict.fromkeys(name for column in columns for name in column.records)
    found = []
    for figure in wanted if figures is None else figures:
        records = [column.records[figure] for column in columns if figure in column.records]
        named: dict[str, Verdict] = {}
        for record in records:
            for verdict in chosen(record):
                named.setdefault(verdict["claim_id"], verdict)
        rows = tuple(
            Row(figure, claim_id, verdict["short"], verdict["sentence"], verdict["source"],
                tuple(column.verdict(figure, claim_id) for column in columns))
            for claim_id, verdict in named.items()
        )  # fmt: skip
        if rows:
            data = tuple(data_label(column.records[figure].data) if figure in column.records else ""
                         for column in columns)  # fmt: skip
            found.append(Block(figure, records[0].title, rows, data))
    return found


def agreement(here: Verdict | None, reference: Verdict | None) -> str:
    """Returns whether a verdict agrees with that of the reference; empty where there are not two."""
    if here is None or reference is None:
        return ""
    if "unfinished" in (here["verdict"], reference["verdict"]):
        return OPEN
    if here["verdict"] == reference["verdict"]:
        return AGREES
    bounds = [here["low"], here["high"], reference["low"], reference["high"]]
    if any(bound is None for bound in bounds):
        return NEAR
    low, high, other_low, other_high = bounds
    return NEAR if low <= other_high and other_low <= high else DIFFERS


def agreed(column: Column, reference: Column) -> str:
    """Says in a sentence how results agree with the reference: of the claims that both hold."""
    words = [
        agreement(verdict, reference.verdict(figure, verdict["claim_id"]))
        for figure, record in column.records.items()
        for verdict in record.verdicts
    ]
    counts = {word: words.count(word) for word in AGREEMENT if words.count(word)}
    total = sum(counts.values())
    if not total:
        return "None of its claims stands in the reference."
    if counts.get(AGREES) == total:
        return (f"All {total} claims made here have the verdict of the reference." if total > 1
                else "The one claim made here has the verdict of the reference.")  # fmt: skip
    said = [f"{counts.get(AGREES, 0)} of {total} claims made here have the verdict of the reference",
            *(f"{counts[word]} {'has' if counts[word] == 1 else 'have'} {AGREEMENT[word]}"
              for word in (NEAR, DIFFERS, OPEN) if word in counts)]  # fmt: skip
    return f"{'. '.join(said)}."


@dataclass(frozen=True)
class Tally:
    """How the claims of a source fared, in a sentence."""

    source: str
    data: str
    claims: int
    said: str


def tallies(records: Iterable[FigureRecord]) -> list[Tally]:
    """Counts verdicts by source, the papers with most claims first, our controls last; so are its data ordered."""
    held: dict[str, list[Verdict]] = {}
    data: dict[str, Counter[str]] = {}
    for record in records:
        for verdict in record.verdicts:
            held.setdefault(verdict["source"], []).append(verdict)
            data.setdefault(verdict["source"], Counter())[data_name(record.data)] += 1
    order = sorted(held, key=lambda source: (source == OURS, -len(held[source]), source))
    names = {source: listed(name for name, _ in count.most_common()) for source, count in data.items()}
    return [Tally(source, names[source], len(held[source]), tally(held[source])) for source in order]
