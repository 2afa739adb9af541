"""The arms of a figure as timelines, in percent of a common axis: windows of the deficit, and the learning rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.output.timelines import rates, strip

ROLES = {
    "deficit": ("with the deficit", "the deficit acts in the window, then training goes on without it"),
    "dose_matched": ("dose-matched", "as many epochs without the deficit, at the same rates"),
    "skip": ("window left out", "the clean past up to the onset, then the recovery"),
    "fresh": ("fresh", "no window: the recovery alone, at the rates that it has after the window"),
    "from_scratch": ("from scratch", "no window: as long as the recovery, at the rates of epoch 0"),
}
FLOOR = 8.0
"""Percent of the height that lie below the lowest rate that is drawn."""


@dataclass(frozen=True)
class Strip:
    """One arm.

    Attributes:
        title: What it is called.
        about: What it is for.
        role: For its colour.
        start: Where it begins, in percent of the axis; an arm without a past begins at the removal.
        width: Its length in percent.
        windows: Of a deficit: place, width (percent), name.
        points: The learning rate as "x,y x,y …" in a box of 100 by 100, y downwards.
        said: All of it in words.
    """

    title: str
    about: str
    role: str
    start: float
    width: float
    windows: tuple[tuple[float, float, str], ...]
    points: str
    said: str


def strips(timelines: Sequence[Mapping[str, Any]], claim: str = "") -> tuple[list[Strip], list[tuple[float, str]]]:
    """Lays out the arms that explain a figure, aligned at the removal.

    Args:
        timelines: Those of a record.
        claim: The words of the claim that leads.

    Returns:
        The arms, and the epochs on their axis: places in percent, and words.
    """
    chosen = strip(timelines, claim)
    if not chosen:
        return [], []
    end = max(one["end"] for one in chosen)
    top = max(rate for one in chosen for rate in rates(one))
    removal = chosen[0]["removal"]
    marks = sorted({0, removal, end})
    return [_strip(one, end, top) for one in chosen], [(_share(mark, end), str(mark)) for mark in marks]


def _strip(one: Mapping[str, Any], end: int, top: float) -> Strip:
    shift = end - one["end"]
    title, about = ROLES.get(one["role"], (one["label"], ""))
    windows = tuple(
        (_share(start + shift, end), _share(stop - start, end), str(name).replace("_", " "))
        for start, stop, name in one["windows"]
    )
    course = rates(one)
    # Each epoch has one rate: steps, so that a jump is one.
    points = []
    for epoch, rate in enumerate(course):
        height = round(100 - FLOOR - (92 - FLOOR) * rate / top, 1)
        points += [f"{_share(epoch + shift, end):g},{height:g}", f"{_share(epoch + 1 + shift, end):g},{height:g}"]
    return Strip(title, about, one["role"], _share(shift, end), _share(one["end"], end), windows, " ".join(points),
                 f"{one['label']}: {_said(one, course)}")  # fmt: skip


def _said(one: Mapping[str, Any], course: Sequence[float]) -> str:
    acting = [f"{str(name).replace('_', ' ')} in epochs {start + 1} to {stop}" for start, stop, name in one["windows"]]
    return "; ".join([*(acting or ["no deficit"]), f"{one['end']} epochs, the learning rate from {course[0]:.3g} "
                      f"to {course[-1]:.3g}"])  # fmt: skip


def _share(epochs: float, end: int) -> float:
    return round(100 * epochs / end, 2)
