import math

import pytest
import tiny
from tracked import FakeRun

from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.execution.workers import work
from critical.training import loop as training
from critical.training.loop import Trainer
from experiments import train
from experiments.design.effects import effects_of
from experiments.output import effect_values
from experiments.train import run_spec

# Far enough apart to be seen in twenty test images: nothing is learnt from noise.
NOISE = [*tiny.MLP, "model.widths=[32]", "data.subset=400", "data.test_subset=100", "schedule.rate=0.1",
         "deficit=noise", "deficit.end=2", "recovery=2", "probes=accuracy_by_epoch", "results=r"]  # fmt: skip


def run(*overrides):
    return run_spec(tiny.composed("train", *NOISE, *overrides))


def accuracies(*overrides):
    return [row["test_accuracy"] for row in training.train(run(*overrides))]


def command(monkeypatch, capsys, *given):
    return tiny.call(monkeypatch, capsys, train.command, *NOISE, *given)


@pytest.fixture
def begun(monkeypatch, tmp_path):
    """`wandb.init` makes stand-ins of the run that a sweep gave."""
    wandb, runs = pytest.importorskip("wandb"), []
    for name, value in {"WANDB_API_KEY": "0" * 40, "WANDB_SWEEP_ID": "abcd", "WANDB_RUN_ID": "of-the-sweep"}.items():
        monkeypatch.setenv(name, value)

    def init(**settings):
        runs.append(FakeRun(settings, tmp_path))
        return runs[-1]

    monkeypatch.setattr(wandb, "init", init)
    return runs


class TestLogged:
    """Effects by epoch are in the run of the sweep, as it trains or as it is taken from the store."""

    @pytest.mark.parametrize("stored", [False, True], ids=["trained", "stored"])
    def test_each_epoch_of_the_recovery_has_them(self, here, begun, monkeypatch, capsys, stored):
        if stored:
            effects = effects_of("cost", run())
            work(plan(effects[0].runs.values()), RunStore("r/runs"))
        status, lines, out = command(monkeypatch, capsys, "effect=cost", "logger=wandb", "logger.mode=online")
        assert (status, lines) == (0, [])
        (logged,) = begun
        itself, clean = accuracies(), accuracies("deficit=none")
        costs = {row["epoch"]: row["cost"] for row in logged.rows if "cost" in row}
        assert costs == {epoch: pytest.approx(clean[epoch - 1] - itself[epoch - 1]) for epoch in (3, 4)}
        assert [row["epoch"] for row in logged.rows] == [1, 2, 3, 4]
        assert f"cost: {costs[4]:+.2f} points" in out


class TestCommand:
    def test_effects_are_differences_of_runs_that_are_trained_once(self, here, monkeypatch, capsys):
        status, lines, out = command(monkeypatch, capsys, "effect=[cost,harm]")
        assert (status, lines) == (0, [])
        assert "first 2 runs to compare with, of the same seed: 4 epochs to train" in out
        itself, clean = accuracies(), accuracies("deficit=none")
        fresh = accuracies("deficit=none", "deficit.end=0")
        cost, harm = clean[-1] - itself[-1], fresh[-1] - itself[-1]
        assert cost != 0
        assert f"\ncost: {cost:+.2f} points\nharm: {harm:+.2f} points\n" in out
        monkeypatch.setattr(Trainer, "train_epoch", lambda *_: pytest.fail("something was trained again"))
        _, _, again = command(monkeypatch, capsys, "effect=opportunity")
        assert f"\nopportunity: {cost - harm:+.2f} points\n" in again
        assert "to compare with" not in again

    def test_what_it_cannot_have_is_refused_before_training(self, here, monkeypatch, capsys):
        monkeypatch.setattr(Trainer, "train_epoch", lambda *_: pytest.fail("something was trained"))
        status, lines, _ = command(monkeypatch, capsys, "deficit=none", "effect=cost")
        assert (status, len(lines)) == (2, 1), lines
        assert "effect=cost: no deficit acts" in lines[0]
        status, lines, _ = command(monkeypatch, capsys, "slow_trunk_factor=x")
        assert (status, len(lines)) == (2, 1), lines

    def test_an_effect_of_a_run_that_failed_is_unknown(self, here, monkeypatch, capsys):
        fails = ["stabilizer=weight_decay", "stabilizer.weight=1e30", "stabilizer.end=1", "deficit.start=1"]
        (price,) = effects_of("price", run(*fails))
        store = RunStore("r/runs")
        effect_values.train_references([price], store)
        work(plan(price.runs.values()), store)
        assert math.isnan(effect_values.at_the_end(price, store))
        assert effect_values.line(price, store).startswith(
            "price: unknown, since the dose-matched network failed (non-finite loss"
        )
        assert effect_values.known([price], store) == {}


def test_the_series_compares_equal_epochs_of_recovery_and_ends_with_the_effect(here):
    effects = effects_of(["cost", "harm"], run())
    store = RunStore("r/runs")
    effect_values.train_references(effects, store)
    itself, clean = accuracies(), accuracies("deficit=none")
    fresh = accuracies("deficit=none", "deficit.end=0")
    found = {}

    def told(spec, epoch):
        # As it is logged: while the run trains.
        found[epoch] = effect_values.series(effects, store, epoch)

    work(plan([run()]), store, after_epoch=told)
    assert found[1] == found[2] == {}, "nothing before the removal"
    for recovered in (1, 2):
        at = 2 + recovered - 1
        wanted = {"cost": clean[at] - itself[at], "harm": fresh[recovered - 1] - itself[at]}
        assert found[2 + recovered] == pytest.approx(wanted)
    assert found[4] == effect_values.known(effects, store)


def test_where_recoveries_are_measured_at_their_end_alone_so_is_the_series(here):
    (cost,) = effects_of("cost", run("probes=accuracy"))
    store = RunStore("r/runs")
    work(plan(cost.runs.values()), store)
    assert effect_values.series([cost], store, 3) == {}
    assert effect_values.series([cost], store, 4) == {"cost": effect_values.at_the_end(cost, store)}
