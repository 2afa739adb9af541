"""How the report writes numbers: effects with their intervals, p values, durations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def found(verdict: Mapping[str, Any]) -> str:
    """Writes an effect with its interval and unit: "+4.2 points [+3.1, +5.3]", "×1.3 [1.1, 1.5]"."""
    mean, low, high = (verdict[key] for key in ("effect", "low", "high"))
    if not _known(mean):
        return "no estimate"
    bounds = f" [{_bare(verdict, low)}, {_bare(verdict, high)}]" if _known(low) and _known(high) else " (no interval)"
    return effect(verdict, mean) + bounds


def effect(verdict: Mapping[str, Any], value: float) -> str:
    """Writes a number in the unit of a verdict; a ratio, of which it is the logarithm, as a factor."""
    bare = _bare(verdict, value)
    return f"×{bare}" if verdict["ratio"] else f"{bare} {verdict['unit']}".rstrip()


def _bare(verdict: Mapping[str, Any], value: float) -> str:
    return number(math.exp(value)) if verdict["ratio"] else _signed(value)


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
