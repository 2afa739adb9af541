"""The colours of a page, light and dark: those of verdicts from `words`, and grounds on which words can be read."""

from __future__ import annotations

from experiments.output.words import VERDICTS

LIGHT = {
    "page": "#ffffff", "card": "#f5f6f8", "text": "#1b1e24", "quiet": "#565d69", "line": "#d5d9e0", "link": "#0a58b0",
    "deficit": "#d55e00", "dose_matched": "#0072b2", "fresh": "#009e73", "from_scratch": "#565d69",
    "skip": "#332288",
    "alarm": "#8a1c1c", "alarm-fill": "#fbe0de",
}  # fmt: skip
DARK = {
    "page": "#0d1117", "card": "#161b22", "text": "#e6edf3", "quiet": "#a3adb9", "line": "#30363d", "link": "#8dc1ff",
    "deficit": "#f0803c", "dose_matched": "#4aa3df", "fresh": "#1fbf91", "from_scratch": "#a3adb9",
    "skip": "#a99cf0",
    "alarm": "#ffb8b0", "alarm-fill": "#4a1a18",
}  # fmt: skip
TINT = {"light": 0.2, "dark": 0.32}
"""Share of a verdict's colour in the ground of a provisional cell; a confirmed one has all of it."""
ON_FULL = "#111111"
"""Words on a full colour, on light and dark pages and in pictures."""


def scheme(dark: bool) -> dict[str, str]:
    """Returns the colours of a page by their names in its style sheet; verdicts have `<slug>` and `<slug>-tint`."""
    held = dict(DARK if dark else LIGHT)
    for word, look in VERDICTS.items():
        full = (look.dark_colour if dark else look.colour).lower()
        held[slug(word)] = full
        held[f"{slug(word)}-tint"] = mixed(full, held["page"], TINT["dark" if dark else "light"])
    return held


def slug(word: str) -> str:
    """Returns a verdict's word as part of a name: "premise-failed"."""
    return word.replace(" ", "-")


def mixed(colour: str, ground: str, share: float) -> str:
    """Returns a share of a colour on a ground."""
    pairs = [(int(colour[place : place + 2], 16), int(ground[place : place + 2], 16)) for place in (1, 3, 5)]
    return "#" + "".join(f"{round(share * one + (1 - share) * other):02x}" for one, other in pairs)
