"""The smallest effect that would interest anybody, by what is measured.

It is fixed beforehand and belongs to the claim, not to the noise: a margin taken from the spread of the same few seeds
counts noise twice, and turned verdicts when one seed was odd. Where a paper states its own effect, half of
that is the smallest of interest (`Claim.paper_effect`); everywhere else the table below holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from critical.core.spec import SpecError
from critical.inference.arms import Term


@dataclass(frozen=True)
class Smallest:
    """A unit and its smallest effect of interest.

    Attributes:
        effect: The smallest effect, > 0; of a ratio, its natural logarithm.
        unit: How it is written behind a number.
        ratio: Whether effects are natural logarithms of ratios, and are written as factors.
        measures: What is measured in it, in words.
    """

    effect: float
    unit: str
    measures: str
    ratio: bool = False


SMALLEST = {
    "accuracy": Smallest(2.0, "points", "test accuracy"),
    "readout": Smallest(5.0, "points", "accuracy of a linear probe, decoding, or what an exchanged view costs"),
    "share": Smallest(0.1, "", "relative source variance, shares"),
    "dip": Smallest(0.05, "", "dip statistic: half of what a narrow second mode holds"),
    "relative": Smallest(0.02, "", "test accuracy as a share of that of a network without the deficit"),
    "bits": Smallest(0.2, "bits", "usable information"),
    "exponent": Smallest(0.2, "", "exponent of a recovery ladder"),
    "trace": Smallest(math.log(1.2), "×", "trace of the Fisher information, as a ratio", ratio=True),
    "gradient": Smallest(math.log(1.2), "×", "norms of the gradient's mean and deviation, as a ratio", ratio=True),
    "error": Smallest(math.log(1.1), "×", "test error, as a ratio: the share of what was left to learn", ratio=True),
    "time": Smallest(math.log(1.1), "×", "time until something is learnt, as a ratio", ratio=True),
    "correlation": Smallest(0.3, "", "rank correlation over conditions"),
}
"""Unit → smallest effect of interest."""

_COLUMNS = (
    ("accuracy", "accuracy"),
    ("decoding_", "readout"),
    ("probe_", "readout"),
    ("use_", "readout"),
    ("rsv_dip", "dip"),
    ("rsv_", "share"),
    ("information_", "bits"),
    ("fisher_trace", "trace"),
    ("empirical_fisher_trace", "trace"),
    ("fisher_share", "share"),
    ("filter_", "share"),
    ("gradient_", "gradient"),
    ("error", "error"),
    ("half_time_", "time"),
    ("learnt_", "share"),
)


def unit_of(terms: Iterable[Term]) -> str:
    """Returns the key in `SMALLEST` of what the columns of a contrast are measured in.

    Raises:
        SpecError: A column has no unit, or the terms have several, or a ratio is no logarithm.
    """
    found = {_unit(term) for term in terms}
    if len(found) != 1:
        raise SpecError(f"a contrast of {', '.join(sorted(found)) or 'nothing'}: one unit is wanted")
    return found.pop()


def _unit(term: Term) -> str:
    for beginning, unit in _COLUMNS:
        if term.column.startswith(beginning):
            if SMALLEST[unit].ratio != term.logarithm:
                wanted = "arm.log(column)" if SMALLEST[unit].ratio else "arm[column]"
                raise SpecError(f"{term.column}: write {wanted} for it")
            return unit
    raise SpecError(f"{term.column}: no smallest effect of interest is known; add it to critical.inference.effects")
