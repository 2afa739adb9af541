"""How the report writes numbers: effects with their intervals, p values, durations."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from critical.inference.verdicts import DECIDED
from experiments.output.words import VERDICTS

DIGITS = {"points": 1}
"""Decimals of effects by their unit; two of others."""


def found(verdict: Mapping[str, Any]) -> str:
    """Writes an effect with its interval and unit: "+4.2 points [+3.0, +5.3]", "×1.3 [1.1, 1.5]".

    The effect and its bounds have the same decimals.
    """
    mean, low, high = (verdict[key] for key in ("effect", "low", "high"))
    if not _known(mean):
        return "no estimate"
    if not (_known(low) and _known(high)):
        return f"{effect(verdict, mean)} (no interval)"
    mean, low, high = _aligned([_bare(verdict, value) for value in (mean, low, high)])
    return f"{_with_unit(verdict, mean)} [{low}, {high}]"


def effect(verdict: Mapping[str, Any], value: float) -> str:
    """Writes a number in the unit of a verdict; a ratio, of which it is the logarithm, as a factor."""
    return _with_unit(verdict, _bare(verdict, value))


def smallest(verdict: Mapping[str, Any]) -> str:
    """Writes the smallest effect of interest of a verdict: "2 points", "×1.2"."""
    return effect(verdict, verdict["smallest"]).removeprefix("+")


def _with_unit(verdict: Mapping[str, Any], bare: str) -> str:
    return f"×{bare}" if verdict["ratio"] else f"{bare} {_counted_as(bare, verdict['unit'])}".rstrip()


def _counted_as(bare: str, name: str) -> str:
    """Returns a unit in the singular of one and minus one: "1 point", "1.0 points"."""
    return name.removesuffix("s") if bare.lstrip("+−") == "1" else name


def _aligned(texts: Sequence[str]) -> list[str]:
    """Gives numbers as many decimals as that of them which has most; very small ones, with an exponent, stay."""
    if any("e" in text for text in texts):
        return list(texts)
    most = max(len(text.partition(".")[2]) for text in texts)
    return [text + "." * ("." not in text and most > 0) + "0" * (most - len(text.partition(".")[2])) for text in texts]


def _bare(verdict: Mapping[str, Any], value: float) -> str:
    if verdict["ratio"]:
        return number(math.exp(value))
    # More digits than anybody would act on are noise.
    rounded = round(value, DIGITS.get(verdict["unit"], 2)) if abs(value) < 1000 else value
    return _signed(rounded + 0.0)


def brief(verdict: Mapping[str, Any]) -> str:
    """Writes an effect for a cell: "+50.2 pt", "×1.3", "+0.91", "–" where there is none."""
    value = verdict["effect"]
    if not _known(value):
        return "–"
    bare = _bare(verdict, value)
    return f"×{bare}" if verdict["ratio"] else f"{bare} {_counted_as(bare, unit(verdict))}".rstrip()


def unit(verdict: Mapping[str, Any]) -> str:
    """Returns the unit of a verdict as short as it can be: percentage points are "pt"."""
    return "pt" if verdict["unit"] == "points" else str(verdict["unit"])


def sureness(verdict: Mapping[str, Any]) -> str:
    """Says whether a decided verdict is confirmed or provisional; nothing of another."""
    if verdict["verdict"] not in DECIDED:
        return ""
    return "confirmed" if verdict["confirmed"] else "provisional"


def counted(verdicts: Iterable[Mapping[str, Any]]) -> str:
    """Counts verdicts by their words, in the order of a summary: "2 reproduced, 1 undecided"."""
    words = Counter(verdict["verdict"] for verdict in verdicts)
    return ", ".join(f"{words[word]} {word}" for word in VERDICTS if words[word])


def tally(verdicts: Iterable[Mapping[str, Any]]) -> str:
    """Counts verdicts: "of 3 claims 2 reproduced (1 confirmed), 1 undecided", "…; none confirmed yet"."""
    held = list(verdicts)
    words = Counter(verdict["verdict"] for verdict in held)
    sure = Counter(verdict["verdict"] for verdict in held if verdict["confirmed"])
    # To say of each word that none of it is confirmed would be noise.
    rest = "; none confirmed yet" if not sure and any(words[word] for word in DECIDED) else ""
    if len(held) == 1:
        return f"1 claim, {held[0]['verdict']}{' (confirmed)' if sure else rest.replace('none', 'not')}"
    # "of 3 claims 3 undecided" would say it twice.
    said = [f"{'all' if len(words) == 1 else words[word]} {word}" + (f" ({sure[word]} confirmed)" if sure[word] else "")
            for word in VERDICTS if words[word]]  # fmt: skip
    return f"of {len(held)} claims {', '.join(said)}{rest}" if held else "no claim"


def data_name(label: str) -> str:
    """Shortens what figures call data: "glyphs" of "glyphs 16×16 (4,000 images)", "CIFAR-10 (JPEG)"."""
    return re.split(r" \d+×|,", data_label(label))[0]


def data_label(label: str) -> str:
    """Shortens it less: "glyphs 16×16", "CIFAR-10 (JPEG) 16×16"."""
    return re.split(r"\s*\((?=[\d.,]+ )|,", label)[0]


def listed(words: Iterable[str]) -> str:
    """Joins words: "a", "a and b", "a, b and c", and "a, b, and c and d" where some hold an "and" themselves."""
    *first, last = list(words) or [""]
    comma = "," * any(" and " in word for word in (*first, last))
    return f"{', '.join(first)}{comma} and {last}" if first else last


def common_and_own(labels: Sequence[str]) -> tuple[str, list[str]]:
    """Takes out of labels of arms what all of them have in common.

    Args:
        labels: Such as "blur [0, 8), constant rate, then 8 epochs (blocks 3, width 8)".

    Returns:
        What is common, "blur, constant rate, then 8 epochs"; and what is left of each: "[0, 8) (blocks 3, width 8)".
        All keep what they begin with where one of them would have nothing left; one label stays as it is.
    """
    if len(labels) < 2:
        return "", list(labels)
    # Before brackets, and before commas outside them.
    parts = [re.split(r"(?=, (?![^\[(]*[\])]))|(?= [\[(])", label) for label in labels]
    common = [part for part in parts[0] if all(part in held for held in parts)]
    if any(not set(held) - set(common) for held in parts):
        common = [part for part in common if any(part != held[0] for held in parts)]
    left = ("".join(part for part in held if part not in common).strip(", ") for held in parts)
    return "".join(common).strip(", "), [re.sub(r"^\(([^()]*)\)$", r"\1", label) for label in left]


def ranges(seeds: Iterable[int]) -> str:
    """Writes whole numbers with their gaps: "20–27, 30"."""
    runs = [[seed for _, seed in held] for _, held in groupby(enumerate(sorted(seeds)), lambda at: at[1] - at[0])]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


def number(value: float) -> str:
    """Writes a number with three digits and a true minus sign: "−6.24", "0.0123", "12,345"."""
    return (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}").replace("-", "−")


def probability(p: float | None) -> str:
    """Writes a p value: "0.031", "< 0.001", or "–" when there is none."""
    if not _known(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"  # type: ignore[operator]


def duration(seconds: float) -> str:
    """Writes seconds as people say them: "9.5 s", "3 min 12 s", "2 h 5 min"."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + number(value)
