import errno
import gc
import json
import multiprocessing
import os
import pickle
import signal
import sys
import time
import weakref
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pandas as pd
import pytest
from helpers import BASE, BLUR, CONTEXT, Killing, Raising, assert_as_from_scratch, run, until

from critical.core import environment
from critical.core.arithmetic import Arithmetic
from critical.core.spec import SpecError
from critical.data.base import _loaded
from critical.execution import member, pool, processes, progress
from critical.execution.member import Member
from critical.execution.plan import plan
from critical.execution.pool import RunError, Workers, default_jobs, run_all
from critical.execution.store import RunStore
from critical.execution.tracker import Tracker
from critical.execution.workers import work
from critical.probes import Accuracy, Probe
from critical.training.loop import Trainer
from critical.training.schedules import Constant

pytestmark = pytest.mark.usefixtures("time_limit")

GOOD = [run((0, removal, BLUR), end=4) for removal in (1, 2)]
FAILING = run(schedule=Constant(rate=1e6), end=3)


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

    monkeypatch.setattr(member.multiprocessing, "get_context", none)
    run_all(todo, store, jobs=2, label="again", logs=tmp_path / "logs")
    assert "again" not in capsys.readouterr().out


@pytest.mark.slow
def test_a_fresh_process_gives_the_same_bits_plan_after_plan(store, tmp_path):
    with Workers(store, jobs=1, logs=tmp_path / "logs") as workers:
        for spec in GOOD:
            workers.run(plan([spec]), "a figure")
    assert_as_from_scratch(store, *GOOD)


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
    spec = run(probes=(Killing(),))
    said = rf"^a worker was ended by signal 9 in run {spec.run_id} \(9 is often a lack of memory: try fewer jobs"
    with pytest.raises(RunError, match=said) as raised:
        run_all(plan([spec]), store, jobs=1, label="a figure", logs=tmp_path / "logs")
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
    monkeypatch.setattr(member, "_worker", print)
    with pytest.raises(RunError, match="ended before the runs were done; run the same command again"):
        run_all(plan([run()]), store, jobs=1, label="a figure", logs=tmp_path / "logs")


def test_the_count_leaves_out_what_a_failure_prevents_at_every_moment(store):
    todo = plan([*GOOD, FAILING])
    work(todo, store)
    # The last record is written before its state: for a moment all epochs are done, but not all segments.
    store.state_path(GOOD[0].keys[-1]).unlink()
    tracker = Tracker(todo, store)
    assert not tracker.finished
    assert (tracker.epochs_done, tracker.runs_left) == (todo.epochs_needed, 0)


def test_the_default_fills_the_machine(monkeypatch):
    monkeypatch.setattr(pool, "cores", lambda: 6)
    assert default_jobs(Arithmetic()) == 6
    assert default_jobs(Arithmetic(threads=4)) == 1
    assert default_jobs(Arithmetic(threads=8)) == 1
    assert default_jobs(replace(Arithmetic(), device="cuda")) == 1


def test_one_progress_for_several_plans(store, tmp_path, capsys, monkeypatch):
    """Without processes: what trains is this one."""
    plans = [plan(GOOD[:1]), plan(GOOD)]

    def here(crew, todo, tracker, bar):
        bar.update(0, len(todo.runs))
        work(todo, store)
        tracker.update()
        bar.update(tracker.epochs_done, tracker.runs_left)

    monkeypatch.setattr(pool, "_train", here)
    monkeypatch.setattr(progress, "PLAIN_SECONDS", 0.0)
    workers = Workers(store, 1, tmp_path / "logs")
    with workers, workers.watching(plan(GOOD)):
        for name, one in zip("ab", plans, strict=True):
            workers.run(one, name)
    lines = [line.rsplit(", ", 1)[0] for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "a: 0 of 2 runs, 7 epochs left", "a: 1 of 2 runs, 3 epochs left",
        "b: 1 of 2 runs, 3 epochs left", "b: 2 of 2 runs, 0 epochs left",
    ]  # fmt: skip
    with workers.watching(plan(GOOD)):
        pass
    assert capsys.readouterr().out == "", "where all is stored there is nothing to show"


class TestListeners:
    def test_one_that_cannot_be_handed_over_is_one_line(self, store, tmp_path):
        with pytest.raises(SpecError, match=r"^workers: .*lambda.*; define it at the top level of a module"):
            Workers(store, 1, tmp_path / "logs", lambda: None)

    def test_for_one_of_the_script_processes_import_it(self, store, tmp_path, monkeypatch):
        def own():
            return None

        own.__module__, own.__qualname__, script = "__main__", "own", sys.modules["__main__"]
        monkeypatch.setattr(script, "own", own, raising=False)
        monkeypatch.setattr(script, "__file__", __file__, raising=False)
        started = []
        monkeypatch.setattr(processes, "start", lambda process, script: started.append(script))
        for listener in (None, processes.pickled(own)):
            Member(store.root, tmp_path / "log", listener).start([])
        assert started == [False, True]

    @pytest.mark.parametrize("slow", [False, True])
    def test_who_is_waited_for_is_said(self, store, tmp_path, capsys, slow):
        asked = []

        def gone(seconds):
            asked.append(seconds)
            return not slow or len(asked) > 1

        with Workers(store, 1, tmp_path / "logs") as workers:
            workers._crew = [SimpleNamespace(leave=lambda: None, end=lambda: None, gone=gone)]
        said = "all runs are stored; waiting for their logger, 150 s at most\n"
        assert (len(asked), capsys.readouterr().out) == ((2, said) if slow else (1, ""))


class TestPlanAfterPlan:
    @pytest.fixture
    def crew(self, store, tmp_path, quick):
        """Two workers, and the processes that they are."""
        with Workers(store, jobs=2, logs=tmp_path / "logs") as workers:
            workers.processes = lambda: [each._process for each in workers._crew]
            yield workers

    def test_the_processes_start_once_and_when_there_is_work(self, crew, store, monkeypatch):
        work(plan(GOOD), store)
        crew.run(plan(GOOD), "nothing left")
        assert crew.processes() == [None, None]
        crew.run(plan([run((0, 2, BLUR), seed=1)]), "first")
        before = crew.processes()
        monkeypatch.setattr(member.multiprocessing, "get_context", lambda _: pytest.fail("another one was started"))
        for seed in (2, 3):
            crew.run(plan([run((0, 2, BLUR), seed=seed)]), "another")
        assert crew.processes() == before
        assert_as_from_scratch(store, *(run((0, 2, BLUR), seed=seed) for seed in (1, 2, 3)))

    @pytest.mark.parametrize("leave", [None, ValueError, KeyboardInterrupt])
    def test_leaving_ends_them_however_one_leaves(self, store, tmp_path, quick, leave):
        def command():
            with Workers(store, jobs=2, logs=tmp_path / "logs") as workers:
                workers.run(plan([run()]), "a figure")
                left.extend(each._process for each in workers._crew)
                if leave:
                    raise leave

        left = []
        if leave:
            with pytest.raises(leave):
                command()
        else:
            command()
        assert [process.is_alive() for process in left] == [False, False]

    def test_what_ends_a_plan_ends_them_and_they_say_so(self, crew, store, monkeypatch):
        """Ctrl-C while they train, caught inside of the block."""
        real, spec = member.wait, run(end=3000)

        def interrupted(*arguments):
            store.refresh()
            if store.record(spec.keys[2]):
                raise KeyboardInterrupt
            return real(*arguments)

        monkeypatch.setattr(member, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            crew.run(plan([spec]), "a figure")
        assert not any(process.is_alive() for process in crew.processes())
        with pytest.raises(RunError, match="these workers have ended; run the same command again"):
            crew.run(plan([run()]), "the next")

    def test_an_error_ends_them_too(self, crew, store):
        with pytest.raises(RunError, match="this probe cannot measure"):
            crew.run(plan([run(probes=(Raising(),))]), "a figure")
        assert not any(process.is_alive() for process in crew.processes())
        with pytest.raises(RunError, match="these workers have ended"):
            crew.run(plan([run()]), "the next")

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
    def test_one_that_died_while_it_waited_is_replaced(self, crew, store, tmp_path, number):
        if signal.getsignal(number) is signal.SIG_IGN:
            pytest.skip("a shell that starts this in its background has Ctrl-C ignored")
        crew.run(plan([run(seed=1)]), "first")
        before = crew.processes()
        os.kill(before[0].pid, number)
        before[0].join()
        assert before[0].exitcode == (0 if number == signal.SIGINT else -number)
        crew.run(plan([run(seed=2)]), "second")
        assert [old is new for old, new in zip(before, crew.processes(), strict=True)] == [False, True]
        assert_as_from_scratch(store, run(seed=2))
        assert not list((tmp_path / "logs").iterdir())

    def test_the_others_finish_what_one_of_them_died_of(self, crew, store, tmp_path):
        spec = run(probes=(Accuracy(), KillingOnce(str(tmp_path / "killed"))))
        crew.run(plan([spec]), "a figure")
        assert sorted(process.exitcode is None for process in crew.processes()) == [False, True]
        assert_as_from_scratch(store, spec)
        crew.run(plan([run(seed=1)]), "the next")
        assert all(process.is_alive() for process in crew.processes())

    @pytest.mark.parametrize("state", ["waiting", "training"])
    def test_none_is_left_when_the_command_is_killed(self, store, tmp_path, state):
        ended, writer = CONTEXT.Pipe(duplex=False)
        busy = run(end=3000)
        published = store.root / "runs" / BASE.run_id / "run.json"
        reached = {"training": store.root / "records" / f"{busy.keys[1]}.jsonl", "waiting": published}
        command = CONTEXT.Process(target=forever, args=(store.root, busy if state == "training" else None, writer))
        command.start()
        writer.close()
        until(reached[state].exists, "the workers")
        assert not ended.poll()
        command.kill()
        command.join()
        with pytest.raises(EOFError):
            ended.recv()  # The worker had the other end, too.
        store.refresh()
        assert store.rows(busy) is None, "it did not train to the end"

    def test_none_begins_that_was_orphaned_before_it_knew_its_parent(self, store, tmp_path, monkeypatch):
        monkeypatch.setattr(multiprocessing, "parent_process", lambda: SimpleNamespace(is_alive=lambda: False))
        assert self.working_here(store, tmp_path / "log", plan([run()])) == 0
        assert not (store.root / "records").exists()
        assert not (tmp_path / "log").exists()

    def test_none_holds_the_data_of_a_plan_that_is_done(self, store, tmp_path, monkeypatch):
        held, real = [], Trainer.restart

        def restart(self):
            held.extend([weakref.ref(self), weakref.ref(self.dataset)])
            real(self)

        monkeypatch.setattr(Trainer, "restart", restart)
        monkeypatch.setattr(multiprocessing, "parent_process", lambda: SimpleNamespace(is_alive=lambda: True))
        gc.disable()
        try:
            assert self.working_here(store, tmp_path / "log", plan([run(seed=1), run(seed=2)])) is None
            _loaded.cache_clear()
            assert len(held) > 2
            assert not [reference for reference in held if reference() is not None]
        finally:
            gc.enable()
        assert store.rows(run(seed=2)) is not None

    def working_here(self, store, log, todo):
        """What a worker ends with that is given one plan, in this process."""
        ours, theirs = multiprocessing.Pipe()
        ours.send_bytes(pickle.dumps(todo))
        ours.close()
        try:
            return member._worker(theirs, store.root, log)
        except SystemExit as stop:
            return stop.code


@dataclass(frozen=True)
class KillingOnce(Probe):
    name: ClassVar[str] = "killing_once"
    path: str = ""

    def measure(self, context):
        if not Path(self.path).exists():
            Path(self.path).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return {}


def forever(root, spec, writer):
    """A command that never ends: its worker trains a run, or waits for a plan."""
    # A fork is quick, and what it copies keeps the pipe open that would tell the worker of its parent's end.
    member.POLL_SECONDS = 0.02
    fork = multiprocessing.get_context("fork")
    member.multiprocessing.get_context = lambda method: fork
    with Workers(RunStore(root), jobs=1, logs=root / "logs") as workers:
        workers.run(plan([BASE]), "a figure")
        if spec:
            workers.run(plan([spec]), "for ever")
        time.sleep(600)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "run {}: there is too little memory; try fewer jobs, or a smaller batch, network or data set"),
        (OSError(errno.EMFILE, "Too many open files", "x"), "a worker stopped: x: Too many open files; allow more"),
    ],
    ids=["memory", "open files"],
)
def test_what_a_person_mends_has_no_traceback(store, tmp_path, quick, error, said):
    spec = run(probes=(Accuracy(), Refusing(error)))
    with pytest.raises(RunError) as raised:
        run_all(plan([spec]), store, jobs=1, label="a figure", logs=tmp_path / "logs")
    assert str(raised.value).startswith(said.format(spec.run_id))
    assert not list((tmp_path / "logs").iterdir())


@dataclass(frozen=True)
class Refusing(Probe):
    name: ClassVar[str] = "refusing"
    error: Exception | None = field(default=None, metadata={"execution": True})

    def measure(self, context):
        raise self.error
