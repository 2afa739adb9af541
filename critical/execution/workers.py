"""Workers: processes that take segments of the tree of runs from a store until all is trained.

Any number of workers, of one command or of several, can work on one store. Checkpoints are stored at forks and
ends, and on the way every five seconds.

A worker that trains holds exactly one claim: on the epoch after the checkpoint from which it started or that it stored
last, since that is where any other worker would start. It claims the next such epoch before it stores a checkpoint, and
releases the last claim afterwards. So nothing is trained twice, wherever the plans of several commands cut their
segments, and a worker that dies loses at most the epoch it was in, or five seconds: the next one goes on from the
checkpoint before. Nobody waits while holding a claim, so there is no deadlock.

What costs time, and nothing else: epochs that lack a probe's measurements are trained again where no checkpoint
is left to measure, also while another command is under way on them. So is the way to a fork that another command
first asked for when it had been passed.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable

from critical.core import environment, memory
from critical.core.memory import LackOfMemory
from critical.execution.listening import EpochListener, Teller
from critical.execution.locks import Lock
from critical.execution.plan import Plan, Segment
from critical.execution.records import Record
from critical.execution.store import RunStore
from critical.training.loop import NonFiniteLoss, Trainer
from critical.training.runs import RunSpec

# How long a worker waits for others before it looks for work again.
PATIENCE_SECONDS = 0.2
# Checkpoints on the way are at least this far apart: one of them costs a part of a short epoch that shows.
CHECKPOINT_SECONDS = 5.0


class Orphaned(RuntimeError):
    """The process that started this worker is gone."""


def segment_complete(store: RunStore, segment: Segment) -> bool:
    """Returns whether nothing is left to train in a segment, or nothing can be, as of the store's last `refresh`."""
    if any(store.failure(key) for key in segment.spec.keys[1 : segment.start + 1]):
        return True
    for key in segment.keys:
        if not store.complete(key, segment.probes[key]):
            return False
        if store.failure(key):
            return True
    return store.has_state(segment.keys[-1])


def work(
    plan: Plan,
    store: RunStore,
    after_epoch: Callable[[RunSpec, int], None] | None = None,
    while_waiting: Callable[[], None] | None = None,
    begun: Callable[[RunSpec], None] | None = None,
    listener: EpochListener | None = None,
) -> None:
    """Trains what a plan needs, together with whoever else works on the store; returns when all is done.

    Args:
        plan: The runs.
        store: The store.
        after_epoch: Called with (run, epochs trained) after each epoch that this process trained.
        while_waiting: Called now and then while others train all that could be trained.
        begun: Called with a run of each segment that this process is about to train.
        listener: Is told of the runs that this process trains; see `critical.execution.listening`.

    Raises:
        WriteError: The store cannot be written.
        LackOfMemory: A run needs more memory than there is.
    """
    store.check()
    store.use()
    store.announce(plan.runs)
    store.want(plan.forks)
    worker = _Worker(store, plan, after_epoch, begun, Teller(listener, plan, store))
    pending = list(plan.segments)
    while True:
        store.refresh()
        pending = [segment for segment in pending if not worker.finished(segment)]
        if not pending:
            return
        if not any(worker.ready(segment, pending) and worker.advance(segment) for segment in pending):
            if while_waiting:
                while_waiting()
            time.sleep(PATIENCE_SECONDS)


class _Worker:
    def __init__(
        self,
        store: RunStore,
        plan: Plan,
        after_epoch: Callable[[RunSpec, int], None] | None,
        begun: Callable[[RunSpec], None] | None = None,
        teller: Teller | None = None,
    ) -> None:
        self.store, self.teller = store, teller or Teller(None, plan, store)
        self.maker = store.sign(environment.describe())
        self.forks = plan.forks
        self.after_epoch = after_epoch or (lambda spec, epoch: None)
        self.begun = begun or (lambda spec: None)
        self._trainer: Trainer | None = None
        # The last checkpoint under way: how many epochs led to it, and when it was stored or loaded.
        self._stored, self._stored_at = 0, 0.0
        # Whether the trainer's state was loaded, not trained.
        self._loaded = False

    def finished(self, segment: Segment) -> bool:
        """Returns whether nothing is left to train in a segment; then what was stored on its way goes."""
        if not segment_complete(self.store, segment):
            return False
        for key, following in itertools.pairwise(segment.keys):
            # Who is still under way from there, with other probes, has the claim.
            if self.store.has_state(key) and (claim := self.store.claim(following)):
                self.store.drop_state(key)
                claim.release()
        return True

    def ready(self, segment: Segment, pending: list[Segment]) -> bool:
        """Returns whether a segment's beginning exists: its state, or all that leads to it."""
        if segment.start == 0 or self.store.has_state(segment.spec.keys[segment.start]):
            return True
        # A checkpoint that was taken away is trained again, but not while its trunk is under way.
        before = segment.spec.keys[segment.start]
        return all(before not in other.keys for other in pending)

    def advance(self, segment: Segment) -> bool:
        """Trains a segment, unless another worker holds the lock of its first epoch; returns whether it did."""
        spec, begin = segment.spec, self._resume_point(segment)
        claim = self.store.claim(spec.keys[begin + 1]) if begin < segment.end else None
        if claim is None:
            return False
        try:
            # Others may have gone on between the last look at the store and the claim.
            self.store.refresh()
            if segment_complete(self.store, segment) or self._resume_point(segment) != begin:
                return False
            self.begun(spec)
            with spec.arithmetic.applied():
                if not self._load(spec, begin):
                    return False
                self.teller.begins(segment, begin)
                for epoch in range(begin, segment.end):
                    fine = self._epoch(segment, epoch)
                    self.teller.trained(segment, epoch + 1)
                    if not fine:
                        break
                    claim = self._checkpoint(segment, epoch + 1, claim)
                    self.after_epoch(spec, epoch + 1)
                self.teller.ends(segment)
        except (MemoryError, RuntimeError, OSError) as error:
            if memory.lacking(error):
                raise LackOfMemory(memory.said(f"run {spec.run_id}")) from error
            raise
        finally:
            claim.release()
        return True

    def _resume_point(self, segment: Segment) -> int:
        """Returns the largest number of epochs whose state is stored and whose records are complete."""
        complete, keys = segment.start, segment.spec.keys
        while complete < segment.end and self.store.complete(keys[complete + 1], segment.probes[keys[complete + 1]]):
            complete += 1
        # Where all is recorded but the last state is gone, the epochs before it are trained again.
        return next((epoch for epoch in range(complete, 0, -1) if self.store.has_state(keys[epoch])), 0)

    def _load(self, spec: RunSpec, epoch: int) -> bool:
        """Puts the trainer before `epoch`; returns False when the checkpoint has gone meanwhile."""
        if self._trainer is None or self._trainer.spec.keys[0] != spec.keys[0]:
            self._trainer = Trainer(spec)
        self._trainer.restart()
        self._stored, self._stored_at = epoch, time.monotonic()
        if epoch == 0:
            return True
        held = self.store.load_state(spec.keys[epoch], spec.arithmetic.device)
        if held is None:
            return False
        self._trainer.state.load_state_dict(held["state"])
        return True

    def _epoch(self, segment: Segment, epoch: int) -> bool:
        """Trains and measures one epoch, or takes over the state after it; returns False on failure."""
        assert self._trainer is not None
        spec, trainer = segment.spec, self._trainer
        key, epoch_spec = spec.keys[epoch + 1], spec.epoch_specs[epoch]
        known = self.store.record(key) or {"train": None, "probes": {}}
        new: Record = {"train": None, "probes": {}, "seconds": {}, "failure": None, "maker": self.maker}
        start = time.process_time()
        held = self.store.load_state(key, spec.arithmetic.device) if known["train"] else None
        self._loaded = held is not None
        if held is not None:
            trainer.state.load_state_dict(held["state"])
        else:
            try:
                trained = trainer.train_epoch(epoch_spec)
            except NonFiniteLoss as error:
                self.store.write_record(segment.keys[0], key, new | {"failure": str(error)})
                return False
            if known["train"] is None:
                new |= {"train": trained, "seconds": {"train": time.process_time() - start}}
        due = segment.probes.get(key, {})
        missing = {name: probe for name, probe in due.items() if name not in known["probes"]}
        for name, measurement in zip(missing, trainer.measure(epoch_spec, missing.values()), strict=True):
            new["probes"][name] = measurement.columns
            new["seconds"][measurement.probe] = measurement.seconds
        if new["train"] is not None or missing:
            self.store.write_record(segment.keys[0], key, new)
        return True

    def _checkpoint(self, segment: Segment, epoch: int, claim: Lock) -> Lock:
        """Stores the state after `epoch` epochs, where it is to be; returns the claim that holds from then on.

        The record of the epoch is there already: a kill between the two costs the epoch, not its record.
        """
        assert self._trainer is not None
        keys = segment.spec.keys
        fork = keys[epoch] in self.forks or self.store.wanted(keys[epoch])
        waited = time.monotonic() - self._stored_at >= CHECKPOINT_SECONDS
        if not (fork or waited or self.store.has_state(keys[epoch])):
            return claim
        following = None
        if epoch < segment.end:
            following = self.store.claim(keys[epoch + 1])
            if following is None:
                # Another worker trains from here, on epochs that lack other probes: both go on.
                return claim
        try:
            if not self._loaded:
                self.store.save_state(keys[epoch], {"state": self._trainer.state.state_dict()})
            if keys[self._stored] not in self.forks:
                self.store.drop_state(keys[self._stored])
            self._stored, self._stored_at = epoch, time.monotonic()
        except BaseException:
            if following is not None:
                following.release()
            raise
        if following is None:
            return claim
        claim.release()
        return following


def stop_with_parent(parent: int) -> Callable[..., None]:
    """Returns an `after_epoch` and `while_waiting` that ends a worker whose starting process is gone."""

    def check(*_: object) -> None:
        if os.getppid() != parent:
            raise Orphaned("the process that started this worker is gone")

    return check
