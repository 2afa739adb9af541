import pickle
import shutil
import threading

import pytest
import tiny
from helpers import Enough, until, until_epoch
from tracked import FakeRun, done

from critical.execution import locks
from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.execution.workers import work
from experiments.tracking import marker
from experiments.tracking.live import lock_of

PROTOCOL = tiny.protocol(seeds=(0,), recovery=2)
FIRST, SECOND = (PROTOCOL.window(0, 1, schedule).deficit.of_seed(0) for schedule in ("restart", "continue"))
"""Two runs that share an epoch."""


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results"


@pytest.fixture
def store(results):
    return RunStore(results / "runs")


def marked(results, spec):
    return marker.sent_to(marker.folder_of(results, spec.run_id), "critical-periods")


def test_each_run_is_logged_whole_under_the_name_that_was_announced(begun, mirror, results, store):
    asked = mirror()
    asked.announce([(FIRST, {"figure": "x/y", "profile": "quick", "schedule": "restart"})])
    live = asked.live()
    work(plan([FIRST, SECOND]), store, listener=live)
    live.close()
    assert {run.id for run in begun} == {FIRST.run_id, SECOND.run_id}
    for run in begun:
        spec = FIRST if run.id == FIRST.run_id else SECOND
        assert [row["epoch"] for row in run.rows] == [1, 2, 3], "what they share comes first"
        rows = store.rows(spec)
        assert [row["test_accuracy"] for row in run.rows if "test_accuracy" in row] == [
            row["test_accuracy"] for row in rows if "test_accuracy" in row
        ]
        assert run.summary["final_accuracy"] == rows[-1]["test_accuracy"]
        assert run.ended == [0]
        assert "samples" in {name for what, row, *_ in run.calls if what == "log" for name in row}
        assert marked(results, spec)["epochs"] == 3
        assert not locks.held(lock_of(results, spec.run_id))
    (first,) = [run for run in begun if run.id == FIRST.run_id]
    assert first.settings["group"] == "x/y · quick"


def test_an_epoch_has_the_clock_of_its_end(begun, mirror, store):
    live = mirror().live()
    work(plan([FIRST]), store, listener=live)
    live.close()
    clocks = [row["_timestamp"] for row in begun[0].rows]
    assert clocks == sorted(clocks)
    assert len(set(clocks)) == 3


def test_training_does_not_wait_for_the_service(begun, mirror, store, monkeypatch):
    """The run is opened when all of it has been trained."""
    import wandb

    trained, real = threading.Event(), wandb.init
    monkeypatch.setattr(wandb, "init", lambda **settings: trained.wait(60) and real(**settings))
    live = mirror().live()
    work(plan([FIRST]), store, listener=live)
    assert begun == []
    trained.set()
    live.close()
    assert [row["epoch"] for row in begun[0].rows] == [1, 2, 3]


def test_a_run_that_was_cut_goes_on_in_the_same_run(begun, mirror, results, store):
    live = mirror().live()
    with pytest.raises(Enough):
        work(plan([FIRST]), store, after_epoch=until_epoch(2), listener=live)
    live.close()
    assert begun[0].ended == [1], "it is not finished"
    assert marked(results, FIRST)["epochs"] == 2
    begun.known = 2
    live = mirror().live()
    work(plan([FIRST]), store, listener=live)
    live.close()
    assert begun[1].id == begun[0].id == FIRST.run_id
    assert [row["epoch"] for row in begun[1].rows] == [3]
    assert marked(results, FIRST)["epochs"] == 3


def test_after_a_kill_what_the_service_lacks_is_sent(begun, mirror, results, store):
    """The thread of a killed process takes what waits with it."""
    live = mirror().live()
    with pytest.raises(Enough):
        work(plan([FIRST]), store, after_epoch=until_epoch(2), listener=live)
    done(live.courier)
    assert marked(results, FIRST)["closed"] is False
    lock_of(results, FIRST.run_id).unlink()  # as the end of its process does
    begun.known = 1
    live = mirror().live()
    work(plan([FIRST]), store, listener=live)
    live.close()
    assert [row["epoch"] for row in begun[1].rows] == [2, 3]
    assert marked(results, FIRST)["closed"] is True


def test_a_run_that_another_process_has_open_is_left_to_it(begun, mirror, results, store):
    lock = locks.lock(lock_of(results, FIRST.run_id))
    live = mirror().live()
    work(plan([FIRST]), store, listener=live)
    live.close()
    lock.release()
    assert begun == []
    assert marked(results, FIRST) == {}


def test_within_a_sweep_the_same_run_of_another_is_no_obstacle(begun, mirror, results, store, monkeypatch):
    """Two sweeps may ask for the same settings, and each has a run of its own."""
    lock = locks.lock(lock_of(results, FIRST.run_id))
    monkeypatch.setenv("WANDB_SWEEP_ID", "abcd1234")
    monkeypatch.setenv("WANDB_RUN_ID", "of-the-sweep")
    live = mirror().live()
    work(plan([FIRST]), store, listener=live)
    live.close()
    lock.release()
    (run,) = begun
    assert run.settings["id"] is None
    assert len(run.rows) == 3
    assert marked(results, FIRST) == {}, "no figure has it"
    assert marker.swept(marker.folder_of(results, FIRST.run_id), "of-the-sweep")["epochs"] == 3


def test_no_epoch_is_logged_after_one_that_is_missing(begun, mirror, results, store):
    live = mirror().live()
    row = {"deficit": "", "test_accuracy": 1.0}
    live.begins(FIRST, [{"epoch": 1, **row}])
    live.trained(FIRST, {"epoch": 3, **row}, 0.0)
    live.ends(FIRST)
    live.close()
    assert [logged["epoch"] for logged in begun[0].rows] == [1]
    assert marked(results, FIRST)["epochs"] == 1, "the rest is sent by whoever looks"


def test_what_is_refused_is_not_tried_again_by_the_command(refused, mirror, results, store, capsys):
    asked = mirror()
    live = asked.live()
    work(plan([FIRST]), store, listener=live)
    live.close()
    asked.log_run(store.publish(FIRST, tiny.HERE), {})
    asked.close()
    assert len(refused) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert store.rows(FIRST) is not None


def test_more_can_be_said_of_an_epoch(begun, mirror, results, store):
    live = mirror().live(further=lambda spec, row: {"cost": 10.0 * row["epoch"]})
    work(plan([FIRST]), store, listener=live)
    live.close()
    assert [row["cost"] for row in begun[0].rows] == [10.0, 20.0, 30.0]
    assert begun[0].summary["cost"] == 30.0
    assert marked(results, FIRST)["effects"] == {"cost": 30.0}


def test_an_epoch_that_fails_to_be_logged_is_not_held_for_sent(begun, mirror, results, store, monkeypatch):
    real = FakeRun.log

    def log(self, row, step=None, commit=None):
        if step == 2:
            raise ValueError("it cannot be")
        real(self, row, step, commit)

    monkeypatch.setattr(FakeRun, "log", log)
    live = mirror().live()
    work(plan([FIRST]), store, listener=live)
    live.close()
    assert [row["epoch"] for row in begun[0].rows] == [1]
    assert begun[0].summary == {}, "its last epoch is none"
    assert (begun[0].ended, marked(results, FIRST)["epochs"]) == ([1], 1)


def test_a_run_that_ended_before_its_first_epoch_has_no_step(begun, mirror, store):
    """Else the service says that it has the first epoch, and it is never sent."""
    live = mirror().live()
    live.begins(FIRST, [])
    live.close()
    assert not [call for call in begun[0].calls if call[0] == "log"]


def test_epochs_of_a_run_that_is_not_open_are_no_others(begun, mirror, results, monkeypatch):
    """Where the queue was full, the end of one run and the beginning of the next may be missing."""
    live = mirror().live()
    row = {"deficit": "", "test_accuracy": 1.0}
    live.begins(FIRST, [{"epoch": 1, **row}])
    live.trained(SECOND, {"epoch": 2, **row}, 0.0)
    live.courier.put("run", lambda: live._end(SECOND.run_id))
    live.close()
    assert [logged["epoch"] for logged in begun[0].rows] == [1]
    assert begun[0].ended == [1]


def test_checkpoints_are_sent_where_asked_for(begun, mirror, store):
    live = mirror(checkpoints=True).live()
    work(plan([FIRST, SECOND]), store, listener=live)
    live.close()
    for run in begun:
        (artifact,) = [call[1] for call in run.calls if call[0] == "artifact"]
        assert artifact.type == "model"
        # Both runs fork at the removal, so that its state is kept.
        assert sorted(artifact.manifest.entries) == ["epoch-1.pt", "epoch-3.pt"]


def test_workers_get_it_pickled_and_say_nothing(refused, mirror, store, capsys):
    live = pickle.loads(pickle.dumps(mirror().listener()))()
    work(plan([FIRST]), store, listener=live)
    live.close()
    assert len(refused) == 1
    assert capsys.readouterr().err == ""


def test_data_that_have_gone_are_no_obstacle(begun, mirror, store, monkeypatch):
    monkeypatch.setattr("experiments.tracking.pictures.load", lambda *_: (_ for _ in ()).throw(OSError("gone")))
    live = mirror().live()
    work(plan([FIRST]), store, listener=live)
    live.close()
    assert len(begun[0].rows) == 3


def test_a_folder_that_goes_is_a_line(begun, mirror, results, store, capsys):
    live = mirror().live()
    work(plan([FIRST]), store, listener=live)
    until(lambda: not live.courier._tasks.unfinished_tasks, "the run")
    shutil.rmtree(results)
    results.write_text("")
    live.begins(SECOND, [])
    live.close()
    assert len(capsys.readouterr().err.splitlines()) == 1
