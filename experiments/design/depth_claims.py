"""What is claimed of a blur of one view in networks of few and of many blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from critical.inference.arms import Within
from critical.inference.claims import Claim
from experiments.design.contrasts import WindowArms, cost, harm, opportunity
from experiments.design.depths import EQUAL, NAMES, PAIRS, SAME, compared, deeper
from experiments.design.premises import learns
from experiments.design.protocol import DOSE_MATCHED, FRESH
from experiments.design.sources import CVPR2023, OURS
from experiments.design.two_streams import DEPRIVED

LOSES = {FRESH: "loses", DOSE_MATCHED: "costs"}
"""What a share lost beside a reference requires of the deeper network."""
GAINS = {SAME: "split_depth.gains_alike", EQUAL: "split_depth.gains_alike_equal"}
"""The premise of all comparisons: who still learns gains from blurred epochs, too, and from clean ones yet more."""


def kept(window: WindowArms, reference: str) -> Within:
    """Returns the accuracy after the deficit as a share of that of a reference."""
    return Within((window.deficit, getattr(window, reference)), lambda held: float(held[0] / held[1]), "relative")


def more_lost(deep: WindowArms, shallow: WindowArms, reference: str) -> Within:
    """Returns by how much more the deep network loses of the reference's accuracy, as a share of it."""
    parts = (*kept(deep, reference).parts, *kept(shallow, reference).parts)
    return Within(parts, lambda held: float(held[2] / held[3] - held[0] / held[1]), "relative")


def of_blocks(
    late: Mapping[tuple[str, int], WindowArms], depths: Sequence[int], end: int, classes: int
) -> list[Claim]:
    """Returns the claims.

    Args:
        late: The windows [0, end) by what networks have in common and their number of blocks.
        depths: The numbers of blocks, ascending.
        end: Epoch until which the view is blurred.
        classes: Number of classes of the data.
    """
    shallow, deep = depths[0], depths[-1]
    until = f"A blur of view {DEPRIVED} until epoch {end}"
    more = f"networks of {deep} blocks more of their accuracy than those of {shallow}"
    equal = "at equal numbers of parameters"

    def learnt(*which: str) -> tuple[str, ...]:
        return tuple(f"split_depth.{one}_learns" for one in which)

    def needs(kind: str, reference: str) -> tuple[str, ...]:
        """Returns what a comparison requires: that both learn, and as fast, and that the deeper one loses something."""
        return *learnt(*PAIRS[kind]), f"split_depth.{PAIRS[kind][-1]}_{LOSES[reference]}", GAINS[kind]

    def compare(key: str, source: str, kind: str, reference: str, sentence: str, short: str, **rest: Any) -> Claim:
        return Claim(f"split_depth.{key}", source, more_lost(late[kind, deep], late[kind, shallow], reference),
                     "greater", sentence, short=short, requires=needs(kind, reference), **rest)  # fmt: skip

    return [
        *(learns(f"split_depth.{who}_learns", late[key].fresh, classes,
                 f"The {NAMES[who]} network, trained without a window,", f"{NAMES[who]}: clean runs learn")
          for who, key in compared(depths).items()),
        Claim("split_depth.deep_loses", CVPR2023, harm(late[SAME, deep]), "greater",
              f"{until} leaves networks of {deep} blocks below those without it.", requires=learnt("deep"),
              short="deep: ends below without blur"),
        Claim("split_depth.thin_loses", OURS, harm(late[EQUAL, deep]), "greater",
              f"{until} leaves networks of {deep} blocks below those without it, {equal}.", requires=learnt("thin"),
              short="deep, thin: below without blur"),
        *(Claim(f"split_depth.{who}_costs", OURS, cost(late[kind, deep]), "greater",
                f"{until} costs networks of {deep} blocks accuracy beside as many clean epochs, {size}.",
                requires=learnt(who), short=f"{NAMES[who]}: blur costs accuracy")
          for who, kind, size in (("deep", SAME, "of the same width"), ("thin", EQUAL, equal))),
        *(Claim(GAINS[kind], OURS, deeper(late, kind, opportunity), "none",
                f"As many more clean epochs give networks of {shallow} and of {deep} blocks as much, {size}: neither "
                "has more left to learn.", requires=learnt(*PAIRS[kind]), short=f"{brief}epochs help both alike")
          for kind, size, brief in ((SAME, "of the same width", ""), (EQUAL, equal, "equal size: "))),
        compare("deeper", CVPR2023, SAME, FRESH, f"{until} costs {more}, of the same width.",
                "deeper loses a larger share", differs="Relative to the removal at 0, which the paper does not say."),
        compare("deeper_equal", OURS, EQUAL, FRESH, f"{until} costs {more}, {equal}, too: it is depth, not size.",
                "deeper, equal size: larger share"),
        compare("deeper_dose", OURS, SAME, DOSE_MATCHED,
                f"{until} costs {more}, of the same width, beside as many clean epochs.",
                "deeper: of clean epochs instead"),
        compare("deeper_equal_dose", OURS, EQUAL, DOSE_MATCHED,
                f"{until} costs {more}, {equal}, beside as many clean epochs.", "deeper, equal size: of clean"),
        Claim("split_depth.deeper_points", OURS, deeper(late, SAME, harm), "greater",
              f"{until} damages them more in points, too, of the same width: it is not the level that they start from.",
              requires=needs(SAME, FRESH), short="deeper loses more points"),
        Claim("split_depth.deeper_equal_points", OURS, deeper(late, EQUAL, harm), "greater",
              f"{until} damages them more in points, {equal}.", requires=needs(EQUAL, FRESH),
              short="deeper, equal size: more points"),
    ]  # fmt: skip
