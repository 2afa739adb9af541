"""From a figure's module to its files: missing runs, table, picture, verdicts, record, report.

The same for every figure, and idempotent: what is stored is not trained again, and the same runs
give the same tables, byte for byte.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from critical.core import environment
from critical.core.spec import SpecError
from critical.execution import locks, writable
from critical.execution.plan import Plan, plan
from critical.execution.store import RunStore
from experiments.design.figure import Design, Figure
from experiments.design.protocol import Protocol
from experiments.output import naming, pictures, tables
from experiments.output.composing import designed, found_settings
from experiments.output.explained import command_of
from experiments.output.recording import recorded
from experiments.output.records import OWN, REFERENCE, FigureRecord, read_record, write_record
from experiments.output.reference import finished_seeds, refuse_changed_code, with_kept
from experiments.output.report import build_report
from experiments.output.samples import samples_or
from experiments.output.tables import PlannedRun, Tables
from experiments.tracking import references
from experiments.tracking.logger import DrawnFigure, Logger
from experiments.tracking.names import told_apart


@dataclass(frozen=True)
class Setting:
    """What a command decides besides the protocol.

    Attributes:
        profile: Its name.
        results: Folder of tables, figures, report and run store.
        train: Trains what a plan (under a label) needs that the store does not hold; see `execution.pool.Workers`.
        logger: Where runs are mirrored.
        reference: Whether the tables are the committed ones, `results/reference/`; else one's own, `results/tables/`.
        seeds: The seeds that are trained now; None: all that the figure is planned with.
        seeds_at_once: Of a committed table: on a GPU, which many workers share, the runs of one seed are too few.
        name: The name of the results; the profile's when left out.
        changed: The overrides that change results.
    """

    profile: str
    results: Path
    train: Callable[[Plan, str], None]
    logger: Logger
    reference: bool = False
    seeds: tuple[int, ...] | None = None
    seeds_at_once: int = 1
    name: str = ""
    changed: tuple[str, ...] = ()

    @functools.cached_property
    def store(self) -> RunStore:
        """The run store, shared by all profiles and figures."""
        return RunStore(self.results / "runs")

    @property
    def folder(self) -> str:
        """The name of the results."""
        return self.name or self.profile

    @property
    def where(self) -> str:
        """Whose results they are, the committed ones or one's own."""
        return REFERENCE if self.reference else OWN

    @property
    def tables(self) -> Path:
        """Where the tables lie."""
        return self.results / self.where / self.folder

    @property
    def pictures(self) -> Path:
        """Where the pictures lie: of committed tables with the page that shows them."""
        if self.reference:
            return self.results / "report" / self.folder / "figures"
        return self.results / "figures" / self.folder

    @property
    def lock(self) -> Path:
        """Who writes under the name holds it, one at a time."""
        return self.results / "runs" / "names" / f"{self.where}-{self.folder}"

    def check_folders(self, figures: Iterable[str]) -> None:
        """Refuses folders in which figures could not be written, before anything is trained for them.

        Raises:
            WriteError: In one line.
        """
        page = self.results / "report" / self.folder
        parts = {Path(name).parent for name in figures}
        places = (self.tables, self.pictures, page / "figures", page / "tables")
        held = [place / part for place in places for part in parts]
        held += [self.lock.parent, self.results / "logs"]
        writable.check(self.results, [path.relative_to(self.results) for path in held])
        self.store.check()

    @property
    def chosen_name(self) -> str:
        """The name, where it does not follow from the profile and the settings."""
        return "" if self.folder == naming.results_name(self.profile, self.changed) else self.folder


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
    # Asked for only where anything is logged.
    belonging = functools.cache(functools.partial(places, items, figure, setting))
    if design.table is None:
        setting.logger.announce((item.spec, belonging()[item.spec.run_id]) for item in items)
        setting.train(needed, figure.name)
        collected = tables.collect(items, setting.store)
    else:
        began = time.process_time()
        collected = tables.computed(design, now)
    made_by = provenance(items, setting.store) if design.table is None else [computer(now, began)]
    with locks.in_turn(setting.lock):
        # Asked again: while this one trained, another command may have written under the same name.
        refuse_other_settings(figure, protocol, setting)
        if setting.reference:
            refuse_changed_code(made_by)
            collected, made_by = with_kept(collected, design, now, made_by, setting.tables, figure.name)
        # Drawn and judged from what the file will hold, so that it is all a reader needs to do the same. It is written
        # together with its record: who is stopped before leaves no table of which nobody knows what made it.
        with tempfile.TemporaryDirectory() as folder:
            tables.write(collected, Path(folder), figure.name)
            shown = tables.read(Path(folder), figure.name)
        found = found_settings(setting.changed, protocol, figure.family)
        record = recorded(
            figure, design, protocol, shown, every,
            profile=setting.profile,
            settings=found,
            command=command_of(figure.name, setting.profile, found, setting.chosen_name),
            table=str(tables.paths(setting.tables, figure.name)[0]),
            made_by=made_by,
            wall_seconds=time.monotonic() - start,
            created=datetime.date.today().isoformat(),
            samples=samples_or(functools.partial(samples_before, figure, setting), design, protocol),
        )  # fmt: skip
        tables.write(collected, setting.tables, figure.name)
        write_record(record, setting.results, setting.folder, setting.where)
        if setting.reference:
            order = pictures.Order(setting.results, setting.folder, figure.name, setting.pictures, png=True)
            pictures.draw_for_page(order, design, shown, record)
        else:
            pictures.write(design, shown, record, setting.pictures)
        build_report(setting.results, setting.folder)
    if setting.logger.logs:
        mirror(items, belonging(), shown, figure, record, setting)
    return record


def refuse_other_settings(figure: Figure, protocol: Protocol, setting: Setting) -> None:
    """Refuses to write over results of other settings, or over those of which nobody knows the settings.

    Raises:
        SpecError: In one line.
    """
    table = tables.paths(setting.tables, figure.name)[0]
    try:
        before = read_record(setting.results, setting.folder, figure.name, setting.where)
    except SpecError as error:
        record = table.with_suffix(".json")
        raise SpecError(f"{record} cannot be read, so nobody knows what made its table; remove both, or give "
                        f"name=… ({error.__cause__ or error})") from error  # fmt: skip
    if before is not None:
        now = found_settings(setting.changed, protocol, figure.family)
        naming.refuse_other(setting.folder, [f"profile={setting.profile}", *now],
                            [f"profile={before.profile}", *before.settings])  # fmt: skip
    elif table.exists():
        raise SpecError(f"{table} has no record beside it, so nobody knows what made it; remove it, or give name=…")


def samples_before(figure: Figure, setting: Setting) -> list[dict[str, Any]]:
    """Returns the sample images of the record that is made anew, if there is one."""
    before = read_record(setting.results, setting.folder, figure.name, setting.where)
    return [] if before is None else before.samples


def make_reference(figure: Figure, protocol: Protocol, parameters: Any, setting: Setting) -> FigureRecord:
    """Makes a committed table, `setting.seeds_at_once` at a time, so that what a sitting has finished is kept.

    Without `setting.seeds` the seeds that the table lacks are trained; with none lacking it is drawn anew. A table that
    is computed is computed anew, whole.
    """
    design = designed(figure, protocol, parameters)
    if design.table is not None:
        return make(figure, protocol, parameters, setting)
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


def computer(seeds: Sequence[int], began: float) -> dict[str, Any]:
    """Returns who computed a table, as `provenance` does; `began` is the process time before it."""
    (maker,) = environment.merged([environment.describe()])
    return maker | {"seeds": sorted(seeds), "epochs": 0, "cpu_seconds": round(time.process_time() - began, 1)}


def places(items: Iterable[PlannedRun], figure: Figure, setting: Setting) -> dict[str, dict[str, Any]]:
    """Returns where runs belong, by their ids, as loggers are told."""
    shared = {"figure": figure.name, "profile": setting.folder, "notes": figure.question}
    return told_apart((item.spec, {**shared, **item.tags}) for item in items)


def mirror(
    items: Sequence[PlannedRun], belonging: Mapping[str, Mapping[str, Any]], collected: Tables, figure: Figure,
    record: FigureRecord, setting: Setting,
) -> None:  # fmt: skip
    """Hands the runs, and what their deficits cost, and the figure to the logger."""
    accuracy = dict(zip(collected.runs["run_id"], collected.runs["accuracy"], strict=True)) if items else {}
    effects = references.effects({item.spec.run_id: item.spec for item in items}.values(), accuracy)
    for run_id, place in belonging.items():
        setting.logger.log_run(setting.store.root / "runs" / run_id, place, effects.get(run_id))
    drawn = DrawnFigure(
        figure.name, setting.folder, figure.question, pictures.path(setting.pictures, figure.name, "png"),
        tables.paths(setting.tables, figure.name)[0], tuple(record.verdicts),
    )  # fmt: skip
    setting.logger.log_figure(drawn)


def merged(plans: Sequence[Plan]) -> Plan:
    """Lays the plans of several figures over each other."""
    return plan(run for one in plans for run in one.runs)
