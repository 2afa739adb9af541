import math
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import tiny
import yaml
from swept import TINY, call, read

from critical.core.spec import SpecError
from critical.training.loop import Trainer
from experiments import agent, sweep, train
from experiments.design import sweep_files
from experiments.design.config import CONF
from experiments.output import sweep_record
from experiments.output.sweep_table import compared_with
from experiments.tracking.logger import Logger

LETTERS = ["data.train_size=60", "data.test_size=30", "data.resolution=8", "model=mlp", "model.widths=[8]",
           "optimizer.batch_size=30", "arithmetic.device=cpu"]  # fmt: skip


class TestAgent:
    @pytest.mark.parametrize(
        ("given", "named"),
        [
            ([], "sweep=NAME makes a sweep"),
            (["sweep=", "sweep_id="], "known: age_rate, blur_strength, blur_window"),
            (["sweep=blur_windo"], "did you mean 'blur_window'"),
            (["sweep=a", "sweep_id=a/b/c"], "give one"),
            (["sweep_id=abcd"], "ENTITY/PROJECT/ID"),
            (["sweep=blur_window", "count=few"], "count=few"),
            (["swep=blur_window"], "did you mean 'sweep'"),
        ],
        ids=str,
    )
    def test_a_bad_setting_is_one_line(self, given, named, monkeypatch, capsys, tmp_path):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("the service was called"))
        status, lines, _ = tiny.call(monkeypatch, capsys, agent.main, *given)
        assert (status, len(lines)) == (2, 1), lines
        assert named in lines[0]

    def test_no_key_is_one_line_that_says_what_to_do(self, monkeypatch, capsys, tmp_path):
        said = "wandb: Creating sweep\nError: No API key configured. Use `wandb login` to log in.\n"
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1, said))
        status, lines, _ = tiny.call(monkeypatch, capsys, agent.main, "sweep=blur_window")
        assert (status, len(lines)) == (2, 1), lines
        assert "No API key configured" in lines[0]
        assert "python -m experiments.sweep sweep=blur_window" in lines[0]

    @pytest.mark.parametrize(("given", "wanted"), [([], "mine"), (["results=other"], "other")])
    def test_runs_go_to_the_results_of_the_agent(self, monkeypatch, tmp_path, given, wanted):
        monkeypatch.chdir(tmp_path)
        with monkeypatch.context() as started:
            started.setenv(agent.RESULTS, agent.environment(Path("mine"))[agent.RESULTS])
            assert Path(tiny.composed("train", *given).results).resolve() == tmp_path / wanted
        assert tiny.composed("train").results == "results"

    def test_outside_of_sweeps_nothing_is_remembered(self, monkeypatch, tmp_path):
        monkeypatch.delenv("WANDB_SWEEP_ID", raising=False)
        sweep_record.remember(tmp_path, "0123", ["seed=0"])
        sweep_record.remember_refused(tmp_path, ["seed=-1"], "seed=-1: below 0")
        assert not any(tmp_path.iterdir())


class TestRefusedPoints:
    """What an agent's command refuses is a row of its sweep's table."""

    @pytest.fixture(autouse=True)
    def of_a_sweep(self, here, monkeypatch, capsys):
        monkeypatch.setenv("WANDB_SWEEP_ID", "abcd")
        self.train = lambda *given: tiny.call(monkeypatch, capsys, train.command, *TINY, *given, "results=r")

    def table(self):
        return agent.write_table("someone/project/abcd", "t", Path("r"))

    def test_a_row_with_the_settings_and_the_reason(self):
        assert self.table() is None
        points = [("1", 0.01), ("2", 1e30), ("-1", 0.01), ("1,2", 0.01)]
        told, texts = [], []
        for end, rate in points:
            told.append(self.train("epochs=4", f"deficit.end={end}", f"schedule.rate={rate}"))
            if len(told) > 1:
                texts.append(self.table().read_text().splitlines())
        assert [status for status, *_ in told] == [0, 1, 2, 2]
        whole = self.table()
        assert whole.read_text().splitlines() == texts[-1]
        assert sweep.said(whole) == f"table: {whole} (3 failed, see its column failure)"
        table = read(whole)
        assert list(zip(table["deficit.end"], table["schedule.rate"], strict=True)) == points
        assert [line for _, (*_, line), _ in told[2:]] == [f"error: {reason}" for reason in table["failure"][2:]]
        empty = table.columns.difference(["deficit.end", "schedule.rate", "failure"])
        assert table.loc[2:, empty].isna().all(axis=None)
        # The runs have the bytes that they have without the others.
        assert texts[0] == texts[1][:3] == texts[2][:3]

    def test_what_was_run_another_time_has_only_the_row_of_the_run(self, monkeypatch):
        with monkeypatch.context() as once:
            once.setattr(train, "run_spec", lambda _: (_ for _ in ()).throw(SpecError("data=digits: not there yet")))
            assert self.train("deficit.end=1")[:2] == (2, ["error: data=digits: not there yet"])
        # The sweep has nothing else, so nothing varies.
        assert self.table().read_text().splitlines() == ["failure,run_id", "data=digits: not there yet,"]
        assert self.train("deficit.end=1")[0] == 0
        (row,) = read(self.table()).to_dict("records")
        assert (row["failure"], row["removal"]) == ("", 1)

    def test_a_folder_of_results_that_cannot_be_is_one_line(self, monkeypatch, capsys):
        status, lines, _ = tiny.call(monkeypatch, capsys, train.command, *TINY, "results=${nowhere}")
        assert (status, len(lines)) == (2, 1), lines


class TestStoppedRuns:
    """What early termination, or a kill, has stopped is a row of its sweep's table until it is finished."""

    def test_a_row_says_how_far_it_came(self, here, monkeypatch, capsys):
        monkeypatch.setenv("WANDB_SWEEP_ID", "abcd")
        given = [*TINY, "deficit.end=2", "recovery=2", "effect=cost", "results=r"]
        trains, trained = Trainer.train_epoch, []

        def stopped(self, epoch_spec):
            trained.append(epoch_spec)
            if len(trained) == 7:  # Four of its reference, and two of its own.
                raise SystemExit(143)
            return trains(self, epoch_spec)

        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "train_epoch", stopped)
            assert tiny.call(monkeypatch, capsys, train.command, *given)[0] == 143
        (row,) = read(agent.write_table("someone/project/abcd", "t", Path("r"))).to_dict("records")
        assert row["failure"] == "not finished: 2 of 4 epochs"
        assert tiny.call(monkeypatch, capsys, train.command, *given)[0] == 0
        (row,) = read(agent.write_table("someone/project/abcd", "t", Path("r"))).to_dict("records")
        assert (row["failure"], row["removal"]) == ("", 2)
        assert math.isfinite(row["cost"])


    def test_a_finished_run_without_its_reference_says_so(self, here, monkeypatch, capsys):
        monkeypatch.setenv("WANDB_SWEEP_ID", "abcd")
        given = [*TINY, "deficit.end=1", "effect=cost", "results=r"]
        assert tiny.call(monkeypatch, capsys, train.command, *given)[0] == 0
        (reference,) = compared_with(sweep.swept_runs([given]))
        Path(f"r/runs/records/{reference.keys[1]}.jsonl").unlink()
        (row,) = read(agent.write_table("someone/project/abcd", "t", Path("r"))).to_dict("records")
        assert row["failure"] == f"not finished: run {reference.run_id}, which it is compared with"


CODE = (
    "import wandb.wandb_agent as agent\nfrom wandb.cli.cli import cli\nagent.Agent.POLL_INTERVAL = 0.2\n"
    "cli(prog_name='wandb')"
)
"""wandb's command line, whose agents look for work more often than every 5 s."""


@pytest.fixture
def swept_file(monkeypatch, tmp_path):
    """Writes a file of a sweep, and has agents look for work often."""
    monkeypatch.setattr(agent, "wandb_command", lambda: [sys.executable, "-c", CODE])
    monkeypatch.setattr(sweep_files, "FOLDER", tmp_path / "sweeps")

    def write(name, held):
        (tmp_path / "sweeps").mkdir()
        (tmp_path / "sweeps" / f"{name}.yaml").write_text(yaml.safe_dump(held, sort_keys=False))

    return write


def late():
    time.sleep(1)


def faults(wrong):
    """What goes wrong with the next queries of a name, in order: a status, a wait, or nothing."""

    def next_one(what):
        fault = wrong[what].pop(0) if wrong.get(what) else None
        return fault() if callable(fault) else fault

    return next_one


@pytest.mark.slow
def test_an_agent_and_the_sweep_here_give_one_table(service, swept_file, here, monkeypatch, capsys):
    """A sweep over costs, as it is shipped but of tiny pictures, by a service that is late, refuses and is away."""
    held = yaml.safe_load((CONF / "sweeps" / "blur_strength.yaml").read_text())
    fixed = ["effect=cost", "data=glyphs", *LETTERS, "deficit=blur", "deficit.end=1", "probes=accuracy_by_epoch",
             "recovery=2"]  # fmt: skip
    held["command"] = [*held["command"][:4], *fixed, "logger=wandb", "logger.mode=offline", held["command"][-1]]
    held["parameters"] = {"deficit.size": {"values": [4]}, "seed": {"values": [0]}}
    swept_file("late", held)
    beats = [late, 500, None, 429, 503, late]
    service.faults = faults({"UpsertSweep": [500], "Heartbeat": beats})
    status, lines, out = tiny.call(monkeypatch, capsys, agent.main, "sweep=late", "results=agents")
    assert status == 0, lines
    assert not beats, "all of it went wrong"
    assert "make agent SWEEP_ID=someone/critical-periods/abcd1234" in out
    assert "picture: agents/figures/sweeps/late" in out
    assert out.splitlines()[-1] == "table: agents/tables/sweeps/late.csv"
    (row,) = read("agents/tables/sweeps/late.csv").to_dict("records")
    assert row["failure"] == ""
    (folder,) = Path("agents/wandb").glob("offline-run-*")
    assert folder.name.endswith("-run0"), "the run was the sweep's own"

    with monkeypatch.context() as patch:
        # Another agent, which was given another strength.
        patch.setenv("WANDB_SWEEP_ID", "abcd1234")
        patch.setenv(agent.RESULTS, "agents")
        patch.setattr(train, "logger", lambda *_: Logger())
        given = [*fixed, "logger=wandb", "logger.mode=offline", "deficit.size=2", "seed=0"]
        status, lines, _ = tiny.call(monkeypatch, capsys, train.command, *given)
        assert status == 0, lines
    by_agents = agent.write_table("someone/critical-periods/abcd1234", "late", Path("agents")).read_bytes()
    assert len(by_agents.splitlines()) == 3
    for results in ("here", "agents"):
        if results == "agents":
            monkeypatch.setattr(Trainer, "train_epoch", lambda *_: pytest.fail("agents had trained it already"))
        status, lines, _ = call(monkeypatch, capsys, "sweep=late", "deficit.size=2,4", f"results={results}")
        assert (status, lines) == (0, [])
        assert Path(f"{results}/tables/sweeps/late.csv").read_bytes() == by_agents


@pytest.fixture
def interruptible():
    """What was started in the background by a shell ignores Ctrl-C, and so do its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
def test_where_the_service_goes_away_ctrl_c_ends_with_the_table(service, swept_file, here, monkeypatch, capsys):
    held = {"method": "grid", "program": "-", "parameters": {"seed": {"values": [0, 1]}},
            "command": [sys.executable, "-c", "pass", "${args_no_hyphens}"]}  # fmt: skip
    swept_file("gone", held)
    monkeypatch.setenv("WANDB_SWEEP_ID", "abcd1234")
    tiny.call(monkeypatch, capsys, train.command, *TINY, "deficit.end=1", "results=r")
    monkeypatch.delenv("WANDB_SWEEP_ID")
    started = []

    class Started(subprocess.Popen):
        def __init__(self, *arguments, **settings):
            super().__init__(*arguments, **settings)
            started.append(self.pid)

    def stop():
        # As a terminal does: to the agent, and to the command that started it.
        os.kill(started[-1], signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    answers = service.on_heartbeat

    def goes_away(given):
        service.faults = faults({"Heartbeat": [503] * 1000})
        threading.Timer(2, stop).start()
        return answers(given)

    monkeypatch.setattr(agent.subprocess, "Popen", Started)
    monkeypatch.setattr(service, "on_heartbeat", goes_away)
    _, lines, out = tiny.call(monkeypatch, capsys, agent.main, "sweep=gone", "results=r")
    assert out.splitlines()[-1] == "table: r/tables/sweeps/gone.csv"
    assert (lines, len(read("r/tables/sweeps/gone.csv"))) == ([], 1)
