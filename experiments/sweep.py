"""Many runs and one table: `python -m experiments.sweep -m deficit.end=0,10,20 'seed=range(5)'`.

The settings are those of `experiments.train`; what has several values is swept, in Hydra's own notation. Runs are
planned together, so common pasts are trained once, go through the store of the figures, and end as the rows of
`results/tables/sweeps/<name>.csv`. Settings of the sweep itself:

    name=NAME     what the table is called (default: sweep, or the name of the file)
    jobs=N        worker processes (default: they fill the machine)
    sweep=FILE    the grid of conf/sweeps/FILE.yaml, here and without an account

For the service of the same files see `experiments.agent`.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig

from critical.core.spec import SpecError
from critical.execution import writable
from critical.execution.plan import plan
from critical.execution.pool import default_jobs, run_all
from critical.execution.store import RunStore
from critical.training.runs import RunSpec
from experiments.design import config as configuration
from experiments.design.command import composed, in_one_line
from experiments.design.command_line import HELP, MULTIRUN, CommandLine, key_of, read
from experiments.design.help import page
from experiments.design.messages import refuse_by_name
from experiments.design.points import expand
from experiments.design.protocol import DEFICIT, DOSE_MATCHED, FRESH
from experiments.design.sweep_files import grid
from experiments.output import tables
from experiments.output.sweep_record import Refusals
from experiments.output.sweep_summary import summary
from experiments.output.tables import PlannedRun, Tables, refuse_mixed
from experiments.runs.printing import counted
from experiments.tracking.mirror import logger
from experiments.tracking.names import told_apart
from experiments.train import run_spec

EXAMPLES = (
    "python -m experiments.sweep -m deficit=blur deficit.end=0,10,20 'seed=range(5)' name=removal",
    "python -m experiments.sweep -m 'model=glob(all_cnn_*)' recovery=5 name=networks",
    "python -m experiments.sweep sweep=blur_window 'seed=20,21'",
)
TAGS = ("role", "deficit", "onset", "length", "removal", "schedule", "budget", "stabilizer", "epochs")
"""Columns that every run has, whatever varies, besides its seed."""


@dataclass(frozen=True)
class SweptRun:
    """A run of a sweep.

    Attributes:
        config: Its configuration, as `experiments.train` gets it.
        spec: The run.
        values: The value of every override, by its key, as it was written.
    """

    config: DictConfig
    spec: RunSpec
    values: Mapping[str, Any]


def values_of(point: Iterable[str]) -> dict[str, Any]:
    """Returns the values of overrides by their keys: numbers, and else text, as written where Hydra refuses it."""
    parser, values = OverridesParser.create(), {}
    for text in (text for text in point if "=" in text):
        value: Any = text.partition("=")[2]
        with contextlib.suppress(HydraException):
            parsed = parser.parse_override(text)
            value = value if parsed.is_sweep_override() else parsed.value()
        values[key_of(text)] = value if isinstance(value, (int, float)) else str(value)
    return values


def swept_runs(points: Iterable[Sequence[str]], folder: Path | None = None) -> list[SweptRun]:
    """Builds the runs of a sweep; settings that cannot be stop it before anything trains.

    Args:
        points: The overrides of each run.
        folder: Where further configurations lie.

    Raises:
        SpecError: Something unknown or impossible, in one line.
    """
    runs = []
    for point in points:
        config = composed("train", CommandLine(tuple(point), (), folder))
        runs.append(SweptRun(config, run_spec(config), values_of(point)))
    return runs


def planned(run: SweptRun, varied: Sequence[str] = ()) -> PlannedRun:
    """Returns a run with the columns that it has in the tables of figures, and those of the settings that vary."""
    spec = run.spec
    window = max(spec.timeline.windows, key=lambda held: held.end, default=None)
    name = window.deficit.name if window else "none"
    removal = window.end if window else 0
    tags: dict[str, Any] = {
        "role": FRESH if window is None else DOSE_MATCHED if name == "none" else DEFICIT,
        "deficit": name,
        "onset": window.start if window else 0,
        "length": removal - window.start if window else 0,
        "removal": removal,
        "schedule": spec.schedule.name,
        "budget": spec.timeline.end - removal,
        "stabilizer": "+".join(held.stabilizer.name for held in spec.stabilizers) or "none",
        "seed": spec.seed,
    }
    tags.update({column(key): run.values.get(key) for key in varied if key != "seed"})
    return PlannedRun(spec, tags)


def column(key: str) -> str:
    """Returns the column of a setting: a group such as deficit=blur_4px says more than that of its name; both stay."""
    return f"setting.{key}" if key in TAGS else key


def varying(points: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns the keys of the settings whose value is not the same in all points."""
    keys = sorted({key for values in points for key in values})
    return [key for key in keys if len({repr(values.get(key)) for values in points}) > 1]


def collect(runs: Sequence[SweptRun], store: RunStore, refused: Refusals = ()) -> Tables:
    """Collects the finished runs of a sweep from the store, however they came into it.

    Args:
        runs: The runs, in any order; the same one twice gives one row.
        store: The store.
        refused: Overrides that cannot be and so have no run, each with the reason.

    Returns:
        A row a run: the columns of the figures' tables where they apply, then each setting whose value is not the
        same in all rows. Rows are in order of these settings, so the same runs give the same bytes. A failed run
        is a row with its `failure`. Rows of refused points come last: what varies, and why as their `failure`.

    Raises:
        ValueError: A run is not finished.
    """
    known = {run.spec.run_id: run for run in runs}
    without = [(values_of(point), reason) for point, reason in refused]
    varied = varying([*(run.values for run in known.values()), *(values for values, _ in without)])

    def order(values: Mapping[str, Any]) -> list[tuple[bool, Any]]:
        return [(isinstance(values.get(key, ""), str), values.get(key, "")) for key in varied]

    made = tables.collect(
        [planned(run, varied) for run in sorted(known.values(), key=lambda run: order(run.values))], store
    )
    rows = [
        {**{column(key): values.get(key) for key in varied}, "failure": reason, "run_id": ""}
        for values, reason in sorted(without, key=lambda point: order(point[0]))
    ]
    # Whole numbers stay so beside empty cells.
    whole = {name: "Int64" for name, kind in made.runs.dtypes.items() if kind == "int64"}
    return Tables(pd.concat([made.runs.astype(whole), pd.DataFrame(rows)], ignore_index=True))


def table_name(text: str) -> str:
    """Returns the name of a table, or refuses what is no file name.

    Raises:
        SpecError: Other characters than letters, digits, `_`, `-` and `.`.
    """
    if not re.fullmatch(r"\w[\w.-]*", text):
        raise SpecError(f"name={text}: letters, digits, '_', '-' and '.' are wanted, e.g. name=blur_window")
    return text


def write_table(runs: Sequence[SweptRun], results: Path, name: str, refused: Refusals = ()) -> Path:
    """Writes the table of finished runs, and of what was refused; returns where it lies."""
    made = collect(runs, RunStore(results / "runs"), refused)
    return tables.write(made, results / "tables" / "sweeps", name)[0]


def asked(arguments: Sequence[str]) -> tuple[dict[str, str], CommandLine]:
    """Parts a command line into the settings of the sweep itself and the overrides of its runs.

    A setting that is given replaces that of a sweep's file.

    Raises:
        SpecError: A word that is no setting.
    """
    line = read(arguments)
    if others := [word for word in line.options if word not in (*MULTIRUN, *HELP)]:
        raise SpecError(f"{others[0]}: is no option of a sweep; python -m experiments.train has it")
    own = {key_of(text): text.split("=", 1)[1] for text in line.overrides if key_of(text) in ("name", "jobs", "sweep")}
    given = [text for text in line.overrides if key_of(text) not in own]
    if "sweep" in own:
        replaced = {key_of(text) for text in given}
        given = [*(text for text in grid(own["sweep"]) if key_of(text) not in replaced), *given]
    return own, CommandLine(tuple(given), line.options, line.folder)


def sweep(arguments: Sequence[str]) -> Path:
    """Runs a sweep as its command line says it; returns where the table is.

    Raises:
        SpecError: Something unknown or impossible, in one line, before anything trains.
        RunError: A worker stopped.
    """
    own, line = asked(arguments)
    name = table_name(own.get("name", own.get("sweep", "sweep")))
    if not own.get("jobs", "1").isdigit() or int(own.get("jobs", "1")) < 1:
        raise SpecError(f"jobs={own['jobs']}: a whole number from 1 on is wanted")
    refuse_by_name(line.overrides, "train")
    runs = swept_runs(expand(line.overrides, line.folder), line.folder)
    if len(runs) == 1:
        raise SpecError("sweep: no setting has several values; give some, e.g. 'seed=range(3)' or deficit.end=5,10; "
                        "one run is python -m experiments.train")  # fmt: skip
    results = Path(runs[0].config.results)
    if len({str(run.config.results) for run in runs}) > 1:
        raise SpecError("results: a sweep has one folder for its results; give one value")
    refuse_mixed(run.spec for run in runs)
    jobs = int(own["jobs"]) if "jobs" in own else default_jobs(runs[0].spec.arithmetic)
    runs[0].spec.arithmetic.check()
    mirror, store = logger(configuration.plain(runs[0].config.logger), results), RunStore(results / "runs")
    writable.check(results, ("tables/sweeps", "logs"))
    store.check()
    whole = plan(run.spec for run in runs)
    print(f"{counted(len(whole.runs), 'runs')}: {counted(whole.epochs_needed, 'epochs needed')}, "
          f"{whole.epochs_separate} if each were trained by itself", flush=True)  # fmt: skip
    varied = varying([run.values for run in runs])
    places = told_apart((run.spec, {"sweep": name, **planned(run, varied).tags}) for run in runs)
    mirror.announce((run.spec, places[run.spec.run_id]) for run in runs)
    run_all(whole, store, jobs, name, results / "logs", mirror.listener())
    for run_id, place in places.items():
        mirror.log_run(store.root / "runs" / run_id, place)
    mirror.close()
    table = write_table(runs, results, name)
    print("\n".join(summary(table, varied_columns(runs))))
    return table


def varied_columns(runs: Sequence[SweptRun]) -> list[str]:
    """Returns the columns of the settings that vary, seeds aside."""
    return [column(key) for key in varying([run.values for run in runs]) if key != "seed"]


def said(table: Path) -> str:
    """Says where a table is, and how many of its runs failed."""
    failed = int((pd.read_csv(table, usecols=["failure"], dtype=str)["failure"].fillna("") != "").sum())
    return f"table: {table}" + (f" ({failed} failed, see its column failure)" if failed else "")


@in_one_line
def main() -> None:
    """Entry point."""
    if any(word in HELP for word in sys.argv[1:]):
        print(page(__doc__ or "", EXAMPLES, {}, "Settings of the runs: python -m experiments.train --help"))
        return
    print(said(sweep(sys.argv[1:])))


if __name__ == "__main__":
    main()
