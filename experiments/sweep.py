"""Many runs and one table: `python -m experiments.sweep -m deficit.end=0,10,20 'seed=range(5)'`.

The settings are those of `experiments.train`; what has several values is swept, in Hydra's own notation. Runs are
planned together, so common pasts are trained once, go through the store of the figures, and end as the rows of
`results/tables/sweeps/<name>.csv` and a picture. With `effect=cost` what each run is compared with is trained too, and
its effect is a column. Settings of the sweep itself:

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
from pathlib import Path
from typing import Any

import pandas as pd

from critical.core.spec import SpecError
from critical.execution import writable
from critical.execution.plan import plan
from critical.execution.pool import Workers, default_jobs
from critical.execution.store import RunStore
from experiments.design import config as configuration
from experiments.design.command import composed, in_one_line
from experiments.design.command_line import HELP, MULTIRUN, CommandLine, key_of, read
from experiments.design.help import page
from experiments.design.messages import refuse_by_name
from experiments.design.points import expand
from experiments.design.sweep_files import grid
from experiments.output import effect_values, tables
from experiments.output.sweep_record import Refusals
from experiments.output.sweep_summary import summary
from experiments.output.sweep_table import (
    SweptRun,
    collect,
    column,
    compared_with,
    measured,
    planned,
    tags_of,
    values_of,
    varying,
)
from experiments.output.tables import refuse_mixed
from experiments.runs.printing import counted
from experiments.tracking.mirror import logger
from experiments.tracking.names import told_apart
from experiments.train import run_effects, run_spec

EXAMPLES = (
    "python -m experiments.sweep -m deficit=blur deficit.end=0,10,20 'seed=range(5)' name=removal",
    "python -m experiments.sweep -m 'model=glob(all_cnn_*)' recovery=5 name=networks",
    "python -m experiments.sweep sweep=blur_window 'seed=20,21'",
    "python -m experiments.sweep -m deficit=blur deficit.end=5,10 'seed=range(3)' effect=cost name=cost",
)


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
        spec = run_spec(config)
        runs.append(SweptRun(config, spec, values_of(point), run_effects(config, spec)))
    return runs


def table_name(text: str) -> str:
    """Returns the name of a table, or refuses what is no file name.

    Raises:
        SpecError: Other characters than letters, digits, `_`, `-` and `.`.
    """
    if not re.fullmatch(r"\w[\w.-]*", text):
        raise SpecError(f"name={text}: letters, digits, '_', '-' and '.' are wanted, e.g. name=blur_window")
    return text


def write_table(runs: Sequence[SweptRun], results: Path, name: str, refused: Refusals = ()) -> Path:
    """Writes the table of finished runs, and of what was refused; draws it and prints its beginning.

    Returns:
        Where the table lies.
    """
    made = collect(runs, RunStore(results / "runs"), refused)
    table = tables.write(made, results / "tables" / "sweeps", name)[0]
    points = [*(run.values for run in runs), *(values_of(point) for point, _ in refused)]
    varied = [column(key) for key in varying(points) if key != "seed"]
    print("\n".join(summary(table, varied, measured(runs))))
    return table


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
    whole = plan([*(run.spec for run in runs), *compared_with(runs)])
    beside = len(whole.runs) - len({run.spec.run_id for run in runs})
    more = f", {beside} of them to compare with" if beside else ""
    print(f"{counted(len(whole.runs), 'runs')}{more}: {counted(whole.epochs_needed, 'epochs needed')}, "
          f"{whole.epochs_separate} if each were trained by itself", flush=True)  # fmt: skip
    varied = varying([run.values for run in runs])
    tags: dict[str, Mapping[str, Any]] = {spec.run_id: tags_of(spec) for spec in whole.runs}
    tags |= {run.spec.run_id: planned(run, varied).tags for run in runs}
    places = told_apart((spec, {"sweep": name, **tags[spec.run_id]}) for spec in whole.runs)
    mirror.announce((spec, places[spec.run_id]) for spec in whole.runs)
    # Where it is left, a service that does not answer is waited for, and where the workers end: the table comes before.
    with contextlib.closing(mirror):
        with Workers(store, jobs, results / "logs", mirror.listener()) as workers:
            workers.run(whole, name)
            table = write_table(runs, results, name)
        values = {run.spec.run_id: effect_values.known(run.effects, store) for run in runs}
        for run_id, place in places.items():
            mirror.log_run(store.root / "runs" / run_id, place, values.get(run_id))
    return table


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
