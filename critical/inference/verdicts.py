"""The verdict on a claim: a pure function of the tidy table.

The table has one row per finished run and rung: `arm`, `seed`, `failure` (empty if the run is fine) and the
columns that arms are selected by and that claims compare (`removal`, `schedule`, `budget`, `accuracy` in
percent ...). With d = the differences within seeds, m = the margin, [low, high] = Student's t interval at
1 − alpha and p = the exact sign-flip test, the first row that holds, from the top, is the verdict:

| verdict        | direction "greater" ("less": signs turned)      | direction "none" (no effect is claimed) |
| -------------- | ----------------------------------------------- | --------------------------------------- |
| failed run     | a run of the claim failed or is not finite      | the same                                |
| missing arm    | a seed, or a whole arm, of the claim is missing | the same                                |
| undecided      | a seed has no value (exponent not determined)   | the same                                |
| too few seeds  | 2/2^n > alpha: no data could give p ≤ alpha     | the same                                |
| reproduced     | p ≤ alpha, low > 0 and mean ≥ m                 | −m < low and high < m                   |
| reversed       | p ≤ alpha, high < 0 and mean ≤ −m               | never                                   |
| not reproduced | −m < low and high < m, whatever p is            | p ≤ alpha, 0 outside and abs(mean) ≥ m  |
| undecided      | everything else                                 | everything else                         |

A run that is still missing means an unfinished figure, so no verdict is given on the seeds that happen to be
in: looking early and stopping when it suits would raise the rate of false verdicts. The numbers are reported
all the same, over the seeds that have both arms. A seed is never left out because its value is inconvenient:
one exponent that cannot be fitted leaves the claim undecided. Claims are decided one by one, each at its own
alpha; nothing is corrected for the number of claims.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from critical.inference import statistics
from critical.inference.claims import FIRST_CALIBRATION_SEED, Arm, Claim, Direction, Statistic

MARGIN_DEVIATIONS = 3.0
"""The margin in standard deviations of the control over seeds."""

Outcome = Literal[
    "reproduced", "reversed", "not reproduced", "undecided", "too few seeds", "missing arm", "failed run"
]


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim, with the numbers it rests on.

    Attributes:
        claim_id: The claim's id.
        source: Paper and figure.
        sentence: What is claimed.
        direction: The claimed direction.
        effect: Mean over the n seeds (unit); NaN without any.
        low: Lower bound of the interval; NaN for n < 2.
        high: Upper bound of the interval; NaN for n < 2.
        p: Two-sided exact sign-flip p; NaN for n = 0.
        n: Seeds that have a value.
        margin: Least effect that counts (unit); NaN where the control is not there.
        unit: Unit of effect, bounds and margin.
        verdict: See the table at the head of this module.
        reason: Why, in a sentence.
        differs: What differs from the paper's setting.
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
    margin: float
    unit: str
    verdict: Outcome
    reason: str
    differs: str


def decide(table: pd.DataFrame, claim: Claim, seeds: Iterable[int] | None = None) -> Verdict:
    """Decides a claim from the tidy table, by the rules at the head of this module.

    Args:
        table: One row per finished run and rung; see the head of this module. It is not changed.
        claim: The claim.
        seeds: The seeds the figure was planned with; one without rows is missing. Without them the seeds that
            any arm of the claim has are taken, which cannot see that one is missing from all.

    Returns:
        The verdict.

    Raises:
        ValueError: A calibration seed, a missing column, or several rows of an arm for one seed.
    """
    planned = set() if seeds is None else {int(seed) for seed in seeds}
    for column in ("seed", "failure"):
        if column not in table.columns:
            raise ValueError(f"the table has no column '{column}'; a tidy table of runs has one")
    calibration = sorted(seed for seed in {*table["seed"], *planned} if seed >= FIRST_CALIBRATION_SEED)
    if calibration:
        listed = ", ".join(str(int(seed)) for seed in calibration)
        raise ValueError(
            f"claim '{claim.id}': calibration seeds ({listed}) never serve a claim; use seeds below 1000"
        )
    table = table.reset_index(drop=True)  # rows are told apart by it when the arms of a statistic overlap
    rows = {arm: statistics.select(table, arm) for arm in claim.arms}
    failed = [note for arm, held in rows.items() for note in _failures(held, arm, claim)]
    present = {arm: {int(seed) for seed in held["seed"]} for arm, held in rows.items()}
    expected = planned.union(*present.values())
    gaps = {arm: sorted(expected - held) for arm, held in present.items()}
    missing = [
        f"({arm}) {'has no run' if not present[arm] else 'lacks seed ' + _listed(lacking)}"
        for arm, lacking in gaps.items()
        if lacking or not present[arm]
    ]
    values = pd.Series(dtype=float)
    if claim.minuend is not None and claim.subtrahend is not None:
        values = statistics.paired_differences(table, claim.minuend, claim.subtrahend, claim.column)
    elif claim.statistic is not None and not failed and all(present.values()):
        values = _per_seed(claim.statistic, table, claim)
        lacking = sorted(expected - {int(seed) for seed in values.index})
        missing += [f"the statistic lacks a run of seed {_listed(lacking)}"] if lacking else []
    finite = values[values.map(math.isfinite)] if len(values) else values
    n = len(finite)
    interval = statistics.Interval(math.nan, math.nan, math.nan, 0)
    p = math.nan
    if n:
        interval = statistics.mean_interval(finite, 1 - claim.alpha)
        p = statistics.sign_flip_p(finite)
    margin, control_lacks = _margin(table, claim, complete=not failed and all(present.values()))
    if len(expected) > 1:  # a single seed has no spread, but what it lacks is seeds
        missing += control_lacks
    verdict: Outcome
    if failed:
        verdict, reason = "failed run", f"No verdict while a run has failed: {'; '.join(failed)}."
    elif missing:
        verdict, reason = "missing arm", f"The figure is not finished: {'; '.join(missing)}."
    elif n < len(values):
        undefined = _listed(sorted(values.index.difference(finite.index)))
        verdict = "undecided"
        reason = f"The statistic has no value for seed {undefined}, and no seed is left out for that."
    elif statistics.least_p_paired(n) > claim.alpha:
        least, needed = statistics.least_p_paired(n), statistics.smallest_n_paired(claim.alpha)
        verdict = "too few seeds"
        reason = f"With n = {n} no p is below {least:.3g}; p ≤ {claim.alpha:g} needs {needed} seeds."
    else:
        verdict, reason = _judge(interval, p, margin, claim)
    return Verdict(
        claim.id, claim.source, claim.sentence, claim.direction,
        interval.mean, interval.low, interval.high, p, n, margin, claim.unit,
        verdict, reason, claim.differs,
    )  # fmt: skip


def verdicts(
    table: pd.DataFrame, claims: Iterable[Claim], seeds: Iterable[int] | None = None
) -> pd.DataFrame:
    """Decides several claims; one row per claim, the columns are the fields of `Verdict`.

    Raises:
        ValueError: As `decide`, or two claims share an id.
    """
    claims, planned = list(claims), None if seeds is None else list(seeds)
    ids = [claim.id for claim in claims]
    twice = {name for name in ids if ids.count(name) > 1}
    if twice:
        raise ValueError(f"several claims have the id {', '.join(sorted(twice))}; ids are unique")
    names = [field.name for field in dataclasses.fields(Verdict)]
    found = [dataclasses.asdict(decide(table, claim, planned)) for claim in claims]
    return pd.DataFrame(found, columns=names)


def to_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Turns the frame of `verdicts` into plain dicts that strict JSON can hold (NaN becomes None)."""
    return [
        {str(key): None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}
        for row in frame.to_dict("records")
    ]


def _judge(interval: statistics.Interval, p: float, margin: float, claim: Claim) -> tuple[Outcome, str]:
    """Applies the last four rows of the table to complete data of enough seeds."""
    sign = -1 if claim.direction == "less" else 1  # turned so that the claimed side is the positive one
    mean = sign * interval.mean
    low, high = sorted((sign * interval.low, sign * interval.high))
    within = -margin < low and high < margin
    significant = p <= claim.alpha and (low > 0 or high < 0)
    said = (
        f"effect {interval.mean:+.3g} {claim.unit} [{interval.low:+.3g}, {interval.high:+.3g}], "
        f"p = {p:.3g}, margin {margin:.3g}"
    )
    if claim.direction == "none":
        if within:
            return "reproduced", f"No effect beyond the margin: {said}."
        if significant and abs(mean) >= margin:
            return "not reproduced", f"There is an effect where none is claimed: {said}."
        return "undecided", f"Neither an effect nor its absence is shown: {said}."
    if significant and mean >= margin:
        return "reproduced", f"As claimed and at least the margin: {said}."
    if significant and mean <= -margin:
        return "reversed", f"The opposite of the claim, by at least the margin: {said}."
    if within and significant:
        return "not reproduced", f"There is an effect, but it is smaller than the margin: {said}."
    if within:
        return "not reproduced", f"No effect beyond the margin: {said}."
    if high < margin:
        return "undecided", f"A claimed effect as large as the margin is excluded, a reversed one is not: {said}."
    if significant:
        return "undecided", f"There is an effect, but whether it reaches the margin is open: {said}."
    return "undecided", f"Neither an effect nor its absence is shown: {said}."


def _margin(table: pd.DataFrame, claim: Claim, complete: bool) -> tuple[float, list[str]]:
    """Returns max(floor, 3 s.d. of the control over seeds), and what the control lacks for it."""
    if claim.control is None:
        return claim.floor, []
    if isinstance(claim.control, Arm):
        spread = statistics.seed_values(table, claim.control, claim.column)
        name = f"({claim.control})"
    else:
        spread = _per_seed(claim.control, table, claim) if complete else pd.Series(dtype=float)
        name = "statistic"
    spread = spread[spread.map(math.isfinite)] if len(spread) else spread
    if len(spread) < 2:
        return math.nan, [f"the control {name} has {len(spread)} of the 2 seeds a margin needs"]
    return max(claim.floor, MARGIN_DEVIATIONS * float(spread.std(ddof=1))), []


def _per_seed(statistic: Statistic, table: pd.DataFrame, claim: Claim) -> pd.Series:
    """Calls a statistic on the rows of the contrasted arms and checks that it gave one number per seed."""
    rows = pd.concat([statistics.select(table, arm) for arm in claim.contrasted])
    values = statistic(rows[~rows.index.duplicated()].sort_index())
    if not isinstance(values, pd.Series) or values.index.has_duplicates:
        raise ValueError(f"claim '{claim.id}': its statistic must return a Series with one value per seed")
    return values.astype(float).sort_index()


def _failures(rows: pd.DataFrame, arm: Arm, claim: Claim) -> list[str]:
    """Names the failed runs among the rows of an arm."""
    marked = rows["failure"].notna() & (rows["failure"].astype(str).str.strip() != "")
    held = rows[claim.column] if claim.column in rows else pd.Series(0.0, index=rows.index)
    infinite = ~held.astype(float).map(math.isfinite).astype(bool)
    return [
        f"({arm}) seed {int(seed)}, {mark if is_marked else f'{claim.column} is not finite'}"
        for seed, mark, is_marked, bad in zip(rows["seed"], rows["failure"], marked, infinite, strict=True)
        if is_marked or bad
    ]


def _listed(seeds: Iterable[Any]) -> str:
    """Writes seeds as text."""
    return ", ".join(str(int(seed)) for seed in seeds)
