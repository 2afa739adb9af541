"""What a logger is asked for, and the one that logs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from critical.execution.listening import ListenerFactory, Row
from critical.training.runs import RunSpec

if TYPE_CHECKING:
    from experiments.tracking.live import LiveListener

Place = Mapping[str, Any]
"""Where a run belongs: `figure` or `sweep`, `profile` (the name of the results), `notes` (a sentence), and the columns
of its row in the table that say which arm it is: `role`, `label`, `onset`, `schedule`, `variant`, … ."""

Further = Callable[[RunSpec, Row], Mapping[str, float]]
"""What an epoch is to hold besides its row, such as the cost so far: called in the thread that logs."""


@dataclass(frozen=True)
class DrawnFigure:
    """A figure that was made.

    Attributes:
        name: `iclr2019/deficit_removal`.
        profile: The name of its results.
        question: What it asks, in a sentence.
        picture: The PNG.
        table: The CSV, a row a run.
        verdicts: Fields of `critical.inference.verdicts.Verdict`, a mapping a claim.
    """

    name: str
    profile: str
    question: str
    picture: Path
    table: Path
    verdicts: Sequence[Mapping[str, Any]] = ()


class Logger:
    """Logs nothing. What is asked of a logger is done in the background, and says in a line where it fails.

    Attributes:
        logs: Whether it logs anything.
    """

    logs: ClassVar[bool] = False

    def announce(self, runs: Iterable[tuple[RunSpec, Place]]) -> None:
        """Notes where runs belong that are about to be trained."""

    def listener(self) -> ListenerFactory | None:
        """Returns what makes in a worker who logs the epochs that it trains; None where nothing is logged."""
        return None

    def live(self, further: Further | None = None) -> LiveListener | None:
        """Returns who logs the epochs that this process trains; None where nothing is logged.

        Args:
            further: What each epoch is to hold besides; the last values go into the summary.
        """
        return None

    def log_run(self, folder: Path, place: Place, effects: Mapping[str, float] | None = None) -> None:
        """Logs a finished run, or what is missing of it.

        Args:
            folder: Its folder, with `run.json` and `epochs.csv`.
            place: Where it belongs, unless that was announced.
            effects: Numbers that more than one run gives, such as `cost` and `harm`, for its summary.
        """

    def log_figure(self, figure: DrawnFigure) -> None:
        """Logs a figure with its tables."""

    def close(self) -> None:
        """Waits, not for long, until what was asked for is done."""
