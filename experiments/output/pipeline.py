"""From a figure's module to its files: missing runs, table, picture, verdicts, record, report.

The same for every figure, and idempotent: what is stored is not trained again, and the same runs
give the same tables, byte for byte.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import json
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pandas as pd

from critical.core import environment
from critical.core.files import write_atomically
from critical.core.spec import identity
from critical.data import load
from critical.execution.plan import Plan, plan
from critical.execution.store import RunStore
from critical.inference.statistics import mean_interval
from critical.inference.verdicts import to_records, verdicts
from critical.plots import style as plotting
from experiments.design.figure import Figure
from experiments.design.protocol import DEFICIT, PlannedRun, Protocol, Tables, tables
from experiments.output.loggers import Logger
from experiments.output.report import FigureRecord, build_report, write_record


@dataclass(frozen=True)
class Setting:
    """What a command decides besides the protocol.

    Attributes:
        profile: Its name.
        results: Folder of tables, figures, report and run store.
        train: Trains what a plan (under a label) needs that the store does not hold; see `execution.pool.Workers`.
        command: The command line, for the report.
        logger: Where runs are mirrored.
    """

    profile: str
    results: Path
    train: Callable[[Plan, str], None]
    command: str
    logger: Logger

    @functools.cached_property
    def store(self) -> RunStore:
        """The run store, shared by all profiles and figures."""
        return RunStore(self.results / "runs")


def make(figure: Figure, protocol: Protocol, numbers: Any, setting: Setting) -> FigureRecord:
    """Makes a figure: trains what is missing, writes table, picture and record, refreshes the report.

    Args:
        figure: The figure.
        protocol: How its arms are trained.
        numbers: The profile's numbers for it.
        setting: Where results go, and who trains.

    Returns:
        The record that the report shows.
    """
    start = time.monotonic()
    planned = figure.runs(protocol, numbers)
    needed = plan(item.spec for item in planned)
    setting.train(needed, figure.name)
    collected = tables(planned, setting.store)
    paths = write_tables(collected, setting.results, setting.profile, figure.name)
    # Drawn and judged from what the file holds, so that it is all a reader needs to do the same.
    collected = read_tables(setting.results, setting.profile, figure.name)
    collected = dataclasses.replace(collected, prices=prices(figure, protocol, numbers, setting))
    saved = draw(figure, collected, protocol, numbers, setting)
    judged = verdicts(collected.runs, figure.claims(protocol, numbers), protocol.seeds)
    said = [figure.caption(collected, protocol, numbers), small_print(collected, protocol)]
    if figure.summary is not None:
        said.append(figure.summary(judged, numbers))
    record = FigureRecord(
        figure=figure.name,
        title=figure.title,
        caption=" ".join(said),
        alt=figure.alt,
        command=setting.command,
        data=load(protocol.parts.data).label,
        schedule=schedule_text(protocol),
        seeds=sorted(int(seed) for seed in collected.runs["seed"].unique()),
        machine=environment.machine(),
        versions=environment.versions(),
        commit=environment.commit(),
        wall_seconds=time.monotonic() - start,
        runs=len(needed.runs),
        epochs_needed=needed.epochs_needed,
        epochs_separate=needed.epochs_separate,
        table=str(paths[0]),
        created=datetime.date.today().isoformat(),
        cpu_seconds=setting.store.cpu_seconds(key for segment in needed.segments for key in segment.keys),
        failures=failure_lines(collected.runs),
        verdicts=to_records(judged),
        deviations=list(figure.deviations),
    )
    written = write_record(record, setting.results, setting.profile)
    # Beside the table too: tables are kept and passed on, and their provenance goes with them. The report reads
    # only what lies with the pictures, so a page never shows verdicts of another machine.
    write_atomically(paths[0].with_suffix(".json"), written.read_bytes())
    build_report(setting.results, setting.profile)
    mirror(planned, figure, setting, saved.png)
    return record


def draw(figure: Figure, collected: Tables, protocol: Protocol, numbers: Any, setting: Setting) -> plotting.Saved:
    """Draws a figure from its tables and saves the picture."""
    with plotting.style():
        drawing = figure.draw(collected, protocol, numbers)
        return plotting.save(drawing, setting.results / "figures" / setting.profile, figure.name)


def calibrated(figure: Figure, planned: Sequence[PlannedRun], setting: Setting) -> bool:
    """Tells whether a calibration need not run: its table lies there, of exactly these runs, from whatever machine."""
    table = table_paths(setting.results, setting.profile, figure.name)[0]
    if not (figure.calibration and table.exists() and table.with_suffix(".json").exists()):
        return False
    held = read_tables(setting.results, setting.profile, figure.name).runs
    return list(held["run_id"]) == [item.spec.run_id for item in planned]


def show(figure: Figure, protocol: Protocol, numbers: Any, setting: Setting) -> FigureRecord:
    """Draws a calibration from its table, with the record that lies beside it; its caption says whose it is."""
    table = table_paths(setting.results, setting.profile, figure.name)[0]
    collected = read_tables(setting.results, setting.profile, figure.name)
    saved = draw(figure, collected, protocol, numbers, setting)
    held = FigureRecord(**json.loads(table.with_suffix(".json").read_bytes()))
    said = [
        figure.caption(collected, protocol, numbers),
        small_print(collected, protocol),
        f"Drawn from the table that what stands below made on {held.created} ({held.machine}); nothing was trained for "
        "it here.",
    ]
    record = dataclasses.replace(held, caption=" ".join(said), deviations=list(figure.deviations))
    write_record(record, setting.results, setting.profile)
    build_report(setting.results, setting.profile)
    setting.logger.log_figure(figure.name, saved.png)
    return record


def table_paths(results: Path, profile: str, name: str) -> tuple[Path, Path]:
    """Returns where the tables of a figure lie: runs and epochs."""
    folder = results / "tables" / profile
    return folder / f"{name}.csv", folder / f"{name}.epochs.csv"


def write_tables(collected: Tables, results: Path, profile: str, name: str) -> tuple[Path, Path]:
    """Writes the tables atomically; numbers with ten digits, which is what every machine agrees on."""
    paths = table_paths(results, profile, name)
    for path, frame in zip(paths, (collected.runs, collected.epochs), strict=True):
        if not frame.empty:
            write_atomically(path, frame.to_csv(index=False, float_format="%.10g").encode())
    return paths


def read_tables(results: Path, profile: str, name: str) -> Tables:
    """Reads the tables of a figure back."""
    runs, epochs = table_paths(results, profile, name)
    text = {"failure": str, "deficit": str, "run_id": str}
    read: dict[str, Any] = {"dtype": text, "keep_default_na": False, "na_values": ["", "nan"]}
    frames = [pd.read_csv(path, **read) if path.exists() else pd.DataFrame() for path in (runs, epochs)]
    for frame in frames:
        if "failure" in frame:
            frame["failure"] = frame["failure"].fillna("")
    return Tables(*frames)


def prices(figure: Figure, protocol: Protocol, numbers: Any, setting: Setting) -> pd.DataFrame:
    """Returns the times that a figure shows: measured the first time on a machine for its runs, then read back."""
    if figure.prices is None:
        return pd.DataFrame()
    path = table_paths(setting.results, setting.profile, figure.name)[0].with_suffix(".prices.csv")
    held = pd.read_csv(path, keep_default_na=False, dtype={"runs": str}) if path.exists() else pd.DataFrame()
    # The table may have come with the repository, from another machine, or be of other settings.
    runs = [item.spec.run_id for item in figure.runs(protocol, numbers)]
    measured = {"machine": environment.machine(), "runs": identity(runs)}
    if held.empty or any(set(held.get(column, ())) != {value} for column, value in measured.items()):
        held = figure.prices(protocol, numbers).assign(**measured)
        write_atomically(path, held.to_csv(index=False, float_format="%.4g").encode())
    return held


def schedule_text(protocol: Protocol) -> str:
    """Says how the learning rate goes."""
    reset = "emptied" if protocol.reset_optimizer else "kept"
    return (
        f"rate {protocol.rate:g}·{protocol.decay:g}^epoch, {protocol.recovery} clean epochs in a standard "
        f"recovery; the optimiser's state is {reset} at the removal"
    )


def small_print(collected: Tables, protocol: Protocol) -> str:
    """Says what every caption has to: n, data, schedule, and how learnable the deficit was."""
    label = load(protocol.parts.data).label
    count = collected.runs["seed"].nunique()
    lines = [
        f"n = {count} seeds, each a dot, means with 95 % intervals (Student's t). Data: {label}. "
        f"Schedule: {schedule_text(protocol)}."
    ]
    table = collected.runs[collected.runs["arm"] == DEFICIT].drop_duplicates(
        ["seed", "deficit", "onset", "length"]
    )
    said, absent = [], False
    for key, rows in table.groupby(["deficit", "onset", "length"]):
        name, onset, length = cast("tuple[str, int, int]", key)
        known = rows["accuracy_deficient"].dropna()
        absent = absent or known.empty
        if len(known):
            said.append(f"{name.replace('_', ' ')} in [{onset}, {onset + length}): {mean_interval(known).mean:.0f} %")
    if said:
        lines.append(
            "How well the deficit itself was learnt (accuracy on deficient test images when it ends): "
            f"{'; '.join(said)}."
        )
    if absent:
        lines.append(
            "How well a network does while a view is absent is not said: the running statistics of a constant view "
            "have no variance."
        )
    return " ".join(lines)


def failure_lines(table: pd.DataFrame) -> list[str]:
    """Returns a line for each failed run."""
    failed = table[table["failure"] != ""]
    return [
        f"{row.arm}, {row.schedule}, removal {row.removal}, seed {row.seed}: {row.failure}"
        for row in failed.itertuples()
    ]


def mirror(planned: Sequence[PlannedRun], figure: Figure, setting: Setting, picture: Path) -> None:
    """Hands the runs and the picture to the logger."""
    for item in {item.spec.run_id: item for item in planned}.values():
        tags = {"figure": figure.name, "profile": setting.profile, **item.tags}
        setting.logger.log_run(setting.store.root / "runs" / item.spec.run_id, tags)
    setting.logger.log_figure(figure.name, picture)


def command_line() -> str:
    """Returns the command as it was given, without the path of the Python that ran it."""
    return shlex.join(["python", "-m", "experiments", *sys.argv[1:]])


def merged(plans: Sequence[Plan]) -> Plan:
    """Lays the plans of several figures over each other."""
    return plan(run for one in plans for run in one.runs)
