import itertools
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
    Enough,
    assert_as_from_scratch,
    dying_worker,
    process,
    run,
    states,
    trained,
    until,
    until_epoch,
    worker,
)

from critical.core.spec import from_settings
from critical.execution import workers
from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.execution.workers import Orphaned, stop_with_parent, work
from critical.probes import Accuracy, Fisher
from critical.training import schedules
from critical.training.optimizers import SGD, Adam
from critical.training.schedules import Constant, Continue, Restart

pytestmark = pytest.mark.usefixtures("time_limit")

FISHER = Fisher(samples=16, chunk=8)


@pytest.fixture
def often(monkeypatch):
    """A checkpoint after every epoch."""
    monkeypatch.setattr(workers, "CHECKPOINT_SECONDS", 0.0)


def every(seconds, target, *arguments):
    """Calls in a process of its own what stores checkpoints this far apart."""
    workers.CHECKPOINT_SECONDS = seconds
    target(*arguments)


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

    @pytest.mark.parametrize("seconds", [0.0, 5.0])
    def test_only_forks_and_ends_are_kept(self, store, monkeypatch, seconds):
        monkeypatch.setattr(workers, "CHECKPOINT_SECONDS", seconds)
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
# With a checkpoint after every epoch: a method of the store, and at which of its calls.
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
        with process(every, 0.0, dying_worker, store.root, RUNS, log, method, when, count) as child:
            child.join(60)
            assert child.exitcode == -9
        assert store.rows(RUNS[0]) is None, "it died too late to show anything"
        work(todo, store)
        assert len(trained(log)) - todo.epochs_needed in (0, 1)
        assert_as_from_scratch(store, *RUNS)
        assert states(store) == todo.forks

    @pytest.mark.parametrize(("method", "when", "count", "again"), [
        ("write_record", "before", 6, 3),  # the third epoch after a fork
        ("write_record", "after", 6, 3),
        ("save_state", "before", 2, 1),  # a fork
        ("save_state", "after", 2, 0),
        ("save_state", "after", 3, 0),  # the end of a run
    ])  # fmt: skip
    def test_between_two_checkpoints_go_back_to_the_last(self, store, log, method, when, count, again):
        todo = plan(RUNS)
        with process(dying_worker, store.root, RUNS, log, method, when, count) as child:
            child.join(60)
            assert child.exitcode == -9
        assert states(store) <= todo.forks, "there is none on the way"
        records = {key: store.record(key) for segment in todo.segments for key in segment.keys}
        work(todo, store)
        assert len(trained(log)) == todo.epochs_needed + again
        assert all(store.record(key) == record for key, record in records.items() if record)
        assert_as_from_scratch(store, *RUNS)
        assert states(store) == todo.forks

    @pytest.mark.slow
    def test_at_random_again_and_again(self, store, log):
        draws = random.Random(0)
        runs = [run((0, removal, BLUR), base=CONVOLUTIONAL, end=removal + 8) for removal in (2, 5, 8)]
        todo, kills = plan(runs), 0
        for _ in range(4):
            target = len(trained(log)) + draws.randrange(1, 6)
            with process(every, 0.0, worker, store.root, runs, log) as child:
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
    def together(self, store, log, seconds, *lists):
        barrier = CONTEXT.Barrier(len(lists))
        with (
            process(every, seconds, worker, store.root, lists[0], log, barrier) as first,
            process(every, seconds, worker, store.root, lists[1], log, barrier) as second,
        ):
            first.join(120)
            second.join(120)
            assert (first.exitcode, second.exitcode) == (0, 0)

    @pytest.mark.slow
    @pytest.mark.parametrize("seconds", [0.0, 5.0])
    def test_two_workers_train_nothing_twice(self, store, log, seconds):
        runs = [run((0, removal, BLUR), base=CONVOLUTIONAL, end=removal + 6) for removal in range(1, 6)]
        todo = plan(runs)
        self.together(store, log, seconds, runs, runs)
        lines = trained(log)
        assert len(lines) == todo.epochs_needed
        assert len({line.split()[0] for line in lines}) == 2, "one of the workers did nothing"
        assert_as_from_scratch(store, *runs)
        assert states(store) == todo.forks

    @pytest.mark.slow
    @pytest.mark.parametrize("seconds", [0.0, 5.0])
    def test_nor_do_two_commands_with_lists_that_overlap(self, store, log, seconds):
        runs = [run((0, removal, BLUR), base=CONVOLUTIONAL, end=removal + 6) for removal in range(1, 6)]
        clean = run(base=CONVOLUTIONAL, end=6)
        first, second = [clean, runs[0], runs[2], runs[4]], [runs[1], runs[2], runs[3], runs[4]]
        self.together(store, log, seconds, first, second)
        assert len(trained(log)) == plan([clean, *runs]).epochs_needed
        assert_as_from_scratch(store, clean, *runs)

    @pytest.mark.slow
    def test_commands_with_other_probes_come_to_an_end(self, store, log):
        """One goes over the other's epochs to measure them, and does not wear itself out on them."""
        first = run((0, 2, BLUR), end=40)
        second = replace(first, probes=(Accuracy(), FISHER))
        self.together(store, log, 0.02, [first], [second])
        assert len(trained(log)) <= 3 * 40
        assert_as_from_scratch(store, first, second)
        assert states(store) == plan([first]).forks

    @pytest.mark.parametrize("ahead", [1, 2, 3, 4])
    def test_one_that_was_overtaken_before_its_claim_trains_nothing(self, store, log, often, ahead):
        """Between looking at the store and claiming, another process trains on and drops what it passed."""
        spec = run((0, 2, BLUR), end=4)
        todo, other = plan([spec]), RunStore(store.root)
        real, calls = store.claim, itertools.count()

        def overtaken(key):
            if next(calls) == 0:
                with pytest.raises(Enough):
                    work(todo, other, after_epoch=until_epoch(ahead))
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
                claim.release()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(workers.time, "sleep", nap)
            work(plan([spec]), store)
        assert len(naps) == 3
        assert len(trained(log)) == 4


class TestOrphans:
    def test_a_worker_stops_when_its_parent_is_gone(self):
        stop_with_parent(os.getppid())(BASE, 1)
        with pytest.raises(Orphaned, match="is gone"):
            stop_with_parent(-1)(BASE, 1)

    def test_after_an_epoch_that_is_not_lost(self, store, log, often):
        with pytest.raises(Orphaned):
            work(plan([BASE]), store, after_epoch=stop_with_parent(-1))
        work(plan([BASE]), store)
        assert len(trained(log)) == 4

    def test_or_while_it_waits_for_others(self, store, log):
        claim = store.claim(BASE.keys[1])
        with pytest.raises(Orphaned):
            work(plan([BASE]), store, while_waiting=stop_with_parent(-1))
        assert not trained(log)
        claim.release()


def test_continue_and_restart_share_their_trunk_in_the_store(store, log):
    window = (0, 3, BLUR)
    runs = [run(window, end=5, schedule=kind(rate=0.05, decay=0.8)) for kind in (Continue, Restart)]
    work(plan(runs), store)
    assert len(trained(log)) == 3 + 2 + 2
    assert_as_from_scratch(store, *runs)
