"""The values of effects, from the store: at the end, and by the epochs since the recovery began."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import pandas as pd

from critical.execution.plan import plan
from critical.execution.progress import progress
from critical.execution.store import RunStore
from critical.execution.tracker import Tracker
from critical.execution.workers import work
from experiments.design.effects import RunEffect, references
from experiments.output.tables import PlannedRun, collect
from experiments.runs.printing import counted


def train_references(effects: Iterable[RunEffect], store: RunStore) -> None:
    """Trains what runs are compared with, before them, unless it is stored; together with whoever else does.

    What the runs themselves fork from is kept on the way.
    """
    effects = list(effects)
    wanted = plan(references(effects))
    tracker = Tracker(wanted, store)
    if tracker.finished:
        return
    print(f"first {counted(len(wanted.runs), 'runs')} to compare with, of the same seed: "
          f"{counted(tracker.epochs_total - tracker.epochs_done, 'epochs')} to train", flush=True)  # fmt: skip
    store.want(plan([*wanted.runs, *(effect.run for effect in effects)]).forks)
    with progress("to compare with", tracker.epochs_total, len(wanted.runs)) as bar:

        def show(*_: object) -> None:
            tracker.update()
            bar.update(tracker.epochs_done, tracker.runs_left)

        work(wanted, store, after_epoch=show, while_waiting=show)


def at_the_end(effect: RunEffect, store: RunStore) -> float:
    """Returns an effect, from what finished runs measured at their ends; NaN where one of them failed.

    Raises:
        ValueError: A run is not finished.
    """
    items = [PlannedRun(spec, {"arm_id": arm, "seed": spec.seed}) for arm, spec in effect.runs.items()]
    table = collect(items, store).runs
    # Where all have failed nothing was measured.
    table = table.reindex(columns=[*table, *({term.column for term in effect.contrast.terms} - {*table})])
    return float(effect.contrast.per_seed(table).iloc[0])


def after(effect: RunEffect, store: RunStore, epochs: int) -> float:
    """Returns the contrast of runs that have all recovered for equally long; NaN where one was not measured there.

    Args:
        effect: The effect.
        store: As of its last `refresh`.
        epochs: Since the recovery began: since the removal, or since the beginning of a run without a window.
    """
    rows = []
    for arm, spec in effect.runs.items():
        row = store.row(spec, spec.timeline.removal + epochs) or {}
        rows.append({**row, "arm_id": arm, "seed": spec.seed, "accuracy": row.get("test_accuracy")})
    table = pd.DataFrame(rows)
    if not {term.column for term in effect.contrast.terms} <= {*table}:
        return math.nan
    return float(effect.contrast.per_seed(table).iloc[0])


def series(effects: Iterable[RunEffect], store: RunStore, epoch: int) -> dict[str, float]:
    """Returns what is known of effects after so many epochs of their run: by name, nothing before the recovery.

    The last values are the effects.
    """
    values = {
        effect.name: after(effect, store, epoch - effect.run.timeline.removal)
        for effect in effects
        if epoch > effect.run.timeline.removal
    }
    return {name: value for name, value in values.items() if math.isfinite(value)}


def known(effects: Iterable[RunEffect], store: RunStore) -> dict[str, float]:
    """Returns the effects of finished runs by name, without those that a failed run leaves unknown."""
    values = {effect.name: at_the_end(effect, store) for effect in effects}
    return {name: value for name, value in values.items() if math.isfinite(value)}


def line(effect: RunEffect, store: RunStore) -> str:
    """Returns an effect as it is printed: its value, or which run failed."""
    value = at_the_end(effect, store)
    if math.isfinite(value):
        return f"{effect.name}: {value:+.2f} {effect.unit}"
    failed = _failures(effect, store)
    return f"{effect.name}: unknown, since {'; '.join(failed) or 'nothing was measured'}"


def _failures(effect: RunEffect, store: RunStore) -> list[str]:
    labels: Mapping[str, str] = {arm.id: str(arm) for arm in effect.arms}
    rows = {arm: store.rows(spec) or [{}] for arm, spec in effect.runs.items()}
    return [f"the {labels[arm]} failed ({held[-1]['failure']})" for arm, held in rows.items() if "failure" in held[-1]]
