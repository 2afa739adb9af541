"""How a verdict looks, on pages and in pictures: one sign and one colour a word.

Colours are those of Okabe and Ito, which the colour-blind tell apart, and no meaning rests on a colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VerdictLook:
    """The look of a verdict.

    Attributes:
        sign: One character that stands for the word.
        colour: For grounds and marks on a light page; letters on it are dark.
        dark_colour: The same on a dark page.
        kind: The class of its badge: `good`, `bad`, `small`, `open` or `absent`.
    """

    sign: str
    colour: str
    dark_colour: str
    kind: str


VERDICTS: dict[str, VerdictLook] = {
    "reproduced": VerdictLook("✓", "#009E73", "#1FBF91", "good"),
    "reversed": VerdictLook("✗", "#D55E00", "#F0803C", "bad"),
    "negligible": VerdictLook("≈", "#56B4E9", "#6FC1EE", "small"),
    "undecided": VerdictLook("?", "#9AA1AB", "#8B93A0", "open"),
    "premise failed": VerdictLook("–", "#C3C8CF", "#666E7A", "absent"),
    "unfinished": VerdictLook("…", "#DDE0E5", "#4C535E", "absent"),
}
"""Every word, in the order of a summary."""
