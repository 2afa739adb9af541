import json
from dataclasses import replace

import pandas as pd
import pytest
from helpers import BLUR, CONTEXT, Killing, Raising, assert_as_from_scratch, run

from critical import environment, pool
from critical.arithmetic import Arithmetic
from critical.plan import plan
from critical.pool import RunError, _Tracker, default_jobs, run_all
from critical.probes import Accuracy
from critical.schedules import Constant
from critical.store import RunStore
from critical.workers import work

pytestmark = pytest.mark.usefixtures("time_limit")

GOOD = [run((0, removal, BLUR), end=4) for removal in (1, 2)]
FAILING = run(schedule=Constant(rate=1e6), end=3)


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "store")


@pytest.fixture
def quick(monkeypatch):
    """Workers from the fork server, which has torch already, in place of fresh interpreters."""
    monkeypatch.setattr(pool, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(pool.multiprocessing, "get_context", lambda method: CONTEXT)


def test_finishes_what_can_be_finished_and_starts_nothing_twice(store, tmp_path, quick, monkeypatch, capsys):
    todo = plan([*GOOD, FAILING])
    run_all(todo, store, jobs=2, label="a figure", logs=tmp_path / "logs")
    assert_as_from_scratch(store, *GOOD)
    assert not list((tmp_path / "logs").iterdir())
    assert "a figure: 3 of 3 runs, 0 epochs left, done" in capsys.readouterr().out
    folders = {folder.name: folder for folder in (store.root / "runs").iterdir()}
    records = {name: json.loads((folder / "run.json").read_text()) for name, folder in folders.items()}
    failed = {name: bool(record["failure"]) for name, record in records.items()}
    assert failed == {GOOD[0].run_id: False, GOOD[1].run_id: False, FAILING.run_id: True}
    assert records[FAILING.run_id]["environment"] == environment.describe()
    table = pd.read_csv(folders[GOOD[0].run_id] / "epochs.csv")
    assert table["test_accuracy"].tolist() == [row["test_accuracy"] for row in store.rows(GOOD[0])]

    # Everything is done, the failure included: no process is started.
    def none(method):
        raise AssertionError("a process was started")

    monkeypatch.setattr(pool.multiprocessing, "get_context", none)
    run_all(todo, store, jobs=2, label="again", logs=tmp_path / "logs")
    assert "again" not in capsys.readouterr().out


@pytest.mark.slow
def test_a_fresh_process_gives_the_same_bits(store, tmp_path):
    run_all(plan([GOOD[1]]), store, jobs=1, label="a figure", logs=tmp_path / "logs")
    assert_as_from_scratch(store, GOOD[1])


def test_a_worker_that_raises_is_one_line_with_the_way_to_its_log(store, tmp_path, quick):
    spec = run(probes=(Accuracy(), Raising()))
    with pytest.raises(RunError) as raised:
        run_all(plan([spec]), store, jobs=1, label="a figure", logs=tmp_path / "logs")
    log = tmp_path / "logs" / "worker-0.log"
    expected = f"a worker stopped: RuntimeError: this probe cannot measure (traceback in {log})"
    assert str(raised.value) == expected
    assert "Traceback" in log.read_text()
    assert store.claim(spec.keys[1]) is not None, "its claim went with it"


def test_a_worker_that_raises_stops_the_others(store, tmp_path, quick):
    runs = [run(probes=(Raising(),), seed=1), run(end=3000, seed=2)]
    with pytest.raises(RunError, match="this probe cannot measure"):
        run_all(plan(runs), store, jobs=2, label="a figure", logs=tmp_path / "logs")
    assert store.rows(runs[1]) is None


def test_a_killed_worker_is_named_by_its_signal(store, tmp_path, quick):
    with pytest.raises(RunError, match=r"a worker was ended by signal 9 .*try fewer JOBS") as raised:
        run_all(plan([run(probes=(Killing(),))]), store, jobs=1, label="a figure", logs=tmp_path / "logs")
    assert "run the same command again" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "logs" / "worker-0.log").exists()


def test_goes_on_after_an_error_and_forgets_its_log(store, tmp_path, quick):
    broken, mended = run(probes=(Accuracy(), Raising())), run(probes=(Accuracy(),))
    with pytest.raises(RunError):
        run_all(plan([broken]), store, jobs=1, label="a figure", logs=tmp_path / "logs")
    run_all(plan([mended]), store, jobs=1, label="a figure", logs=tmp_path / "logs")
    assert_as_from_scratch(store, mended)
    assert not list((tmp_path / "logs").iterdir())


def test_workers_that_end_early_are_an_error_too(store, tmp_path, quick, monkeypatch):
    monkeypatch.setattr(pool, "_worker", print)
    with pytest.raises(RunError, match="ended before the runs were done; run the same command again"):
        run_all(plan([run()]), store, jobs=1, label="a figure", logs=tmp_path / "logs")


def test_the_count_leaves_out_what_a_failure_prevents_at_every_moment(store):
    todo = plan([*GOOD, FAILING])
    work(todo, store)
    # The last record is written before its state: for a moment all epochs are done, but not all segments.
    store.state_path(GOOD[0].keys[-1]).unlink()
    tracker = _Tracker(todo, store)
    assert not tracker.finished
    assert (tracker.epochs_done, tracker.runs_left) == (todo.epochs_needed, 0)


def test_the_default_fills_the_machine(monkeypatch):
    monkeypatch.setattr(environment, "cores", lambda: 6)
    assert default_jobs(Arithmetic()) == 6
    assert default_jobs(Arithmetic(threads=4)) == 1
    assert default_jobs(Arithmetic(threads=8)) == 1
    assert default_jobs(replace(Arithmetic(), device="cuda")) == 1
