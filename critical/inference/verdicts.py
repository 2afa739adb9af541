"""The verdict on a claim: a pure function of the table of runs.

With the values of the contrast within seeds, their mean, Student's t interval at 1 − α, the p of the exact sign-flip
test, and s the smallest effect of interest (`critical.inference.effects`), the first row that holds is the verdict:

| verdict        | direction "greater" ("less": signs turned)       | direction "none" (no effect is claimed)       |
| -------------- | ------------------------------------------------ | --------------------------------------------- |
| unfinished     | a run of a planned seed is missing               | the same                                      |
| undecided      | a run failed, a seed has no value, or the seeds  | the same                                      |
|                | are too few for any p ≤ α                        |                                               |
| reproduced     | p ≤ α, low > 0 and mean ≥ s                      | −s < low and high < s                         |
| reversed       | p ≤ α, high < 0 and mean ≤ −s                    | p ≤ α, 0 outside [low, high], abs(mean) ≥ s   |
| negligible     | −s < low and high < s, whatever p is             | never                                         |
| undecided      | everything else                                  | everything else                               |
| premise failed | a claim that it `requires` is decided against it | the same                                      |

Direction "not greater" (no effect above 0, whatever lies below) is as "none", with the upper side alone: *reproduced*
where high < s. Where a claim that it `requires` is itself undecided or unfinished, a claim is undecided.

The spread of a control plays no part. One batch of seeds gives a *provisional* verdict at α = 0.05. Two batches make it
*confirmed* where all their seeds together give it at α = 0.005 and neither batch by itself gives another; where a batch
does, the claim is undecided. A seed is never left out because its value is inconvenient, and no verdict is given on the
seeds that happen to be in: looking early and stopping when it suits would raise the rate of false verdicts.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from critical.core.spec import SpecError
from critical.inference import statistics
from critical.inference.arms import FAILED, Contrast, has_failed, rows_of
from critical.inference.claims import BATCHES, FIRST_CALIBRATION_SEED, Claim, Direction

PROVISIONAL_ALPHA = 0.05
"""Level of the test and, with 1 − α, of the interval, for the seeds of one batch."""
CONFIRMED_ALPHA = 0.005
"""The same for all seeds of both batches."""

Word = Literal["reproduced", "reversed", "negligible", "undecided", "premise failed", "unfinished"]
DECIDED: tuple[Word, ...] = ("reproduced", "reversed", "negligible")
NEITHER = "Neither an effect of interest nor its absence is shown."
"""The reason where the numbers leave a claim undecided."""


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim, with the numbers it rests on.

    Of a ratio, effects and bounds are natural logarithms; `ratio` says so.

    Attributes:
        claim_id: The claim's id.
        source: Paper and figure.
        sentence: What is claimed.
        direction: The claimed direction.
        effect: Mean over the n seeds; NaN without any.
        low: Lower bound of the 95 % interval; NaN for n < 2.
        high: Its upper bound.
        p: Two-sided exact sign-flip p; NaN for n = 0.
        n: Seeds that have a value.
        spread: Standard deviation over seeds: information, no part of the rule.
        smallest: The smallest effect of interest.
        unit: How effects are written.
        ratio: Whether they are logarithms of ratios.
        verdict: See the table at the head of this module.
        confirmed: Whether both batches of seeds bear it out; else it is provisional.
        batches: The word of each batch by itself, in order.
        reason: Why, in a sentence.
        differs: What differs from the source's setting.
        short: The claim's name in tables and pictures.
        paper_effect: The source's own effect, in the unit of `effect`; None where it states none.
        lacking: Ids of the claims that it requires and that do not hold.
    """

    claim_id: str
    source: str
    sentence: str
    direction: Direction
    effect: float
    low: float
    high: float
    p: float
    n: int
    spread: float
    smallest: float
    unit: str
    ratio: bool
    verdict: Word
    confirmed: bool
    batches: tuple[Word, ...]
    reason: str
    differs: str = ""
    short: str = ""
    paper_effect: float | None = None
    lacking: tuple[str, ...] = ()


def judged(values: ArrayLike, smallest: float, direction: Direction, alpha: float) -> Word:
    """Returns the word for the values of a contrast, one a seed: the rows of the table that are about numbers.

    Args:
        values: Shape (n,), finite, n ≥ 1.
        smallest: The smallest effect of interest, > 0.
        direction: The claimed sign.
        alpha: Level of the test; the interval has 1 − alpha.
    """
    interval = statistics.mean_interval(values, 1 - alpha)
    sign = -1 if direction == "less" else 1  # turned so that the claimed side is the positive one
    mean, low, high = sign * interval.mean, *sorted((sign * interval.low, sign * interval.high))
    significant = statistics.sign_flip_p(values) <= alpha
    if direction == "not greater":
        if high < smallest:
            return "reproduced"
        return "reversed" if significant and low > 0 and mean >= smallest else "undecided"
    if direction == "none":
        if -smallest < low and high < smallest:
            return "reproduced"
        return "reversed" if significant and (low > 0 or high < 0) and abs(mean) >= smallest else "undecided"
    if significant and low > 0 and mean >= smallest:
        return "reproduced"
    if significant and high < 0 and mean <= -smallest:
        return "reversed"
    return "negligible" if -smallest < low and high < smallest else "undecided"


def decide(table: pd.DataFrame, claim: Claim, seeds: Iterable[int]) -> Verdict:
    """Decides a claim by the rules at the head of this module, premises left aside.

    Args:
        table: A row a run: `arm_id`, `seed`, `failure` and the columns of the claim. It is not changed.
        claim: The claim.
        seeds: The seeds that were planned; those of other rows are left out.

    Raises:
        SpecError: A calibration seed.
        ValueError: A missing column, or several rows of an arm for one seed.
    """
    planned = sorted(set(seeds))
    if calibration := [seed for seed in planned if seed >= FIRST_CALIBRATION_SEED]:
        raise SpecError(
            f"claim '{claim.id}': seeds {_listed(calibration)} chose settings and never serve a claim; use seeds below "
            f"{FIRST_CALIBRATION_SEED}"
        )
    # Tables have some hundred columns, a claim asks for a few, again and again.
    needed = {"arm_id", "seed", FAILED, *(term.source for term in claim.contrast.terms)}
    table = table.loc[table["seed"].isin(planned), [column for column in table if column in needed]]
    values = claim.contrast.per_seed(table)
    finite = values[np.isfinite(values)]
    word, confirmed, batches, reason = _word(table, claim, planned, values)
    interval = statistics.mean_interval(finite) if len(finite) else statistics.Interval(math.nan, math.nan, math.nan, 0)
    return Verdict(
        claim.id, claim.source, claim.sentence, claim.direction,
        interval.mean, interval.low, interval.high,
        statistics.sign_flip_p(finite) if len(finite) else math.nan,
        len(finite), float(finite.std(ddof=1)) if len(finite) > 1 else math.nan,
        claim.smallest, claim.measure.unit, claim.measure.ratio, word, confirmed, batches, reason, claim.differs,
        claim.short, claim.paper_effect,
    )  # fmt: skip


def verdicts(table: pd.DataFrame, claims: Sequence[Claim], seeds: Iterable[int]) -> list[Verdict]:
    """Decides the claims of a figure, premises included.

    Raises:
        SpecError: Two claims share an id, or one requires a claim that does not stand before it.
    """
    planned, ids = list(seeds), [claim.id for claim in claims]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise SpecError(f"several claims have the id {', '.join(twice)}; ids are unique")
    found: dict[str, Verdict] = {}
    for claim in claims:
        for premise in claim.requires:
            if premise not in found:
                raise SpecError(f"claim '{claim.id}' requires '{premise}', which is no claim of the figure before it")
        # A premise counts with its own premises.
        found[claim.id] = _with_premise(decide(table, claim, planned), [found[premise] for premise in claim.requires])
    return list(found.values())


def to_records(found: Iterable[Verdict]) -> list[dict[str, Any]]:
    """Returns verdicts as plain mappings that strict JSON can hold (NaN becomes None)."""
    return [
        {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}
        for row in map(dataclasses.asdict, found)
    ]


def _with_premise(verdict: Verdict, premises: list[Verdict]) -> Verdict:
    lacking = [premise for premise in premises if premise.verdict != "reproduced"]
    if verdict.verdict == "unfinished" or not premises:
        return verdict
    if not lacking:
        # What rests on a provisional premise is provisional.
        return replace(verdict, confirmed=verdict.confirmed and all(premise.confirmed for premise in premises))
    words = "; ".join(f"“{premise.short}” is {premise.verdict}" for premise in lacking)
    failed = any(premise.verdict in (*DECIDED, "premise failed") for premise in lacking)
    word: Word = "premise failed" if failed else "undecided"
    return replace(verdict, verdict=word, confirmed=False, reason=f"It says nothing where {words}.",
                   lacking=tuple(premise.claim_id for premise in lacking))  # fmt: skip


def _word(
    table: pd.DataFrame, claim: Claim, planned: list[int], values: pd.Series
) -> tuple[Word, bool, tuple[Word, ...], str]:
    """Returns the word, whether it is confirmed, the words of the batches, and the reason."""
    rows = {arm: rows_of(table, arm) for arm in claim.arms}
    lacking = {arm: sorted(set(planned) - set(held.index)) for arm, held in rows.items()}
    if missing := [f"({arm}) lacks seed {_listed(seeds)}" for arm, seeds in lacking.items() if seeds]:
        more = f"; {len(missing) - 1} more arms lack some" if len(missing) > 1 else ""
        return "unfinished", False, (), f"The figure is not finished: {missing[0]}{more}."
    failed = [
        f"({arm}) seed {seed}: {text}"
        for arm, held in rows.items()
        for seed, text in held[has_failed(held)][FAILED].items()
    ]
    if failed:
        return "undecided", False, (), f"A run failed, and no seed is left out for that: {'; '.join(failed)}."
    if undefined := sorted(values.index[~np.isfinite(values)]):
        lack = f"There is no value for seed {_listed(undefined)}, and no seed is left out for that."
        return "undecided", False, (), (not isinstance(claim.contrast, Contrast) and claim.contrast.undefined) or lack
    parts = [values[[seed for seed in batch if seed in values.index]] for batch in BATCHES]
    if not all(len(part) == len(batch) for part, batch in zip(parts, BATCHES, strict=True)):
        # So few seeds tell no effect; that an interval of two is narrow by chance tells no absence either.
        enough = statistics.least_p_paired(len(values)) <= PROVISIONAL_ALPHA
        word = judged(values, claim.smallest, claim.direction, PROVISIONAL_ALPHA) if enough else "undecided"
        return word, False, (word,), _reason(word, len(values), PROVISIONAL_ALPHA)
    each = tuple(judged(part, claim.smallest, claim.direction, PROVISIONAL_ALPHA) for part in parts)
    strict = judged(values, claim.smallest, claim.direction, CONFIRMED_ALPHA)
    word = strict if strict in DECIDED else judged(values, claim.smallest, claim.direction, PROVISIONAL_ALPHA)
    if word in DECIDED and any(one in DECIDED and one != word for one in each):
        return "undecided", False, each, f"The batches disagree: {' and '.join(each)}."
    if strict in DECIDED:
        return strict, True, each, f"All {len(values)} seeds give it at α = {CONFIRMED_ALPHA}, and no batch another."
    if len({one for one in each if one in DECIDED}) > 1:
        return word, False, each, f"The batches disagree: {' and '.join(each)}."
    return word, False, each, _reason(word, len(values), PROVISIONAL_ALPHA)


def _reason(word: Word, n: int, alpha: float) -> str:
    if word in DECIDED:
        return f"{n} seeds give it at α = {alpha}."
    if statistics.least_p_paired(n) > alpha:
        needed = statistics.smallest_n_paired(alpha)
        return f"With {n} seeds no p is below {statistics.least_p_paired(n):.3g}; an effect needs {needed}."
    return NEITHER


def _listed(seeds: Iterable[Any]) -> str:
    return ", ".join(str(int(seed)) for seed in seeds)
