"""Workers: processes that take segments of the tree of runs from a store until all is trained.

Any number of workers, of one command or of several, can work on one store. Checkpoints are stored at
forks and ends, and on the way every five seconds. Two epochs are locked at a time (see `RunStore.claim`):
the one that is trained, and the one after the last checkpoint, where everybody else would begin. So
nothing is trained twice, and a worker that dies loses at most the epoch it was in, or five seconds:
the next one goes on from the checkpoint before.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterable

from filelock import FileLock

from critical.execution.plan import Plan, Segment
from critical.execution.store import RunStore
from critical.training.loop import NonFiniteLoss, Trainer
from critical.training.runs import RunSpec

# How long a worker waits for others before it looks for work again.
PATIENCE_SECONDS = 0.2
# Checkpoints on the way are at least this far apart: one of them costs a part of a short epoch that shows.
CHECKPOINT_SECONDS = 5.0


class Orphaned(RuntimeError):
    """The process that started this worker is gone."""


class Ledger:
    """What is known to be done; done stays done, so nothing is read twice."""

    def __init__(self, store: RunStore) -> None:
        self.store = store
        self.done: set[tuple[str, frozenset[str]]] = set()
        self.failed: dict[str, str] = {}

    def complete(self, key: str, probe_ids: Iterable[str]) -> bool:
        """Tells whether the epoch that leads to the key is recorded with these probes."""
        wanted = frozenset(probe_ids)
        if key in self.failed or (key, wanted) in self.done:
            return True
        record = self.store.record(key)
        if record is None:
            return False
        if record["failure"]:
            self.failed[key] = record["failure"]
        elif not wanted <= record["probes"].keys():
            return False
        self.done.add((key, wanted))
        return True

    def dead(self, spec: RunSpec, epoch: int) -> bool:
        """Tells whether the run failed within its first `epoch` epochs."""
        return any(key in self.failed for key in spec.keys[1 : epoch + 1])

    def segment_complete(self, segment: Segment) -> bool:
        """Tells whether nothing is left to train in a segment, or nothing can be."""
        if self.dead(segment.spec, segment.start):
            return True
        for key in segment.keys:
            if not self.complete(key, segment.probes):
                return False
            if key in self.failed:
                return True
        return self.store.has_state(segment.keys[-1])


def work(
    plan: Plan,
    store: RunStore,
    after_epoch: Callable[[RunSpec, int], None] | None = None,
    while_waiting: Callable[[], None] | None = None,
) -> None:
    """Trains what a plan needs, together with whoever else works on the store; returns when all is done.

    Args:
        plan: The runs.
        store: The store.
        after_epoch: Called with (run, epochs trained) after each epoch that this process trained.
        while_waiting: Called now and then while others train all that could be trained.
    """
    store.want(plan.forks)
    ledger = Ledger(store)
    worker = _Worker(store, ledger, plan, after_epoch)
    pending = list(plan.segments)
    while pending := [segment for segment in pending if not worker.finished(segment)]:
        if not any(worker.ready(segment, pending) and worker.advance(segment) for segment in pending):
            if while_waiting:
                while_waiting()
            time.sleep(PATIENCE_SECONDS)


class _Worker:
    def __init__(
        self,
        store: RunStore,
        ledger: Ledger,
        plan: Plan,
        after_epoch: Callable[[RunSpec, int], None] | None,
    ) -> None:
        self.store = store
        self.ledger = ledger
        self.forks = plan.forks
        self.after_epoch = after_epoch or (lambda spec, epoch: None)
        self._trainer: Trainer | None = None
        # The last checkpoint under way: how many epochs led to it, and when it was stored or loaded.
        self._stored, self._stored_at = 0, 0.0

    def finished(self, segment: Segment) -> bool:
        """Tells whether nothing is left to train in a segment; then what was stored on its way goes."""
        if not self.ledger.segment_complete(segment):
            return False
        for key, following in itertools.pairwise(segment.keys):
            # Who is still under way there, with other probes, has the claim and would begin here again.
            if self.store.has_state(key) and (claim := self.store.claim(following)):
                self.store.drop_state(key)
                self.store.release(claim)
        return True

    def ready(self, segment: Segment, pending: list[Segment]) -> bool:
        """Tells whether a segment's beginning exists: its state, or all that leads to it."""
        if segment.start == 0 or self.store.has_state(segment.spec.keys[segment.start]):
            return True
        # A checkpoint that was taken away is trained again, but not while its trunk is under way.
        before = segment.spec.keys[segment.start]
        return all(before not in other.keys for other in pending)

    def advance(self, segment: Segment) -> bool:
        """Trains a segment as far as nobody else has it; tells whether anything was done."""
        spec, advanced = segment.spec, False
        with spec.arithmetic.applied():
            begin = self._stored = self._resume_point(segment)
            claims: list[FileLock] = []
            try:
                for epoch in range(begin, segment.end):
                    claim = self.store.claim(spec.keys[epoch + 1])
                    if claim is None:
                        # Its turn may come late, and in another process: what was trained up to here is stored.
                        if advanced and not self.store.has_state(spec.keys[epoch]):
                            self._save(spec, epoch)
                        return advanced
                    claims.append(claim)
                    # Kept: the epoch after the last checkpoint, and this one; often they are the same.
                    for passed in claims[:-1] if self._stored == epoch else claims[1:-1]:
                        self.store.release(passed)
                        claims.remove(passed)
                    if self._overtaken(segment, epoch):
                        return advanced
                    if not advanced and not self._load(spec, begin):
                        return False
                    advanced = True
                    if not self._epoch(segment, epoch):
                        return True
            finally:
                for claim in claims:
                    self.store.release(claim)
        return advanced

    def _resume_point(self, segment: Segment) -> int:
        """Returns the largest number of epochs whose state is stored and whose records are complete."""
        complete = segment.start
        while complete < segment.end and self.ledger.complete(segment.spec.keys[complete + 1], segment.probes):
            complete += 1
        # Where all is recorded but the last state is gone, the epochs before it are trained again.
        for epoch in range(complete, 0, -1):
            if self.store.has_state(segment.spec.keys[epoch]):
                return epoch
        return 0

    def _overtaken(self, segment: Segment, epoch: int) -> bool:
        """Tells whether another process trained `epoch` between the last look at the store and the claim."""
        return self._resume_point(segment) > epoch or self.ledger.dead(segment.spec, segment.end)

    def _load(self, spec: RunSpec, epoch: int) -> bool:
        """Puts the trainer before `epoch`; False when the checkpoint has gone meanwhile."""
        if self._trainer is None or self._trainer.spec.keys[0] != spec.keys[0]:
            self._trainer = Trainer(spec)
        self._trainer.restart()
        self._stored_at = time.monotonic()
        if epoch == 0:
            return True
        held = self.store.load_state(spec.keys[epoch], spec.arithmetic.device)
        if held is None:
            return False
        self._trainer.state.load_state_dict(held["state"])
        return True

    def _epoch(self, segment: Segment, epoch: int) -> bool:
        """Trains and measures one epoch, or takes over what another process did; False on failure."""
        assert self._trainer is not None
        spec, trainer = segment.spec, self._trainer
        key, act = spec.keys[epoch + 1], spec.acts[epoch]
        record = self.store.record(key) or {"train": None, "probes": {}, "seconds": {}, "failure": None}
        start = time.process_time()
        stored = self.store.load_state(key, spec.arithmetic.device) if record["train"] else None
        if stored is not None:
            trainer.state.load_state_dict(stored["state"])
        else:
            try:
                trained = trainer.train_epoch(act)
            except NonFiniteLoss as error:
                self.store.write_record(key, record | {"failure": str(error)})
                return False
            if record["train"] is None:
                record["train"] = trained
                record["seconds"]["train"] = time.process_time() - start
        missing = {name: probe for name, probe in segment.probes.items() if name not in record["probes"]}
        for name, measurement in zip(missing, trainer.measure(act, tuple(missing.values())), strict=True):
            record["probes"][name] = measurement.columns
            record["seconds"][measurement.probe] = measurement.seconds
        # First the record, then the state: a kill between the two costs the epoch, not its record.
        self.store.write_record(key, record)
        if stored is not None:
            self._passed(spec, epoch + 1)
        elif self._due(key):
            self._save(spec, epoch + 1)
        self.after_epoch(spec, epoch + 1)
        return True

    def _due(self, key: str) -> bool:
        """Tells whether the state under a key is to be stored: somebody forks or begins there, or it is time."""
        return (
            key in self.forks
            or time.monotonic() - self._stored_at >= CHECKPOINT_SECONDS
            or self.store.has_state(key)
            or self.store.wanted(key)
        )

    def _save(self, spec: RunSpec, epoch: int) -> None:
        """Stores the trainer's state, which is that after `epoch` epochs."""
        assert self._trainer is not None
        self.store.save_state(spec.keys[epoch], {"state": self._trainer.state.state_dict()})
        self._passed(spec, epoch)

    def _passed(self, spec: RunSpec, epoch: int) -> None:
        """Notes that the state after `epoch` epochs is stored; the checkpoint before it, if on the way, has served."""
        if self._stored < epoch and spec.keys[self._stored] not in self.forks:
            self.store.drop_state(spec.keys[self._stored])
        self._stored, self._stored_at = epoch, time.monotonic()


def stop_with_parent(parent: int) -> Callable[..., None]:
    """Returns an `after_epoch` and `while_waiting` that ends a worker whose starting process is gone."""

    def check(*_: object) -> None:
        if os.getppid() != parent:
            raise Orphaned("the process that started this worker is gone")

    return check
