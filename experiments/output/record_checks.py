"""Whether a record holds what its readers use: a file that was damaged, or changed by hand, is one line and no page."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, get_args

from critical.inference.claims import Direction
from critical.inference.effects import SMALLEST
from critical.inference.verdicts import Word

WORDS = get_args(Word)
DIRECTIONS = get_args(Direction)
UNITS = tuple(dict.fromkeys(one.unit for one in SMALLEST.values()))

Check = Callable[[Any], bool]


def text(value: Any) -> bool:
    """Whether it is a string."""
    return isinstance(value, str)


def number(value: Any) -> bool:
    """Whether it is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def count(value: Any) -> bool:
    """Whether it is a whole number from 0 on."""
    return number(value) and value >= 0 and value == int(value)


def or_none(check: Check) -> Check:
    """Whether it is null, or passes."""
    return lambda value: value is None or check(value)


def each(check: Check) -> Check:
    """Whether it is a list, and all in it pass."""
    return lambda value: isinstance(value, list) and all(map(check, value))


def holds(checks: Mapping[str, Check]) -> Check:
    """Whether it is a mapping with these keys, whose values pass."""
    return lambda value: isinstance(value, dict) and all(key in value and checks[key](value[key]) for key in checks)


def stage(value: Any) -> bool:
    """Whether it is a stage of the rate: first epoch, rate and its factor."""
    return each(number)(value) and len(value) == 3 and value[1] > 0


def window(value: Any) -> bool:
    """Whether it is a window: first epoch, epoch of removal and a name."""
    return isinstance(value, list) and len(value) == 3 and all(map(count, value[:2])) and text(value[2])


def timeline(value: Any) -> bool:
    """Whether it is the timeline of an arm."""
    fields = {"label": text, "role": text, "end": count, "removal": count, "windows": each(window),
              "stages": each(stage), "stabilizers": each(text)}  # fmt: skip
    sound = holds(fields)(value) and bool(value["stages"]) and value["end"] > 0
    return sound and isinstance(value.get("leads", False), bool)


SAMPLE = holds({
    "label": text, "classes": each(text),
    "views": each(holds({"name": text, "width": count, "height": count,
                         "png": lambda value: text(value) and re.fullmatch(r"[A-Za-z0-9+/]*=*", value) is not None})),
})  # fmt: skip
FIELDS: dict[str, tuple[Check, str]] = {
    **dict.fromkeys(("figure", "title", "caption", "alt", "command", "data", "schedule", "table", "created", "profile"),
                    (text, "text")),
    **dict.fromkeys(("failures", "deviations", "settings", "leading"), (each(text), "a list of texts")),
    **dict.fromkeys(("runs", "epochs_needed", "epochs_separate"), (count, "a whole number")),
    "seeds": (each(count), "a list of whole numbers"),
    "wall_seconds": (number, "a number"),
    "cpu_seconds": (or_none(number), "a number or null"),
    "made_by": (each(holds({"commit": text, "machine": text, "seeds": each(count),
                            "versions": lambda value: isinstance(value, dict) and all(map(text, value.values()))})),
                "a list of mappings of commit, machine, versions and seeds"),
    "verdicts": (each(lambda value: isinstance(value, dict)), "a list of mappings"),
    "arms": (each(holds({"label": text, "role": text, "learnt": or_none(number)})),
             "a list of mappings of label, role and learnt"),
    "data_facts": (lambda value: holds({"label": text, "classes": count})(value) and len(value) == 2,
                   "a mapping of label and classes"),
    "timelines": (each(timeline), "a list of timelines"),
    "samples": (each(SAMPLE), "a list of rows of images"),
}  # fmt: skip
"""Field of a record → what it is to be, and in words."""
VERDICT: dict[str, tuple[Check, str]] = {
    **dict.fromkeys(("claim_id", "source", "sentence", "reason", "short"), (text, "text")),
    **dict.fromkeys(("effect", "low", "high", "p", "paper_effect"), (or_none(number), "a number or null")),
    **dict.fromkeys(("ratio", "confirmed"), (lambda value: isinstance(value, bool), "true or false")),
    "n": (count, "a whole number"),
    "smallest": (lambda value: number(value) and value > 0, "a number above 0"),
    "direction": (lambda value: value in DIRECTIONS, f"one of {', '.join(DIRECTIONS)}"),
    "unit": (lambda value: value in UNITS, f"one of {', '.join(map(repr, UNITS))}"),
    "differs": (text, "text"),
}
"""The same for a verdict; `verdict` is one of `WORDS`."""


def check_fields(content: Mapping[str, Any]) -> None:
    """Refuses a record whose fields are not what readers take them for.

    Raises:
        ValueError: What is wrong, in a line.
    """
    for name, (check, said) in FIELDS.items():
        if name in content and not check(content[name]):
            raise ValueError(f"{name}: {said} is expected")
    for verdict in content.get("verdicts", ()):
        for name, (check, said) in VERDICT.items():
            if name in verdict and not check(verdict[name]):
                raise ValueError(f"verdict on '{verdict.get('claim_id', '?')}': {name}: {said} is expected, and not "
                                 f"{str(verdict[name])[:40]!r}")  # fmt: skip
