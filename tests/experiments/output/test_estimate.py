import dataclasses
import re

import pytest
import tiny

from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.probes import Accuracy, Fisher
from critical.training import loop as training
from critical.training.loop import Trainer
from experiments.output import estimate

PROTOCOL = tiny.protocol(seeds=(0,), recovery=2)
RUNS = [arm.of_seed(0) for arm in (PROTOCOL.window(0, 1).fresh, PROTOCOL.window(0, 1).deficit, PROTOCOL.window(0, 2).deficit)]


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
    found = estimate.prices(RUNS[0])
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
    found = estimate.prices(dataclasses.replace(RUNS[0], probes=probes))
    assert found == {"training": 8, probes[0].id: 4, probes[1].id: 2}


def test_a_checkpoint_holds_weights_and_momentum(tmp_path):
    trainer = Trainer(RUNS[0])
    weights = sum(item.numel() for item in trainer.state.model.parameters())
    assert 8 * weights <= estimate.checkpoint_bytes(RUNS[0]) < 8 * weights + 4096


def test_the_report_has_four_lines_and_trains_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(estimate, "prices", lambda spec: {"training": 30.0, "": 1.0})
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
    two = tiny.protocol(seeds=(0, 1), recovery=2, family="two_streams")
    stronger = dataclasses.replace(two, parts=dataclasses.replace(two.parts, probes=(*two.parts.probes, Fisher())))
    others = [two.window(0, 1).fresh.of_seed(0), two.window(0, 1).fresh.of_seed(1), stronger.window(0, 1).fresh.of_seed(0)]
    groups = estimate.by_setting(plan([*RUNS, *others]))
    assert [len(group.runs) for group in groups] == [3, 2, 1], "a seed or a deficit changes no price"
    prices = {"all_cnn": 30.0, "split_all_cnn": 60.0}
    monkeypatch.setattr(estimate, "prices", lambda spec: {"training": prices[spec.model.name]})
    lines = estimate.report(plan([*RUNS, *others[:2]]), RunStore(tmp_path), 1).splitlines()
    # 8 epochs of half a minute and 4 of a whole one.
    assert lines[0] == "runs: 5"
    assert lines[2] == "time: about 8.0 min with 1 worker (40.00 s an epoch on average, measured just now)"


def test_nothing_is_measured_when_all_is_there(tmp_path, monkeypatch):
    store, whole = RunStore(tmp_path), plan(RUNS)
    tiny.train_here(whole, store)
    monkeypatch.setattr(estimate, "prices", lambda spec: pytest.fail("an epoch was trained"))
    assert "0 of them not stored yet" in estimate.report(whole, store, 1)


def test_dry_says_and_trains_nothing(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    given = ("profile=smoke", "device=cpu", "dry=true", "figure=iclr2019/deficit_removal", f"results={tmp_path}/r")
    status, lines, out = tiny.call(monkeypatch, capsys, tiny.figures_main, *given)
    assert (status, lines) == (0, [])
    assert [line.split(":")[0] for line in out.splitlines()] == ["runs", "epochs", "time", "disk"]
    assert not (tmp_path / "r").exists()
