"""Sweeps of Weights & Biases: `python -m experiments.agent sweep=blur_window` makes one and starts an agent.

`sweep_id=ENTITY/PROJECT/ID` joins one from any machine instead, and `count=N` ends the agent after so many runs. The
command that an agent runs goes through the run store, so agents that share a results folder, figures and
`experiments.sweep` never train the same epoch twice. When the agent ends, the sweep's table is written and drawn from
all that lies in the folder; settings that cannot be, and runs that were stopped early, have a row with the reason. No
account is needed for `python -m experiments.sweep sweep=blur_window`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from critical.core.spec import SpecError
from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.execution.tracker import Tracker
from experiments import sweep
from experiments.design import sweep_files
from experiments.design.command import in_one_line
from experiments.design.command_line import HELP, few
from experiments.design.help import page
from experiments.output.sweep_record import refused, remembered, unfinished
from experiments.output.sweep_table import compared_with

SETTINGS = {
    "sweep": "a file of conf/sweeps, of which a sweep is made",
    "sweep_id": "ENTITY/PROJECT/ID of a sweep that is joined",
    "count": "runs after which the agent ends; without it, it works until the sweep is done",
    "project": "where the sweep is made (critical-periods)",
    "results": "folder of tables, figures and run store (results)",
}
EXAMPLES = (
    "python -m experiments.agent sweep=blur_window",
    "python -m experiments.agent sweep_id=ENTITY/PROJECT/ID count=4",
)
PROJECT = "critical-periods"
CREATION_SECONDS = 120
RESULTS = "CRITICAL_RESULTS"
"""The variable that `conf/train.yaml` takes its folder of results from."""


def asked(arguments: Sequence[str]) -> dict[str, str]:
    """Reads the command line.

    Raises:
        SpecError: Something unknown, or not exactly one of `sweep` and `sweep_id`.
    """
    given = few(arguments, SETTINGS, "sweep=blur_window")
    if bool(given.get("sweep")) == bool(given.get("sweep_id")):
        known = ", ".join(sorted(path.stem for path in sweep_files.FOLDER.glob("*.yaml")))
        raise SpecError(f"sweep=NAME makes a sweep and sweep_id=ENTITY/PROJECT/ID joins one: give one; known: {known}")
    if not given.get("count", "1").isdigit() or int(given.get("count", "1")) < 1:
        raise SpecError(f"count={given['count']}: a whole number from 1 on is wanted")
    if given.get("sweep_id") and not re.fullmatch(r"[^/\s]+(/[^/\s]+){2}", given["sweep_id"]):
        raise SpecError(f"sweep_id={given['sweep_id']}: ENTITY/PROJECT/ID is wanted, as `make sweep` prints it")
    return given


def environment(results: Path) -> dict[str, str]:
    """Returns the environment of the service's commands.

    Runs go to these results, unless the file of the sweep names others. This Python comes first in the path, since
    agents call it `python`; and runs that fail are results of a sweep, so three of them do not end the agent (five with
    no success between do).
    """
    results.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {
        **os.environ,
        "PATH": path,
        RESULTS: str(results.resolve()),
        "WANDB_DIR": os.environ.get("WANDB_DIR", str(results.resolve())),
        "WANDB_AGENT_DISABLE_FLAPPING": "true",
    }


def wandb_command() -> list[str]:
    """Returns how wandb's command line is called with this Python."""
    return [sys.executable, "-m", "wandb"]


def create(name: str, project: str, variables: Mapping[str, str]) -> str:
    """Makes a sweep from its file.

    Args:
        name: File in `conf/sweeps`.
        project: Project to make it in, unless WANDB_PROJECT names another.
        variables: The environment of wandb.

    Returns:
        ENTITY/PROJECT/ID.

    Raises:
        SpecError: There is no such file, no key, or no service, in one line.
    """
    sweep_files.sweep_file(name)
    command = [*wandb_command(), "sweep", "--project", project, str(sweep_files.FOLDER / f"{name}.yaml")]
    try:
        output = subprocess.run(
            command, env=dict(variables), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=CREATION_SECONDS, check=False,
        ).stdout  # fmt: skip
    except subprocess.TimeoutExpired:
        output = f"no answer within {CREATION_SECONDS} s"
    # The command that joins the sweep is what wandb tells its user, whatever its version.
    found = re.search(r"wandb agent (\S+)", re.sub(r"\x1b\[[0-9;]*m", "", output))
    if found is None:
        lines = [line.strip() for line in output.splitlines() if line.strip()] or ["no reason given"]
        raise SpecError(
            f"sweep={name} was not made ({lines[-1].removeprefix('Error: ')}); log in with `{sys.executable} -m wandb "
            f"login`, or run the grid here without an account: python -m experiments.sweep sweep={name}"
        )
    return found.group(1)


def join(sweep_id: str, count: str | None, variables: Mapping[str, str]) -> int:
    """Works for a sweep until it or the count is done, or it is stopped; returns the agent's exit status.

    A service that is away is waited for. Ctrl-C reaches the agent too, which waits for its run, and ends it at the
    second: what is finished has its table all the same.
    """
    counted = ["--count", count] if count else []
    with subprocess.Popen([*wandb_command(), "agent", *counted, sweep_id], env=dict(variables)) as agent:
        while True:
            try:
                return agent.wait()
            except KeyboardInterrupt:
                continue
            except BaseException:
                agent.kill()
                raise


def write_table(sweep_id: str, name: str, results: Path) -> Path | None:
    """Writes and draws the table of what a sweep has in these results; None where there is nothing.

    Runs that were stopped before their end, and settings that were refused, have rows that say so.
    """
    own = sweep_id.rsplit("/", 1)[-1]
    store = RunStore(results / "runs")
    runs, without = [], list(refused(results, own))
    # What is noted as finished may have been removed since, or what it is compared with.
    for point in (*remembered(results, own), *unfinished(results, own)):
        (run,) = sweep.swept_runs([point])
        if store.rows(run.spec) is None:
            done = Tracker(plan([run.spec]), store)
            without.append((point, f"not finished: {done.epochs_done} of {done.epochs_total} epochs"))
        elif lacking := [spec.run_id for spec in compared_with([run]) if store.rows(spec) is None]:
            without.append((point, f"not finished: run {lacking[0]}, which it is compared with"))
        else:
            runs.append(run)
    return sweep.write_table(runs, results, name, without) if runs or without else None


def work(arguments: Sequence[str]) -> int:
    """Makes or joins a sweep as the command line says, and writes its table; returns the exit status."""
    given = asked(arguments)
    results = Path(given.get("results", "results"))
    variables = environment(results)
    sweep_id = given.get("sweep_id") or create(given["sweep"], given.get("project", PROJECT), variables)
    if not given.get("sweep_id"):
        print(f"sweep {sweep_id}; other machines join with: make agent SWEEP_ID={sweep_id}", flush=True)
    status = join(sweep_id, given.get("count"), variables)
    name = given.get("sweep") or sweep_id.rsplit("/", 1)[-1]
    table = write_table(sweep_id, sweep.table_name(name), results)
    if table is None:
        print(f"error: sweep {sweep_id}: no run of it is in {results}; see what wandb says above, and {sys.executable} "
              "-m wandb login", file=sys.stderr)  # fmt: skip
        return status or 1
    print(sweep.said(table))
    return status


@in_one_line
def main() -> int:
    """Entry point."""
    if any(word in HELP for word in sys.argv[1:]):
        print(page(__doc__ or "", EXAMPLES, {"Settings": [f"{key}=…   {said}" for key, said in SETTINGS.items()]}))
        return 0
    return work(sys.argv[1:])


if __name__ == "__main__":
    main()
