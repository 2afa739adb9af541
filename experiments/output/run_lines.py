"""What `experiments.train` prints about its run: a row an epoch, a picture, what one would change next."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from critical.execution.store import RunStore
from critical.plots import runs, style
from critical.training.runs import RunSpec

HEADER = f"{'epoch':>5}  {'loss':>7}  {'accuracy':>8}  {'trace':>8}  {'rate':>8}  acts"


def epoch_line(row: Mapping[str, Any], spec: RunSpec) -> str:
    """Returns the row of an epoch: loss on training images, accuracy on clean test images, trace, rate, what acts.

    Args:
        row: As the store holds it; what was not measured is a dash. Another objective stands in place of the loss.
        spec: The run.
    """
    if "failure" in row:
        return f"{row['epoch']:>5}  {row['failure']}"
    each = spec.epoch_specs[row["epoch"] - 1]
    acts = [part.name for part in (*each.deficits, *(getattr(held, "stabilizer", held) for held in each.stabilizers))]
    acts += ["optimiser emptied"] if each.reset_optimizer else []
    cells = [
        f"{row['epoch']:>5}",
        f"{row['train_loss'] if 'train_loss' in row else row['objective']:>7.3f}",
        f"{row['test_accuracy']:>6.1f} %" if "test_accuracy" in row else f"{'–':>8}",
        f"{row['fisher_trace']:>8.4g}" if "fisher_trace" in row else f"{'–':>8}",
        f"{row['rate']:>8.4g}",
        " + ".join(acts) or "–",
    ]
    return "  ".join(cells)


class Rows:
    """Prints the rows of a run as they come, each once, also those that were stored before.

    Args:
        spec: The run.
        store: Where its records are.
    """

    def __init__(self, spec: RunSpec, store: RunStore) -> None:
        self._spec, self._store, self._shown = spec, store, 0

    def show(self) -> None:
        """Prints what is new."""
        while self._shown < self._spec.timeline.end:
            row = self._store.row(self._spec, self._shown + 1)
            if row is None:
                return
            if not self._shown:
                print(HEADER, flush=True)
            print(epoch_line(row, self._spec), flush=True)
            self._shown = self._spec.timeline.end if "failure" in row else self._shown + 1


def picture(spec: RunSpec, rows: list[dict[str, Any]], folder: Path) -> Path:
    """Draws accuracy and trace by epoch into a run's folder; returns where it lies."""
    windows = [(float(held.start), float(held.end), _said(held.deficit.name)) for held in spec.timeline.windows]
    whole = spec.timeline.end
    treated = [(float(held.start), float(whole if held.end is None else min(held.end, whole)),
                _said(held.stabilizer.name)) for held in spec.stabilizers if held.start < whole]  # fmt: skip
    last = [row["test_accuracy"] for row in rows if "test_accuracy" in row][-1:]
    title = f"{title_of(spec)}: {last[0]:.1f} % at the end" if last else title_of(spec)
    with style.style():
        return style.save(runs.by_epoch(pd.DataFrame(rows), windows, title, treated), folder, "epochs").png


def title_of(spec: RunSpec) -> str:
    """Says what a run is, epochs as its rows count them: "blur in epochs 1 to 10, then 20 clean epochs, seed 0"."""
    held = [f"{_said(each.deficit.name)} in {_epochs(each.start, each.end)}" for each in spec.timeline.windows]
    clean = spec.timeline.end - spec.timeline.removal
    after = f"{'then ' * bool(held)}{clean} clean epoch{'s' * (clean != 1)}"
    return ", ".join([*held, after, f"seed {spec.seed}"])


def _epochs(start: int, end: int) -> str:
    return f"epoch {end}" if end == start + 1 else f"epochs {start + 1} to {end}"


def next_settings(spec: RunSpec, by_epochs: bool = False) -> list[tuple[str, str]]:
    """Returns the three settings that one would change next, each with the question it answers.

    Args:
        spec: The run.
        by_epochs: Whether `epochs` gave its length, so that nothing reads `recovery`.
    """
    window = max(spec.timeline.windows, key=lambda held: held.end, default=None)
    recovery = spec.timeline.end - spec.timeline.removal
    more = max(1, recovery)
    length = f"epochs={spec.timeline.end + more}" if by_epochs else f"recovery={recovery + more}"
    longer = (length, "does longer training repair it?")
    if window is None:
        half = max(1, recovery // 2)
        return [
            (f"deficit=blur deficit.end={half}", "what does an early blur cost?"),
            (f"deficit=none deficit.end={half}", "what do as many epochs more give, without any deficit?"),
            (f"seed={spec.seed + 1}", "how much is chance?"),
        ]
    if window.deficit.name == "none":
        return [
            ("deficit=blur", "what does a blur cost in the same epochs?"),
            ("deficit=none deficit.end=0", "what does the recovery give by itself?"),
            longer,
        ]
    again = 2 * window.end - window.start
    # The same recovery after it.
    total = f" epochs={spec.timeline.end + again - window.end}" if by_epochs else ""
    later = (f"deficit.start={window.end} deficit.end={again}{total}", "does the same window cost less later?")
    return [("deficit=none", "as many clean epochs instead: what does the deficit cost?"), later, longer]


def _said(name: str) -> str:
    return "no deficit" if name == "none" else name.replace("_", " ")
