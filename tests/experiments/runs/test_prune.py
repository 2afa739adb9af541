"""What may go: nothing that a figure of any profile, a table, an unfinished run or a worker needs."""

import dataclasses
import json
import os
import sys
import time

import pandas as pd
import pytest
from helpers import FAILING, FEW, STOPPED, last_state, process, run, same, states, until

from critical import Results, SpecError
from critical.core.arithmetic import Arithmetic
from critical.execution import locks
from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.execution.workers import work
from experiments.design.facts import DataFacts
from experiments.output import tables
from experiments.output.composing import composed
from experiments.runs import __main__ as front
from experiments.runs import needs, prune

BLURRED, OTHER_SEED, CLEAN = FEW
HERE = {"commit": "0123abcd", "machine": "the tests'", "versions": {"torch": "0"}}
FIGURE = "iclr2019/deficit_removal"


@pytest.fixture(autouse=True)
def smoke_alone(monkeypatch, request):
    """One profile is enough for all but one test: to compose the others takes seconds."""
    if "every_profile" not in request.fixturenames:
        monkeypatch.setattr(needs, "profiles", lambda: ["smoke"])


@pytest.fixture
def every_profile():
    """Composes every figure under every profile."""


@pytest.fixture
def call(monkeypatch, capsys, results_folder):
    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["runs", "prune", *arguments, "--results", str(results_folder)])
        capsys.readouterr()
        status = front.main()
        held = capsys.readouterr()
        return status, held.out, held.err.splitlines()

    return command


def pretend(store, spec, publish=True):
    """A run that nobody trained: records, the state of its end and of one on the way, and what people read."""
    for epoch in range(1, spec.timeline.end + 1):
        probes = {one.id: {"test_accuracy": 1.0} for one in spec.probes}
        line = {"train": {"rate": 0.1}, "probes": probes, "seconds": {}, "failure": None}
        store.write_record(spec.keys[1], spec.keys[epoch], line)
    for epoch in (1, spec.timeline.end):
        store.save_state(spec.keys[epoch], {"epoch": epoch})
    store.want([spec.keys[-1]])
    return store.publish(spec, HERE) if publish else None


def design_runs(profile="smoke", figure=FIGURE, seed=0, settings=()):
    made = composed(figure, profile, ["device=cpu", "arithmetic.instructions=native", *settings], DataFacts("x", 10))
    return [item.spec for item in tables.planned(made.design, [seed])]


def listing(folder):
    """All files with their content, but what belongs to no run."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "in_use"
    }


class TestListing:
    def test_says_what_and_how_much_and_removes_nothing(self, call, results_folder):
        before = listing(results_folder)
        status, out, err = call()
        assert (status, err) == (0, [])
        assert all(spec.run_id in out for spec in (*FEW, FAILING))
        assert STOPPED.run_id not in out
        assert "\n  4 runs: " in out
        assert "\n  spared, since unfinished: 1 run; --unfinished counts them in\n" in out
        assert out.splitlines()[-1].endswith("in all; nothing was removed, --yes removes it")
        assert listing(results_folder) == before

    def test_the_size_is_that_of_the_files_that_go(self, call, results_folder):
        before = listing(results_folder)
        found = prune.unneeded(Results(results_folder))
        told = prune._told(Results(results_folder), found)
        out = call("--yes")[1]
        gone = sum(len(content) for path, content in before.items() if path not in listing(results_folder))
        assert gone == told > 0
        assert out.splitlines()[-1] == f"removed: {prune.bytes_in_words(told)}"

    @pytest.mark.parametrize(
        ("size", "words"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (2**40, "1.0 TiB"), (2**53, "8192.0 TiB")]
    )
    def test_sizes_are_readable(self, size, words):
        assert prune.bytes_in_words(size) == words


class TestRemoval:
    def test_leaves_the_unfinished_run_and_nothing_else(self, call, results_folder):
        assert call("--yes")[0] == 0
        results, store = Results(results_folder), RunStore(results_folder / "runs")
        assert results.ids() == [STOPPED.run_id]
        assert states(store) <= set(STOPPED.keys)
        work(plan([STOPPED]), store)
        assert store.rows(STOPPED)
        assert call()[1].splitlines()[-1] == "nothing to remove"
        store.publish(STOPPED, HERE)
        assert STOPPED.run_id in call()[1]

    def test_goes_for_unfinished_ones_when_asked(self, call, results_folder):
        assert call("--yes", "--unfinished")[0] == 0
        assert Results(results_folder).ids() == []
        left = {path.parts[1] for path in listing(results_folder)}
        assert left == {"makers"}
        assert call()[1] == "nothing to remove\n"

    def test_spares_what_is_kept_whole(self, call, results_folder):
        before = last_state(RunStore(results_folder / "runs"), BLURRED)
        assert call("--yes", "--keep", BLURRED.run_id[:9], "--keep", CLEAN.run_id)[0] == 0
        store = RunStore(results_folder / "runs")
        assert Results(results_folder).ids() == sorted(spec.run_id for spec in (BLURRED, CLEAN, STOPPED))
        assert same(last_state(store, BLURRED), before)
        assert store.rows(BLURRED)
        assert Results(results_folder).trainer(CLEAN.run_id).state.epoch == 5

    def test_spares_what_a_table_names(self, call, results_folder):
        for place, spec in (("tables/mine/a/b", BLURRED), ("tables/sweeps/c", CLEAN), ("reference/quick/a/d", FAILING)):
            path = results_folder / f"{place}.csv"
            path.parent.mkdir(parents=True)
            path.write_text(pd.DataFrame({"run_id": [spec.run_id, "of another store"]}).to_csv())
        assert call("--yes")[0] == 0
        kept = (BLURRED, CLEAN, FAILING, STOPPED)
        assert Results(results_folder).ids() == sorted(spec.run_id for spec in kept)
        store = RunStore(results_folder / "runs")
        assert all(store.rows(spec) for spec in kept[:3])

    def test_a_table_that_cannot_be_read_stops_it(self, call, results_folder):
        path = results_folder / "tables" / "a.csv"
        path.parent.mkdir()
        path.write_bytes(b"run_id\n\xff\xfe\n")
        before = listing(results_folder)
        status, out, err = call("--yes")
        assert (status, out, len(err)) == (2, "", 1)
        assert err[0].startswith(f"error: {path} cannot be read")
        assert listing(results_folder) == before

    def test_a_damaged_record_stops_it(self, call, results_folder):
        (results_folder / "runs" / "runs" / BLURRED.run_id / "run.json").write_text("{")
        before = listing(results_folder)
        status, _, err = call("--yes")
        assert status == 2
        assert err[0].endswith("so nobody knows what it needs; remove it first")
        status, out, err = call()
        assert (status, len(err)) == (0, 1)
        assert err[0].endswith("--yes removes nothing before it is removed")
        assert OTHER_SEED.run_id in out, "the others are shown"
        assert listing(results_folder) == before

    def test_takes_what_a_kill_has_left_half_written_but_not_what_is_being_written(self, call, results_folder):
        folder = results_folder / "runs" / "states" / "ab"
        folder.mkdir(exist_ok=True)
        old, new = folder / ".ab12.pt.x7", folder / ".ab34.pt.x8"
        for path in (old, new):
            path.write_bytes(b"half")
        os.utime(old, (time.time() - 7200,) * 2)
        assert call("--yes")[0] == 0
        assert (old.exists(), new.exists()) == (False, True)


class TestFigures:
    def test_lose_nothing_whatever_the_seed_and_the_machine(self, call, results_folder):
        store = RunStore(results_folder / "runs")
        first, *_, last = design_runs()
        cuda = Arithmetic(device="cuda")
        needed = [first, last, dataclasses.replace(first, seed=77), dataclasses.replace(last, arithmetic=cuda)]
        other = dataclasses.replace(first, optimizer=dataclasses.replace(first.optimizer, batch_size=7))
        for spec in (*needed, other):
            pretend(store, spec)
        # Plans differ in where they cut segments: a file holds what is needed beside what is not.
        store.write_record(first.keys[1], "f" * 16, {"train": {}, "probes": {}, "seconds": {}, "failure": None})
        del store
        assert call("--yes")[0] == 0
        left = Results(results_folder).ids()
        assert left == sorted({spec.run_id for spec in needed} | {STOPPED.run_id})
        store = RunStore(results_folder / "runs")
        for spec in needed:
            assert store.rows(spec)
            assert store.has_state(spec.keys[1])
            assert store.has_state(spec.keys[-1])
            assert store.wanted(spec.keys[-1])
        assert not store.has_state(other.keys[-1])

    def test_lose_nothing_that_their_unfinished_runs_of_earlier_versions_left(self, call, results_folder):
        """Of these no record tells: neither run.json nor planned."""
        store = RunStore(results_folder / "runs")
        seeds = (0, 1)
        for seed in seeds:
            for spec in design_runs(seed=seed):
                pretend(store, dataclasses.replace(spec, arithmetic=Arithmetic()), publish=False)
        kept = states(store)
        del store
        assert call("--yes", "--unfinished")[0] == 0
        left = states(RunStore(results_folder / "runs"))
        of_figures = {key for seed in seeds for spec in design_runs(seed=seed)
                      for key in dataclasses.replace(spec, arithmetic=Arithmetic()).keys}  # fmt: skip
        assert left == kept & of_figures
        assert len(left) > 4

    def test_under_settings_of_ones_own_lose_nothing_either(self, call, results_folder):
        settings = ["deficit=occlusion", "protocol.recovery=3"]
        store = RunStore(results_folder / "runs")
        needed = design_runs(settings=settings)
        for spec in needed:
            pretend(store, spec)
        del store
        out = call()[1]
        assert all(spec.run_id in out for spec in needed if spec.timeline.removal)
        path = results_folder / "tables" / "smoke+mine" / f"{FIGURE}.json"
        path.parent.mkdir(parents=True)
        held = {"figure": FIGURE, "profile": "smoke", "settings": settings, "data_facts": {"label": "x", "classes": 10}}
        path.write_text(json.dumps(held))
        out = call()[1]
        assert not any(spec.run_id in out for spec in needed)
        path.write_text(json.dumps(held | {"settings": ["nothing.like=this"]}))
        status, out, err = call()
        assert status == 0
        assert len(err) == 1
        assert err[0].startswith(f"note: {path}: its settings cannot be read (")
        path.write_text(json.dumps({"figure": FIGURE}))
        assert call()[2] == [f"note: {path}: its settings cannot be read (KeyError); only the runs in its table count"]

    def test_with_deficits_of_labels_need_their_runs_whatever_the_classes(self, call, results_folder):
        made = composed("controls/permanence", "smoke", needs.ELSEWHERE, DataFacts("x", 17))
        specs = [item.spec for item in tables.planned(made.design, [0])]
        (permuted, *_) = [spec for spec in specs if "label_permutation" in str(spec.describe()["timeline"])]
        store = RunStore(results_folder / "runs")
        pretend(store, permuted)
        del store
        assert permuted.run_id not in call()[1]

    @pytest.mark.slow
    @pytest.mark.usefixtures("every_profile")
    def test_of_every_profile_count(self, call, results_folder):
        store = RunStore(results_folder / "runs")
        some = [
            design_runs(profile, figure, seed=20)[-1]
            for profile in needs.profiles()
            for figure in (FIGURE, "cvpr2023/rsv_blur", "stabilizers/prevention")
        ]
        for spec in some:
            pretend(store, spec)
        del store
        assert call("--yes")[0] == 0
        left = Results(results_folder).ids()
        assert left == sorted({spec.run_id for spec in some} | {STOPPED.run_id})


def training(folder, spec, reached):
    """Trains a run that no figure needs, and waits after its first epoch."""

    def pause(_, trained):
        if trained == 1:
            reached.touch()
            time.sleep(600)

    work(plan([spec]), RunStore(folder / "runs"), after_epoch=pause)


class TestBesideAWorker:
    @pytest.mark.slow
    def test_nothing_is_removed_until_it_is_done(self, call, results_folder, tmp_path):
        spec, reached = run(end=3, seed=9), tmp_path / "reached"
        with process(training, results_folder, spec, reached) as child:
            until(reached.exists, "the first epoch")
            before = listing(results_folder)
            status, out, err = call("--yes")
            assert (status, out) == (1, "")
            assert err == [f"error: another process trains in {results_folder}/runs, so nothing was removed; give the "
                           "command again when it is done"]  # fmt: skip
            assert listing(results_folder) == before
            assert call()[0] == 0, "what could go is listed all the same"
            child.kill()
            child.join()
        assert call("--yes")[0] == 0
        assert spec.run_id in Results(results_folder).ids(), "it goes on later"

    def test_a_claim_of_a_worker_of_an_earlier_version_is_enough(self, call, results_folder):
        claim = locks.lock(results_folder / "runs" / "locks" / "abcd.lock")
        assert call("--yes")[0] == 1
        claim.release()
        assert call("--yes")[0] == 0

    def test_a_figure_that_reads_what_it_has_trained_is_waited_for(self, call, results_folder):
        store = RunStore(results_folder / "runs")
        store.publish(BLURRED, HERE)
        assert call("--yes")[0] == 1
        assert store.rows(BLURRED)
        del store
        assert call("--yes")[0] == 0


def test_an_unknown_run_to_keep_is_refused(call, results_folder):
    before = listing(results_folder)
    status, _, err = call("--yes", "--keep", "zzz")
    assert status == 2
    assert err[0].startswith("error: run 'zzz': there is none")
    assert listing(results_folder) == before


def test_what_is_not_json_beside_a_table_is_a_note(results_folder):
    path = results_folder / "tables" / "x.json"
    path.parent.mkdir()
    path.write_text("{")
    found = prune.unneeded(Results(results_folder))
    assert len(found.runs) == 4
    with pytest.raises(SpecError):
        Results(results_folder / "none")
