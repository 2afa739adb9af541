"""What the deficit of one run did, or its stabiliser: contrasts of that run with reference runs of its seed.

`effect=cost` of `experiments.train`, and the metric of a sweep. The arms are those of figures
(`experiments.design.protocol`), and so are the contrasts:

| effect                 | contrast                                                                              |
| ---------------------- | ------------------------------------------------------------------------------------- |
| `cost`                 | dose-matched − deficit, in test accuracy                                              |
| `harm`                 | fresh − deficit                                                                       |
| `damage`               | skip − deficit: `harm` beside a window at epoch 0, with the clean past beside others  |
| `opportunity`          | dose-matched − fresh                                                                  |
| `stream_probe_lost`    | cost, in what a linear probe reads from the maps of the deprived stream               |
| `price`                | dose-matched without the stabiliser − with it: what it costs clean networks           |
| `gain_over_slow_trunk` | cost with a slow trunk instead − with the stabiliser, in what is decoded of that view |
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from critical.core.spec import SpecError, closest
from critical.deficits import NoDeficit
from critical.inference.arms import Arm, Contrast
from critical.inference.effects import SMALLEST, unit_of
from critical.stabilizers import SlowTrunk, StabilizerWindow
from critical.training.runs import RunSpec
from critical.training.schedules import Continue
from critical.training.timeline import Timeline
from experiments.design.protocol import (
    DEFICIT,
    DOSE_MATCHED,
    FRESH,
    FROM_SCRATCH,
    SKIP,
    WindowArms,
    cost,
    damage,
    harm,
    left_out,
    opportunity,
)
from experiments.design.two_streams import sham

PROBED = {"accuracy": "accuracy", "probe_": "stream_probe", "decoding_": "decoding"}
"""By the beginning of a column: the probe that measures it."""


@dataclass(frozen=True)
class Compared:
    """A run, and those that it is compared with.

    Attributes:
        run: The run.
        slow_factor: Of the slow trunk: its learning rate as a share.
    """

    run: RunSpec
    slow_factor: float = SlowTrunk.factor

    @property
    def window(self) -> WindowArms:
        """The arms of its window."""
        return window_arms(self.run)

    @property
    def without(self) -> WindowArms:
        """The same without its stabilisers."""
        return window_arms(dataclasses.replace(self.run, stabilizers=()))

    @property
    def slow(self) -> WindowArms:
        """The same with a slow trunk in the window instead."""
        held = self.run.timeline
        start = min(window.start for window in held.windows)
        control = StabilizerWindow(SlowTrunk(factor=self.slow_factor), start, held.removal)
        return window_arms(dataclasses.replace(self.run, stabilizers=(control,)))

    @property
    def view(self) -> str:
        """The view that its deficit acts on; empty where that is none, or all."""
        acting = [getattr(window.deficit, "view", None) for window in self.run.timeline.windows]
        return next((str(view) for view in acting if view), "")


def window_arms(run: RunSpec) -> WindowArms:
    """Returns the arms of the windows of a run, as `Protocol.window` makes them.

    Fresh runs have no stabiliser.

    Raises:
        SpecError: Nothing is trained after the removal, so there is no fresh run.
    """
    clock, removal = run.timeline, run.timeline.removal
    if clock.end == removal:
        raise SpecError(f"effect: the run ends at the removal (epoch {removal}), so nothing recovers; give recovery=…")
    clean = tuple(dataclasses.replace(held, deficit=sham(held.deficit) or NoDeficit()) for held in clock.windows)

    def arm(role: str, label: str, **changes: Any) -> Arm:
        return Arm(dataclasses.replace(run, **changes), {"label": label, "role": role})

    alone = {"timeline": Timeline(clock.end - removal), "stabilizers": ()}
    fresh = arm(FRESH, "fresh network", schedule=run.schedule.after(removal), **alone)
    # Where the rate starts again at the removal, the two are one.
    decaying = isinstance(run.schedule, Continue)
    onset = min((window.start for window in clock.windows), default=0)
    skip = Arm(left_out(run, onset, removal), {"label": "network without the window", "role": SKIP})
    return WindowArms(
        deficit=arm(DEFICIT, "run itself"),
        dose_matched=arm(DOSE_MATCHED, "dose-matched network", timeline=Timeline(clock.end, clean)),
        fresh=fresh,
        from_scratch=arm(FROM_SCRATCH, "network from scratch", **alone) if decaying else fresh,
        skip=skip if onset else fresh,
    )


@dataclass(frozen=True)
class Effect:
    """A kind of effect.

    Attributes:
        contrast: From the runs to what is compared.
        needs: What the run must have: `deficit`, `view` (a deficit of one view), `streams` (two), `stabilizer`.
    """

    contrast: Callable[[Compared], Contrast]
    needs: tuple[str, ...]


EFFECTS = {
    "cost": Effect(lambda held: cost(held.window), ("deficit",)),
    "harm": Effect(lambda held: harm(held.window), ("deficit",)),
    "damage": Effect(lambda held: damage(held.window), ("deficit",)),
    "opportunity": Effect(lambda held: opportunity(held.window), ("deficit",)),
    "stream_probe_lost": Effect(
        lambda held: cost(held.window, f"probe_maps_{held.view}"), ("streams", "deficit", "view")
    ),
    "price": Effect(lambda held: held.without.dose_matched - held.window.dose_matched, ("stabilizer",)),
    "gain_over_slow_trunk": Effect(
        lambda held: cost(held.slow, f"decoding_{held.view}") - cost(held.window, f"decoding_{held.view}"),
        ("stabilizer", "streams", "deficit", "view"),
    ),
}
"""Name → effect: `effect=NAME`, and the metric of a sweep."""


@dataclass(frozen=True)
class RunEffect:
    """An effect of one run.

    Attributes:
        name: A key of `EFFECTS`.
        contrast: What is compared.
        run: The run.
    """

    name: str
    contrast: Contrast
    run: RunSpec

    @property
    def unit(self) -> str:
        """How it is written behind a number."""
        return SMALLEST[unit_of(self.contrast.terms)].unit

    @property
    def arms(self) -> tuple[Arm, ...]:
        """What is compared, the run itself among it where it is."""
        return tuple(dict.fromkeys(term.arm for term in self.contrast.terms))

    @functools.cached_property
    def runs(self) -> dict[str, RunSpec]:
        """The runs of these arms with its seed, by arm id."""
        return {arm.id: arm.of_seed(self.run.seed) for arm in self.arms}


def effects_of(names: Any, run: RunSpec, slow_factor: float = SlowTrunk.factor) -> tuple[RunEffect, ...]:
    """Returns the effects of a run that are asked for.

    Args:
        names: A name, a list of names, or None: no effect.
        run: The run.
        slow_factor: Of the slow trunk that `gain_over_slow_trunk` compares with.

    Raises:
        SpecError: An unknown effect, or one that the run cannot have, in one line.
    """
    compared, found = Compared(run, slow_factor), []
    for name in _listed(names):
        if name not in EFFECTS:
            raise SpecError(f"effect={name}: there is no such effect; {closest(name, EFFECTS)}")
        for need in EFFECTS[name].needs:
            _refuse_without(need, name, compared)
        contrast = EFFECTS[name].contrast(compared)
        if not contrast:
            raise SpecError(f"effect={name}: the run and its reference are the same, so it is 0 whatever is trained")
        _refuse_unmeasured(name, contrast, run)
        found.append(RunEffect(name, contrast, run))
    return tuple(found)


def references(effects: Iterable[RunEffect]) -> list[RunSpec]:
    """Returns the runs that effects are measured against, each once, without the runs themselves."""
    effects = list(effects)
    own = {effect.run.run_id for effect in effects}
    found = {spec.run_id: spec for effect in effects for spec in effect.runs.values()}
    return [spec for run_id, spec in found.items() if run_id not in own]


def _listed(names: Any) -> list[str]:
    given = [] if names is None else [names] if isinstance(names, str) else names
    if not isinstance(given, (list, tuple)) or not all(isinstance(name, str) for name in given):
        raise SpecError(f"effect={names}: a name or a list of names is wanted, e.g. effect=[cost,harm]")
    return list(given)


def _refuse_without(need: str, name: str, held: Compared) -> None:
    run = held.run
    missing = {
        "deficit": (not any(window.deficit.name != "none" for window in run.timeline.windows),
                    "no deficit acts; add one, e.g. deficit=blur deficit.end=10"),
        "view": (not held.view, "the deficit acts on no single view; choose one that does, e.g. deficit=blur_view_b"),
        "streams": (getattr(run.model, "streams", 1) < 2, f"model={run.model.name} has one stream; choose a network of "
                    "two and data of two views, e.g. model=split_all_cnn_narrow data=two_eyes probes=two_views"),
        "stabilizer": (not any(window.stabilizer.name != "none" for window in run.stabilizers),
                       "no stabiliser acts; add one, e.g. stabilizer=fisher_penalty"),
    }  # fmt: skip
    absent, advice = missing[need]
    if absent:
        raise SpecError(f"effect={name}: {advice}")


def _refuse_unmeasured(name: str, contrast: Contrast, run: RunSpec) -> None:
    wanted: Sequence[str] = [
        probe for term in contrast.terms for start, probe in PROBED.items() if term.column.startswith(start)
    ]
    there = {probe.name for probe in run.probes}
    if lacking := [probe for probe in wanted if probe not in there]:
        which = "accuracy" if lacking[0] == "accuracy" else "two_views"
        raise SpecError(f"effect={name}: the probe {lacking[0]} measures it, and probes lack it; e.g. probes={which}")
