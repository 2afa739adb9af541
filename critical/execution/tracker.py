"""How far a plan is: epochs and runs that are done, read from the store."""

from __future__ import annotations

from critical.execution.plan import Plan
from critical.execution.progress import Progress
from critical.execution.store import RunStore
from critical.execution.workers import segment_complete


class Tracker:
    """Counts what is done, looking only at what was not done when it last looked.

    Args:
        plan: The runs.
        store: Where they go.
    """

    def __init__(self, plan: Plan, store: RunStore) -> None:
        self._store = store
        self._pending = list(plan.segments)
        self._runs = list(plan.runs)
        self._keys = {key: measured for segment in plan.segments for key, measured in segment.probes.items()}
        self.epochs_total = len(self._keys)
        self.update()

    @property
    def finished(self) -> bool:
        """Whether nothing is left to train."""
        return not self._pending

    @property
    def epochs_done(self) -> int:
        """Epochs that are recorded, or will never be trained since their run failed before."""
        return self.epochs_total - len(self._keys)

    @property
    def runs_left(self) -> int:
        """Runs with an epoch to come."""
        return len(self._runs)

    def update(self) -> None:
        """Looks at the store again."""
        store = self._store
        store.refresh()
        self._keys = {key: probes for key, probes in self._keys.items() if not store.complete(key, probes)}
        self._pending = [part for part in self._pending if not segment_complete(store, part)]
        self._runs = [
            run
            for run in self._runs
            if any(key in self._keys for key in run.keys) and not any(store.failure(key) for key in run.keys)
        ]
        # The epochs after a failure will never be trained.
        to_come = {key for run in self._runs for key in run.keys}
        self._keys = {key: probes for key, probes in self._keys.items() if key in to_come}


class Watched:
    """The progress of several plans as that of one: whatever a plan's own numbers are, those of the whole are shown.

    Args:
        tracker: Of the whole.
        bar: Where it is shown.
    """

    def __init__(self, tracker: Tracker, bar: Progress) -> None:
        self._tracker, self._bar = tracker, bar

    def name(self, label: str) -> None:
        """Says which plan is under way."""
        self._bar.name(label)

    def update(self, epochs_done: int, runs_left: int) -> None:
        """Shows how far the whole is."""
        self._tracker.update()
        self._bar.update(self._tracker.epochs_done, self._tracker.runs_left)
