"""What the learning rate does in a window of a deficit and after it, by name."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from critical.core.spec import SpecError
from critical.training.schedules import Constant, Continue, Cyclic, HotRestart, Restart, Schedule, Stages, decay_to

CONTINUE, RESTART, CONSTANT = Continue.name, Restart.name, Constant.name
HOT_RESTART, CYCLIC = HotRestart.name, Cyclic.name
RESTART_AT_ONSET = "restart_at_onset"
"""The rate starts again at the onset of the window as well: late windows get the rates of early ones."""
AUTHORS = "authors"
"""`continue`, the momentum not restored at the removal: the multi-view authors' protocol."""

SCHEDULE_WORDS = {
    CONTINUE: "rate decaying on",
    RESTART: "rate restarted",
    RESTART_AT_ONSET: "rate restarted at onset and removal",
    AUTHORS: "rate decaying on, momentum dropped",
    HOT_RESTART: "rate restarted hot",
    CYCLIC: "rate cycling",
    CONSTANT: "constant rate",
}
SCHEDULE_TITLES = {
    CONTINUE: "learning rate keeps decaying",
    RESTART: "learning rate restarted",
    RESTART_AT_ONSET: "learning rate restarted at onset and removal",
    AUTHORS: "learning rate keeps decaying, momentum dropped",
    HOT_RESTART: "learning rate restarted hot",
    CYCLIC: "learning rate cycling from the removal on",
    CONSTANT: "constant learning rate",
}
"""The same in plain words, for pictures; `SCHEDULE_WORDS` are part of the labels in tables."""

OWN_FRESH = (HOT_RESTART, CYCLIC, CONSTANT)
"""Schedules whose fresh networks have other rates than those of a restart and of the first epochs."""

HEAT = HotRestart.heat
"""A hot restart begins at so many times the rate; it falls as low as the plain one in the same epochs."""
CYCLES = 2
"""Cosine cycles in a recovery whose rate is cycling."""


@dataclass(frozen=True)
class WindowRates:
    """The rates of the arms of a window.

    Attributes:
        window: Of the arms that have it.
        alone: Of the recovery by itself, as it is after the window.
        scratch: Of as many epochs that begin as epoch 0 does.
    """

    window: Schedule
    alone: Schedule
    scratch: Schedule


@dataclass(frozen=True)
class Rates:
    """The learning rate of a protocol.

    Attributes:
        rate: In epoch 0.
        decay: Its factor per epoch: in windows, and in a standard recovery.
        recovery: Epochs of a standard recovery.
        reset: Whether the optimiser's state is emptied at the removal.
    """

    rate: float
    decay: float
    recovery: int
    reset: bool = False

    def recovery_decay(self, budget: int) -> float:
        """Returns the factor per epoch under which the rate falls in a recovery as far as in a standard one."""
        return self.decay if budget == self.recovery else decay_to(self.decay**self.recovery, budget)

    def window(self, schedule: str, onset: int, removal: int, budget: int) -> WindowRates:
        """Returns the rates of a window under a schedule.

        Args:
            schedule: A key of `SCHEDULE_WORDS`.
            onset: The first epoch of the window.
            removal: The first one after it.
            budget: Epochs after it.

        Raises:
            SpecError: There is no such schedule.
        """
        shared: dict[str, Any] = {"decay": self.decay, "reset_optimizer": self.reset or schedule == AUTHORS}
        again = Continue(rate=self.rate, decay=self.recovery_decay(budget))
        if schedule in (CONTINUE, AUTHORS):
            low = Continue(rate=self.rate * self.decay**removal, decay=self.decay)
            return WindowRates(Continue(rate=self.rate, **shared), low, Continue(rate=self.rate, decay=self.decay))
        if schedule in (RESTART, RESTART_AT_ONSET):
            at_onset = [(float(onset), self.rate, self.decay)] if schedule == RESTART_AT_ONSET and onset else []
            later = (*at_onset, (float(removal), self.rate, again.decay))
            return WindowRates(Stages(rate=self.rate, later=later, **shared), again, again)
        if schedule == HOT_RESTART:
            falling = decay_to(self.decay**self.recovery / HEAT, budget)
            hot = Continue(rate=HEAT * self.rate, decay=falling)
            return WindowRates(HotRestart(rate=self.rate, recovery_decay=falling, heat=HEAT, **shared), hot, hot)
        if schedule == CYCLIC:
            cycling = Cyclic(rate=self.rate, period=math.ceil(budget / CYCLES), **shared)
            alone = dataclasses.replace(cycling, reset_optimizer=False)
            return WindowRates(cycling, alone, alone)
        if schedule == CONSTANT:
            flat = Constant(rate=self.rate)
            return WindowRates(dataclasses.replace(flat, reset_optimizer=self.reset), flat, flat)
        raise SpecError(f"schedule={schedule}: one of {', '.join(SCHEDULE_WORDS)}")
