"""Workers on a store that is damaged, was measured by other probes, or holds failures."""

import json
import math
from dataclasses import replace

import pytest
from helpers import (
    BASE,
    BLUR,
    PERMUTED,
    assert_as_from_scratch,
    bare,
    from_scratch,
    last_state,
    run,
    same,
    states,
    trained,
)

from critical.execution import workers
from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.execution.workers import segment_complete, work
from critical.probes import Accuracy, Fisher
from critical.training import schedules
from critical.training.loop import Trainer
from critical.training.schedules import Constant, Restart

pytestmark = pytest.mark.usefixtures("time_limit")

FISHER = Fisher(samples=16, chunk=8)


def damage_record(store, key):
    """Spoils the second half of the line of a key."""
    (path,) = (path for path in store.root.glob("records/*.jsonl") if f'{{"key": "{key}"' in path.read_text())
    lines = path.read_text().splitlines()
    path.write_text("".join(f"{line[:20] if key in line[:40] else line}\n" for line in lines))


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

    @pytest.mark.parametrize("seconds", [0.0, 5.0])
    @pytest.mark.parametrize("epoch", [1, 3, 4, 5])
    def test_of_a_record_is_reported_and_made_good(self, store, monkeypatch, epoch, seconds):
        monkeypatch.setattr(workers, "CHECKPOINT_SECONDS", seconds)
        spec, other = run((0, 3, BLUR), end=5), run((0, 3, BLUR), (3, 4, PERMUTED), end=5)
        todo = plan([spec, other])
        work(todo, store)
        damage_record(store, spec.keys[epoch])
        again = RunStore(store.root)
        with pytest.warns(UserWarning, match=r"a line of .*\.jsonl is damaged"):
            work(todo, again)
        assert_as_from_scratch(again, spec, other)
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

    @pytest.mark.parametrize("seconds", [0.0, 5.0])
    def test_end_their_run_and_its_branches_alone(self, store, log, monkeypatch, seconds):
        monkeypatch.setattr(workers, "CHECKPOINT_SECONDS", seconds)
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
        assert states(store) <= todo.forks, "a failure leaves nothing on its way"
        assert all(segment_complete(store, segment) for segment in todo.segments)
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
        def broken(self, epoch_spec):
            raise RuntimeError("kernel not found")

        monkeypatch.setattr(Trainer, "train_epoch", broken)
        with pytest.raises(RuntimeError, match="kernel not found"):
            work(plan([BASE]), store)
        assert RunStore(store.root).rows(BASE) is None
        assert store.claim(BASE.keys[1]) is not None
