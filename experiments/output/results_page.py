"""What was found: docs/results.md, written from the committed reference tables (`make findings`).

No number in it is typed by hand. It is read from the records beside the tables, `results/reference/<profile>/`. The
page begins with a line a source, then has all claims at a glance, a column a profile, and then figure by figure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from critical.inference.claims import BATCHES, OURS
from critical.inference.statistics import holm
from critical.inference.verdicts import DECIDED
from experiments.design.registry import FIGURES
from experiments.output.headline import headline
from experiments.output.records import FigureRecord, read_records
from experiments.output.report import PROFILES
from experiments.output.report_text import duration, effect, found, probability
from experiments.output.words import VERDICTS

Claimed = Mapping[str, Any]
Profiles = Mapping[str, Sequence[FigureRecord]]

HEAD = f"""# What was found

This page is generated: `make findings` writes it from the records in `results/reference/`, and `make show` draws the
same as a report with pictures. [Methods](methods.md) says how a verdict comes about.

Effects are means over seeds with 95 % intervals, and p is exact. A verdict is *provisional* on one batch of seeds and
*confirmed* on both. Signs: {", ".join(f"{look.sign} {word}" for word, look in VERDICTS.items())}.
"""
NOTHING = "\nNo reference tables are committed yet. `make reference` writes them.\n"


def profiles(results: Path) -> dict[str, list[FigureRecord]]:
    """Returns the committed records by profile, the larger profiles last.

    Args:
        results: The folder that holds `reference/<profile>/`. The profile smoke is left out: it says nothing.
    """
    there = {path.name for path in (results / "reference").glob("*") if path.is_dir()} - {"smoke"}
    order = [*(name for name in PROFILES if name in there), *sorted(there - set(PROFILES))]
    held = {name: read_records(results, name, "reference") for name in order}
    return {name: records for name, records in held.items() if records}


def page(results: Path) -> str:
    """Returns the page as Markdown; `results` as in `profiles`."""
    held = profiles(results)
    return "\n".join([HEAD, *_in_short(held), *_at_a_glance(held), *_by_figure(held)]) if held else HEAD + NOTHING


def sentence(source: str, records: Sequence[FigureRecord]) -> str:
    """Counts the verdicts on a source: "Pawlak 2025, on glyphs: of 3 claims 2 reproduced (1 confirmed), 1 undecided".

    Args:
        source: The source of the claims.
        records: The records of a profile.
    """
    on = dict.fromkeys(_data(record) for record in records if any(claim["source"] == source for claim in record.verdicts))
    listed = [claim for record in records for claim in record.verdicts if claim["source"] == source]
    words = Counter(claim["verdict"] for claim in listed)
    sure = Counter(claim["verdict"] for claim in listed if claim["confirmed"])
    said = [f"{words[word]} {word}" + (f" ({sure[word]} confirmed)" if sure[word] else "")
            for word in VERDICTS if words[word]]  # fmt: skip
    claims = f"of {len(listed)} claims" if len(listed) > 1 else "of one claim"
    return f"{source}, on {_listed(on)}: {claims} {', '.join(said)}"


def sources(records: Sequence[FigureRecord]) -> list[str]:
    """Returns the sources of claims: those with most claims first, this suite last."""
    counts = Counter(claim["source"] for record in records for claim in record.verdicts)
    return sorted(counts, key=lambda source: (source == OURS, -counts[source], source))


def anchor(figure: str) -> str:
    """Returns the name of a figure's section in the page."""
    return figure.replace("/", "-")


def _in_short(held: Profiles) -> Iterator[str]:
    yield "## In short\n"
    for name, records in held.items():
        yield f"**{name}.** {PROFILES.get(name, '')}\n"
        yield from (f"- {sentence(source, records)}." for source in sources(records))
        if not any(claim["confirmed"] for record in records for claim in record.verdicts):
            yield "\nEvery verdict here is provisional.\n"
        else:
            yield ""


def _at_a_glance(held: Profiles) -> Iterator[str]:
    """Yields the matrices: claims × profiles, the papers' own apart from our controls."""
    yield "## All claims at a glance\n\nConfirmed verdicts are bold. Each leads to its figure.\n"
    for title, own in (("The papers' own claims", False), ("Controls of this suite", True)):
        rows: dict[tuple[str, str], dict[str, Claimed]] = {}
        for name, records in held.items():
            for record, claim in _claims(records, own):
                rows.setdefault((record.figure, claim["claim_id"]), {})[name] = claim
        if not rows:
            continue
        yield f"### {title}\n"
        yield _row(["claim", "figure", *held])
        yield _row(["---"] * (2 + len(held)))
        ordered = sorted(rows, key=lambda key: list(FIGURES).index(key[0]) if key[0] in FIGURES else len(FIGURES))
        for figure, claim_id in ordered:
            cells = rows[figure, claim_id]
            said = next(iter(cells.values()))["short"]
            yield _row([said, f"[{figure.rpartition('/')[2]}](#{anchor(figure)})",
                        *(_cell(cells.get(name)) for name in held)])  # fmt: skip
        yield ""


def _cell(claim: Claimed | None) -> str:
    if claim is None:
        return ""
    said = f"{VERDICTS[claim['verdict']].sign} {effect(claim, claim['effect'])}" if claim["effect"] is not None else (
        VERDICTS[claim["verdict"]].sign)  # fmt: skip
    return f"**{said}**" if claim["confirmed"] else said


def _by_figure(held: Profiles) -> Iterator[str]:
    order = dict.fromkeys(record.figure for name in held for record in held[name])
    for figure in [*(name for name in FIGURES if name in order), *(name for name in order if name not in FIGURES)]:
        at = [(name, record) for name, records in held.items() for record in records if record.figure == figure]
        yield f'<a id="{anchor(figure)}"></a>\n\n## {figure}\n'
        yield f"**{at[0][1].title}.** {FIGURES[figure].question if figure in FIGURES else ''}\n"
        for name, record in at:
            yield from _section(name, record, {key: p for source in sources(held[name])
                                               for key, p in _adjusted(held[name], source).items()})  # fmt: skip


def _section(profile: str, record: FigureRecord, adjusted: Mapping[str, float]) -> Iterator[str]:
    """Yields what a profile found in a figure: a sentence, a table, and where it comes from, folded."""
    yield f"### {record.figure} in {profile}\n"
    if record.verdicts:
        yield f"{headline(record.verdicts, record.leading)}\n"
        corrected = any(_key(record, claim) in adjusted and claim["confirmed"] for claim in record.verdicts)
        columns = ["claim", "source", "effect", "smallest of interest", "p", "n", *(["Holm's p"] if corrected else []), "verdict"]
        yield _row(columns)
        yield _row(["---"] * len(columns))
        for own in (False, True):
            for _, claim in _claims([record], own):
                holms = [probability(adjusted.get(_key(record, claim)) if claim["confirmed"] else None)]
                yield _row([f"{claim['sentence']} {claim['differs']}".rstrip(), claim["source"], found(claim),
                            effect(claim, claim["smallest"]).removeprefix("+"), probability(claim["p"]), str(claim["n"]),
                            *(holms if corrected else []), _verdict(claim)])  # fmt: skip
        yield ""
    else:
        yield "It chooses settings and claims nothing.\n"
    made = "; ".join(f"{who['machine']}, commit {who['commit']} (seeds {ranges(who['seeds'])})" for who in record.made_by)
    price = "unknown" if record.cpu_seconds is None else f"{duration(record.cpu_seconds)} of process time"
    yield '<details markdown="1"><summary>Data, seeds and machine</summary>\n'
    yield f"- Data: {record.data}; {record.schedule}"
    yield f"- Seeds: {ranges(record.seeds)}"
    yield f"- Made by: {made}"
    yield f"- Price: {price}"
    yield from (f"- Failed: {line}" for line in record.failures)
    yield "\n</details>\n"


def _verdict(claim: Claimed) -> str:
    sure = f", {'confirmed' if claim['confirmed'] else 'provisional'}" if claim["verdict"] in DECIDED else ""
    return f"{VERDICTS[claim['verdict']].sign} {claim['verdict']}{sure}"


def _claims(records: Iterable[FigureRecord], own: bool) -> Iterator[tuple[FigureRecord, Claimed]]:
    for record in records:
        yield from ((record, claim) for claim in record.verdicts if (claim["source"] == OURS) == own)


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


def _key(record: FigureRecord, claim: Claimed) -> str:
    return f"{record.figure} {claim['claim_id']}"


def _data(record: FigureRecord) -> str:
    """Returns the data without their size: "glyphs" of "glyphs 16×16 (3,000 images)"."""
    return re.split(r" \d+×\d+| \(", record.data)[0]


def _listed(names: Iterable[str]) -> str:
    held = list(names)
    return " and ".join(filter(None, [", ".join(held[:-1]), held[-1]]))


def ranges(seeds: Iterable[int]) -> str:
    """Writes whole numbers with their gaps: "20–27, 30"."""
    runs = [[seed for _, seed in held] for _, held in groupby(enumerate(sorted(seeds)), lambda at: at[1] - at[0])]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
