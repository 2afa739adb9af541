"""The arms of a figure as timelines, in percent of a common axis: windows of the deficit, and the learning rate."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.output.report_text import common_and_own, listed
from experiments.output.timelines import rates, shams, strip

ROLES = {
    "deficit": ("with the deficit", "the deficit acts in the window, then training goes on without it"),
    "dose_matched": ("dose-matched", "as many epochs without the deficit, at the same rates"),
    "skip": ("window left out", "the clean past up to the onset, then the recovery"),
    "fresh": ("fresh", "no window: the recovery alone, at the rates that it has after the window"),
    "from_scratch": ("from scratch", "no window: as long as the recovery, at the rates of epoch 0"),
}
FLOOR = 8.0
"""Percent of the height that lie below the lowest rate that is drawn."""
ROOM = 8.0
"""Percent of the axis that a number needs."""
SHADES = ("Shaded", "darker", "darkest")


@dataclass(frozen=True)
class Acting:
    """What acts in a window: its place and width in percent, its name, and its shade: a number, None of a sham."""

    start: float
    width: float
    name: str
    shade: int | None


@dataclass(frozen=True)
class Strip:
    """One arm.

    Attributes:
        title: What it is called.
        about: What it is for.
        start: Where it begins, in percent of the axis; an arm without a past begins at the removal.
        width: Its length in percent.
        windows: What acts when.
        points: The learning rate as "x,y x,y …" in a box of 100 by 100, y downwards.
        said: All of it in words.
    """

    title: str
    about: str
    start: float
    width: float
    windows: tuple[Acting, ...]
    points: str
    said: str


@dataclass(frozen=True)
class Strips:
    """The arms that explain a figure, aligned at their ends.

    Attributes:
        arms: From top to bottom.
        epochs: Their axis: places in percent, and words.
        said: How to read them.
        named: Whether several have one role, so that titles are long.
    """

    arms: tuple[Strip, ...] = ()
    epochs: tuple[tuple[float, str], ...] = ()
    said: str = ""
    named: bool = False


def strips(timelines: Sequence[Mapping[str, Any]]) -> Strips:
    """Lays out the arms that explain a figure.

    Args:
        timelines: Those of a record.
    """
    chosen = strip(timelines)
    if not chosen:
        return Strips()
    end = max(one["end"] for one in chosen)
    top = max(rate for one in chosen for rate in rates(one))
    held, lookalikes = _titles(chosen), shams(timelines)
    acting = list(dict.fromkeys(name for one in chosen for *_, name in one["windows"]))
    shades = {name: rank for rank, name in enumerate(name for name in acting if name not in lookalikes)}
    arms = tuple(_strip(one, title, end, top, shades) for one, title in zip(chosen, held, strict=True))
    epochs = tuple((_share(mark, end), str(mark)) for mark in _marks(chosen, end))
    return Strips(arms, epochs, _legend(shades, [name for name in acting if name in lookalikes], len(arms)),
                  len({one["role"] for one in chosen}) < len(chosen))  # fmt: skip


def _titles(chosen: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names arms by their roles, and those of one role by what tells their labels apart."""
    titles = []
    for one in chosen:
        alike = [str(other["label"]) for other in chosen if other["role"] == one["role"]]
        name = ROLES.get(one["role"], (one["label"], ""))[0]
        own = dict(zip(alike, common_and_own(alike)[1], strict=True))[str(one["label"])]
        # The axis shows the epochs after the window; a window is not broken between its numbers.
        own = re.sub(r"\[(\d+), (\d+)\)", "[\\1,\N{NO-BREAK SPACE}\\2)", re.sub(r", then \d+ epochs$", "", own))
        titles.append(name if len(alike) == 1 else f"{name}: {own}")
    return titles


def _marks(chosen: Sequence[Mapping[str, Any]], end: int) -> list[int]:
    """Returns the epochs on the axis: the first, the last, the removal, and where else a window begins or ends."""
    places = [end - one["end"] + place for one in chosen for window in one["windows"] for place in window[:2]]
    marks: list[int] = []
    for mark in (0, end, chosen[0]["removal"] + end - chosen[0]["end"], *places):
        if all(abs(_share(mark - other, end)) >= ROOM for other in marks):
            marks.append(mark)
    return sorted(marks)


def _legend(shades: Mapping[str, int], lookalikes: Sequence[str], arms: int) -> str:
    names = [name.replace("_", " ") for name in shades]
    said = []
    if len(names) == 1:
        said.append("Shaded: the deficit acts.")
    elif names:
        said.append("; ".join(f"{SHADES[min(rank, 2)]}: {name} acts" for rank, name in enumerate(names)) + ".")
    if lookalikes:
        alike = listed(name.replace("_", " ") for name in lookalikes)
        said.append(f"Outlined: {alike}, a sham: the network trains as under the deficit, and is deprived of nothing.")
    said.append("Line: the learning rate.")
    return " ".join([*said, *["All arms end together."] * (arms > 1)])


def _strip(one: Mapping[str, Any], title: str, end: int, top: float, shades: Mapping[str, int]) -> Strip:
    shift = end - one["end"]
    windows = tuple(
        Acting(_share(start + shift, end), _share(stop - start, end), str(name).replace("_", " "), shades.get(name))
        for start, stop, name in one["windows"]
    )
    course = rates(one)
    # Each epoch has one rate: steps, so that a jump is one.
    points = []
    for epoch, rate in enumerate(course):
        height = round(100 - FLOOR - (92 - FLOOR) * rate / top, 1)
        points += [f"{_share(epoch + shift, end):g},{height:g}", f"{_share(epoch + 1 + shift, end):g},{height:g}"]
    about = ROLES.get(one["role"], ("", ""))[1]
    return Strip(title, about, _share(shift, end), _share(one["end"], end), windows, " ".join(points),
                 f"{one['label']}: {_said(one, course, shades)}")  # fmt: skip


def _said(one: Mapping[str, Any], course: Sequence[float], shades: Mapping[str, int]) -> str:
    acting = [f"{str(name).replace('_', ' ')}{' (a sham)' * (name not in shades)} in epochs {start + 1} to {stop}"
              for start, stop, name in one["windows"]]  # fmt: skip
    return "; ".join([*(acting or ["no deficit"]), f"{one['end']} epochs, the learning rate from {course[0]:.3g} "
                      f"to {course[-1]:.3g}"])  # fmt: skip


def _share(epochs: float, end: int) -> float:
    return round(100 * epochs / end, 2)
