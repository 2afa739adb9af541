"""How the arms of a profile's figures are trained, and the arms that a claim needs beside a deficit.

A window of epochs gives five arms (`WindowArms`):

    deficit        the deficit acts in the window
    dose_matched   as many clean epochs instead, at the same rates
    fresh          no window; the recovery at the very rates that it has after the window
    from_scratch   no window; as long as the recovery, at the rates of epoch 0
    skip           the clean past up to the onset, then the recovery: the window is left out

Where the rate starts again at the removal, `fresh` and `from_scratch` are the same arm. Where it goes on decaying, they
are not: a late recovery has low rates. Beside a window at epoch 0, `skip` is `fresh`.

Contrasts are made of them. cost = opportunity + harm: what a deficit costs is what was missed in its epochs, and the
damage that was done. Beside a later window the fresh network lacks the epochs before it as well, so there the two parts
are `missed` and `damage`, against `skip`: cost = missed + damage.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from critical.core.spec import SpecError
from critical.deficits import Deficit, NoDeficit
from critical.inference.arms import Arm, Contrast
from critical.stabilizers import StabilizerWindow
from critical.training import timeline
from critical.training.runs import RunSpec
from critical.training.schedules import Continue, Restart, Schedule, Stages, decay_to
from experiments.design.config import Parts
from experiments.design.facts import DataFacts

FRESH, DEFICIT, DOSE_MATCHED, FROM_SCRATCH = "fresh", "deficit", "dose_matched", "from_scratch"
SKIP = "skip"
CONTINUE, RESTART = Continue.name, Restart.name
RESTART_AT_ONSET = "restart_at_onset"
"""The rate starts again at the onset of the window as well: late windows get the rates of early ones."""
AUTHORS = "authors"
"""`continue`, the momentum not restored at the removal: the multi-view authors' protocol."""

SCHEDULE_WORDS = {
    CONTINUE: "rate decaying on",
    RESTART: "rate restarted",
    RESTART_AT_ONSET: "rate restarted at onset and removal",
    AUTHORS: "rate decaying on, momentum dropped",
}


SCHEDULE_TITLES = {
    CONTINUE: "learning rate keeps decaying",
    RESTART: "learning rate restarted",
    RESTART_AT_ONSET: "learning rate restarted at onset and removal",
    AUTHORS: "learning rate keeps decaying, momentum dropped",
}
"""The same in plain words, for pictures; `SCHEDULE_WORDS` are part of the labels in tables."""


@dataclass(frozen=True)
class WindowArms:
    """The arms of one window; see the head of this module."""

    deficit: Arm
    dose_matched: Arm
    fresh: Arm
    from_scratch: Arm
    skip: Arm

    @property
    def arms(self) -> tuple[Arm, Arm, Arm, Arm, Arm]:
        """All five."""
        return self.deficit, self.dose_matched, self.fresh, self.from_scratch, self.skip


def harm(window: WindowArms, column: str = "accuracy") -> Contrast:
    """Returns fresh − deficit: the damage that was done, where the window begins at epoch 0.

    Beside a later window the fresh network lacks the clean epochs before it as well.
    """
    return window.fresh[column] - window.deficit[column]


def cost(window: WindowArms, column: str = "accuracy") -> Contrast:
    """Returns dose-matched − deficit."""
    return window.dose_matched[column] - window.deficit[column]


def opportunity(window: WindowArms, column: str = "accuracy") -> Contrast:
    """Returns dose-matched − fresh: what the clean epochs would have given, and those before a later window gave."""
    return window.dose_matched[column] - window.fresh[column]


def damage(window: WindowArms, column: str = "accuracy") -> Contrast:
    """Returns skip − deficit: the damage that was done at any onset; at epoch 0 it is `harm`."""
    return window.skip[column] - window.deficit[column]


def missed(window: WindowArms, column: str = "accuracy") -> Contrast:
    """Returns dose-matched − skip: what clean epochs in the window's place give."""
    return window.dose_matched[column] - window.skip[column]


def age(early: WindowArms, late: WindowArms, column: str = "accuracy") -> Contrast:
    """Returns the cost of the early window − that of the late one; says something about age at equal rates alone."""
    return cost(early, column) - cost(late, column)


@dataclass(frozen=True)
class Protocol:
    """How the arms of a profile's figures are trained.

    Attributes:
        parts: Data, model, optimiser, augmentation, probes, arithmetic.
        deficit: The deficit under study.
        rate: Learning rate in epoch 0.
        decay: Its factor per epoch: in windows, and in a standard recovery.
        recovery: Clean epochs after the removal in a standard recovery.
        seeds: The seeds of the claims.
        longest_window: Epochs of the longest window; figures derive theirs from it.
        points: How many windows a figure over their length or onset has.
        reset_optimizer: Whether the optimiser's state is emptied at the removal.
        stabilizers: Name → `grid` (strengths that are tried) and `use` (the chosen one, or none).
        tags: Columns of every arm; `variant` says which settings differ from the profile's.
        known: What is known of the data beforehand; None: they are loaded when asked about.
    """

    parts: Parts
    deficit: Deficit
    rate: float
    decay: float
    recovery: int
    seeds: tuple[int, ...]
    longest_window: int = 1
    points: int = 1
    reset_optimizer: bool = False
    stabilizers: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    tags: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    known: DataFacts | None = None

    @property
    def facts(self) -> DataFacts:
        """What is said about the data; they need not be there where it is known."""
        return self.known or DataFacts.of(self.parts.data)

    def variant(
        self, label: str, *, rate: float | None = None, decay: float | None = None, **settings: Any
    ) -> Protocol:
        """Returns the protocol with other settings of its parts, for small multiples within a figure.

        Args:
            label: Its name in the table and in labels.
            rate: Another learning rate in epoch 0.
            decay: Another factor per epoch.
            **settings: As for `Parts.changed`.

        Raises:
            SpecError: There is no such part or field, or a value cannot be.
        """
        return dataclasses.replace(
            self, parts=self.parts.changed(f"variant '{label}'", settings), tags={**self.tags, "variant": label},
            rate=self.rate if rate is None else rate, decay=self.decay if decay is None else decay,
        )  # fmt: skip

    def window(
        self,
        onset: int,
        length: int,
        schedule: str = RESTART,
        budget: int | None = None,
        *,
        deficit: Deficit | None = None,
        sham: Deficit | None = None,
        stabilizers: tuple[StabilizerWindow, ...] = (),
        **tags: Any,
    ) -> WindowArms:
        """Returns the arms of a window.

        Args:
            onset: Its first epoch.
            length: Its epochs.
            schedule: `continue`, `restart`, `restart_at_onset` or `authors`.
            budget: Clean epochs after it; a standard recovery when left out. Under both kinds of restart the rate
                falls as far in it as in a standard recovery.
            deficit: Another deficit than the protocol's.
            sham: What the dose-matched arm has in the window; nothing when left out.
            stabilizers: What acts against the deficit, in windows of its own; in the dose-matched arm too.
            **tags: Further columns.
        """
        budget = self.recovery if budget is None else budget
        removal = onset + length
        shared: dict[str, Any] = {"decay": self.decay, "reset_optimizer": self.reset_optimizer or schedule == AUTHORS}
        scratch: Schedule = Continue(rate=self.rate, decay=self.decay)
        if schedule in (CONTINUE, AUTHORS):
            rates: Schedule = Continue(rate=self.rate, **shared)
            alone = scratch.after(removal)
        elif schedule in (RESTART, RESTART_AT_ONSET):
            scratch = Continue(rate=self.rate, decay=self._recovery_decay(budget))
            again = (float(onset), self.rate, self.decay) if schedule == RESTART_AT_ONSET and onset else None
            stages = (again, (float(removal), self.rate, scratch.decay))
            rates = Stages(rate=self.rate, later=tuple(stage for stage in stages if stage), **shared)
            alone = scratch
        else:
            raise SpecError(f"schedule={schedule}: one of {', '.join(SCHEDULE_WORDS)}")
        return self._window(rates, (alone, scratch), onset, length, budget, schedule, deficit, sham, stabilizers, tags)

    def staged(
        self, before: tuple[tuple[int, float, float], ...], onset: int, length: int, schedule: str, **tags: Any
    ) -> WindowArms:
        """Returns the arms of a window under given rates, followed by a standard recovery.

        Args:
            before: Stages (first epoch, rate, factor per epoch) until the removal, the first from epoch 0 on.
            onset: The first epoch of the window.
            length: Its epochs.
            schedule: The name of these rates.
            **tags: Further columns.
        """
        (_, rate, decay), *later = before
        again = Continue(rate=self.rate, decay=self.decay)
        stages = [(float(start), *rest) for start, *rest in (*later, (onset + length, self.rate, self.decay))]
        rates = Stages(rate=rate, decay=decay, later=tuple(stages), reset_optimizer=self.reset_optimizer)
        return self._window(rates, (again, again), onset, length, self.recovery, schedule, None, None, (), tags)

    def _recovery_decay(self, budget: int) -> float:
        return self.decay if budget == self.recovery else decay_to(self.decay**self.recovery, budget)

    def _window(
        self,
        rates: Schedule,
        alone: tuple[Schedule, Schedule],
        onset: int,
        length: int,
        budget: int,
        schedule: str,
        deficit: Deficit | None,
        sham: Deficit | None,
        stabilizers: tuple[StabilizerWindow, ...],
        tags: Mapping[str, Any],
    ) -> WindowArms:
        acting, nothing, removal = deficit or self.deficit, sham or NoDeficit(), onset + length
        place = {"onset": onset, "length": length, "removal": removal, "schedule": schedule, "budget": budget}
        during = f"[{onset}, {removal}), {SCHEDULE_WORDS.get(schedule, schedule)}"
        after = f"{budget} epochs"

        def trained(seen: Deficit, role: str, words: str) -> Arm:
            clock = timeline.Timeline(removal + budget, (timeline.Window(onset, removal, seen),))
            run = self.parts.run(0, rates, clock, stabilizers)
            return self._arm(run, role, seen.name, place, f"{words} {during}, then {after}", tags)

        def untouched(schedule_alone: Schedule, role: str, words: str) -> Arm:
            run = self.parts.run(0, schedule_alone, timeline.Timeline(budget))
            none = {"onset": 0, "length": 0, "removal": 0, "schedule": schedule, "budget": budget}
            return self._arm(run, role, "none", none, f"{words}, {after}", tags)

        def skipped(whole: Arm) -> Arm:
            assert whole.run is not None
            gone = {"onset": onset, "length": 0, "removal": onset, "schedule": schedule, "budget": budget}
            words = f"clean until {onset}, [{onset}, {removal}) left out, {SCHEDULE_WORDS.get(schedule, schedule)}"
            run = left_out(whole.run, onset, removal)
            return self._arm(run, SKIP, "none", gone, f"{words}, then {after}", tags)

        low = "" if alone[0] == alone[1] else f" at the rates from epoch {removal}"
        matched = trained(nothing, DOSE_MATCHED, "clean" if sham is None else _words(sham))
        fresh = untouched(alone[0], FRESH, f"fresh{low}")
        return WindowArms(
            deficit=trained(acting, DEFICIT, _words(acting)),
            dose_matched=matched,
            fresh=fresh,
            from_scratch=untouched(alone[1], FROM_SCRATCH if low else FRESH, "fresh" if not low else "from scratch"),
            skip=skipped(matched) if onset else fresh,
        )

    def _arm(
        self, run: Any, role: str, deficit: str, place: Mapping[str, Any], label: str, tags: Mapping[str, Any]
    ) -> Arm:
        extra = {**self.tags, **tags}
        said = ", ".join(str(value).replace("_", " ") for value in extra.values() if value not in ("", "none"))
        label = f"{label} ({said})" if said else label
        return Arm(run, {"label": label, "role": role, "deficit": deficit, **place, **extra})


def left_out(run: RunSpec, onset: int, removal: int) -> RunSpec:
    """Returns a run without its epochs [onset, removal) and without its deficits; the rates of the others stay.

    What is emptied at the removal is emptied at the onset, where the recovery begins now. Stabilisers move along.
    """
    kept = [spec.rate for epoch, spec in enumerate(run.epoch_specs) if not onset <= epoch < removal]
    past = (timeline.Window(0, onset, NoDeficit()),) if onset else ()
    held = tuple(moved for one in run.stabilizers if (moved := _without(one, onset, removal)))
    return dataclasses.replace(
        run,
        schedule=Stages.listed(kept, reset_optimizer=run.schedule.reset_optimizer),
        timeline=timeline.Timeline(len(kept), past),
        stabilizers=held,
    )


def _without(held: StabilizerWindow, start: int, end: int) -> StabilizerWindow | None:
    """Returns a stabiliser's window when the epochs [start, end) are left out; None where nothing is left of it."""

    def moved(epoch: int) -> int:
        return min(epoch, start) if epoch < end else epoch - (end - start)

    first, last = moved(held.start), None if held.end is None else moved(held.end)
    return None if last is not None and last <= first else dataclasses.replace(held, start=first, end=last)


def _words(deficit: Deficit) -> str:
    view = getattr(deficit, "view", None)
    return deficit.name.replace("_", " ") + (f" of view {view}" if view else "")
