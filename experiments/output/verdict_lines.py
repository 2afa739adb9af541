"""Verdicts as a command prints them: a line a claim, or one for all of them where there are too few seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from critical.inference.claims import LONGEST_SHORT
from critical.inference.statistics import smallest_n_paired
from critical.inference.verdicts import PROVISIONAL_ALPHA
from experiments.output import report_text


def verdict_lines(verdicts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns the lines on the verdicts of a figure.

    Args:
        verdicts: As a record holds them.

    Returns:
        The word, the claim, its effect with the interval. Claims on fewer seeds than any effect needs are counted in
        one line; so are those of a figure that is not finished.
    """
    needed = smallest_n_paired(PROVISIONAL_ALPHA)
    lines, unfinished, few = [], [], []
    for verdict in verdicts:
        if verdict["verdict"] == "unfinished":
            unfinished.append(verdict)
        elif verdict["n"] < needed and "A run failed" not in verdict["reason"]:
            few.append(verdict)
        else:
            word, name = verdict["verdict"], verdict["short"]
            lines.append(f"{word:<14}  {name:<{LONGEST_SHORT}}  {report_text.found(verdict)}")
    if unfinished:
        lines.append(f"{'unfinished':<14}  {_counted(unfinished)}; {unfinished[0]['reason']}")
    if few:
        most = max(verdict["n"] for verdict in few)
        seeds = f"{most} seed{'s' * (most != 1)}"
        lines.append(f"{'undecided':<14}  {_counted(few)}; {seeds}, and an effect needs {needed}")
    return lines


def _counted(verdicts: Sequence[Any]) -> str:
    return f"{len(verdicts)} claim{'s' * (len(verdicts) > 1)}"
