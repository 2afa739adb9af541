"""What a figure found, in a sentence or two made from its verdicts: for pages and for the title of its picture.

Both speak of the figure's leading claims (`Design.leading`), in the words of `critical.inference.verdicts`. Nothing
here is written by hand about one figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from critical.inference.claims import OURS
from critical.inference.verdicts import DECIDED, NEITHER
from experiments.output.report_text import counted, effect, found, smallest

NOTHING = "Chooses settings; claims nothing."
AT_MOST = 3
"""Claims that are spelled out; more of them are counted."""
NAMES = ("Fisher",)
"""First words of sentences that keep their capital behind a colon."""

Verdict = Mapping[str, Any]


def headline(verdicts: Sequence[Verdict], leading: Sequence[str] = ()) -> str:
    """Says what was found of the leading claims, a sentence each.

    Args:
        verdicts: Those of a figure, as records hold them.
        leading: Ids of the claims to speak of; when left out, the first of the papers' and the first of ours.

    Returns:
        Text such as "Reproduced: a blur costs accuracy (+50.2 points [+47.1, +53.4], provisional). Undecided: …".

    Raises:
        ValueError: There is no verdict on a leading claim.
    """
    if not verdicts:
        return NOTHING
    chosen = leaders(verdicts, leading)
    if len(chosen) > AT_MOST:
        notable = _notable(chosen)
        return f"{_all_of(chosen)}." + (f" Found: {'; '.join(notable)}." if notable else "")
    return " ".join(sentence(verdict) for verdict in chosen)


def picture_title(verdicts: Sequence[Verdict], leading: Sequence[str] = (), title: str = "") -> str:
    """Says the same in at most two lines, with the claims' short names.

    Args:
        verdicts: Those of a figure, as records hold them.
        leading: As for `headline`.
        title: The figure's own, which is used where it claims nothing.
    """
    if not verdicts:
        return title
    chosen = leaders(verdicts, leading)
    if len(chosen) > AT_MOST:
        notable = _notable(chosen)
        best = "; ".join(notable[:2]) + (f"; {len(notable) - 2} more" if len(notable) > 2 else "")
        return "\n".join(filter(None, (_all_of(chosen), capital(best))))
    return "\n".join(capital(f"{verdict['short']} — {finding(verdict)}") for verdict in chosen[:2])


def leaders(verdicts: Sequence[Verdict], leading: Sequence[str] = ()) -> list[Verdict]:
    """Returns the verdicts on the leading claims.

    Raises:
        ValueError: There is none on one of them.
    """
    by_id = {verdict["claim_id"]: verdict for verdict in verdicts}
    if missing := [name for name in leading if name not in by_id]:
        raise ValueError(f"there is no verdict on '{missing[0]}', of which the headline is to speak; make it again")
    if leading:
        return [by_id[name] for name in leading]
    firsts = {verdict["source"] == OURS: verdict for verdict in reversed(verdicts)}
    return [firsts[ours] for ours in (False, True) if ours in firsts]


def sentence(verdict: Verdict) -> str:
    """Says what was found of one claim: the word, the claim, and the effect that bears it out."""
    word, claim = verdict["verdict"], _small(verdict["sentence"].rstrip("."))
    numbers, least = found(verdict), smallest(verdict)
    if word in DECIDED:
        numbers += ", confirmed" if verdict["confirmed"] else ", provisional"
    directed = verdict["direction"] in ("greater", "less")
    if word == "reversed":
        other = "the opposite was found" if directed else "an effect was found"
        return f"Reversed: {claim} — {other} ({numbers})."
    if word == "premise failed":
        return f"Premise failed: {claim} — {_small(verdict['reason'].rstrip('.'))} ({numbers})."
    if word == "unfinished":
        return f"Unfinished: {claim} — some of its runs are missing."
    if word == "undecided":
        why = f"neither an effect of {least} nor its absence is shown"
        if verdict["reason"] != NEITHER:
            why = _small(verdict["reason"].rstrip("."))
        return f"Undecided: {_with(claim, f'{numbers}; {why}')}."
    if word == "negligible" or not directed:
        numbers += f"; less than the {least} that would matter"
    return f"{word.capitalize()}: {_with(claim, numbers)}."


def _with(claim: str, numbers: str) -> str:
    """Adds numbers in brackets, or to the brackets that a claim ends with."""
    return f"{claim[:-1]}; {numbers})" if claim.endswith(")") else f"{claim} ({numbers})"


def finding(verdict: Verdict) -> str:
    """Says what was found of one claim without its name: "reproduced, +5.1 points"."""
    known = verdict["effect"] is not None and verdict["verdict"] != "unfinished"
    return verdict["verdict"] + (f", {effect(verdict, verdict['effect'])}" if known else "")


def _all_of(chosen: Sequence[Verdict]) -> str:
    """Counts the leading claims: "Of the 12 leading claims: 3 reproduced, 9 undecided", "…: all undecided"."""
    said = counted(chosen)
    return f"Of the {len(chosen)} leading claims: {said if ',' in said else said.replace(str(len(chosen)), 'all', 1)}"


def _notable(chosen: Sequence[Verdict]) -> list[str]:
    """Names what was reproduced or reversed, the former first."""
    return [
        f"{verdict['short']} ({'' if word == 'reproduced' else 'reversed, '}{effect(verdict, verdict['effect'])})"
        for word in ("reproduced", "reversed")
        for verdict in chosen
        if verdict["verdict"] == word
    ]


def _small(text: str) -> str:
    """Lowers the first letter, if that of a word and not of a name or an abbreviation."""
    first = text.partition(" ")[0]
    return text if first in NAMES or (len(first) > 1 and not first[1:].islower()) else text[:1].lower() + text[1:]


def capital(text: str) -> str:
    """Makes the first letter a capital."""
    return text[:1].upper() + text[1:]
