"""What was found: docs/findings.md, written from the committed reference tables (`make findings`).

No number in it is typed by hand. It is read from the records beside the tables, `results/reference/<profile>/`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from critical.core.files import write_atomically
from critical.inference.claims import BATCHES, OURS
from critical.inference.statistics import holm
from critical.inference.verdicts import DECIDED
from experiments.output.records import FigureRecord, read_records
from experiments.output.report import PROFILES, VERDICTS
from experiments.output.report_text import duration, effect, found, probability

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "findings.md"
HEAD = """# What was found

This page is generated: `make findings` writes it from the records in `results/reference/`.
[method.md](method.md) says how a verdict comes about. Effects are means over seeds with 95 % intervals, and p is
exact. *Provisional* rests on one batch of seeds, *confirmed* on both. Holm's p corrects a confirmed p for all claims
of the same source, in the same profile, that were tested on both batches; a claim of no effect rests on its interval
and has none.
"""
NOTHING = "\nNo reference tables are committed yet. `make reference` writes them.\n"


def page(results: Path) -> str:
    """Returns the page as Markdown.

    Args:
        results: The folder that holds `reference/<profile>/`. The profile smoke is left out: it says nothing.
    """
    there = {path.name for path in (results / "reference").glob("*") if path.is_dir()} - {"smoke"}
    order = [name for name in PROFILES if name in there]
    profiles = {name: read_records(results, name, "reference") for name in [*order, *sorted(there - set(order))]}
    sections = [_profile(name, records) for name, records in profiles.items() if records]
    return HEAD + ("".join(sections) or NOTHING)


def _profile(name: str, records: Sequence[FigureRecord]) -> str:
    """Returns the section of a profile: a line a source, then its figures."""
    claims = [verdict for record in records for verdict in record.verdicts]
    sources = sorted({claim["source"] for claim in claims}, key=lambda source: (source == OURS, source))
    lines = [f"- {source}: {tally(claim for claim in claims if claim['source'] == source)}" for source in sources]
    adjusted = {key: p for source in sources for key, p in _adjusted(records, source).items()}
    head = "\n\n".join(filter(None, [f"## {name}", PROFILES.get(name), "\n".join(lines)]))
    return f"\n{head}\n" + "".join(_figure(record, adjusted) for record in records)


def tally(claims: Iterable[Mapping[str, Any]]) -> str:
    """Counts verdicts: "of 3 claims: 2 reproduced (1 confirmed), 1 undecided"."""
    listed = list(claims)
    words, sure = (Counter(claim["verdict"] for claim in held)
                   for held in (listed, [claim for claim in listed if claim["confirmed"]]))  # fmt: skip
    said = [f"{words[word]} {word}" + (f" ({sure[word]} confirmed)" if word in DECIDED else "")
            for word in VERDICTS if words[word]]  # fmt: skip
    return f"of {len(listed)} claim{'s' * (len(listed) != 1)}: {', '.join(said)}"


def _adjusted(records: Sequence[FigureRecord], source: str) -> dict[str, float]:
    """Returns Holm's p by figure and claim, of the directed claims of a source that were tested on both batches."""
    tested = {
        _key(record, claim): claim["p"]
        for record in records
        for claim in record.verdicts
        if claim["source"] == source and claim["direction"] in ("greater", "less")
        and len(claim["batches"]) == len(BATCHES) and claim["p"] is not None
    }  # fmt: skip
    return holm(tested)


def _key(record: FigureRecord, claim: Mapping[str, Any]) -> str:
    return f"{record.figure} {claim['claim_id']}"


def _figure(record: FigureRecord, adjusted: Mapping[str, float]) -> str:
    """Returns the section of a figure."""
    made = "; ".join(f"{who['machine']}, commit {who['commit']} (seeds {ranges(who['seeds'])})"
                     for who in record.made_by)  # fmt: skip
    price = "unknown" if record.cpu_seconds is None else f"{duration(record.cpu_seconds)} of process time"
    lines = [f"\n### {record.figure}: {record.title}\n", f"- data: {record.data}; {record.schedule}",
             f"- seeds: {ranges(record.seeds)}", f"- made by: {made}", f"- price: {price}",
             *(f"- failed: {line}" for line in record.failures)]  # fmt: skip
    papers, ours = ([claim for claim in record.verdicts if (claim["source"] == OURS) == own] for own in (False, True))
    for title, claims in (("Claims of the papers", papers), ("Controls of this suite", ours)):
        if claims:
            lines += [f"\n{title}:\n", "| claim | effect | p | n | smallest effect | verdict | Holm's p |",
                      "| --- | --- | --- | --- | --- | --- | --- |"]  # fmt: skip
            lines += [_row(claim, adjusted.get(_key(record, claim))) for claim in claims]
    return "\n".join(lines if record.verdicts else [*lines, "\nIt chooses settings and claims nothing."]) + "\n"


def _row(claim: Mapping[str, Any], adjusted: float | None) -> str:
    source = "" if claim["source"] == OURS else f" ({claim['source']})"
    sure = f", {'confirmed' if claim['confirmed'] else 'provisional'}" if claim["verdict"] in DECIDED else ""
    cells = (f"{claim['sentence']} {claim['differs']}".rstrip() + source, found(claim), probability(claim["p"]),
             str(claim["n"]), effect(claim, claim["smallest"]).removeprefix("+"), claim["verdict"] + sure,
             probability(adjusted if claim["confirmed"] else None))  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def ranges(seeds: Iterable[int]) -> str:
    """Writes whole numbers with their gaps: "20–27, 30"."""
    runs = [[seed for _, seed in held] for _, held in groupby(enumerate(sorted(seeds)), lambda at: at[1] - at[0])]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


if __name__ == "__main__":
    write_atomically(PAGE, page(ROOT / "results").encode())
    print(PAGE.relative_to(ROOT))
