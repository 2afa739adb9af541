"""Claims as data: a sentence of a paper, and the contrast that would bear it out.

What the runs say to it is decided in `critical.inference.verdicts`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from critical.core.spec import SpecError, closest
from critical.inference.arms import Among, Arm, Contrast, Pooled, Within
from critical.inference.effects import SMALLEST, Smallest, unit_of

OURS = "this suite"
"""The source of controls that no paper has."""

FIRST_CALIBRATION_SEED = 1000
"""Seeds from here on chose settings, and never serve a claim."""

BATCHES = (tuple(range(20, 28)), tuple(range(28, 36)))
"""The seeds of claims: a batch gives a provisional verdict, both can confirm it. Seeds 0 to 15 were seen when the rule
was made."""

LONGEST_SHORT = 34
"""Characters that a claim's short name may have: more do not fit beside a cell on a phone."""

Direction = Literal["greater", "less", "none", "not greater"]


@dataclass(frozen=True)
class Claim:
    """One sentence, and the contrast that would bear it out.

    Attributes:
        id: Short and unique, e.g. `"removal.cost"`.
        source: Who says so: paper and figure, or `OURS`.
        contrast: What is compared, paired within seeds.
        direction: The claimed sign of it: "greater" or "less" than 0; "none" (no effect of either sign); "not
            greater" (no effect above 0, whatever lies below).
        sentence: What is claimed, in the terms of the source.
        short: Its name in tables and pictures under the title of its figure, at most 34 characters; when left out, the
            last part of the id in words ("a.late_cost": "late cost").
        paper_effect: The source's own effect, in the unit of the contrast (of a ratio: its natural logarithm), where
            it states one; half of it is then the smallest effect of interest.
        requires: Ids of the claims without which this one says nothing, such as that there is something to prevent.
        differs: What differs from the source's setting; empty if nothing does.

    Raises:
        SpecError: An unknown direction, a contrast of which nothing is left or one of several units, too long a name.
    """

    id: str
    source: str
    contrast: Contrast | Pooled | Among | Within
    direction: Direction
    sentence: str
    short: str = ""
    paper_effect: float | None = None
    requires: tuple[str, ...] = ()
    differs: str = ""

    def __post_init__(self) -> None:
        where = f"claim '{self.id}'"
        if not self.short:
            object.__setattr__(self, "short", self.id.rpartition(".")[2].replace("_", " "))
        if len(self.short) > LONGEST_SHORT:
            raise SpecError(f"{where}: its name '{self.short}' has {len(self.short)} characters; give it a name "
                            f"short=… of at most {LONGEST_SHORT}")  # fmt: skip
        if self.direction not in get_args(Direction):
            hint = closest(str(self.direction), get_args(Direction))
            raise SpecError(f"{where}: there is no direction '{self.direction}'; {hint}")
        if not self.contrast.terms:
            raise SpecError(f"{where}: everything cancels in its contrast, so no data could bear on it")
        if self.paper_effect is not None and not 0 < abs(self.paper_effect) < math.inf:
            raise SpecError(f"{where}: paper_effect is {self.paper_effect}; it is a number other than 0, or None")
        self.unit  # noqa: B018  raises where the terms have several

    @property
    def unit(self) -> str:
        """The key in `critical.inference.effects.SMALLEST` of what the contrast is measured in."""
        return unit_of(self.contrast.terms) if isinstance(self.contrast, Contrast) else self.contrast.unit

    @property
    def measure(self) -> Smallest:
        """The unit with its default for the smallest effect."""
        return SMALLEST[self.unit]

    @property
    def smallest(self) -> float:
        """The smallest effect of interest, > 0; of a ratio, its natural logarithm."""
        return self.measure.effect if self.paper_effect is None else abs(self.paper_effect) / 2

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that the claim rests on."""
        return tuple(dict.fromkeys(term.arm for term in self.contrast.terms))
