import itertools
import json
import math
import os
import random
import time
from dataclasses import replace

import pytest
from helpers import (
    BASE,
    BLUR,
    CONTEXT,
    CONVOLUTIONAL,
    PERMUTED,
    SHAM,
    assert_as_from_scratch,
    bare,
    counting,
    dying_worker,
    from_scratch,
    last_state,
    process,
    run,
    same,
    trained,
    until,
    worker,
)

from critical import schedules, workers
from critical.optimizers import SGD, Adam
from critical.plan import plan
from critical.probes import Accuracy, Fisher
from critical.schedules import Constant, Continue, Restart
from critical.spec import from_settings
from critical.store import RunStore
from critical.training import Trainer
from critical.workers import Ledger, Orphaned, stop_with_parent, work

pytestmark = pytest.mark.usefixtures("time_limit")

FISHER = Fisher(samples=16, chunk=8)


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "store")


@pytest.fixture
def log(tmp_path, monkeypatch):
    """Every epoch that this process trains leaves a line in this file."""
    path = tmp_path / "trained.log"
    monkeypatch.setattr(Trainer, "train_epoch", counting(path))
    monkeypatch.setattr(workers, "PATIENCE_SECONDS", 0.01)
    return path


def states(store):
    return {path.stem for path in (store.root / "states").rglob("*.pt")}


class TestForks:
    @pytest.mark.parametrize("kind", schedules.KINDS)
    @pytest.mark.parametrize("reset", [False, True], ids=["kept", "reset"])
    @pytest.mark.parametrize("optimizer", [SGD(batch_size=32), Adam(batch_size=32)], ids=["sgd", "adam"])
    def test_equal_the_run_from_scratch_bit_for_bit(self, store, log, kind, reset, optimizer):
        settings = {"name": kind, "rate": 0.02, "reset_optimizer": reset}
        if kind != "constant":
            settings["decay"] = 0.8
        schedule = from_settings(schedules.KINDS, settings, "schedule")
        runs = [
            run(*windows, schedule=schedule, optimizer=optimizer)
            for windows in (
                [],
                [(0, 2, BLUR)],
                [(0, 3, BLUR)],
                [(0, 3, BLUR), (1, 2, PERMUTED)],
                [(0, 2, SHAM)],
            )
        ]
        todo = plan(runs)
        work(todo, store)
        assert len(trained(log)) == todo.epochs_needed < todo.epochs_separate
        assert_as_from_scratch(store, *runs)

    def test_of_a_convolutional_network_through_all_probes(self, store):
        runs = [
            run(*windows, base=CONVOLUTIONAL, end=5, probes=(Accuracy(), FISHER))
            for windows in ([(0, 2, BLUR)], [(0, 3, BLUR), (1, 3, PERMUTED)])
        ]
        work(plan(runs), store)
        assert_as_from_scratch(store, *runs)

    def test_grow_from_what_an_earlier_command_left(self, store, log):
        first, later = run((0, 2, BLUR), end=3), run((0, 2, BLUR), end=6)
        work(plan([first]), store)
        work(plan([later]), store)
        assert len(trained(log)) == 6
        assert_as_from_scratch(store, first, later)

    def test_a_second_time_nothing_is_trained(self, store, log):
        todo = plan([run((0, 2, BLUR)), run()])
        work(todo, store)
        before = trained(log)
        work(todo, store)
        assert trained(log) == before

    def test_only_forks_and_ends_are_kept(self, store):
        todo = plan([run((0, 2, BLUR), end=5), run((0, 3, BLUR), end=6)])
        work(todo, store)
        assert states(store) == todo.forks
        assert not list((store.root / "locks").iterdir())

    def test_the_caller_hears_of_every_epoch(self, store):
        heard = []
        todo = plan([run((0, 2, BLUR)), run((0, 3, BLUR))])
        work(todo, store, after_epoch=lambda spec, epoch: heard.append(spec.keys[epoch]))
        assert sorted(heard) == sorted(key for segment in todo.segments for key in segment.keys)


RUNS = [run((0, 3, BLUR), end=6), run((0, 3, BLUR), (2, 4, PERMUTED), end=6), run((0, 4, BLUR), end=7)]
CRASHES = [
    ("write_record", "before", 2),
    ("save_state", "before", 1),  # between an epoch's record and its state
    ("save_state", "before", 3),
    ("save_state", "before", 8),
    ("save_state", "after", 3),
    ("drop_state", "after", 5),
    ("release", "before", 3),
    ("claim", "after", 4),
]


class TestKills:
    @pytest.mark.parametrize(("method", "when", "count"), CRASHES)
    def test_at_any_point_cost_at_most_an_epoch(self, store, log, method, when, count):
        todo = plan(RUNS)
        with process(dying_worker, store.root, RUNS, log, method, when, count) as child:
            child.join(60)
            assert child.exitcode == -9
        assert store.rows(RUNS[0]) is None, "it died too late to show anything"
        work(todo, store)
        assert len(trained(log)) - todo.epochs_needed in (0, 1)
        assert_as_from_scratch(store, *RUNS)
        assert states(store) == todo.forks

    @pytest.mark.slow
    def test_at_random_again_and_again(self, store, log):
        draws = random.Random(0)
        runs = [run((0, removal, BLUR), base=CONVOLUTIONAL, end=removal + 8) for removal in (2, 5, 8)]
        todo, kills = plan(runs), 0
        for _ in range(4):
            target = len(trained(log)) + draws.randrange(1, 6)
            with process(worker, store.root, runs, log) as child:
                until(lambda: len(trained(log)) >= target or not child.is_alive(), f"{target} epochs")  # noqa: B023
                time.sleep(draws.uniform(0.0, 0.03))
                child.kill()
                child.join()
                kills += child.exitcode == -9
        assert kills >= 3, "the runs are too short for this test"
        work(todo, store)
        assert todo.epochs_needed <= len(trained(log)) <= todo.epochs_needed + kills
        assert_as_from_scratch(store, *runs)


class TestTogether:
    def together(self, store, log, *lists):
        barrier = CONTEXT.Barrier(len(lists))
        with (
            process(worker, store.root, lists[0], log, barrier) as first,
            process(worker, store.root, lists[1], log, barrier) as second,
        ):
            first.join(120)
            second.join(120)
            assert (first.exitcode, second.exitcode) == (0, 0)

    @pytest.mark.slow
    def test_two_workers_train_nothing_twice(self, store, log):
        runs = [run((0, removal, BLUR), base=CONVOLUTIONAL, end=removal + 6) for removal in range(1, 6)]
        todo = plan(runs)
        self.together(store, log, runs, runs)
        lines = trained(log)
        assert len(lines) == todo.epochs_needed
        assert len({line.split()[0] for line in lines}) == 2, "one of the workers did nothing"
        assert_as_from_scratch(store, *runs)
        assert states(store) == todo.forks

    @pytest.mark.slow
    def test_nor_do_two_commands_with_lists_that_overlap(self, store, log):
        runs = [run((0, removal, BLUR), base=CONVOLUTIONAL, end=removal + 6) for removal in range(1, 6)]
        clean = run(base=CONVOLUTIONAL, end=6)
        first, second = [clean, runs[0], runs[2], runs[4]], [runs[1], runs[2], runs[3], runs[4]]
        self.together(store, log, first, second)
        assert len(trained(log)) == plan([clean, *runs]).epochs_needed
        assert_as_from_scratch(store, clean, *runs)

    @pytest.mark.parametrize("ahead", [1, 2, 3, 4])
    def test_one_that_was_overtaken_before_its_claim_trains_nothing(self, store, log, ahead):
        """Between looking at the store and claiming, another process trains on and drops what it passed."""
        spec = run((0, 2, BLUR), end=4)
        todo, other = plan([spec]), RunStore(store.root)
        real, calls = store.claim, itertools.count()

        class Enough(Exception):
            pass

        def stop(spec, epoch):
            if epoch == ahead:
                raise Enough

        def overtaken(key):
            if next(calls) == 0:
                with pytest.raises(Enough):
                    work(todo, other, after_epoch=stop)
            return real(key)

        store.claim = overtaken
        work(todo, store)
        assert len(trained(log)) == 4
        assert_as_from_scratch(store, spec)
        assert states(store) == todo.forks

    def test_nor_repeats_a_failure(self, store, log):
        spec = run(schedule=Constant(rate=1e6))
        todo, other = plan([spec]), RunStore(store.root)
        real, calls = store.claim, itertools.count()

        def overtaken(key):
            if next(calls) == 0:
                work(todo, other)
            return real(key)

        store.claim = overtaken
        work(todo, store)
        assert len(trained(log)) == len(store.rows(spec))

    def test_a_claimed_epoch_is_waited_for(self, store, log):
        spec = run((0, 2, BLUR))
        claim = store.claim(spec.keys[1])
        naps = []

        def nap(seconds):
            naps.append(seconds)
            if len(naps) == 3:
                store.release(claim)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(workers.time, "sleep", nap)
            work(plan([spec]), store)
        assert len(naps) == 3
        assert len(trained(log)) == 4


class TestDamage:
    def test_of_a_checkpoint_is_reported_and_made_good(self, store, log):
        old, new = run((0, 3, BLUR), end=5), run((0, 3, BLUR), (3, 4, PERMUTED), end=6)
        trunk = run((0, 3, BLUR), end=3)
        work(plan([trunk, old]), store)
        path = store.state_path(trunk.keys[-1])
        path.write_bytes(path.read_bytes()[:1000])
        with pytest.warns(UserWarning, match=f"checkpoint .*{trunk.keys[-1]}.* cannot be read"):
            work(plan([old, new]), store)
        assert len(trained(log)) == 5 + 3 + 3
        assert_as_from_scratch(store, trunk, old, new)

    @pytest.mark.parametrize("epoch", [1, 3, 4, 5])
    def test_of_a_record_is_reported_and_made_good(self, store, epoch):
        spec, other = run((0, 3, BLUR), end=5), run((0, 3, BLUR), (3, 4, PERMUTED), end=5)
        todo = plan([spec, other])
        work(todo, store)
        path = store.record_path(spec.keys[epoch])
        path.write_bytes(path.read_bytes()[:20])
        with pytest.warns(UserWarning, match=f"record .*{spec.keys[epoch]}.* is damaged"):
            work(todo, store)
        assert_as_from_scratch(store, spec, other)
        assert states(store) == todo.forks

    def test_a_lost_checkpoint_is_made_again(self, store, log):
        spec = run((0, 2, BLUR))
        work(plan([spec]), store)
        state = last_state(store, spec)
        store.state_path(spec.keys[-1]).unlink()
        work(plan([spec]), store)
        assert same(last_state(store, spec), state)
        assert len(trained(log)) == 8

    def test_half_of_a_kill_is_no_damage(self, store, recwarn):
        """A file that was being written when its process died lies beside the others and disturbs nobody."""
        spec = run()
        folder = store.state_path(spec.keys[1]).parent
        folder.mkdir(parents=True)
        (folder / f".{spec.keys[1]}.pt.abc123").write_bytes(b"half")
        work(plan([spec]), store)
        assert_as_from_scratch(store, spec)
        assert not [warning for warning in recwarn if "cannot be read" in str(warning.message)]


class TestProbes:
    def test_added_later_measure_stored_states_and_train_the_rest_again(self, store, log):
        fork = run((0, 2, BLUR), end=4)
        other = run((0, 3, BLUR), end=5)
        work(plan([fork, other]), store)
        records = store.rows(fork)
        log.unlink()
        more = replace(fork, probes=(Accuracy(), FISHER))
        work(plan([more]), store)
        assert more.keys == fork.keys
        # Stored: epochs 2 (the fork) and 4 (the end). Trained again: 1 and 3.
        assert [line.split()[1] for line in trained(log)] == ["0", "2"]
        assert bare(store.rows(more)) == from_scratch(more)[0]
        assert bare(store.rows(fork)) == bare(records)
        assert_as_from_scratch(store, more, fork, other)

    def test_taken_away_cost_nothing(self, store, log):
        spec = run((0, 2, BLUR), probes=(Accuracy(), FISHER))
        work(plan([spec]), store)
        fewer = replace(spec, probes=(FISHER,))
        work(plan([fewer]), store)
        assert len(trained(log)) == 4
        assert "test_accuracy" not in store.rows(fewer)[0]

    def test_of_one_run_do_not_change_another(self, store):
        bare_run, measured = run((0, 2, BLUR), probes=()), run((0, 2, BLUR), end=6, probes=(Accuracy(), FISHER))
        work(plan([bare_run, measured]), store)
        assert_as_from_scratch(store, bare_run, measured)

    def test_with_other_settings_are_other_probes(self, store):
        spec = run(end=2, probes=(FISHER,))
        work(plan([spec]), store)
        first = store.rows(spec)
        other = replace(spec, probes=(Fisher(samples=48, chunk=16),))
        work(plan([other]), store)
        assert store.rows(other)[0]["fisher_trace"] != first[0]["fisher_trace"]
        assert bare(store.rows(spec)) == bare(first)


class TestFailures:
    hopeless = Constant(rate=1e6)

    def test_end_their_run_and_its_branches_alone(self, store, log):
        trunk = [run((0, removal, BLUR), end=7, schedule=self.hopeless) for removal in (3, 4)]
        late = replace(run((0, 2, BLUR), end=8), schedule=Restart(rate=0.05, decay=0.9, reset_optimizer=True))
        hot = replace(late, schedule=schedules.HotRestart(rate=0.05, decay=0.9, heat=1e8))
        todo = plan([*trunk, late, hot])
        work(todo, store)
        for spec in (*trunk, hot):
            rows = store.rows(spec)
            assert len(rows) < spec.timeline.end
            assert rows[-1]["failure"].startswith(f"non-finite loss in epoch {len(rows) - 1} (learning rate ")
            assert "\n" not in rows[-1]["failure"]
            assert not any("failure" in row for row in rows[:-1])
        assert len(store.rows(hot)) > 2, "it fails in its recovery only"
        assert_as_from_scratch(store, late)
        ledger = Ledger(store)
        assert all(ledger.segment_complete(segment) for segment in todo.segments)
        before = trained(log)
        work(todo, store)
        assert trained(log) == before, "a failure is not tried again"

    def test_stand_in_the_record_of_the_run(self, store):
        spec = run(schedule=self.hopeless)
        work(plan([spec]), store)
        held = json.loads((store.publish(spec, {}) / "run.json").read_text())
        assert held["failure"] == store.rows(spec)[-1]["failure"]
        assert "non-finite" in (store.root / "runs" / spec.run_id / "epochs.csv").read_text()

    def test_bring_no_bad_weights_into_the_next_run(self, store):
        failing, good = run(end=6, schedule=self.hopeless), run(end=4)
        todo = plan([failing, good])
        assert todo.segments[0].spec.run_id == failing.run_id
        work(todo, store)
        assert_as_from_scratch(store, good)
        assert all(math.isfinite(row["test_loss"]) for row in store.rows(good))

    def test_other_errors_go_up_and_leave_no_claim(self, store, monkeypatch):
        def broken(self, act):
            raise RuntimeError("out of memory")

        monkeypatch.setattr(Trainer, "train_epoch", broken)
        with pytest.raises(RuntimeError, match="out of memory"):
            work(plan([BASE]), store)
        assert store.record(BASE.keys[1]) is None
        assert store.claim(BASE.keys[1]) is not None


class TestOrphans:
    def test_a_worker_stops_when_its_parent_is_gone(self):
        stop_with_parent(os.getppid())(BASE, 1)
        with pytest.raises(Orphaned, match="is gone"):
            stop_with_parent(-1)(BASE, 1)

    def test_after_an_epoch_that_is_not_lost(self, store, log):
        with pytest.raises(Orphaned):
            work(plan([BASE]), store, after_epoch=stop_with_parent(-1))
        work(plan([BASE]), store)
        assert len(trained(log)) == 4


def test_continue_and_restart_share_their_trunk_in_the_store(store, log):
    window = (0, 3, BLUR)
    runs = [run(window, end=5, schedule=kind(rate=0.05, decay=0.8)) for kind in (Continue, Restart)]
    work(plan(runs), store)
    assert len(trained(log)) == 3 + 2 + 2
    assert_as_from_scratch(store, *runs)
