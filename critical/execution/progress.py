"""Progress: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as RichProgress

from critical.core.terminal import on_terminal

PLAIN_SECONDS = 20.0


class Progress(Protocol):
    """Something that can be told how far the work is."""

    def name(self, label: str) -> None:
        """Says what is under way now."""

    def update(self, epochs_done: int, runs_left: int) -> None:
        """Shows the epochs trained and the runs still to come."""


class _Clock:
    """Estimates the time to go from what was done since the start."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self.start = time.monotonic()
        self.done_at_start: int | None = None

    def to_go(self, epochs_done: int) -> str:
        if self.done_at_start is None:
            self.done_at_start = epochs_done
        fresh = epochs_done - self.done_at_start
        left = self.epochs - epochs_done
        if not left:
            return "all trained"
        if fresh < 1:
            return "time to go: measuring"
        seconds = (time.monotonic() - self.start) / fresh * left
        return f"about {seconds / 60:.1f} min to go" if seconds >= 60 else f"about {seconds:.0f} s to go"


def _text(runs: int, runs_left: int, epochs: int, epochs_done: int, to_go: str) -> str:
    return f"{runs - runs_left} of {runs} runs, {epochs - epochs_done} epochs left, {to_go}"


class _Plain:
    def __init__(self, label: str, epochs: int, runs: int) -> None:
        self.label, self.epochs, self.runs = label, epochs, runs
        self.clock = _Clock(epochs)
        self.last = -PLAIN_SECONDS
        self.ended = False

    def name(self, label: str) -> None:
        self.label = label

    def update(self, epochs_done: int, runs_left: int) -> None:
        to_go = self.clock.to_go(epochs_done)
        ended = runs_left == 0
        if self.ended:
            return
        if time.monotonic() - self.last >= PLAIN_SECONDS or ended:
            self.last, self.ended = time.monotonic(), ended
            text = _text(self.runs, runs_left, self.epochs, epochs_done, "done" if ended else to_go)
            print(f"{self.label}: {text}", flush=True)


class _Bar:
    def __init__(self, bar: RichProgress, label: str, epochs: int, runs: int) -> None:
        self.bar, self.epochs, self.runs = bar, epochs, runs
        self.clock = _Clock(epochs)
        self.task = bar.add_task(label, total=epochs, text="")

    def name(self, label: str) -> None:
        self.bar.update(self.task, description=label)

    def update(self, epochs_done: int, runs_left: int) -> None:
        text = _text(self.runs, runs_left, self.epochs, epochs_done, self.clock.to_go(epochs_done))
        self.bar.update(self.task, completed=epochs_done, text=text)


@contextlib.contextmanager
def progress(label: str, epochs: int, runs: int) -> Iterator[Progress]:
    """Shows progress for a block.

    Args:
        label: What is under way, e.g. a figure's name.
        epochs: Epochs in all.
        runs: Runs in all.

    Yields:
        The display; a bar when standard output is a terminal, else lines.
    """
    if not on_terminal():
        yield _Plain(label, epochs, runs)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[text]}"))
    with RichProgress(*columns, console=Console()) as bar:
        yield _Bar(bar, label, epochs, runs)
