"""Sends the runs on disk that a project of Weights & Biases has not got: `python -m experiments.sync`.

Settings are those of `experiments.train` (logger.project=…, results=…). A run that was sent is marked in its folder, so
the command can be given again at any time; whatever fails is a line, and ends it with status 1.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from critical.core.spec import SpecError
from experiments.design import config as configuration
from experiments.design.command import composed, in_one_line
from experiments.design.command_line import HELP, read
from experiments.design.help import page
from experiments.output.loggers import WandbLogger, logger, sent_to
from experiments.runs.printing import counted

EXAMPLES = ("python -m experiments.sync", "python -m experiments.sync logger.project=mine results=results")
TAGS = ("label", "role", "deficit", "onset", "length", "removal", "schedule", "budget")


def places(results: Path) -> dict[str, dict[str, Any]]:
    """Finds out from the tables on disk which figure or sweep each run belongs to.

    Args:
        results: Folder of tables, figures and run store.

    Returns:
        By run id: `figure` and `profile`, or `sweep`, and the tags of the run's row. Where several have the run, the
        first in order of the tables' names.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((results / "tables").rglob("*.csv")):
        profile, *name = path.relative_to(results / "tables").with_suffix("").parts
        if path.name.endswith(".epochs.csv") or not name:
            continue
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        if "run_id" not in table:
            continue
        figure = "/".join(name)
        place = {"sweep": figure} if profile == "sweeps" else {"figure": figure, "profile": profile}
        for row in table.to_dict("records"):
            found.setdefault(str(row["run_id"]), place | {key: row[key] for key in TAGS if key in row})
    return found


def send(results: Path, mirror: WandbLogger) -> tuple[int, int]:
    """Sends what is missing.

    Args:
        results: Folder of tables, figures and run store.
        mirror: Where to.

    Returns:
        How many runs were sent, and how many should have been and were not.
    """
    folders = [path.parent for path in sorted((results / "runs" / "runs").glob("*/run.json"))]
    missing = [folder for folder in folders if mirror.project not in sent_to(folder)]
    known = places(results)
    sent = sum(mirror.log_run(folder, known.get(folder.name, {"figure": "train"})) for folder in missing)
    return sent, len(missing) - sent


def sync(arguments: Sequence[str]) -> int:
    """Sends what is missing as the command line says; returns the exit status."""
    line = read(["logger=wandb", "logger.mode=online", *arguments])
    if line.options:
        raise SpecError(f"{line.options[0]}: is no option here; settings are key=value, e.g. logger.project=mine")
    config = composed("train", line)
    mirror = logger(configuration.plain(config.logger))
    if not isinstance(mirror, WandbLogger) or mirror.mode != "online":
        raise SpecError("logger: only logger=wandb with logger.mode=online sends anything; leave both out")
    results = Path(config.results)
    sent, failed = send(results, mirror)
    left = f", {failed} not sent" if failed else ""
    print(f"{mirror.project}: {counted(sent, 'runs')} of {results} sent{left}")
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
