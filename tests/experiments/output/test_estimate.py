import dataclasses
import re

import pytest
import tiny
from helpers import BLUR

from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.probes import Accuracy, Fisher
from critical.training import loop as training
from critical.training.loop import Trainer
from critical.training.schedules import Restart
from critical.training.timeline import Timeline, Window
from experiments.design import config as configuration
from experiments.output import estimate


def removed(removal, overrides=tiny.TINY, seed=0, probes=None):
    """A run whose deficit is removed there, with two epochs of recovery."""
    parts = configuration.parts(tiny.composed("train", *overrides))
    parts = dataclasses.replace(parts, probes=parts.probes if probes is None else probes)
    windows = (Window(0, removal, BLUR),) if removal else ()
    return parts.run(seed, Restart(rate=0.05, decay=0.8), Timeline(removal + 2, windows))


RUNS = [removed(removal) for removal in (0, 1, 2)]


def named(probes):
    return {probe.id: probe for probe in probes}


def test_missing_epochs_go_down_as_they_are_trained(tmp_path):
    store, whole = RunStore(tmp_path), plan(RUNS)
    # 2 fresh, 1 shared with the deficit, then 2 clean, 1 more with the deficit and 2 clean.
    assert whole.epochs_needed == estimate.missing(whole, store)["training"] == 8
    assert whole.epochs_separate == 2 + 3 + 4
    tiny.train_here(plan(RUNS[:2]), store)
    assert estimate.missing(whole, store)["training"] == 3
    tiny.train_here(whole, store)
    assert estimate.missing(whole, store)["training"] == 0


def test_what_is_due_is_counted(tmp_path):
    probes = (Accuracy(recovery_every=0), Fisher(every=2))
    store, whole = RunStore(tmp_path), plan(dataclasses.replace(spec, probes=probes) for spec in RUNS)
    # At three removals and ends of two epochs each; the trace also after even epochs: 2 of all three, 4 is an end.
    accuracy, fisher = (probe.id for probe in probes)
    assert estimate.missing(whole, store) == {"training": 8, accuracy: 5, fisher: 6}
    tiny.train_here(plan(whole.runs[:2]), store)
    assert estimate.missing(whole, store) == {"training": 3, accuracy: 2, fisher: 2}


def test_an_epoch_has_a_price():
    found = estimate.prices(RUNS[0], named(RUNS[0].probes))
    assert set(found) == {"training", *(probe.id for probe in RUNS[0].probes)}
    assert all(0 < seconds < 5 for seconds in found.values())


def test_training_and_each_measurement_have_prices_of_their_own(monkeypatch):
    """On a clock that training puts on by 8 seconds, and a measurement by 4 or by 2."""
    clock = [0.0]

    def passes(seconds):
        clock[0] += seconds

    monkeypatch.setattr(estimate.time, "process_time", lambda: clock[0])
    monkeypatch.setattr(Trainer, "train_epoch", lambda self, epoch_spec: passes(8))
    monkeypatch.setattr(Trainer, "measure", lambda self, epoch_spec, probes: passes(4 - 2 * probes[0].every))
    probes = (Accuracy(every=0), Fisher(every=1))
    found = estimate.prices(RUNS[0], named(probes))
    assert found == {"training": 8, probes[0].id: 4, probes[1].id: 2}


def test_a_checkpoint_holds_weights_and_momentum(tmp_path):
    trainer = Trainer(RUNS[0])
    weights = sum(item.numel() for item in trainer.state.model.parameters())
    assert 8 * weights <= estimate.checkpoint_bytes(RUNS[0]) < 8 * weights + 4096


def test_the_report_has_four_lines_and_trains_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(estimate, "prices", lambda spec, probes: {"training": 30.0, "": 1.0})
    monkeypatch.setattr(training.Trainer, "train_epoch", lambda *_: pytest.fail("something was trained"))
    whole = plan(RUNS)
    one, two = (estimate.report(whole, RunStore(tmp_path), jobs).splitlines() for jobs in (1, 2))
    assert one[0] == "runs: 3"
    assert one[1].startswith("epochs: 8 needed, 9 if each run were trained by itself; 8 of them not stored")
    assert one[2] == "time: about 4.0 min with 1 worker (30.00 s an epoch on average, measured just now)"
    assert two[2].startswith("time: about 2.0 min with 2 workers")
    assert re.fullmatch(r"disk: about \d+ MiB in the run store", one[3])
    assert not any(tmp_path.iterdir())


def test_runs_of_another_price_are_measured_by_themselves(tmp_path, monkeypatch):
    others = [removed(0, tiny.TWO_EYES, **changes) for changes in ({}, {"seed": 1}, {"probes": (Fisher(),)})]
    groups = estimate.by_setting(plan([*RUNS, *others]))
    assert [len(group.runs) for group in groups] == [3, 3], "a seed, a deficit or a probe changes no price"
    prices = {"all_cnn": 30.0, "split_all_cnn": 60.0}
    monkeypatch.setattr(estimate, "prices", lambda spec, probes: {"training": prices[spec.model.name]})
    lines = estimate.report(plan([*RUNS, *others[:2]]), RunStore(tmp_path), 1).splitlines()
    # 8 epochs of half a minute and 4 of a whole one.
    assert lines[0] == "runs: 5"
    assert lines[2] == "time: about 8.0 min with 1 worker (40.00 s an epoch on average, measured just now)"


def test_nothing_is_measured_when_all_is_there(tmp_path, monkeypatch):
    store, whole = RunStore(tmp_path), plan(RUNS)
    tiny.train_here(whole, store)
    monkeypatch.setattr(estimate, "prices", lambda spec, probes: pytest.fail("an epoch was trained"))
    assert "0 of them not stored yet" in estimate.report(whole, store, 1)


def test_dry_says_and_trains_nothing(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    given = ("profile=smoke", "device=cpu", "dry=true", "figure=iclr2019/deficit_removal", f"results={tmp_path}/r")
    status, lines, out = tiny.call(monkeypatch, capsys, tiny.figures_main, *given)
    assert (status, lines) == (0, [])
    assert [line.split(":")[0] for line in out.splitlines()] == ["runs", "epochs", "time", "disk"]
    assert not (tmp_path / "r").exists()
