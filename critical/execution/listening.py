"""Who is told of a run while it trains, in the process that trains it. Nothing here knows who listens, or what for.

A run is told of from the first epoch that is its own: the epochs of its past, which others may share, are stored by
then and come with its beginning. So a listener hears every epoch of a run once, in order, in one process; after a kill
another process begins with all that is stored. A run without an epoch of its own, since a longer one goes through it,
is told of as a whole when its last epoch was trained.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from critical.execution.plan import Plan, Segment
from critical.execution.store import RunStore
from critical.training.runs import RunSpec

Row = dict[str, Any]
"""What an epoch measured, as `RunStore.row` gives it."""


class EpochListener(Protocol):
    """Is told what a process trains. Training waits for it: whoever has much to do does it elsewhere."""

    def begins(self, run: RunSpec, rows: Sequence[Row]) -> None:
        """Is told of a run whose first `len(rows)` epochs are stored."""

    def trained(self, run: RunSpec, row: Row, clock: float) -> None:
        """Is told of the next epoch of the run that began last.

        Args:
            run: The run.
            row: What was measured; with `failure` where the run stopped.
            clock: When that was, in seconds since 1970.
        """

    def ends(self, run: RunSpec) -> None:
        """Is told that the run that began last is finished, or has failed."""

    def close(self) -> None:
        """Is told that nothing more comes from this process."""


ListenerFactory = Callable[[], EpochListener]
"""Makes a listener in the process that trains; it can be pickled."""


class Quiet:
    """Tells a listener until it raises, then closes it for good: nothing that listens ends a run.

    Args:
        listener: Who is told; None: nobody.
    """

    def __init__(self, listener: EpochListener | None) -> None:
        self._listener = listener

    @property
    def hears(self) -> bool:
        """Whether anybody is told."""
        return self._listener is not None

    def begins(self, run: RunSpec, rows: Sequence[Row]) -> None:
        """Tells of a beginning."""
        self._tell("begins", run, rows)

    def trained(self, run: RunSpec, row: Row, clock: float) -> None:
        """Tells of an epoch."""
        self._tell("trained", run, row, clock)

    def ends(self, run: RunSpec) -> None:
        """Tells of an end."""
        self._tell("ends", run)

    def close(self) -> None:
        """Tells that nothing more comes."""
        self._tell("close")
        self._listener = None

    def _tell(self, what: str, *told: Any) -> None:
        if self._listener is None:
            return
        try:
            getattr(self._listener, what)(*told)
        except Exception:
            listener, self._listener = self._listener, None
            with contextlib.suppress(Exception):
                listener.close()


def made(factory: ListenerFactory | None) -> EpochListener | None:
    """Returns a listener that raises nothing, for all plans of a process; None where none is, or can be made."""
    with contextlib.suppress(Exception):
        return Quiet(factory()) if factory else None
    return None


class Teller:
    """Tells a listener of the runs of a plan, and no more once it has raised: nothing that listens ends a run.

    Args:
        listener: Who is told; None: nobody.
        plan: The runs.
        store: Where they are.
    """

    def __init__(self, listener: EpochListener | None, plan: Plan, store: RunStore) -> None:
        self._told = listener if isinstance(listener, Quiet) else Quiet(listener)
        self._plan, self._store = plan, store

    def begins(self, segment: Segment, epoch: int) -> None:
        """Tells of a run that goes on, alone, from the state after `epoch` epochs."""
        if self._told.hears and self._own(segment):
            self._told.begins(segment.spec, self._rows(segment.spec, epoch))

    def trained(self, segment: Segment, epoch: int) -> None:
        """Tells what the last of `epoch` epochs measured."""
        if not self._told.hears or not self._own(segment):
            return
        row = self._store.row(segment.spec, epoch)
        if row is not None:
            self._told.trained(segment.spec, row, time.time())

    def ends(self, segment: Segment) -> None:
        """Tells of the end of a segment: of its run, or of those that end where others go on."""
        if not self._told.hears:
            return
        if self._own(segment):
            self._told.ends(segment.spec)
            return
        for run in self._plan.through(segment):
            if run.keys[-1] == segment.keys[-1]:
                self._told.begins(run, self._rows(run, run.timeline.end))
                self._told.ends(run)

    def _own(self, segment: Segment) -> bool:
        return len(self._plan.through(segment)) == 1

    def _rows(self, run: RunSpec, epochs: int) -> list[Row]:
        """Returns what is stored of the first epochs, as far as all of it was measured."""
        rows: list[Row] = []
        for epoch in range(1, epochs + 1):
            row = self._store.row(run, epoch)
            if row is None:
                break
            rows.append(row)
        return rows
