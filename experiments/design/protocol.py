"""Arms: the runs that a figure compares, and the row of the table that each of them gives.

Beside every deficit arm stand two references with the same recovery: *fresh*, which has no window,
and *dose-matched*, which sees as many clean epochs instead of the deficit. *Harm* is fresh −
deficit, *cost* is dose-matched − deficit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from critical.core.spec import SpecError
from critical.deficits import Deficit, NoDeficit
from critical.execution.store import RunStore
from critical.probes import Accuracy
from critical.stabilizers import StabilizerWindow
from critical.training.runs import RunSpec
from critical.training.schedules import Continue, Restart, Schedule, decay_to
from critical.training.timeline import Timeline, Window
from experiments.design.config import Parts

FRESH, DEFICIT, DOSE_MATCHED = "fresh", "deficit", "dose_matched"
SAME_RECOVERY, SAME_TOTAL = "same_recovery", "same_total"
AUTHORS = "authors"
"""The schedule of the multi-view authors: `continue`, the momentum not restored at the removal."""


RESTART_AT_ONSET = "restart_at_onset"
"""`restart`, and the rate starts again at the onset of the window as well: late windows get the rates of early ones."""


@dataclass(frozen=True)
class PlannedRun:
    """A run and its place in a figure.

    Attributes:
        spec: The run.
        tags: Columns that say which arm it is: arm, deficit, onset, length, removal, schedule, budget.
        curve: Whether its epochs go into the figure's second table.
        measured: Beginnings of the names of further columns that the run's row takes over from its last
            epoch, such as `rsv_`.
    """

    spec: RunSpec
    tags: Mapping[str, Any]
    curve: bool = False
    measured: tuple[str, ...] = ()

    def also(self, *measured: str, **tags: Any) -> PlannedRun:
        """Returns the run with further tags, and further columns of its last epoch."""
        return replace(self, tags={**self.tags, **tags}, measured=(*self.measured, *measured))


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
        reset_optimizer: Whether the optimiser's state is emptied at the removal.
    """

    parts: Parts
    deficit: Deficit
    rate: float
    decay: float
    recovery: int
    seeds: tuple[int, ...]
    reset_optimizer: bool = False

    def schedule(self, kind: str, budget: int | None = None, onset: int = 0) -> Schedule:
        """Returns a schedule of this protocol.

        Args:
            kind: `continue`, `restart`, `restart_at_onset`, or `authors` (continue, with the optimiser's state
                emptied).
            budget: For both kinds of restart: epochs over which the rate falls as far as it does in a standard
                recovery; a rung of a ladder. A standard recovery when left out.
            onset: For `restart_at_onset`: the first epoch of the window.
        """
        shared: dict[str, Any] = {
            "rate": self.rate,
            "decay": self.decay,
            "reset_optimizer": self.reset_optimizer,
        }
        if kind == AUTHORS:
            return Continue(**{**shared, "reset_optimizer": True})
        if kind == Continue.name:
            return Continue(**shared)
        if kind == RESTART_AT_ONSET and onset > 0:
            shared["earlier"] = (onset,)
        if budget is None or budget == self.recovery:
            return Restart(**shared)
        return Restart(recovery_decay=decay_to(self.decay**self.recovery, budget), **shared)

    def arm(
        self,
        seed: int,
        kind: str,
        onset: int = 0,
        length: int = 0,
        schedule: str = Restart.name,
        budget: int | None = None,
        deficit: Deficit | None = None,
        comparison: str = SAME_RECOVERY,
        curve: bool = False,
        sham: Deficit | None = None,
        stabilizers: tuple[StabilizerWindow, ...] = (),
    ) -> PlannedRun:
        """Returns the run of one arm and seed.

        Args:
            seed: Its seed.
            kind: `fresh` (the window is ignored), `deficit` or `dose_matched`.
            onset: First epoch of the window.
            length: Epochs of the window.
            schedule: `continue`, `restart`, `restart_at_onset` or `authors`.
            budget: Clean epochs after the window; a standard recovery when left out.
            deficit: Another deficit than the protocol's.
            comparison: What the arms of a series have in common: `same_recovery` or `same_total`.
            curve: Whether the figure draws its epochs.
            sham: What a dose-matched arm has in its window; nothing at all when left out.
            stabilizers: What acts against the deficit, in windows of its own.
        """
        budget = self.recovery if budget is None else budget
        removal = 0 if kind == FRESH else onset + length
        acting = self.deficit if deficit is None else deficit
        window: tuple[Window, ...] = ()
        if removal > 0 and kind == DEFICIT:
            window = (Window(onset, removal, acting),)
        elif removal > 0:
            window = (Window(onset, removal, sham or NoDeficit()),)
        rungs = schedule in (Restart.name, RESTART_AT_ONSET)
        rates = self.schedule(schedule, budget if rungs else None, onset)
        spec = self.parts.run(seed, rates, Timeline(removal + budget, window), stabilizers)
        tags = {
            "arm": kind,
            "deficit": acting.name if kind == DEFICIT else sham.name if sham and kind == DOSE_MATCHED else "none",
            "onset": 0 if kind == FRESH else onset,
            "length": 0 if kind == FRESH else length,
            "removal": removal,
            "schedule": schedule,
            "budget": budget,
            "comparison": comparison,
            "seed": seed,
        }
        return PlannedRun(spec, tags, curve)


def refuse_unmeasured(planned: Iterable[PlannedRun]) -> None:
    """Refuses runs at whose end a probe that a table needs does not measure.

    Accuracy is always needed, also at the removal of a deficit: that is how well it was learnt.

    Raises:
        SpecError: A run's length, or a removal, is no multiple of a probe's `every`.
    """
    for item in planned:
        end = item.spec.timeline.end
        for probe in item.spec.probes:
            every, scores = getattr(probe, "every", 1), isinstance(probe, Accuracy)
            if end % every and (item.measured or scores):
                raise SpecError(
                    f"probe {probe.name}: every={every} does not measure the end of a run of {end} epochs; change it, "
                    "or removals and recovery"
                )
            if scores and item.tags.get("arm") == DEFICIT and item.tags["removal"] % every:
                raise SpecError(
                    f"probe {probe.name}: every={every} does not measure how well a deficit is learnt that is removed "
                    f"at epoch {item.tags['removal']}; change it, or the removal"
                )


def refuse_mixed(specs: Iterable[RunSpec]) -> None:
    """Refuses a table whose runs on the CPU have several kinds of instructions: their differences are no effects.

    Raises:
        SpecError: They have.
    """
    kinds = {spec.arithmetic.instructions for spec in specs if spec.arithmetic.device == "cpu"}
    if len(kinds) > 1:
        raise SpecError(
            f"arithmetic.instructions={','.join(sorted(kinds))}: the runs of a table have one kind; make two tables"
        )


@dataclass(frozen=True)
class Tables:
    """What a figure is drawn from.

    Attributes:
        runs: A row a run: its tags, `accuracy` (percent, test, at the end; NaN if it failed),
            `loss` (nats), `accuracy_deficient` (percent, on deficient test images at the end of its
            window: how well the deficit could be learnt; NaN where a view was absent then),
            `fisher_trace` with its standard error and 95 % interval, `epochs`, `failure` (empty if fine)
            and `run_id`.
        epochs: A row an epoch of the runs that are drawn as curves: tags, `epoch` and what was
            measured.
        prices: Times that the figure measured, where it shows any.
    """

    runs: pd.DataFrame
    epochs: pd.DataFrame = field(default_factory=pd.DataFrame)
    prices: pd.DataFrame = field(default_factory=pd.DataFrame)


def tables(planned: Iterable[PlannedRun], store: RunStore) -> Tables:
    """Collects finished runs from the store.

    Nothing that varies between repetitions, such as times, goes in: the same runs give the same
    bytes.

    Raises:
        ValueError: A run is not finished.
        SpecError: Runs have several kinds of CPU instructions.
    """
    planned = list(planned)
    refuse_mixed(item.spec for item in planned)
    runs, epochs = [], []
    for item in planned:
        rows = store.rows(item.spec)
        if rows is None:
            raise ValueError(f"run {item.spec.run_id} is not finished")
        runs.append(_run_row(item, rows))
        if item.curve:
            dropped = ("seconds", "deficit", "reset_optimizer")
            for row in rows:
                kept = {key: value for key, value in row.items() if key not in dropped}
                epochs.append({**item.tags, **kept})
    return Tables(pd.DataFrame(runs), pd.DataFrame(epochs))


def _run_row(item: PlannedRun, rows: list[dict[str, Any]]) -> dict[str, Any]:
    last, nan = rows[-1], float("nan")
    failure = last.get("failure") or ""
    removal = item.tags["removal"]
    at_removal = rows[removal - 1] if 0 < removal <= len(rows) else {}
    if any(deficit.removes(removal - 1) for deficit in item.spec.timeline.active(removal - 1)):
        # A constant view has no variance: what batch normalisation has stored of it blows up rounding errors.
        at_removal = {}
    return {
        **item.tags,
        "accuracy": last.get("test_accuracy", nan),
        "loss": last.get("test_loss", nan),
        "accuracy_deficient": at_removal.get("test_accuracy_deficient", nan),
        "fisher_trace": last.get("fisher_trace", nan),
        "fisher_trace_error": last.get("fisher_trace_error", nan),
        "fisher_trace_low": last.get("fisher_trace_low", nan),
        "fisher_trace_high": last.get("fisher_trace_high", nan),
        **{column: value for column, value in last.items() if item.measured and column.startswith(item.measured)},
        "epochs": item.spec.timeline.end,
        "failure": failure,
        "run_id": item.spec.run_id,
    }
