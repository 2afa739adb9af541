import json
import shutil

import pytest
import tiny
from tracked import FakeRun, done

from critical.core.files import WriteError
from critical.deficits import Blur
from critical.execution import locks
from experiments.tracking import marker
from experiments.tracking import mirror as mirroring
from experiments.tracking.live import lock_of
from experiments.tracking.logger import DrawnFigure, Logger

SECOND = tiny.protocol(recovery=2).window(0, 2).deficit.of_seed(0)
PLACE = {"figure": "iclr2019/deficit_removal", "profile": "quick", "role": "deficit", "schedule": "restart"}


@pytest.fixture
def results(trained, tmp_path):
    """Results of one's own."""
    return shutil.copytree(trained, tmp_path / "results")


@pytest.fixture
def folder(results, spec):
    return results / "runs" / "runs" / spec.run_id


def test_no_logger_does_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    none = Logger()
    none.announce([])
    none.log_run(tmp_path / "missing", {"figure": "x"})
    none.log_figure(DrawnFigure("x", "y", "?", tmp_path / "missing.png", tmp_path / "missing.csv"))
    none.close()
    assert none.listener() is none.live() is None
    assert capsys.readouterr() == ("", "")


def test_what_is_sent(begun, mirror, results, folder, spec):
    asked = mirror(results, tags=["mine"], entity="us")
    asked.log_run(folder, PLACE, {"cost": 3.5})
    asked.close()
    (run,) = begun
    said = run.settings
    assert (said["id"], said["resume"]) == (spec.run_id, "allow"), "the same run twice is one run"
    assert (said["entity"], said["project"], said["mode"]) == ("us", "critical-periods", "online")
    assert said["dir"] == str(results)
    assert (said["name"], said["group"]) == ("blur 0–1 · weight decay 0.0005 · restart · seed 0",
                                             "iclr2019/deficit_removal · quick")  # fmt: skip
    assert (said["job_type"], said["tags"][-1]) == ("deficit", "mine")
    config, record = said["config"], json.loads((folder / "run.json").read_text())
    assert config["run"]["forked_from"] == record["forked_from"] == {"key": spec.keys[1], "epoch": 1}
    assert config["experiment"] == PLACE
    assert (config["deficit"], config["stabilizer"]) == ("blur", "weight_decay")
    assert ("metric", ("*",), {"step_metric": "epoch"}) in run.calls
    assert [row["epoch"] for row in run.rows] == [1, 2, 3]
    assert [step for what, row, *rest in run.calls if what == "log" for step in rest] == [1, 2, 3]
    assert run.summary["final_accuracy"] == record["accuracy"]
    assert run.summary["cost"] == 3.5
    assert run.ended == [0]
    sent = marker.sent_to(folder, "critical-periods")
    assert (sent["id"], sent["path"], sent["epochs"], sent["closed"]) == (
        spec.run_id, f"someone/critical-periods/{spec.run_id}", 3, True
    )  # fmt: skip


def test_what_it_saw_comes_with_the_first_epoch(begun, mirror, results, folder):
    asked = mirror(results)
    asked.log_run(folder, PLACE)
    asked.close()
    logged = [call[1:] for call in begun[0].calls if call[0] == "log"]
    (images, step), *others = [(row["samples"], step) for row, step in logged if "samples" in row]
    assert (step, others) == (1, [])
    assert [image._caption for image in images] == ["clean", "blur"]
    assert Blur(factor=2).name in images[1]._caption


def test_nothing_is_sent_twice_and_what_is_missing_is(begun, mirror, results, folder):
    for _ in range(2):
        asked = mirror(results)
        asked.log_run(folder, PLACE)
        asked.close()
    assert len(begun) == 1
    marker.mark(folder, "critical-periods", epochs=2, closed=True)
    begun.known = 2
    asked = mirror(results)
    asked.log_run(folder, PLACE)
    asked.close()
    assert [row["epoch"] for row in begun[1].rows] == [3]
    assert not [row for what, row, *_ in begun[1].calls if what == "log" and "samples" in row]
    # Another project has nothing of it.
    begun.known = 0
    asked = mirror(results, project="other")
    asked.log_run(folder, PLACE)
    asked.close()
    assert len(begun[2].rows) == 3
    assert marker.read(folder)["projects"].keys() == {"critical-periods", "other"}


def test_effects_are_added_when_they_are_known(begun, mirror, results, folder):
    asked = mirror(results)
    asked.log_run(folder, PLACE)
    done(asked.courier)
    for effects in ({"cost": 3.5}, {"cost": 3.5}):
        asked.log_run(folder, PLACE, effects)
        done(asked.courier)
    assert len(begun) == 2, "what is there is not sent again"
    assert begun[1].summary == {"cost": 3.5}
    asked.log_run(folder, PLACE, {"harm": 1.0})
    done(asked.courier)
    assert begun[2].summary == {"cost": 3.5, "harm": 1.0}
    asked.log_run(folder, PLACE, {"cost": 3.5})
    asked.close()
    assert len(begun) == 3, "another figure knows one of them"
    assert marker.sent_to(folder, "critical-periods")["effects"] == {"cost": 3.5, "harm": 1.0}
    assert marker.sent_to(folder, "critical-periods")["epochs"] == 3


def test_offline_effects_come_with_the_whole_run(begun, mirror, results, folder):
    """A second file of the same id would take the place of the first."""
    for effects in ({"cost": 3.5}, {"harm": 1.0}, {"cost": 3.5}):
        asked = mirror(results, mode="offline")
        (results / "wandb").mkdir(exist_ok=True)
        asked.log_run(folder, PLACE, effects)
        asked.close()
    assert [[row["epoch"] for row in run.rows] for run in begun] == [[1, 2, 3], [1, 2, 3]]
    assert begun[1].summary.keys() >= {"final_accuracy", "cost", "harm"}


def test_a_folder_of_another_user_is_one_line(begun, mirror, results, spec, capsys, monkeypatch):
    other, noted = SECOND, []

    def announce(folder, place):
        if folder.name == spec.run_id:
            raise WriteError("another user owns it")
        noted.append(folder.name)

    monkeypatch.setattr(marker, "announce", announce)
    mirror(results).announce([(spec, PLACE), (other, PLACE)])
    assert noted == [other.run_id], "the others are noted"
    (line,) = capsys.readouterr().err.splitlines()
    assert "another user owns it" in line


def test_a_service_that_takes_nothing_at_the_end_is_a_refusal(begun, mirror, results, folder, monkeypatch, capsys):
    """Each run waits for its time-out."""
    monkeypatch.setattr(FakeRun, "finish", lambda *_, **__: (_ for _ in ()).throw(TimeoutError("too late")))
    asked = mirror(results)
    asked.courier._count = 1
    for name in ("a", "b", "c", "d", "e"):
        asked.log_run(shutil.copytree(folder, folder.parent / name), PLACE)
    asked.close()
    assert len(begun) == 3
    assert "make sync" in capsys.readouterr().err.splitlines()[-1]
    assert not marker.sent_to(folder.parent / "a", "critical-periods")["closed"]


def test_within_a_sweep_the_run_is_the_sweeps(begun, mirror, results, folder, monkeypatch):
    marker.mark(folder, "critical-periods", id="of-a-figure", path="", epochs=3, closed=True)
    monkeypatch.setenv("WANDB_SWEEP_ID", "abcd1234")
    monkeypatch.setenv("WANDB_RUN_ID", "of-the-sweep")
    for _ in range(2):
        asked = mirror(results)
        asked.log_run(folder, {})
        asked.close()
    (run,) = begun
    assert run.settings["id"] is None
    assert len(run.rows) == 3, "the sweep has its own, whatever was trained and sent before"
    assert marker.sent_to(folder, "critical-periods")["id"] == "of-a-figure", "nor is the sweep's the figure's"
    assert marker.swept(folder, "of-the-sweep")["epochs"] == 3


def test_a_failed_run_is_sent_as_one(begun, mirror, results, folder):
    record = json.loads((folder / "run.json").read_text()) | {"failure": "non-finite loss"}
    (folder / "run.json").write_text(json.dumps(record))
    epochs = (folder / "epochs.csv").read_text().splitlines()
    header = epochs[0].split(",")
    failed = ",".join({"epoch": "2", "failure": "non-finite loss"}.get(name, "") for name in [*header, "failure"])
    lines = [epochs[0] + ",failure", epochs[1] + ",", failed]
    (folder / "epochs.csv").write_text("\n".join(lines) + "\n")
    asked = mirror(results)
    asked.log_run(folder, PLACE)
    asked.close()
    assert begun[0].ended == [1]
    assert begun[0].summary["failure"] == "non-finite loss"


def test_a_run_that_a_worker_has_open_is_waited_for(begun, mirror, results, folder, spec, monkeypatch):
    monkeypatch.setattr(mirroring, "OTHERS_SECONDS", 30.0)
    lock = locks.lock(lock_of(results, spec.run_id))
    asked = mirror(results)
    asked.log_run(folder, PLACE)
    marker.mark(folder, "critical-periods", id=spec.run_id, path="", epochs=3, closed=True)
    lock.release()
    asked.close()
    assert begun == [], "the worker has sent it"


def test_a_run_that_stays_open_elsewhere_is_a_line(begun, mirror, results, folder, spec, monkeypatch, capsys):
    monkeypatch.setattr(mirroring, "OTHERS_SECONDS", 0.0)
    lock = locks.lock(lock_of(results, spec.run_id))
    asked = mirror(results)
    asked.log_run(folder, PLACE)
    asked.close()
    lock.release()
    assert "another process has it open" in capsys.readouterr().err


def test_checkpoints_are_sent_of_what_was_not_logged_live(begun, mirror, results, folder):
    asked = mirror(results, checkpoints=True)
    asked.log_run(folder, PLACE)
    asked.close()
    (artifact,) = [call[1] for call in begun[0].calls if call[0] == "artifact"]
    assert "epoch-3.pt" in artifact.manifest.entries
    shutil.rmtree(results / "runs" / "states")
    asked = mirror(results, checkpoints=True, project="other")
    asked.log_run(folder, PLACE)
    asked.close()
    assert not [call for call in begun[1].calls if call[0] == "artifact"], "nothing is kept, so nothing is sent"


def test_checkpoints_are_not_sent_unless_asked_for(begun, mirror, results, folder):
    asked = mirror(results)
    asked.log_run(folder, PLACE)
    asked.close()
    assert not [call for call in begun[0].calls if call[0] == "artifact"]


@pytest.mark.parametrize(
    ("variables", "settings", "said"),
    [
        ({"WANDB_MODE": "disabled"}, {}, "it is disabled"),
        ({}, {"mode": "disabled"}, "it is disabled"),
        ({}, {}, "wandb login"),
    ],
    ids=["variable", "setting", "no key"],
)
def test_where_nothing_can_be_logged_one_line_says_so(
    mirror, results, folder, spec, monkeypatch, capsys, variables, settings, said
):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setattr(wandb, "init", lambda **_: pytest.fail("wandb was called"))
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    asked = mirror(results, **settings)
    asked.announce([(spec, PLACE)])
    assert asked.listener() is None
    assert asked.live() is None
    for _ in range(3):
        asked.log_run(folder, PLACE)
    asked.log_figure(DrawnFigure("x", "y", "?", folder / "missing.png", folder / "missing.csv"))
    asked.close()
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert not (folder / "wandb.json").exists()


def test_a_service_that_is_away_is_a_few_lines(refused, mirror, results, folder, capsys):
    asked = mirror(results)
    for name in ("a", "b", "c", "d", "e"):
        asked.log_run(shutil.copytree(folder, folder.parent / name), PLACE)
    asked.close()
    said = capsys.readouterr().err.splitlines()
    assert said[0].endswith("was not logged (no); the record on disk is complete")
    assert any("make sync" in line for line in said)  # four go on at a time
    # Four go on at a time: so many are tried at most.
    assert 3 <= len(refused) <= 5


def test_a_train_command_survives_a_failing_service(refused, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    given = [*tiny.TINY, "epochs=1", f"results={tmp_path}/r", "logger=wandb", "logger.mode=online"]
    status, lines, out = tiny.call(monkeypatch, capsys, tiny.train_main, *given)
    assert status == 0
    assert len([line for line in lines if "was not logged" in line]) == len(lines) == len(refused) == 1
    assert "test accuracy" in out
    assert len(list((tmp_path / "r").rglob("run.json"))) == 1


def test_a_train_command_logs_while_it_trains(begun, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    given = [*tiny.TINY, "deficit=blur", "deficit.factor=2", "deficit.end=1", "recovery=2", f"results={tmp_path}/r",
             "logger=wandb", "logger.mode=online"]  # fmt: skip
    assert tiny.call(monkeypatch, capsys, tiny.train_main, *given)[0] == 0
    (run,) = begun
    assert [row["epoch"] for row in run.rows] == [1, 2, 3]
    assert run.settings["notes"] == "blur in epoch 1, then 2 clean epochs, seed 0"
    assert run.ended == [0]
    assert tiny.call(monkeypatch, capsys, tiny.train_main, *given)[0] == 0
    assert len(begun) == 1, "it is there"


def test_a_train_command_logs_the_effect_of_a_run_that_is_there(begun, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    given = [*tiny.TINY, "deficit=blur", "deficit.factor=2", "deficit.end=1", "recovery=1", f"results={tmp_path}/r",
             "logger=wandb", "logger.mode=online"]  # fmt: skip
    assert tiny.call(monkeypatch, capsys, tiny.train_main, *given)[0] == 0
    begun.known = 2
    for _ in range(2):
        status, _, out = tiny.call(monkeypatch, capsys, tiny.train_main, *given, "effect=cost")
        assert status == 0
        assert f"cost: {begun[-1].summary['cost']:+.2f}" in out


def test_places_hold_plain_values():
    import numpy as np

    assert mirroring.plain({"a": np.float64(0.5), "b": np.int64(3), "c": "x"}) == {"a": 0.5, "b": 3, "c": "x"}
    json.dumps(mirroring.plain({"a": np.float64(0.5)}))
