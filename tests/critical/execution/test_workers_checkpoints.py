"""Checkpoints that workers store on the way."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from helpers import BLUR, Enough, assert_as_from_scratch, from_scratch, run, states, trained, until_epoch

from critical.core import environment
from critical.core.files import WriteError
from critical.execution import workers
from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.execution.workers import work
from critical.probes import Fisher
from critical.training.loop import NonFiniteLoss, Trainer

pytestmark = pytest.mark.usefixtures("time_limit")


class TestOnTheWay:
    """Checkpoints between two forks, by a clock that goes on in the training alone."""

    @pytest.fixture
    def clock(self, log, monkeypatch):
        now, real = SimpleNamespace(time=1000.0, epoch=2.0), Trainer.train_epoch

        def train_epoch(trainer, epoch_spec):
            now.time += now.epoch
            return real(trainer, epoch_spec)

        monkeypatch.setattr(Trainer, "train_epoch", train_epoch)
        monkeypatch.setattr(workers.time, "monotonic", lambda: now.time)
        return now

    @pytest.mark.parametrize(
        ("seconds", "stored"),
        [(2.0, [0, 0, 3, 3, 3, 6, 6, 8]), (5.0, [1, 2, 3, 4, 5, 6, 7, 8]), (0.1, [0, 0, 0, 0, 0, 0, 0, 8])],
    )
    def test_are_five_seconds_apart_and_only_the_last_is_kept(self, store, clock, seconds, stored):
        spec, found, clock.epoch = run(end=8), [], seconds
        work(plan([spec]), store, after_epoch=lambda *_: found.append(states(store)))
        assert found == [{spec.keys[epoch]} if epoch else set() for epoch in stored]
        assert states(store) == {spec.keys[8]}

    def test_are_counted_from_where_a_worker_begins(self, store, log, clock):
        spec, found = run(end=8), []
        with pytest.raises(Enough):
            work(plan([spec]), store, after_epoch=until_epoch(5))
        assert states(store) == {spec.keys[3]}
        clock.time += 1000
        work(plan([spec]), store, after_epoch=lambda *_: found.append(states(store)))
        assert [line.split()[1] for line in trained(log)] == list("0123434567")
        assert found == [{spec.keys[epoch]} for epoch in (3, 3, 6, 6, 8)]
        assert_as_from_scratch(store, spec)

    def test_come_with_what_other_commands_fork_at(self, store, clock):
        spec, found, clock.epoch = run(end=6), [], 0.0
        store.want([spec.keys[2]])
        work(plan([spec]), store, after_epoch=lambda *_: found.append(states(store)))
        kept = {spec.keys[2]}
        assert found == [set(), kept, kept, kept, kept, kept | {spec.keys[6]}]

    @pytest.mark.parametrize("seconds", [0.1, 2.0])
    @pytest.mark.parametrize("lost", [None, 2], ids=["", "with a state whose record was lost"])
    def test_nobody_else_begins_where_another_did(self, store, log, clock, seconds, lost):
        spec, clock.epoch = run(end=8), seconds
        todo, other = plan([spec]), RunStore(store.root)
        if lost:
            store.save_state(spec.keys[lost], {"state": from_scratch(run(end=lost))[1]})
            log.unlink()

        def rival(spec, epoch):
            if spec.keys[epoch] not in states(store):  # Else it may go on from there as well as anybody.
                other.refresh()
                assert not workers._Worker(other, todo, None).advance(todo.segments[0])

        work(todo, store, after_epoch=rival)
        assert len(trained(log)) == 8
        assert states(store) == todo.forks

    def test_one_that_forks_where_others_have_passed_trains_the_way_there_alone(self, store, log, clock):
        """Another command asks for the state after 2 epochs when the first has passed it: that costs them, no more."""
        first, begun = run(end=8), RunStore(store.root)
        todo = plan([run(end=2), first])
        rival = workers._Worker(begun, todo, None)
        advanced = []

        def late(spec, epoch):
            if epoch == 4:  # The last checkpoint lies after the third.
                begun.want(todo.forks)
                for segment in todo.segments:
                    begun.refresh()
                    advanced.append(rival.advance(segment))
                assert not rival.advance(todo.segments[1]), "the first command is under way there"

        work(plan([first]), store, after_epoch=late)
        assert advanced == [True, False]
        work(todo, begun)
        assert [line.split()[1] for line in trained(log)] == list("0123014567")
        assert_as_from_scratch(store, *todo.runs)
        assert states(store) == todo.forks

    def test_one_that_cannot_be_written_leaves_no_claim(self, store, log, monkeypatch):
        monkeypatch.setattr(workers, "CHECKPOINT_SECONDS", 0.0)
        spec = run(end=5)
        monkeypatch.setattr(store, "save_state", lambda *_: (_ for _ in ()).throw(WriteError("full")))
        with pytest.raises(WriteError):
            work(plan([spec]), store)
        monkeypatch.undo()
        assert not list((store.root / "locks").iterdir())
        work(plan([spec]), store)
        assert_as_from_scratch(store, spec)

    def test_where_another_worker_begins_are_kept(self, store, log, monkeypatch):
        """He measures with other probes: both go on, each on his own claim."""
        monkeypatch.setattr(workers, "CHECKPOINT_SECONDS", 0.0)
        spec = run(end=5)
        todo = plan([spec])
        theirs, found = store.claim(spec.keys[4]), []
        work(todo, store, after_epoch=lambda spec, epoch: found.append(states(store)))
        assert found == [{spec.keys[epoch]} for epoch in (1, 2, 2, 4, 5)]
        theirs.release()
        assert len(trained(log)) == 5
        assert_as_from_scratch(store, spec)

    def test_left_over_are_removed_unless_a_worker_holds_them(self, store, log):
        spec = run(end=5)
        todo = plan([spec])
        work(todo, store)
        for epoch in (2, 4):
            store.save_state(spec.keys[epoch], {})
        under_way = store.claim(spec.keys[3])
        work(todo, store)
        assert states(store) == {spec.keys[2], spec.keys[5]}
        under_way.release()
        work(todo, store)
        assert states(store) == {spec.keys[5]}
        assert not list((store.root / "locks").iterdir())
        assert len(trained(log)) == 5


class TestMakers:
    """Who trained which epoch."""

    @pytest.fixture
    def sit(self, store, monkeypatch):
        """A worker that stops after an epoch, or goes on to the end; every epoch leaves a checkpoint."""
        monkeypatch.setattr(workers, "CHECKPOINT_SECONDS", 0.0)

        def sit(commit, *specs, last=None):
            here = {"commit": commit, "machine": "m", "versions": {"torch": "2"}, "cores": 2}
            monkeypatch.setattr(environment, "describe", lambda: here)
            if last is None:
                work(plan(specs), store)
            else:
                with pytest.raises(Enough):
                    work(plan(specs), store, after_epoch=until_epoch(last))

        return sit

    @staticmethod
    def commits(store, spec):
        found = RunStore(store.root).makers(spec)
        assert list(found) == list(spec.keys[1 : len(found) + 1])
        return [maker.get("commit") for maker in found.values()]

    def test_both_are_named_where_one_went_on_where_another_stopped(self, store, sit):
        spec = run(end=5)
        sit("one", spec, last=2)
        sit("two", spec)
        assert self.commits(store, spec) == ["one", "one", "two", "two", "two"]
        assert RunStore(store.root).makers(spec)[spec.keys[1]] == {
            "commit": "one", "machine": "m", "versions": {"torch": "2"}
        }  # fmt: skip

    def test_who_adds_a_probe_did_not_train(self, store, sit):
        spec = run((0, 1, BLUR), end=3)
        more = replace(spec, probes=(*spec.probes, Fisher(samples=16, chunk=8)))
        sit("one", spec)
        sit("two", more)
        assert store.complete(more.keys[2], (probe.id for probe in more.probes))
        assert self.commits(store, more) == ["one"] * 3

    def test_a_shared_trunk_is_of_who_trained_it(self, store, sit):
        first, second = run(end=3), run((2, 3, BLUR), end=3)
        sit("one", first)
        sit("two", second)
        assert self.commits(store, second) == ["one", "one", "two"]

    def test_epochs_after_a_failure_were_made_by_nobody(self, store, sit, monkeypatch):
        real = Trainer.train_epoch

        def train_epoch(trainer, epoch_spec):
            if trainer.state.epoch == 1:
                raise NonFiniteLoss("non-finite loss")
            return real(trainer, epoch_spec)

        monkeypatch.setattr(Trainer, "train_epoch", train_epoch)
        spec = run(end=4)
        sit("one", spec)
        store.publish(spec, {"commit": "who drew it", "machine": "m", "versions": {}})
        assert self.commits(store, spec) == ["one", "one"]

    def test_of_records_that_do_not_say_who_finished_the_run_or_nobody(self, store):
        spec = run(end=2)
        for key in spec.keys[1:]:
            record = {"train": {"train_loss": 1.0}, "probes": {probe.id: {} for probe in spec.probes}}
            store.write_record(spec.keys[1], key, record | {"seconds": {}, "failure": None})
        assert self.commits(store, spec) == [None, None]
        store.publish(spec, {"commit": "last", "machine": "m", "versions": {}})
        assert self.commits(store, spec) == ["last", "last"]
