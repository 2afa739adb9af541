"""Sends the runs on disk that a project of Weights & Biases has not got: `python -m experiments.sync`.

Settings are those of `experiments.train` (logger.project=…, results=…). How far a run was sent is noted in its folder,
and the service says how many epochs it has, so the command can be given again at any time. It also sends what is there
of runs that were cut, unless another process is training them. Each failure is one line; the exit status is then 1.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from critical.core.spec import SpecError
from critical.execution.catalogue import Catalogue
from critical.execution.locks import held
from critical.execution.published import EPOCHS
from critical.execution.store import RunStore
from critical.training.described import run_of
from experiments.design import config as configuration
from experiments.design.command import composed, in_one_line
from experiments.design.command_line import HELP, read
from experiments.design.help import page
from experiments.output import tables
from experiments.runs.printing import counted
from experiments.tracking.live import lock_of
from experiments.tracking.marker import folder_of, place_of
from experiments.tracking.mirror import WandbLogger, logger
from experiments.tracking.settings import ONLINE

EXAMPLES = ("python -m experiments.sync", "python -m experiments.sync logger.project=mine results=results")
TAGS = ("label", "role", "deficit", "onset", "length", "removal", "schedule", "budget")


def places(results: Path) -> dict[str, dict[str, Any]]:
    """Finds out from the tables on disk which figure or sweep each run belongs to.

    Args:
        results: Folder of tables, figures and run store.

    Returns:
        By run id: `figure` and `profile`, or `sweep`, and the tags of the run's row. Where several have the run, the
        first in order of the tables' names.

    Raises:
        SpecError: A table cannot be read, in one line.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((results / "tables").rglob("*.csv")):
        profile, *name = path.relative_to(results / "tables").with_suffix("").parts
        if path.name.endswith(".epochs.csv") or not name:
            continue
        table = tables.as_text(path)
        if "run_id" not in table:
            continue
        figure = "/".join(name)
        place = {"sweep": figure} if profile == "sweeps" else {"figure": figure, "profile": profile}
        for row in table.to_dict("records"):
            found.setdefault(str(row["run_id"]), place | {key: row[key] for key in TAGS if key in row})
    return found


def send(results: Path, mirror: WandbLogger) -> tuple[int, int]:
    """Sends what is missing: of finished runs, and of those that were cut what they have measured.

    Args:
        results: Folder of tables, figures and run store.
        mirror: Where to.

    Returns:
        How many runs were sent, and how many should have been and were not.
    """
    known, missing = places(results), 0
    for folder in [path.parent for path in sorted((results / "runs" / "runs").glob("*/run.json"))]:
        lines, figure = _lines(folder / EPOCHS), {**known.get(folder.name, {}), **place_of(folder)}.get("figure")
        # A run that only a sweep has is there as the sweep's own.
        if not mirror.there(folder, lines) and (figure or not mirror.in_a_sweeps(folder, lines)):
            mirror.log_run(folder, known.get(folder.name, {}))
            missing += 1
    for run_id, record, rows in cut(results):
        folder = folder_of(results, run_id)
        if not mirror.there(folder, len(rows)):
            mirror.courier.put(f"run {run_id}", functools.partial(mirror.send_cut, folder, record, rows))
            missing += 1
    mirror.close()
    return missing - len(mirror.courier.failed), len(mirror.courier.failed)


def cut(results: Path) -> Iterator[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """Yields the id, settings and epochs of runs that were begun, are not finished, and that nobody trains now."""
    store, catalogue = RunStore(results / "runs"), Catalogue(results / "runs")
    store.refresh()
    for path in sorted((results / "runs" / "planned").glob("*.json")):
        with contextlib.suppress(SpecError, ValueError, OSError):
            record = catalogue.record(path.stem)
            spec = run_of(record)
            rows = list(itertools.takewhile(bool, (store.row(spec, at) for at in range(1, spec.timeline.end + 1))))
            busy = any(held(store.root / "locks" / f"{key}.lock") for key in record["keys"][1:])
            if rows and not busy and not held(lock_of(results, path.stem)):
                yield path.stem, record, [row for row in rows if row is not None]


def _lines(table: Path) -> int:
    """Returns how many rows a table has; one that cannot be read is found out when it is sent."""
    try:
        return max(0, len(table.read_bytes().splitlines()) - 1)
    except OSError:
        return 1


def sync(arguments: Sequence[str]) -> int:
    """Sends what is missing as the command line says; returns the exit status."""
    line = read(["logger=wandb", "logger.mode=online", *arguments])
    if line.options:
        raise SpecError(f"{line.options[0]}: is no option here; settings are key=value, e.g. logger.project=mine")
    config = composed("train", line)
    results = Path(config.results)
    mirror = logger(configuration.plain(config.logger), results)
    if not isinstance(mirror, WandbLogger) or mirror.settings.mode != ONLINE:
        raise SpecError("logger: only logger=wandb with logger.mode=online sends anything; leave both out")
    if mirror.settings.mode_here != ONLINE:
        said = " ".join(f"{name}={os.environ[name]}" for name in ("WANDB_DISABLED", "WANDB_MODE") if name in os.environ)
        raise SpecError(f"{said}: nothing is sent under it; unset it")
    sent, failed = send(results, mirror)
    left = f", {failed} not sent" if failed else ""
    print(f"{mirror.settings.project}: {counted(sent, 'runs')} of {results} sent{left}")
    return int(failed > 0)


@in_one_line
def main() -> int:
    """Entry point."""
    if any(word in HELP for word in sys.argv[1:]):
        print(page(__doc__ or "", EXAMPLES, {}))
        return 0
    return sync(sys.argv[1:])


if __name__ == "__main__":
    main()
