"""Forest plots as numbers: where on a line from 0 to 100 percent stand effect, interval, smallest effect, paper.

A template draws them (`templates/parts.html.j2`). Claims in one unit share a scale; points and bits never do, nor do
those that are shown and those that are folded away.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.ticker import MaxNLocator

from critical.inference.claims import OURS
from experiments.output.compared import AGREEMENT, Column, Verdict, agreement, anchor
from experiments.output.headline import leaders
from experiments.output.report_text import effect, found, number, probability, smallest, sureness

MARGIN = 0.04
"""Free space at either end of a scale, as a share of it."""
FACTORS = (0.1, 0.2, 0.5, 0.8, 1, 1.25, 1.5, 2, 3, 5, 10, 20, 50, 100)
SCALES = {"points": "percentage points", "×": "factor, on a logarithmic scale", "bits": "bits", "": "no unit"}

Titled = tuple[str, Verdict]
"""A verdict, and whose it is."""


@dataclass(frozen=True)
class Scale:
    """A linear scale; of ratios, of their logarithms.

    Attributes:
        low: Its value at 0 percent.
        high: Its value at 100 percent.
    """

    low: float
    high: float

    def at(self, value: float) -> float:
        """Returns the place of a value in percent, kept within the scale."""
        return round(100 * min(1.0, max(0.0, (value - self.low) / (self.high - self.low))), 2)


@dataclass(frozen=True)
class Bar:
    """A verdict on its line: places in percent, and words."""

    title: str
    verdict: Verdict
    effect: float | None
    low: float | None
    high: float | None
    text: str
    said: str


@dataclass(frozen=True)
class Line:
    """A claim: bars of one or several results, and what they are read against.

    Attributes:
        id: Its anchor.
        verdict: The one that the page shows first.
        bars: Here and the reference, or one of them.
        reach: Places of minus and plus the smallest effect of interest.
        side: Places between which the effect is claimed.
        paper: Place of the paper's own effect; None where it states none.
        agreement: Whether here and reference agree; empty where there is one of them.
        agreement_said: The same in words.
        smallest: The smallest effect, written out.
    """

    id: str
    verdict: Verdict
    bars: tuple[Bar, ...]
    reach: tuple[float, float]
    side: tuple[float, float]
    paper: float | None
    paper_said: str
    agreement: str
    agreement_said: str
    smallest: str


@dataclass(frozen=True)
class Group:
    """Claims in one unit, on one scale; `folded`: our controls, those that lead excepted."""

    unit: str
    zero: float
    ticks: tuple[tuple[float, str], ...]
    lines: tuple[Line, ...]
    folded: bool


def groups(figure: str, columns: Sequence[Column], titles: Sequence[str]) -> list[Group]:
    """Lays out the claims of a figure.

    Args:
        figure: The figure.
        columns: One's own results and the reference, or one of them; the first that has a claim names it.
        titles: What they are called, where there are two.
    """
    claims: dict[str, list[Titled]] = {}
    for column, title in zip(columns, titles, strict=True):
        for verdict in column.records[figure].verdicts if figure in column.records else ():
            claims.setdefault(verdict["claim_id"], []).append((title if len(columns) > 1 else "", verdict))
    first = next((column.records[figure] for column in columns if figure in column.records), None)
    leading = {one["claim_id"] for one in leaders(first.verdicts, first.leading)} if first else set()
    units: dict[tuple[str, bool, bool], list[list[Titled]]] = {}
    for name, held in claims.items():
        _, said = held[0]
        folded = said["source"] == OURS and name not in leading
        units.setdefault((said["unit"], said["ratio"], folded), []).append(held)
    return [_group(figure, *kind, held) for kind, held in units.items()]


def _group(figure: str, unit: str, ratio: bool, folded: bool, held: Sequence[Sequence[Titled]]) -> Group:
    scale = scale_of([verdict for claim in held for _, verdict in claim])
    lines = tuple(_line(figure, claim, scale) for claim in held)
    return Group(SCALES.get(unit, unit), scale.at(0.0), tuple(ticks(scale, ratio)), lines, folded)


def _line(figure: str, claim: Sequence[Titled], scale: Scale) -> Line:
    verdict, least = claim[0][1], claim[0][1]["smallest"]
    here, reference = (claim[0][1], claim[1][1]) if len(claim) > 1 else (None, None)
    word, paper = agreement(here, reference), verdict["paper_effect"]
    side = {"greater": (least, scale.high), "less": (scale.low, -least), "none": (-least, least),
            "not greater": (scale.low, least)}[verdict["direction"]]  # fmt: skip
    return Line(
        id=anchor(figure, verdict["claim_id"]),
        verdict=verdict,
        bars=tuple(_bar(title, one, scale) for title, one in claim),
        reach=(scale.at(-least), scale.at(least)),
        side=(scale.at(side[0]), scale.at(side[1])),
        paper=None if paper is None else scale.at(paper),
        paper_said="" if paper is None else f"the paper: {effect(verdict, paper)}",
        agreement=word,
        agreement_said=AGREEMENT.get(word, ""),
        smallest=smallest(verdict),
    )


def _bar(title: str, verdict: Verdict, scale: Scale) -> Bar:
    places = {key: None if verdict[key] is None else scale.at(verdict[key]) for key in ("effect", "low", "high")}
    words = [verdict["verdict"], sureness(verdict), found(verdict), f"p {probability(verdict['p'])}",
             f"n = {verdict['n'] or 0}"]  # fmt: skip
    return Bar(title, verdict, **places, text=found(verdict), said=", ".join(filter(None, words)))


def scale_of(verdicts: Sequence[Mapping[str, Any]]) -> Scale:
    """Returns the scale that holds effects, intervals, smallest effects, papers' effects and 0, with a margin."""
    held = [0.0]
    for verdict in verdicts:
        held += [verdict[key] for key in ("effect", "low", "high", "paper_effect") if verdict[key] is not None]
        held += [-verdict["smallest"], verdict["smallest"]]
    low, high = min(held), max(held)
    free = MARGIN * (high - low)
    return Scale(low - free, high + free)


def ticks(scale: Scale, ratio: bool) -> list[tuple[float, str]]:
    """Returns a few places of a scale and what stands there."""
    if ratio:
        inside = [factor for factor in FACTORS if scale.low <= math.log(factor) <= scale.high]
        step = max(1, math.ceil(len(inside) / 5))
        chosen = [factor for place, factor in enumerate(inside) if (place - inside.index(1)) % step == 0]
        return [(scale.at(math.log(factor)), f"×{number(factor)}") for factor in chosen]
    values = MaxNLocator(nbins=4, steps=[1, 2, 5, 10]).tick_values(scale.low, scale.high)
    return [(scale.at(value), number(float(f"{value:.6g}"))) for value in values if scale.low <= value <= scale.high]
