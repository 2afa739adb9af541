"""What stays open: claims that have no answer yet, what keeps them from one, and what it would take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from critical.inference.claims import OURS
from critical.inference.statistics import seeds_for
from critical.inference.verdicts import NEITHER
from experiments.output.headline import leaders
from experiments.output.records import FigureRecord
from experiments.output.report_text import found, smallest

MANY = 1_000
"""Seeds that nobody trains."""
Verdict = Mapping[str, Any]


@dataclass(frozen=True)
class Open:
    """Claims of a figure that stay open for one reason.

    Attributes:
        claims: Their short names.
        why: What keeps them from an answer.
        takes: What would give one.
    """

    claims: tuple[str, ...]
    why: str
    takes: str


def open_claims(record: FigureRecord) -> list[Open]:
    """Returns what stays open of the papers' claims on a figure and of those that lead it.

    A claim that rests on another one is open for the reason of that.
    """
    by_id = {verdict["claim_id"]: verdict for verdict in record.verdicts}
    leading = {verdict["claim_id"] for verdict in leaders(record.verdicts, record.leading)}
    held: dict[tuple[str, str], dict[str, None]] = {}
    for verdict in record.verdicts:
        if verdict["source"] != OURS or verdict["claim_id"] in leading:
            for reason in _reasons(verdict, by_id):
                held.setdefault(reason, {})[verdict["short"]] = None
    return [Open(tuple(claims), why, takes) for (why, takes), claims in held.items()]


def _reasons(verdict: Verdict, by_id: Mapping[str, Verdict]) -> Iterator[tuple[str, str]]:
    """Yields why a claim is open and what it would take; nothing for one that is decided."""
    if verdict["verdict"] not in ("undecided", "premise failed"):
        return
    for name in verdict.get("lacking") or ():
        premise = by_id[name]
        if premise.get("lacking"):
            yield from _reasons(premise, by_id)
        elif premise["verdict"] == "undecided":
            yield from ((f"rests on “{premise['short']}”: {why}", takes) for why, takes in _reasons(premise, by_id))
        else:
            yield (f"rests on “{premise['short']}”, which is {premise['verdict']}",
                   "data and settings where that holds")  # fmt: skip
    if not verdict.get("lacking"):
        yield _spread(verdict) if verdict["reason"] == NEITHER else (verdict["reason"].rstrip("."), "")


def _spread(verdict: Verdict) -> tuple[str, str]:
    """Says how wide the interval is beside the smallest effect of interest, and how many seeds would decide.

    With mean and spread as they are: an effect of interest is shown once the interval leaves 0, and its absence once
    the interval lies within the smallest effect.
    """
    least = verdict["smallest"]
    # Where no cost is claimed, any gain is an absence of it.
    mean = verdict["effect"] if verdict["direction"] == "not greater" else abs(verdict["effect"])
    half_width = mean if mean >= least else least - mean
    why = f"{found(verdict)} with {verdict['n']} seeds; the smallest of interest is "
    return why + smallest(verdict), _seeds(half_width, verdict)


def _seeds(half_width: float, verdict: Verdict) -> str:
    if half_width <= 0 or (2 * verdict["spread"] / half_width) ** 2 > MANY:  # Student's t is nearly 2 by then
        return f"more than {MANY:,} seeds"
    return f"about {max(verdict['n'] + 1, seeds_for(half_width, verdict['spread']))} seeds"
