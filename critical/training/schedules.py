"""Learning-rate schedules: what the rate does when a deficit is removed.

A schedule is a function of the epoch and of the epochs since the last window's end. Until the removal all of them but
`constant`, `stages` and `steady` do the same, `rate · decay^epoch`, so that their arms grow from one trunk and differ
in the recovery alone:

| kind          | from the removal on (s = epochs since the removal)                                |
| ------------- | --------------------------------------------------------------------------------- |
| `continue`    | rate · decay^epoch: the authors' protocol; a late removal recovers with a low rate |
| `restart`     | rate · recovery_decay^s: every arm gets the same recovery (the fair control)      |
| `hot_restart` | heat · rate · recovery_decay^s                                                    |
| `cyclic`      | cosine cycles of `period` epochs from rate towards floor · rate                   |
| `constant`    | rate, as in all other epochs                                                      |
| `stages`      | given stage by stage, whatever the windows are                                    |
| `steady`      | rate · decay^s; before it, the rate is constant in the window at any onset        |

Sources: Achille et al. 2019 (continue, constant); Pawlak 2025, arXiv 2510.09687 (restarting and
cycling the rate after the deficit).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from critical.core.spec import SpecError


def decay_to(fraction: float, epochs: int) -> float:
    """Returns the decay per epoch under which the rate falls to `fraction` of itself in `epochs`.

    Args:
        fraction: In (0, 1].
        epochs: At least 1.

    Raises:
        SpecError: No decay in (0, 1] does that.
    """
    if not (0 < fraction <= 1 and epochs >= 1):
        raise SpecError(f"decay_to({fraction}, {epochs}): needs a fraction in (0, 1] and at least 1 epoch")
    return float(f"{fraction ** (1 / epochs):.10g}")


@dataclass(frozen=True)
class Schedule:
    """What all schedules share.

    Attributes:
        rate: Learning rate in epoch 0, > 0.
        decay: Factor per epoch before the removal, in (0, 1].
        reset_optimizer: Whether the optimiser's state (momentum, Adam's moments) is emptied at the
            removal. The multi-view authors' code resumes without it; other protocols keep it.
    """

    name: ClassVar[str] = ""
    rate: float = 0.05
    decay: float = 0.97
    reset_optimizer: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.rate < math.inf:
            raise SpecError(f"schedule.rate={self.rate}: the learning rate must be above 0 and finite")
        if not 0 < self.decay <= 1:
            raise SpecError(f"schedule.decay={self.decay}: the factor per epoch lies in (0, 1]")

    def rate_at(self, epoch: int, since_removal: int | None) -> float:
        """Returns the learning rate of an epoch.

        Args:
            epoch: Epoch, counted from 0.
            since_removal: Epochs since the last window's end, None before it. A run without a
                window is in its recovery from epoch 0 on.
        """
        value = (
            self._window_rate(epoch)
            if since_removal is None
            else self._recovery_rate(epoch, since_removal)
        )
        # The rate is part of a run's identity: ten digits are the same with every libm.
        return float(f"{value:.10g}")

    def _window_rate(self, epoch: int) -> float:
        return self.rate * self.decay**epoch

    def resets_at(self, since_removal: int | None) -> bool:
        """Tells whether the optimiser's state is emptied before this epoch."""
        return self.reset_optimizer and since_removal == 0

    def _recovery_rate(self, epoch: int, since_removal: int) -> float:
        return self.rate * self.decay**epoch

    def after(self, removal: int) -> Schedule:
        """Returns the schedule that gives a run without a window the rates of this one's recovery from epoch 0 on."""
        return self


@dataclass(frozen=True)
class Continue(Schedule):
    """The rate goes on decaying as if nothing had happened: the authors' protocol."""

    name: ClassVar[str] = "continue"

    def after(self, removal: int) -> Schedule:
        """Returns the same decay from the rate of the removal on."""
        return replace(self, rate=self.rate * self.decay**removal)


@dataclass(frozen=True)
class Restart(Schedule):
    """The rate starts again at the removal.

    Attributes:
        recovery_decay: Its factor per epoch from there, in (0, 1]; None: that of before.
    """

    name: ClassVar[str] = "restart"
    recovery_decay: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.recovery_decay is not None and not 0 < self.recovery_decay <= 1:
            raise SpecError(f"schedule.recovery_decay={self.recovery_decay}: lies in (0, 1], or null")

    def _recovery_rate(self, epoch: int, since_removal: int) -> float:
        decay = self.decay if self.recovery_decay is None else self.recovery_decay
        return self.rate * decay**since_removal


@dataclass(frozen=True)
class HotRestart(Restart):
    """As `restart`, from `heat` times the rate."""

    name: ClassVar[str] = "hot_restart"
    heat: float = 3.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.heat < math.inf:
            raise SpecError(f"schedule.heat={self.heat}: must be above 0 and finite")

    def _recovery_rate(self, epoch: int, since_removal: int) -> float:
        return self.heat * super()._recovery_rate(epoch, since_removal)


@dataclass(frozen=True)
class Cyclic(Schedule):
    """Cosine cycles from the removal on, each from `rate` towards `floor · rate`, in whose place the next begins."""

    name: ClassVar[str] = "cyclic"
    period: int = 10
    floor: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.period < 1:
            raise SpecError(f"schedule.period={self.period}: a cycle needs at least one epoch")
        if not 0 <= self.floor <= 1:
            raise SpecError(f"schedule.floor={self.floor}: a fraction of the rate, in [0, 1]")

    def _recovery_rate(self, epoch: int, since_removal: int) -> float:
        phase = (since_removal % self.period) / self.period
        return self.rate * (self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * phase)))


@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate in all epochs; `decay` has no effect and must be 1."""

    name: ClassVar[str] = "constant"
    decay: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.decay != 1.0:
            raise SpecError(f"schedule=constant: decay={self.decay} would have no effect; leave it at 1")


@dataclass(frozen=True)
class Stages(Schedule):
    """A rate by epoch, whatever the windows are: rate · decay^epoch, and from each later stage on a new one.

    Attributes:
        later: Stages (first epoch, rate from there, its factor per epoch), ascending from epoch 1 on. In the stage that
            begins at epoch s, the rate of epoch e is rate · factor^(e − s).
    """

    name: ClassVar[str] = "stages"
    later: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        before = 0.0
        for stage in self.later:
            if len(stage) != 3:
                raise SpecError(f"schedule.later: {list(stage)}: a stage is [first epoch, rate, factor per epoch]")
            start, rate, decay = stage
            if start != int(start) or start <= before:
                raise SpecError(f"schedule.later: first epochs are whole, above 0 and ascending, not {start:g}")
            if not 0 < rate < math.inf or not 0 < decay <= 1:
                raise SpecError(f"schedule.later: stage {list(stage)}: the rate is above 0, the factor lies in (0, 1]")
            before = start

    @classmethod
    def listed(cls, rates: Sequence[float], reset_optimizer: bool = False) -> Stages:
        """Returns the schedule with a given rate in each epoch; the last one stays."""
        first, *rest = rates
        later = tuple((float(epoch), rate, 1.0) for epoch, rate in enumerate(rest, start=1))
        return cls(rate=first, decay=1.0, later=later, reset_optimizer=reset_optimizer)

    def _window_rate(self, epoch: int) -> float:
        stages = ((0, self.rate, self.decay), *self.later)
        start, rate, decay = max(stage for stage in stages if stage[0] <= epoch)
        return rate * decay ** (epoch - int(start))

    def _recovery_rate(self, epoch: int, since_removal: int) -> float:
        return self._window_rate(epoch)

    def after(self, removal: int) -> Schedule:
        """Returns the stages from the removal on."""
        stages = ((0.0, self.rate, self.decay), *self.later)
        start, rate, decay = max(stage for stage in stages if stage[0] <= removal)
        later = tuple((begin - removal, *rest) for begin, *rest in self.later if begin > removal)
        return replace(self, rate=rate * decay ** (removal - int(start)), decay=decay, later=later)


@dataclass(frozen=True)
class Steady(Schedule):
    """The rate is constant in the window, at any age, and starts again after it: what tells age from rate.

    Before the window it decays to `low` of itself and stays there, so that a late window at that rate is no jump.

    Attributes:
        onset: First epoch of the window.
        factor: The rate in the window as a share of `rate`, > 0.
        low: Where the decay before the window ends, as a share of `rate`, in (0, 1].
    """

    name: ClassVar[str] = "steady"
    onset: int = 0
    factor: float = 1.0
    low: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.factor < math.inf:
            raise SpecError(f"schedule.factor={self.factor}: must be above 0 and finite")
        if not 0 < self.low <= 1:
            raise SpecError(f"schedule.low={self.low}: a share of the rate, in (0, 1]")

    def _window_rate(self, epoch: int) -> float:
        if epoch >= self.onset:
            return self.rate * self.factor
        return max(super()._window_rate(epoch), self.rate * self.low)

    def _recovery_rate(self, epoch: int, since_removal: int) -> float:
        return self.rate * self.decay**since_removal


KINDS: dict[str, type[Schedule]] = {
    kind.name: kind for kind in (Continue, Restart, HotRestart, Cyclic, Constant, Stages, Steady)
}
