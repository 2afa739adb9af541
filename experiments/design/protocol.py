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
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from critical.core.spec import SpecError
from critical.deficits import Deficit, NoDeficit
from critical.inference.arms import Arm
from critical.stabilizers import StabilizerWindow
from critical.training import timeline
from critical.training.runs import RunSpec
from critical.training.schedules import Continue, Schedule, Stages
from experiments.design.config import Parts
from experiments.design.contrasts import WindowArms, age, cost, damage, harm, missed, opportunity
from experiments.design.facts import DataFacts
from experiments.design.schedules import (
    AUTHORS,
    CONTINUE,
    OWN_FRESH,
    RESTART,
    RESTART_AT_ONSET,
    SCHEDULE_TITLES,
    SCHEDULE_WORDS,
    Rates,
    WindowRates,
)

# Figures take names of schedules and contrasts from here, too.
__all__ = ["AUTHORS", "CONTINUE", "DEFICIT", "DOSE_MATCHED", "FRESH", "FROM_SCRATCH", "RESET", "RESTART",
           "RESTART_AT_ONSET", "SCHEDULE_TITLES", "SCHEDULE_WORDS", "SKIP", "Course", "Protocol", "WindowArms", "age",
           "cost", "damage", "harm", "missed", "opportunity"]  # fmt: skip

FRESH, DEFICIT, DOSE_MATCHED, FROM_SCRATCH = "fresh", "deficit", "dose_matched", "from_scratch"
SKIP = "skip"

RESET = "optimiser reset"
"""The tag of arms whose optimiser's state is emptied at the removal, where a figure has others beside them."""

Course = Sequence[tuple[Deficit, int]]
"""Deficits that follow each other, each with its epochs."""


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

    @property
    def side(self) -> int:
        """Pixels along the shorter side of the images."""
        return getattr(self.parts.data, "resolution", None) or self.facts.side

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
        deficit: Deficit | Course | None = None,
        sham: Deficit | None = None,
        stabilizers: tuple[StabilizerWindow, ...] = (),
        reset: bool | None = None,
        **tags: Any,
    ) -> WindowArms:
        """Returns the arms of a window.

        Args:
            onset: Its first epoch.
            length: Its epochs.
            schedule: A key of `SCHEDULE_WORDS`.
            budget: Clean epochs after it; a standard recovery when left out. Under every kind of restart the rate
                falls as far in it as in a standard recovery.
            deficit: Another deficit than the protocol's, or several that follow each other in the window.
            sham: What the dose-matched arm has in the window; nothing when left out.
            stabilizers: What acts against the deficit, in windows of its own; in the dose-matched arm too.
            reset: Whether the optimiser's state is emptied at the removal; as the protocol says when left out.
            **tags: Further columns.

        Raises:
            SpecError: There is no such schedule, or successive deficits do not fill the window.
        """
        budget = self.recovery if budget is None else budget
        removal = onset + length
        emptied = self.reset_optimizer if reset is None else reset
        if reset is not None:
            tags["reset"] = RESET if reset else ""
        rates = Rates(self.rate, self.decay, self.recovery, emptied).window(schedule, onset, removal, budget)
        return self._window(rates, onset, length, budget, schedule, deficit, sham, stabilizers, tags)

    def staged(
        self,
        before: tuple[tuple[int, float, float], ...],
        onset: int,
        length: int,
        schedule: str,
        budget: int | None = None,
        *,
        deficit: Deficit | Course | None = None,
        **tags: Any,
    ) -> WindowArms:
        """Returns the arms of a window under given rates, followed by a recovery from the rate of epoch 0.

        Args:
            before: Stages (first epoch, rate, factor per epoch) until the removal, the first from epoch 0 on.
            onset: The first epoch of the window.
            length: Its epochs.
            schedule: The name of these rates.
            budget: Clean epochs after it, in which the rate falls as far as in a standard recovery; that when left out.
            deficit: Another deficit than the protocol's, or several that follow each other in the window.
            **tags: Further columns.
        """
        budget = self.recovery if budget is None else budget
        (_, rate, decay), *later = before
        again = Continue(rate=self.rate, decay=Rates(self.rate, self.decay, self.recovery).recovery_decay(budget))
        stages = [(float(start), *rest) for start, *rest in (*later, (onset + length, self.rate, again.decay))]
        rates = Stages(rate=rate, decay=decay, later=tuple(stages), reset_optimizer=self.reset_optimizer)
        held = WindowRates(rates, again, again)
        return self._window(held, onset, length, budget, schedule, deficit, None, (), tags)

    def _window(
        self,
        rates: WindowRates,
        onset: int,
        length: int,
        budget: int,
        schedule: str,
        deficit: Deficit | Course | None,
        sham: Deficit | None,
        stabilizers: tuple[StabilizerWindow, ...],
        tags: Mapping[str, Any],
    ) -> WindowArms:
        removal = onset + length
        acting = _course(self.deficit if deficit is None else deficit, length)
        nothing = _course(sham or NoDeficit(), length)
        place = {"onset": onset, "length": length, "removal": removal, "schedule": schedule, "budget": budget}
        during = f"[{onset}, {removal}), {SCHEDULE_WORDS.get(schedule, schedule)}"
        after = f"{budget} epochs"

        def trained(seen: Course, role: str, words: str) -> Arm:
            ends = (onset + epochs for epochs in itertools.accumulate(epochs for _, epochs in seen))
            windows = (timeline.Window(end - epochs, end, one) for end, (one, epochs) in zip(ends, seen, strict=True))
            run = self.parts.run(0, rates.window, timeline.Timeline(removal + budget, tuple(windows)), stabilizers)
            names = "+".join(dict.fromkeys(one.name for one, _ in seen))
            return self._arm(run, role, names, place, f"{words} {during}, then {after}", tags)

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

        low = "" if rates.alone == rates.scratch else f" at the rates from epoch {removal}"
        own = f", {SCHEDULE_WORDS[schedule]}" if schedule in OWN_FRESH else low
        matched = trained(nothing, DOSE_MATCHED, "clean" if sham is None else _words(nothing))
        fresh = untouched(rates.alone, FRESH, f"fresh{own}")
        return WindowArms(
            deficit=trained(acting, DEFICIT, _words(acting)),
            dose_matched=matched,
            fresh=fresh,
            from_scratch=untouched(rates.scratch, FROM_SCRATCH, "from scratch") if low else fresh,
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


def _course(given: Deficit | Course, length: int) -> Course:
    """Returns the deficits of a window one after another.

    Raises:
        SpecError: They do not fill it.
    """
    course = ((given, length),) if isinstance(given, Deficit) else tuple(given)
    if (total := sum(epochs for _, epochs in course)) != length:
        raise SpecError(f"window: deficits of {total} epochs in a window of {length}; give them as many")
    return course


def _words(course: Course) -> str:
    views = [getattr(deficit, "view", None) for deficit, _ in course]
    named = [one.name.replace("_", " ") + f" of view {view}" * bool(view)
             for (one, _), view in zip(course, views, strict=True)]  # fmt: skip
    return " then ".join(dict.fromkeys(named))
