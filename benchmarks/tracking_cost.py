"""What logging to wandb costs an epoch: python benchmarks/tracking_cost.py [profile] [--rounds 5].

Trains a short run of a profile's vision figures, and of its two-stream ones, which log a histogram besides, through a
store of its own. Then what its epochs measured is logged again and again to offline files, as a worker logs it, round
by round. Prints a Markdown table: process time in milliseconds and as a share of an epoch (median and quartiles over
rounds) of an epoch that is logged, and of what a run costs once (opened, sample images, summary, closed). The time
that wandb's own process takes is added, where the system tells it. What a worker pays once, with the import of wandb,
is told in a line. A minute on a laptop.
"""

from __future__ import annotations

import critical  # isort: skip  # noqa: F401  Before torch: it chooses the CPU's instructions.

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hydra import compose, initialize_config_dir
from tables import quartiles

from critical.core import environment
from critical.execution.listening import Row
from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.execution.workers import work
from critical.inference.claims import FIRST_CALIBRATION_SEED
from critical.training.runs import RunSpec
from experiments.design.config import CONF
from experiments.design.profile import protocol
from experiments.tracking.mirror import WandbLogger, logger

LENGTH = 6
"""Epochs of the run that is trained."""
REPEATS = 20
"""Times that the epochs of a run are logged in a round, as epochs of one long run."""


def runs_of(profile: str) -> dict[str, RunSpec]:
    """Returns a short run with a deficit of each family."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("figures", overrides=[f"profile={profile}", "device=cpu"])
    made = {family: protocol(config, family) for family in ("vision", "two_streams")}
    return {
        family: one.window(0, 2, budget=LENGTH - 2).deficit.of_seed(FIRST_CALIBRATION_SEED)
        for family, one in made.items()
    }  # fmt: skip


def clock() -> float:
    """Returns the process time of this process, with that of wandb's own where the system tells it."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        fields = rest.split()
        if name.startswith(("wandb-core", "wandb")) and int(fields[1]) == os.getpid():
            ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def spent(job: Callable[[], object]) -> float:
    """Returns the process time of a job in seconds."""
    start = clock()
    job()
    return clock() - start


def log(asked: WandbLogger, run: RunSpec, rows: list[Row]) -> None:
    """Logs a run as a worker does, and waits until all is handed over."""
    live = asked.live()
    assert live is not None
    live.begins(run, [])
    for row in rows:
        live.trained(run, row, time.time())
    live.ends(run)
    live.close()
    if live.courier.failed or live.courier.given_up:
        raise SystemExit("something was not logged; try again on a machine that is less busy")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("profile", nargs="?", default="quick")
    parser.add_argument("--rounds", type=int, default=5, help="times that everything is logged")
    options = parser.parse_args()
    if options.rounds < 2:
        parser.error(f"--rounds {options.rounds}: at least 2, quartiles need them")
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        del os.environ[name]
    print(environment.machine())
    with tempfile.TemporaryDirectory() as folder:
        asked = logger({"name": "wandb", "mode": "offline"}, Path(folder))
        assert isinstance(asked, WandbLogger)
        lines = []
        for family, run in runs_of(options.profile).items():
            store = RunStore(Path(folder) / "runs")
            work(plan([run]), store)
            rows = store.rows(run) or []
            epoch = sum(row["seconds"] for row in rows) / len(rows)
            many = [{**row, "epoch": at * len(rows) + row["epoch"]} for at in range(REPEATS) for row in rows]
            first = spent(lambda run=run, rows=rows: log(asked, run, rows[:1]))
            if not lines:
                print(f"once a worker, with the import of wandb: {first:.1f} s")
            whole = [spent(lambda run=run, rows=rows: log(asked, run, rows)) for _ in range(options.rounds)]
            long = [spent(lambda run=run, many=many: log(asked, run, many)) for _ in range(options.rounds)]
            each = [(more - less) / (len(many) - len(rows)) for more, less in zip(long, whole, strict=True)]
            once = [less - len(rows) * one for less, one in zip(whole, each, strict=True)]
            told = {"an epoch that is logged": each, "once a run": once}
            said = f"an epoch takes {1000 * epoch:.0f} ms; {options.rounds} rounds"
            print(f"{options.profile}, {family}: {said}", flush=True)
            lines += [(family, what, values, epoch) for what, values in told.items()]
    print("\n| family | what | ms | share of an epoch |\n| --- | --- | ---: | ---: |")
    for family, what, values, epoch in lines:
        middle, low, high = quartiles([100 * value / epoch for value in values])
        print(f"| {family} | {what} | {1000 * quartiles(values)[0]:.2f} | {middle:.2f} % ({low:.2f} to {high:.2f}) |")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
