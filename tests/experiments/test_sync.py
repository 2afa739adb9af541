import json

import pytest
import tiny
from helpers import FAILING, FEW, STOPPED

from critical.core.spec import SpecError
from critical.execution import locks
from critical.execution.store import RunStore
from experiments import sync
from experiments.tracking import marker
from experiments.tracking.live import lock_of

PROJECT = "critical-periods"


@pytest.fixture
def command(monkeypatch, capsys, results_folder):
    """Calls the command for the folder of four runs: three that finished or failed, and one that was cut."""
    monkeypatch.chdir(results_folder.parent)
    for name in ("WANDB_MODE", "WANDB_SWEEP_ID", "WANDB_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    return lambda *given: tiny.call(monkeypatch, capsys, sync.main, "results=results", *given)


@pytest.fixture
def begun(monkeypatch, tmp_path):
    """`wandb.init` makes stand-ins."""
    from tracked import Begun, FakeRun

    wandb, runs = pytest.importorskip("wandb"), Begun()

    def init(**settings):
        runs.append(FakeRun(settings, tmp_path, runs.known))
        return runs[-1]

    monkeypatch.setattr(wandb, "init", init)
    return runs


def test_what_is_missing_is_sent_once(command, begun, results_folder):
    status, lines, out = command()
    assert (status, lines, out.splitlines()[-1]) == (0, [], f"{PROJECT}: 5 runs of results sent")
    sent = {run.id: run for run in begun}
    assert sent.keys() == {spec.run_id for spec in (*FEW, FAILING, STOPPED)}
    assert [row["epoch"] for row in sent[FEW[0].run_id].rows] == [1, 2, 3, 4, 5]
    assert (sent[FEW[0].run_id].ended, sent[FAILING.run_id].ended) == ([0], [1])
    assert command()[2].splitlines()[-1] == f"{PROJECT}: 0 runs of results sent"
    assert len(begun) == 5, "nothing is sent twice"
    assert command("logger.project=mine")[2].splitlines()[-1] == "mine: 5 runs of results sent"


def test_of_a_run_that_was_cut_what_is_there_is_sent(command, begun, results_folder):
    folder = marker.folder_of(results_folder, STOPPED.run_id)
    marker.announce(folder, {"figure": "x/y", "profile": "quick"})
    command()
    (cut,) = [run for run in begun if run.id == STOPPED.run_id]
    assert [row["epoch"] for row in cut.rows] == [1, 2]
    assert cut.settings["group"] == "x/y · quick"
    assert cut.ended == [1], "it is not finished"
    assert "final_accuracy" not in cut.summary
    assert marker.sent_to(folder, PROJECT)["epochs"] == 2


@pytest.mark.parametrize("held", ["trained", "logged"])
def test_who_is_at_a_run_is_left_alone(command, begun, results_folder, held):
    store = RunStore(results_folder / "runs")
    key = store.root / "locks" / f"{STOPPED.keys[3]}.lock"
    lock = locks.lock(key if held == "trained" else lock_of(results_folder, STOPPED.run_id))
    command()
    lock.release()
    assert STOPPED.run_id not in {run.id for run in begun}
    assert len(begun) == 4


def test_a_run_that_is_opened_in_the_meantime_is_left_alone(command, begun, results_folder, monkeypatch):
    real = sync.cut

    def cut(results):
        found = list(real(results))
        held.append(locks.lock(lock_of(results_folder, STOPPED.run_id)))
        return found

    held = []
    monkeypatch.setattr(sync, "cut", cut)
    status, (line,), _ = command()
    held[0].release()
    assert status == 1
    assert "another process has it open" in line
    assert STOPPED.run_id not in {run.id for run in begun}


def test_a_run_that_only_a_sweep_has_is_not_sent_again(command, begun, results_folder):
    for spec in FEW[:2]:
        folder = marker.folder_of(results_folder, spec.run_id)
        marker.mark_swept(folder, "of-the-sweep", project=PROJECT, path="", epochs=5, closed=True)
    marker.announce(marker.folder_of(results_folder, FEW[1].run_id), {"figure": "x/y"})
    command()
    sent = {run.id for run in begun}
    assert FEW[0].run_id not in sent
    assert FEW[1].run_id in sent, "the figure's is a run of its own"


def test_a_failure_is_a_line_and_the_next_goes_on(command, begun, results_folder):
    for name in ("0", "00", "000", "0000"):
        folder = marker.folder_of(results_folder, name)
        folder.mkdir()
        (folder / "run.json").write_text("{")
    status, lines, out = command()
    assert status == 1
    assert len(lines) == 4, lines
    assert all("was not logged" in line for line in lines)
    assert out.splitlines()[-1] == f"{PROJECT}: 5 runs of results sent, 4 not sent"


def test_a_service_that_is_away_ends_it(command, monkeypatch, results_folder):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setattr(wandb, "init", lambda **_: (_ for _ in ()).throw(ConnectionError("no network")))
    status, lines, out = command()
    assert status == 1
    assert all("no network" in line or "make sync" in line for line in lines)
    assert out.splitlines()[-1] == f"{PROJECT}: 0 runs of results sent, 5 not sent"
    assert not [path for path in results_folder.rglob("wandb.json") if "projects" in json.loads(path.read_text())]


@pytest.mark.parametrize("given", ["logger.mode=offline", "logger.mode=disabled", "logger=none", "--multirun"])
def test_other_modes_send_nothing(command, given):
    status, lines, _ = command(given)
    assert (status, len(lines)) == (2, 1)


def test_a_machine_that_forbids_it_is_one_line(command, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    status, lines, _ = command()
    assert (status, len(lines)) == (2, 1)
    assert "WANDB_MODE=disabled" in lines[0]


def test_the_variable_that_forbids_it_is_named(command, monkeypatch):
    monkeypatch.setenv("WANDB_DISABLED", "true")
    status, lines, _ = command()
    assert (status, lines) == (2, ["error: WANDB_DISABLED=true: nothing is sent under it; unset it"])


def test_a_damaged_table_is_one_line(tmp_path):
    path = tmp_path / "tables" / "quick" / "x.csv"
    path.parent.mkdir(parents=True)
    path.write_text('role,run_id\nfresh,"0012\n')
    with pytest.raises(SpecError, match=f"^{path} is no table .*; make the figure again, or remove the file$"):
        sync.places(tmp_path)


def test_runs_are_found_in_the_tables(tmp_path):
    folder = tmp_path / "tables" / "quick" / "iclr2019"
    folder.mkdir(parents=True)
    (folder / "x.csv").write_text("role,seed,run_id\nfresh,0,0012\n")
    (folder / "x.epochs.csv").write_text("label,epoch\nfresh,1\n")
    assert sync.places(tmp_path) == {"0012": {"figure": "iclr2019/x", "profile": "quick", "role": "fresh"}}
