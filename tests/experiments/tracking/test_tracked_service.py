"""Real runs of wandb, against the stand-in service and in files that are read back. Its own process takes seconds to
start, so these tests are few.
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
import tiny
import wandb_server
from helpers import process, until

from critical.execution.plan import plan
from critical.execution.pool import run_all
from critical.execution.store import RunStore
from critical.execution.workers import work
from experiments import sync
from experiments.tracking import service as tracked
from experiments.tracking.mirror import logger

pytestmark = pytest.mark.slow
PROTOCOL = tiny.protocol(seeds=(0,), recovery=4)
FIRST, SECOND = (PROTOCOL.window(0, 2, schedule).deficit.of_seed(0) for schedule in ("restart", "continue"))
OFTEN = {"x_file_stream_transmit_interval": 0.1}
"""As wandb sends every 15 s."""
PLACE = {"figure": "x/y", "profile": "quick", "role": "deficit", "schedule": "restart"}


@pytest.fixture
def service(monkeypatch):
    """The stand-in service, and an account that exists nowhere else."""
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    with wandb_server.service() as held:
        monkeypatch.setenv("WANDB_BASE_URL", held.url)
        monkeypatch.setitem(tracked.QUIET, "init_timeout", 60.0)  # a busy machine is no service that is away
        wandb.teardown()  # a connection of an earlier test would go where that one went
        yield held
        # What it could not send is not to be waited for.
        held.faults = lambda what: None
        wandb.teardown()


def online(results, **settings):
    return logger({"name": "wandb", "mode": "online", **settings}, results)


def train(results, spec, after_epoch=None):
    """Trains and logs a run in this process; returns its published epochs."""
    asked, store = online(results), RunStore(results / "runs")
    asked.announce([(spec, PLACE)])
    live = asked.live()
    work(plan([spec]), store, after_epoch=after_epoch, listener=live)
    live.close()
    asked.log_run(store.publish(spec, tiny.HERE), PLACE)
    asked.close()
    return epochs_of(results, spec)


def epochs_of(results, spec):
    return pd.read_csv(results / "runs" / "runs" / spec.run_id / "epochs.csv")


def assert_whole(history, epochs):
    """Whether a history is the table, epoch for epoch."""
    assert [row["epoch"] for row in history] == epochs["epoch"].tolist()
    assert [row["_step"] for row in history] == epochs["epoch"].tolist()
    columns = epochs.select_dtypes("number").columns.difference(["epoch"])
    assert len(columns) >= 5
    for column in columns:
        told = dict(epochs[column].dropna().items())
        assert {at: row[column] for at, row in enumerate(history) if column in row} == pytest.approx(told), column


def killed_worker(results, spec, url, home, reached):
    """Logs to the service at `url`; waits for ever after three epochs."""
    tracked.QUIET |= OFTEN
    os.environ |= {"WANDB_API_KEY": "0" * 40, "WANDB_BASE_URL": url, "HOME": str(home), "WANDB_SILENT": "true"}

    def pause(spec, epoch):
        if epoch == 3:
            reached.touch()
            time.sleep(600)

    train(results, spec, pause)


def test_a_killed_process_costs_no_epoch_and_the_next_goes_on_in_its_run(service, tmp_path):
    results, reached = tmp_path / "results", tmp_path / "reached"
    with process(killed_worker, results, FIRST, service.url, tmp_path / "home", reached) as child:
        until(reached.exists, "three epochs", 110)
        until(lambda: len(service.runs.get(FIRST.run_id, {}).get("history", [])) >= 1, "the service to have one", 110)
        child.kill()
        child.join()
    # Checkpoints are further apart than so short epochs: all are trained again, and none is sent twice.
    epochs = train(results, FIRST)
    assert list(service.runs) == [FIRST.run_id]
    run = service.runs[FIRST.run_id]
    assert_whole(run["history"], epochs)
    assert run["displayName"] == "blur 0–2 · restart · seed 0"
    assert (run["groupName"], run["jobType"]) == ("x/y · quick", "deficit")
    assert run["summary"]["final_accuracy"] == pytest.approx(epochs["test_accuracy"].iloc[-1])


def test_late_answers_and_errors_are_waited_out(service, tmp_path):
    """It is slow, and fails with 500 and 429 before it takes what it is sent."""
    left = {"UpsertBucket": [500, 429], "file_stream": [429, 500]}
    answered = []

    def faulty(what):
        time.sleep(0.2)
        for name, statuses in left.items():
            if name in what and statuses:
                answered.append((name, statuses[-1]))
                return statuses.pop()
        return None

    service.faults = faulty
    epochs = train(tmp_path / "results", FIRST)
    assert len(answered) == 4
    assert_whole(service.runs[FIRST.run_id]["history"], epochs)


def test_a_service_that_goes_away_loses_nothing(service, tmp_path, monkeypatch, capsys):
    """It takes two epochs and is gone; `make sync` mends it when it is back."""
    monkeypatch.setitem(tracked.PATIENCE, "finish_timeout", 2.0)
    for name, value in OFTEN.items():
        monkeypatch.setitem(tracked.QUIET, name, value)
    results, away = tmp_path / "results", threading.Event()
    service.faults = lambda what: 503 if away.is_set() else None

    def leave(spec, epoch):
        if epoch == 2:
            until(lambda: service.runs.get(FIRST.run_id, {}).get("history"), "an epoch to arrive")
            away.set()

    epochs = train(results, FIRST, leave)
    had = len(service.runs[FIRST.run_id]["history"])
    assert had < len(epochs)
    said = [line for line in capsys.readouterr().err.splitlines() if "credentials" not in line]
    assert said
    assert all(line.startswith("wandb: ") for line in said), said
    away.clear()
    pytest.importorskip("wandb").teardown()
    monkeypatch.chdir(tmp_path)
    status, _, out = tiny.call(monkeypatch, capsys, sync.main, "results=results")
    assert (status, out.splitlines()[-1]) == (0, "critical-periods: 1 run of results sent")
    assert_whole(service.runs[FIRST.run_id]["history"], epochs)
    asked = len(service.operations)
    assert tiny.call(monkeypatch, capsys, sync.main, "results=results")[2].splitlines()[-1].startswith(
        "critical-periods: 0 runs"
    )  # fmt: skip
    assert len(service.operations) == asked, "nothing is sent twice"


def test_no_network_is_a_line_and_the_run_goes_on(monkeypatch, tmp_path, capsys):
    pytest.importorskip("wandb").teardown()
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setitem(tracked.QUIET, "init_timeout", 1.0)
    epochs = train(tmp_path / "results", FIRST)
    assert len(epochs) == 6
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "credentials" not in line]
    assert line.startswith(f"wandb: run {FIRST.run_id} was not logged")
    pytest.importorskip("wandb").teardown()


def read_back(folder):
    """Reads wandb's own file with wandb's own reader; returns its records by their kinds."""
    (log,) = folder.glob("*.wandb")
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(log)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode and "No such command" in done.stderr:
        pytest.skip("this wandb cannot read its files back")
    found: dict[str, list] = {}
    for record in map(json.loads, done.stdout.splitlines()):
        found.setdefault(record["type"], []).append(record[record["type"]])
    return found


def test_offline_files_of_a_worker_hold_the_table(monkeypatch, tmp_path):
    """Two runs that share their first epochs, by a worker. No account, no network."""
    pytest.importorskip("wandb")
    monkeypatch.chdir(tmp_path)
    results = Path("results")
    store, asked = RunStore(results / "runs"), logger({"name": "wandb"}, results)
    schedules = {FIRST: "restart", SECOND: "continue"}
    asked.announce((spec, PLACE | {"schedule": schedule}) for spec, schedule in schedules.items())
    run_all(plan([FIRST, SECOND]), store, 1, "a figure", results / "logs", asked.listener())
    for spec in (FIRST, SECOND):
        asked.log_run(store.root / "runs" / spec.run_id, PLACE)
    asked.close()
    files = {path.name.split("-", 3)[-1]: path for path in results.glob("wandb/offline-run-*")}
    assert files.keys() == {FIRST.run_id, SECOND.run_id}, "each was written once, where the results are"
    for spec, schedule in schedules.items():
        found = read_back(files[spec.run_id])
        assert_whole([record["item"] for record in found["history"]], epochs_of(results, spec))
        assert found["run"][0]["display_name"] == f"blur 0–2 · {schedule} · seed 0"
        assert not found["exit"][0].get("exit_code")
