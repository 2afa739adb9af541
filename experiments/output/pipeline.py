"""From a figure's module to its files: missing runs, table, picture, verdicts, record, report.

The same for every figure, and idempotent: what is stored is not trained again, and the same runs
give the same tables, byte for byte.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure as Drawing

from critical.core import environment
from critical.core.files import write_atomically
from critical.core.spec import SpecError
from critical.data import load
from critical.execution.plan import Plan, plan
from critical.execution.store import RunStore
from critical.inference.statistics import mean_interval
from critical.inference.verdicts import to_records, verdicts
from critical.plots import style
from experiments.design.figure import Design, Figure, check
from experiments.design.protocol import DEFICIT, Protocol
from experiments.output import tables
from experiments.output.loggers import Logger
from experiments.output.records import FigureRecord, write_record
from experiments.output.reference import finished_seeds, refuse_changed_code, with_kept
from experiments.output.report import build_report
from experiments.output.tables import PlannedRun, Tables


@dataclass(frozen=True)
class Setting:
    """What a command decides besides the protocol.

    Attributes:
        profile: Its name.
        results: Folder of tables, figures, report and run store.
        train: Trains what a plan (under a label) needs that the store does not hold; see `execution.pool.Workers`.
        command: The command line, for the report.
        logger: Where runs are mirrored.
        reference: Whether the tables are the committed ones, `results/reference/`; else one's own, `results/tables/`.
        seeds: The seeds that are trained now; None: all that the figure is planned with.
        seeds_at_once: Of a committed table: on a GPU, which many workers share, the runs of one seed are too few.
    """

    profile: str
    results: Path
    train: Callable[[Plan, str], None]
    command: str
    logger: Logger
    reference: bool = False
    seeds: tuple[int, ...] | None = None
    seeds_at_once: int = 1

    @functools.cached_property
    def store(self) -> RunStore:
        """The run store, shared by all profiles and figures."""
        return RunStore(self.results / "runs")

    @property
    def tables(self) -> Path:
        """Where the tables of the profile lie."""
        return self.results / ("reference" if self.reference else "tables") / self.profile


def designed(figure: Figure, protocol: Protocol, parameters: Any) -> Design:
    """Returns what a figure shows and claims, checked."""
    design = figure.design(protocol, parameters)
    check(design, figure.name)
    return design


def planned_seeds(design: Design, protocol: Protocol) -> tuple[int, ...]:
    """Returns the seeds that a figure is planned with."""
    return protocol.seeds if design.seeds is None else design.seeds


def seeds_now(design: Design, protocol: Protocol, setting: Setting) -> tuple[int, ...]:
    """Returns the seeds that are trained now.

    Raises:
        SpecError: Some are not among those that the figure is planned with.
    """
    every = planned_seeds(design, protocol)
    if setting.seeds is None:
        return every
    if strangers := sorted(set(setting.seeds) - set(every)):
        raise SpecError(f"seeds={list(setting.seeds)}: {strangers[0]} is none of those planned, {list(every)}")
    return setting.seeds


def make(figure: Figure, protocol: Protocol, parameters: Any, setting: Setting) -> FigureRecord:
    """Makes a figure: trains what is missing, writes table, picture and record, refreshes the report.

    Args:
        figure: The figure.
        protocol: How its arms are trained.
        parameters: The profile's parameters for it.
        setting: Where results go, and who trains.

    Returns:
        The record that the report shows.
    """
    start = time.monotonic()
    design = designed(figure, protocol, parameters)
    every, now = planned_seeds(design, protocol), seeds_now(design, protocol, setting)
    items = tables.planned(design, now)
    needed = plan(item.spec for item in items)
    if design.table is None:
        setting.train(needed, figure.name)
        collected = tables.collect(items, setting.store)
    else:
        collected = Tables(design.table())
    made_by = provenance(items, setting.store)
    if setting.reference:
        refuse_changed_code(made_by)
        collected, made_by = with_kept(collected, design, now, made_by, setting.tables, figure.name)
    written = tables.write(collected, setting.tables, figure.name)
    # Drawn and judged from what the file holds, so that it is all a reader needs to do the same.
    collected = tables.read(setting.tables, figure.name)
    seeds = sorted(int(seed) for seed in collected.runs["seed"].unique())
    shown = plan(item.spec for item in tables.planned(design, seeds))
    judged = verdicts(collected.runs, design.claims, every) if design.claims else []
    record = FigureRecord(
        figure=figure.name,
        title=figure.title,
        caption=caption(figure, design, collected, protocol),
        alt=" ".join(panel.sentence() for panel in design.shown),
        command=command_of(figure, setting),
        data=load(protocol.parts.data).label,
        schedule=schedule_text(protocol),
        seeds=seeds,
        made_by=made_by,
        wall_seconds=time.monotonic() - start,
        runs=len(shown.runs),
        epochs_needed=shown.epochs_needed,
        epochs_separate=shown.epochs_separate,
        table=str(written[0]),
        created=datetime.date.today().isoformat(),
        cpu_seconds=sum(who["cpu_seconds"] for who in made_by),
        failures=failure_lines(collected.runs),
        verdicts=to_records(judged),
        deviations=list(figure.deviations),
        arms=learnt(collected.runs),
    )
    # Beside the table too, and first: tables are kept and passed on, and their provenance goes with them. The report
    # reads only what lies with the pictures, so a page never shows verdicts of another machine.
    path = write_record(record, setting.results, setting.profile)
    write_atomically(written[0].with_suffix(".json"), path.read_bytes())
    with style.style():
        saved = style.save(draw(design, collected), setting.results / "figures" / setting.profile, figure.name)
    build_report(setting.results, setting.profile)
    mirror(items, figure, setting, saved.png)
    return record


def make_reference(figure: Figure, protocol: Protocol, parameters: Any, setting: Setting) -> FigureRecord:
    """Makes a committed table, `setting.seeds_at_once` at a time, so that what a sitting has finished is kept.

    Without `setting.seeds` the seeds that the table lacks are trained; with none lacking it is drawn anew.
    """
    design = designed(figure, protocol, parameters)
    if setting.seeds is None:
        every = planned_seeds(design, protocol)
        done = finished_seeds(design, every, setting.tables, figure.name)
        seeds = [seed for seed in every if seed not in done]
    else:
        seeds = list(seeds_now(design, protocol, setting))
    some = setting.seeds_at_once
    groups = [tuple(seeds[start : start + some]) for start in range(0, len(seeds), some)] or [()]
    for group in groups[:-1]:
        make(figure, protocol, parameters, dataclasses.replace(setting, seeds=group))
    return make(figure, protocol, parameters, dataclasses.replace(setting, seeds=groups[-1]))


def provenance(items: Sequence[PlannedRun], store: RunStore) -> list[dict[str, Any]]:
    """Returns who trained runs, from the records of their epochs: not who draws them now.

    Returns:
        A mapping a maker: `commit`, `machine`, `versions`, `epochs`, `seeds`, and the process time `cpu_seconds`.
    """
    places = {key: (item.spec.seed, who) for item in items for key, who in store.makers(item.spec).items()}
    makers = environment.merged(who for _, who in places.values())
    for maker in makers:
        own = [key for key, (_, who) in places.items() if environment.same(who, maker)]
        maker |= {"seeds": sorted({places[key][0] for key in own}), "cpu_seconds": round(store.cpu_seconds(own), 1)}
    return makers


def draw(design: Design, collected: Tables) -> Drawing:
    """Draws the panels of a figure from its tables."""
    rows, columns = len(design.panels), max(map(len, design.panels))
    made, axes = style.figure(rows, columns, panel=design.panel_inches)
    for row, panels in enumerate(design.panels):
        for column, axis in enumerate(axes[row]):
            panel = panels[column] if column < len(panels) else None
            if panel is None:
                axis.set_visible(False)
            else:
                panel.draw(axis, collected.runs, collected.epochs)
        words = next((panel.ylabel for panel in panels if panel is not None), "")
        style.share_scale([
            axis for axis, panel in zip(axes[row], panels, strict=False)
            if panel is not None and words and panel.ylabel == words
        ])  # fmt: skip
    style.legend(made)
    return made


def schedule_text(protocol: Protocol) -> str:
    """Says how the learning rate goes."""
    reset = "emptied" if protocol.reset_optimizer else "kept"
    return (
        f"rate {protocol.rate:g}·{protocol.decay:g}^epoch, {protocol.recovery} clean epochs in a standard "
        f"recovery; the optimiser's state is {reset} at the removal"
    )


def caption(figure: Figure, design: Design, collected: Tables, protocol: Protocol) -> str:
    """Says what is asked and seen, n, data and schedule, and how well the deficits were learnt."""
    count = collected.runs["seed"].nunique()
    said = [figure.question, *(panel.sentence() for panel in design.shown), design.note]
    said.append(
        f"n = {count} seeds, each a dot, means with 95 % intervals (Student's t). Data: "
        f"{load(protocol.parts.data).label}. Schedule: {schedule_text(protocol)}."
    )
    known = [arm for arm in learnt(collected.runs) if arm["learnt"] is not None]
    if known:
        listed = "; ".join(f"{arm['label']}: {arm['learnt']:.0f} %" for arm in known)
        said.append(f"How well the deficits themselves were learnt (accuracy on deficient test images): {listed}.")
    return " ".join(filter(None, said))


def learnt(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """Returns for each arm its label, role and mean accuracy on deficient images at the removal (None: unknown)."""
    found = []
    for _, rows in runs.groupby("arm_id", sort=False) if "role" in runs else ():
        known = rows.loc[rows["role"] == DEFICIT, "accuracy_deficient"].dropna()
        value = mean_interval(known).mean if len(known) else None
        found.append({"label": rows["label"].iloc[0], "role": rows["role"].iloc[0], "learnt": value})
    return found


def failure_lines(table: pd.DataFrame) -> list[str]:
    """Returns a line for each failed run."""
    failed = table[table["failure"] != ""]
    return [f"{row.label}, seed {row.seed}: {row.failure}" for row in failed.itertuples()]


def mirror(items: Iterable[PlannedRun], figure: Figure, setting: Setting, picture: Path) -> None:
    """Hands the runs and the picture to the logger."""
    for item in {item.spec.run_id: item for item in items}.values():
        tags: Mapping[str, Any] = {"figure": figure.name, "profile": setting.profile, **item.tags}
        setting.logger.log_run(setting.store.root / "runs" / item.spec.run_id, tags)
    setting.logger.log_figure(figure.name, picture)


def command_of(figure: Figure, setting: Setting) -> str:
    """Returns the command that makes a figure again; of a committed table not as one machine gave it."""
    return f"make reference FIGURE={figure.name} PROFILE={setting.profile}" if setting.reference else setting.command


def command_line() -> str:
    """Returns the command as it was given, without the path of the Python that ran it."""
    return shlex.join(["python", "-m", "experiments", *sys.argv[1:]])


def merged(plans: Sequence[Plan]) -> Plan:
    """Lays the plans of several figures over each other."""
    return plan(run for one in plans for run in one.runs)
