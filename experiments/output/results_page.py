"""What was found: docs/results.md, written from the committed reference tables (`make findings`).

No number in it is typed by hand. It is read from the records beside the tables, `results/reference/<profile>/`. The
page begins with a line a source and a sign a claim, and goes on figure by figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from critical.inference.claims import BATCHES, OURS
from critical.inference.statistics import holm
from critical.inference.verdicts import NEITHER
from experiments.design.registry import FIGURES
from experiments.output.compared import tallies
from experiments.output.explained import about
from experiments.output.headline import headline
from experiments.output.open_claims import open_claims
from experiments.output.records import FigureRecord
from experiments.output.report_text import duration, found, probability, ranges, smallest, sureness
from experiments.output.words import VERDICTS

Claimed = Mapping[str, Any]
Profiles = Mapping[str, Sequence[FigureRecord]]

HEAD = """# What was found

This page is generated: `make findings` writes it from the records in `results/reference/`. `make show` draws the same
as a report with pictures, and [Methods](methods.md#how-a-verdict-comes-about) says how a verdict comes about.
"""
LEGEND = f"""A sign a claim: {", ".join(f"{look.sign} {word}" for word, look in VERDICTS.items())}. The papers'
own stand before the dot, the controls of this suite behind it.
"""
EFFECTS = """Effects below are means over seeds with 95 % intervals. A verdict is *provisional* on one batch of seeds;
bold ones are *confirmed* on both.
"""
OPEN = """### What stays open

Of the papers' claims and of those that lead a figure: why they have no answer, and what it would take. Seeds are
counted as if mean and spread stayed: an effect of interest is shown once the 95 % interval leaves 0, and its absence
once the interval lies within the smallest effect of interest.
"""
NOTHING = "\nNo reference tables are committed yet. `make reference` writes them.\n"


def page(held: Profiles) -> str:
    """Returns the page as Markdown.

    Args:
        held: The committed records by profile, as `experiments.output.committed` reads them.
    """
    if not held:
        return HEAD + NOTHING
    return "\n".join([HEAD, *_in_short(held), *_at_a_glance(held), *_open(held), *_by_figure(held)])


def anchor(figure: str) -> str:
    """Returns the name of a figure's section in the page."""
    return figure.replace("/", "-")


def _in_short(held: Profiles) -> Iterator[str]:
    yield "## In short\n"
    for name, records in held.items():
        yield f"**{name}.** {about(name, records)}".rstrip() + "\n"
        yield from (f"- {one.source}, on {one.data}: {one.said}." for one in tallies(records))
        yield ""


def _at_a_glance(held: Profiles) -> Iterator[str]:
    """Yields the matrix: figures × profiles, a sign a claim, the papers' own apart from our controls."""
    yield f"### All claims\n\n{LEGEND}"
    yield row(["figure", *held])
    yield row(["---"] * (1 + len(held)))
    for figure, records in _figures(held).items():
        cells = []
        for name in held:
            claims = records[name].verdicts if name in records else []
            papers, ours = ("".join(_sign(claim) for claim in claims if (claim["source"] == OURS) == own)
                            for own in (False, True))  # fmt: skip
            cells.append(" · ".join(filter(None, (papers, ours))) if claims else "")
        if any(cells):
            yield row([f"[{figure}](#{anchor(figure)})", *cells])


def _open(held: Profiles) -> Iterator[str]:
    """Yields what stays open, a row a figure, profile and reason."""
    rows = [[f"[{figure}](#{anchor(figure)})", name, "; ".join(one.claims), one.why, one.takes]
            for figure, records in _figures(held).items() for name, record in records.items()
            for one in open_claims(record)]  # fmt: skip
    if rows:
        yield f"\n{OPEN}"
        yield from map(row, (["figure", "profile", "claims", "why", "it would take"], ["---"] * 5, *rows))
    yield f"\n{EFFECTS}"


def _figures(held: Profiles) -> dict[str, dict[str, FigureRecord]]:
    """Returns the records by figure and profile, the figures in the order of the registry."""
    there = dict.fromkeys(record.figure for records in held.values() for record in records)
    ordered = [*(name for name in FIGURES if name in there), *(name for name in there if name not in FIGURES)]
    return {figure: {name: record for name, records in held.items() for record in records if record.figure == figure}
            for figure in ordered}  # fmt: skip


def _by_figure(held: Profiles) -> Iterator[str]:
    for figure, records in _figures(held).items():
        yield f'<a id="{anchor(figure)}"></a>\n\n## {figure}\n'
        question = FIGURES[figure].question if figure in FIGURES else ""
        yield f"**{next(iter(records.values())).title}.** {question}\n".replace(" \n", "\n")
        for name, record in records.items():
            yield f"`{name}`: {headline(record.verdicts, record.leading)}\n"
        yield from _compared(records)
        for name, record in records.items():
            yield from _details(name, record, held[name])


def _compared(records: Mapping[str, FigureRecord]) -> Iterator[str]:
    """Yields the claims of a figure by their short names, a column a profile."""
    rows: dict[str, dict[str, Claimed]] = {}
    for own in (False, True):
        for name, record in records.items():
            for claim in record.verdicts:
                if (claim["source"] == OURS) == own:
                    rows.setdefault(claim["claim_id"], {})[name] = claim
    if rows:
        yield row(["claim", "source", *records])
        yield row(["---"] * (2 + len(records)))
        for cells in rows.values():
            first = next(iter(cells.values()))
            yield row([first["short"], first["source"], *(_cell(cells.get(name)) for name in records)])
        yield ""


def _cell(claim: Claimed | None) -> str:
    if claim is None:
        return ""
    said = f"{_sign(claim)} {found(claim)}"
    return f"**{said}**" if claim["confirmed"] else said


def _sign(claim: Claimed) -> str:
    return VERDICTS[claim["verdict"]].sign


def _details(profile: str, record: FigureRecord, records: Sequence[FigureRecord]) -> Iterator[str]:
    """Yields the claims of a figure in full, and where they come from, folded."""
    yield f'<details markdown="1"><summary>{profile}: claims in full, data, seeds, machine</summary>\n'
    if record.verdicts:
        adjusted = _adjusted(records) if any(claim["confirmed"] for claim in record.verdicts) else None
        columns = ["claim", "effect", "smallest of interest", "p", "n", "verdict"]
        columns += [] if adjusted is None else ["Holm's p"]
        yield row(columns)
        yield row(["---"] * len(columns))
        for claim in sorted(record.verdicts, key=lambda claim: claim["source"] == OURS):
            effects = claim["confirmed"] and claim["verdict"] != "negligible"  # that word rests on the interval
            holms = [] if adjusted is None else [adjusted.get(_key(record, claim)) if effects else None]
            yield row([f"{claim['sentence']} {claim['differs']}".rstrip(), found(claim),
                        smallest(claim), probability(claim["p"]), str(claim["n"]),
                        _verdict(claim), *map(probability, holms)])  # fmt: skip
        yield ""
    made = [f"{who['machine']}, commit {who['commit']} (seeds {ranges(who['seeds'])})" for who in record.made_by]
    price = "unknown" if record.cpu_seconds is None else f"{duration(record.cpu_seconds)} of processor time"
    yield f"- Data: {record.data}; {record.schedule}"
    yield f"- Seeds: {ranges(record.seeds)}"
    yield f"- Made by: {'; '.join(made)}"
    yield f"- Price: {price}"
    yield from (f"- Failed: {line}" for line in record.failures)
    yield "\n</details>\n"


def _verdict(claim: Claimed) -> str:
    said = ", ".join(filter(None, (claim["verdict"], sureness(claim))))
    special = claim["verdict"] == "undecided" and claim["reason"] != NEITHER
    return f"{_sign(claim)} {said}" + (f": {claim['reason'].rstrip('.')}" if special else "")


def _adjusted(records: Sequence[FigureRecord]) -> dict[str, float]:
    """Returns Holm's p by figure and claim: of the directed claims of a source that were tested on both batches."""
    tested: dict[str, dict[str, float]] = {}
    for record in records:
        for claim in record.verdicts:
            directed = claim["direction"] in ("greater", "less") and claim["p"] is not None
            if directed and len(claim["batches"]) == len(BATCHES):
                tested.setdefault(claim["source"], {})[_key(record, claim)] = claim["p"]
    return {key: p for held in tested.values() for key, p in holm(held).items()}


def _key(record: FigureRecord, claim: Claimed) -> str:
    return f"{record.figure} {claim['claim_id']}"


def row(cells: Iterable[str]) -> str:
    """Writes a row of a table of Markdown."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
