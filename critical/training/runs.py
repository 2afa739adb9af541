"""Run specs and their identity: what acted in each epoch, and the key of every prefix.

The state of a network before epoch t is a function of the static part (data, model, optimiser,
augmentation, arithmetic, seed) and of what acted in epochs < t. `RunSpec.keys()[t]` names exactly
that. Two runs with the same key share the computation up to it, whatever their schedules are
called and however long they go on.
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from critical.core.arithmetic import Arithmetic
from critical.core.randomness import derived_seed
from critical.core.spec import SpecError, added, identity, settings
from critical.data import DataSpec
from critical.deficits import Deficit
from critical.models import ModelSpec
from critical.probes import Probe
from critical.stabilizers import Stabilizer, StabilizerWindow
from critical.training.augmentation import Augmentation
from critical.training.optimizers import Optimizer
from critical.training.schedules import Schedule
from critical.training.timeline import Timeline

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
"""Writes what keys are hashes of; another one would make all runs new."""
VERSION = 2
"""Of what a spec means. Raised where the same settings come to train otherwise: old runs never pass for new ones.

2: the training data are drawn with the run's seed.
"""


@dataclass(frozen=True)
class EpochSpec:
    """What acts in one epoch: all that the state after it depends on besides the state before it.

    A mechanism that is added later gets a field of `spec.added`, so old keys stay.

    Attributes:
        deficits: The deficits that act, in order.
        rate: The learning rate.
        reset_optimizer: Whether the optimiser's state is emptied before the epoch.
        stabilizers: The stabilisers that act, in order.
        branch: Which stream of randomness the epoch takes; see `noise_seed`.
    """

    deficits: tuple[Deficit, ...]
    rate: float
    reset_optimizer: bool = False
    stabilizers: tuple[Stabilizer, ...] = added((), neutral=())
    branch: int = added(0, neutral=0)

    def noise_seed(self, seed: int) -> int:
        """Returns what keys the noise of training: order of batches, augmentation, dropout, stabilisers.

        In branch 0 it is the run's seed. Data, initial weights and deficits always go by that.
        """
        return derived_seed(seed, "branch", self.branch) if self.branch else seed


@dataclass(frozen=True)
class RunSpec:
    """A run: static part, timeline, schedule, probes and seed.

    Attributes:
        data: Where the images come from.
        model: The network.
        optimizer: The optimiser and the batch size.
        augmentation: Shifts and flips of the training images.
        schedule: The learning rate.
        timeline: The windows of deficits and the number of epochs.
        probes: What is measured, see `measured`; measuring never changes the state, so probes are no part of
            the keys.
        arithmetic: Device, threads, precision.
        seed: Seed of the draw of the training data, the initial weights, batch order, augmentation and
            deficits. Seeds from 1000 on are for calibration and serve no claim.
        stabilizers: What is said to prevent a critical period, each with its own window.
        branch: Number of the stream of randomness that begins at `branch_at`; 0: none does. Runs that differ in it
            alone are children of one trunk.
        branch_at: First epoch of that branch.
    """

    data: DataSpec
    model: ModelSpec
    optimizer: Optimizer
    augmentation: Augmentation
    schedule: Schedule
    timeline: Timeline
    probes: tuple[Probe, ...] = ()
    arithmetic: Arithmetic = field(default_factory=Arithmetic)
    seed: int = 0
    stabilizers: tuple[StabilizerWindow, ...] = ()
    branch: int = 0
    branch_at: int = 0

    def __post_init__(self) -> None:
        if self.branch < 0 or not 0 <= self.branch_at < self.timeline.end:
            raise SpecError(f"branch={self.branch}, branch_at={self.branch_at}: the number of a branch is at least 0, "
                            f"its first epoch one of the run's {self.timeline.end}")  # fmt: skip
        if self.seed < 0:
            raise SpecError(f"seed={self.seed}: a seed is a whole number from 0 on")
        if len({probe.name for probe in self.probes}) < len(self.probes):
            raise SpecError("probes: the same probe is named twice")
        self._check_streams()
        for held in self.stabilizers:
            if held.start >= self.timeline.end:
                end = self.timeline.end
                raise SpecError(f"stabilizer.start={held.start}: the run ends at epoch {end}, before it acts")
            if self.arithmetic.compile and not held.stabilizer.compiles:
                raise SpecError(f"stabilizer={held.stabilizer.name}: does not work in a compiled network; set "
                                "arithmetic.compile=false")  # fmt: skip
        for epoch in range(self.timeline.end):
            names = [window.stabilizer.name for window in self.stabilizers if window.active(epoch)]
            if len(set(names)) < len(names):
                raise SpecError(f"stabilizer: the same one acts twice in epoch {epoch}; part their windows")
            own = [window.stabilizer.name for window in self.stabilizers
                   if window.active(epoch) and not window.stabilizer.labels]  # fmt: skip
            if own and len(names) > 1:
                others = " and ".join(name for name in names if name != own[0])
                raise SpecError(f"stabilizer={own[0]}: is trained in place of the classification, which {others} would "
                                f"change in epoch {epoch}; part their windows")  # fmt: skip

    def _check_streams(self) -> None:
        """Refuses what needs two streams, or several heads, with a network that has not got them."""
        streams, model = getattr(self.model, "streams", 1), self.model.name
        wanting = [
            *((f"stabilizer={held.stabilizer.name}", held.stabilizer.streams) for held in self.stabilizers),
            *((f"probe {probe.name}", getattr(probe, "streams", 1)) for probe in self.probes),
        ]
        for what, needed in wanting:
            if needed > streams:
                raise SpecError(f"{what}: needs a network of two streams, and model={model} has one; "
                                "choose another, such as model=split_all_cnn")  # fmt: skip
        for window in self.timeline.windows:
            if window.deficit.needs_heads and not getattr(self.model, "heads", False):
                raise SpecError(f"deficit={window.deficit.name}: its targets have heads of their own, and model="
                                f"{model} has none; set model.heads=true on a network of two streams")  # fmt: skip
            for held in self.stabilizers:
                together = any(map(held.active, range(window.start, window.end)))
                if window.deficit.needs_heads and together and not held.stabilizer.heads:
                    raise SpecError(f"stabilizer={held.stabilizer.name}: deficit={window.deficit.name} has targets "
                                    "with heads of their own, which it cannot mix; part their windows")  # fmt: skip

    @functools.cached_property
    def run_id(self) -> str:
        """Sixteen hexadecimal digits that identify the run: what acts, what is measured, and when windows end."""
        measured = [settings(probe) for probe in self.probes]
        return identity([self.keys[-1], measured, settings(self.timeline)])

    @property
    def static(self) -> dict[str, Any]:
        """The settings that every epoch depends on."""
        return {
            "version": VERSION,
            "data": settings(self.data),
            "model": settings(self.model),
            "optimizer": settings(self.optimizer),
            "augmentation": settings(self.augmentation),
            "arithmetic": settings(self.arithmetic),
            "seed": self.seed,
        }

    @functools.cached_property
    def epoch_specs(self) -> tuple[EpochSpec, ...]:
        """What acts in epochs 0 … end − 1."""
        return tuple(self._epoch_spec(epoch) for epoch in range(self.timeline.end))

    def _epoch_spec(self, epoch: int) -> EpochSpec:
        since_removal = self.timeline.since_removal(epoch)
        return EpochSpec(
            deficits=self.timeline.active(epoch),
            rate=self.schedule.rate_at(epoch, since_removal),
            # Before epoch 0 there is no state to empty, so a fresh run is the same either way.
            reset_optimizer=epoch > 0 and self.schedule.resets_at(since_removal),
            stabilizers=tuple(held.stabilizer for held in self.stabilizers if held.active(epoch)),
            branch=self.branch if epoch >= self.branch_at else 0,
        )

    def measured(self, epoch: int) -> tuple[Probe, ...]:
        """Returns the probes that measure after `epoch` epochs, 1 … end: all of them at the removal and at the end.

        Elsewhere a probe is due after every `every` epochs, counted from the run's beginning, and after the
        removal after every `recovery_every`.
        """
        removal = self.timeline.removal
        if epoch in (removal, self.timeline.end):
            return self.probes
        return tuple(probe for probe in self.probes if probe.due(epoch, recovery=epoch > removal))

    @functools.cached_property
    def keys(self) -> tuple[str, ...]:
        """The keys of the states after 0, 1, …, end epochs (end + 1 of them).

        `keys[t+1]` hashes `keys[t]` with what acted in epoch t, and `keys[0]` the static part.
        """
        chain = [identity(self.static)]
        for epoch_spec in self.epoch_specs:
            text = chain[-1] + _ENCODER.encode(settings(epoch_spec))
            chain.append(hashlib.sha256(text.encode()).hexdigest()[:16])
        return tuple(chain)

    def describe(self) -> dict[str, Any]:
        """Returns everything about the run as plain values, for its record and for loggers."""
        return {
            "run_id": self.run_id,
            **self.static,
            "schedule": settings(self.schedule),
            "timeline": settings(self.timeline),
            "stabilizers": [settings(window) for window in self.stabilizers],
            "probes": [settings(probe) for probe in self.probes],
            **({"branch": self.branch, "branch_at": self.branch_at} if self.branch else {}),
        }
