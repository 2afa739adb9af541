import dataclasses
import re

import pytest
import tiny
from helpers import BLUR

from critical.data import Cifar10, DataError, Digits, Folder, Halves
from critical.execution.plan import plan
from critical.execution.pool import RunError
from critical.execution.store import RunStore
from critical.probes import Accuracy, Fisher
from critical.stabilizers import L2Init, StabilizerWindow
from critical.training.loop import Trainer
from critical.training.schedules import Restart
from critical.training.timeline import Timeline, Window
from experiments.design import config as configuration
from experiments.output import estimate, prices
from experiments.output.prices import CHECKPOINT, DRAW, RECORD, START, Work
from experiments.output.stand_in import stand_in


def removed(removal, overrides=tiny.TINY, seed=0, probes=None, **changes):
    """A run whose deficit is removed there, with two epochs of recovery."""
    parts = configuration.parts(tiny.composed("train", *overrides))
    parts = dataclasses.replace(parts, probes=parts.probes if probes is None else probes)
    windows = (Window(0, removal, BLUR),) if removal else ()
    return parts.run(seed, Restart(rate=0.05, decay=0.8), Timeline(removal + 2, windows), **changes)


TRAIN_EPOCH = Trainer.train_epoch
RUNS = [removed(removal) for removal in (0, 1, 2)]


def counts(whole, store, known=None):
    store.refresh()
    (one,) = estimate.needed(whole, store, set() if known is None else known).values()
    return one.counts


def work(spec):
    epochs = {"clean": spec.epoch_specs[-1], "blurred": spec.epoch_specs[0]}
    return Work(spec, epochs, {"accuracy": (spec.probes[0], spec.epoch_specs[0])})


class TestCounting:
    def test_epochs_go_down_as_they_are_trained(self, tmp_path):
        store, whole = RunStore(tmp_path), plan(RUNS)
        # 2 fresh, 1 shared with the deficit, then 2 clean, 1 more with the deficit and 2 clean.
        assert whole.epochs_needed == counts(whole, store)[RECORD] == 8
        tiny.train_here(plan(RUNS[:2]), store)
        assert counts(whole, store)[RECORD] == 3
        tiny.train_here(whole, store)
        assert not counts(whole, store)

    def test_what_acts_and_what_is_measured_are_counted_apart(self, tmp_path):
        probes = (Accuracy(recovery_every=0), Fisher(every=2))
        accuracy, fisher = (probe.id for probe in probes)
        held = StabilizerWindow(L2Init(), 0, 1)
        runs = [removed(2, probes=probes), removed(0, probes=probes), removed(0, probes=probes, stabilizers=(held,))]
        found = counts(plan(runs), RunStore(tmp_path))
        assert {name: found[name] for name in found if name.startswith("epoch")} == {
            "epoch blur": 2, "epoch ": 5, "epoch l2_init": 1
        }  # fmt: skip
        # Accuracy in both epochs with the deficit and at three ends; the trace after the second, and at the ends.
        assert (found[f"probe {accuracy} deficient"], found[f"probe {accuracy}"]) == (2, 3)
        assert (found[f"probe {fisher} deficient"], found[f"probe {fisher}"]) == (1, 3)

    def test_what_is_there_and_lacks_a_measurement_is_trained_again(self, tmp_path):
        """Whatever a figure before it needed of it."""
        store, known = RunStore(tmp_path), set()
        few, more = (plan([removed(0, probes=probes)]) for probes in ((Accuracy(),), (Accuracy(), Fisher(every=1))))
        tiny.train_here(few, store)
        assert not counts(few, store, known)
        found = counts(more, store, known)
        assert (found[RECORD], found["epoch "], found[f"probe {Fisher(every=1).id}"]) == (2, 2, 2)

    def test_what_counted_elsewhere_does_not_count_again(self, tmp_path):
        known = set()
        assert counts(plan(RUNS[:2]), RunStore(tmp_path), known)[RECORD] == 5
        assert counts(plan(RUNS), RunStore(tmp_path), known)[RECORD] == 3


class TestPrices:
    def test_everything_that_a_worker_does_has_one(self):
        found = prices.measured(work(RUNS[1]))
        assert set(found) == {"clean", "blurred", "accuracy", DRAW, RECORD, CHECKPOINT}
        assert all(0 <= seconds < 5 for seconds in found.values())
        assert found["clean"] > 0

    @pytest.mark.slow
    def test_as_many_processes_as_would_train_measure_at_a_time(self):
        (found,) = prices.prices([work(RUNS[1])], jobs=2)
        assert set(found) == {"clean", "blurred", "accuracy", DRAW, RECORD, CHECKPOINT, START}
        assert found[START] > 0.5, "torch is imported"

    @pytest.mark.slow
    def test_a_process_that_stops_is_one_line(self, monkeypatch):
        monkeypatch.setattr(prices, "_measure", print)
        with pytest.raises(RunError, match="a process that measured has stopped"):
            prices.prices([work(RUNS[1])], jobs=1)

    def test_of_long_epochs_a_part_is_measured(self, monkeypatch):
        spec = dataclasses.replace(RUNS[1], data=Digits(subset=1000, test_subset=300))
        sizes, real = [], Trainer.train_epoch

        def train_epoch(self, each):
            sizes.append(len(self.dataset.train))
            return real(self, each)

        monkeypatch.setattr(Trainer, "train_epoch", train_epoch)
        monkeypatch.setattr(prices, "TRIAL_SECONDS", 0.0)
        whole = prices.measured(work(spec))
        assert set(sizes) == {prices.WARM_UP_STEPS * spec.optimizer.batch_size}
        monkeypatch.setattr(prices, "TRIAL_SECONDS", 1e9)
        assert prices.measured(work(spec))["clean"] == pytest.approx(whole["clean"], rel=0.9)
        assert max(sizes) == 1000

    def test_a_checkpoint_holds_weights_and_momentum(self):
        weights = sum(item.numel() for item in Trainer(RUNS[0]).state.model.parameters())
        assert 8 * weights <= prices.checkpoint_bytes(RUNS[0]) < 8 * weights + 4096


class TestReport:
    @pytest.fixture(autouse=True)
    def known_prices(self, monkeypatch):
        """A minute an epoch, 30 s a measurement, 3 s to start, 6 s a draw of data."""
        self.jobs = []

        def pretended(works, jobs):
            self.jobs.append(jobs)
            named = {DRAW: 6.0, START: 3.0, RECORD: 0.0, CHECKPOINT: 0.0}
            return [{**named, **dict.fromkeys(work.epochs, 60.0), **dict.fromkeys(work.probes, 30.0)} for work in works]

        monkeypatch.setattr(prices, "prices", pretended)
        monkeypatch.setattr(estimate, "DRAWING_SECONDS", 0.0)
        monkeypatch.setattr(Trainer, "train_epoch", lambda *_: pytest.fail("something was trained"))

    def test_a_line_a_figure_and_one_for_all(self, tmp_path):
        plans = {"a": plan(RUNS[:2]), "b": plan(RUNS)}
        header, first, second, together, how, *_ = estimate.report(plans, RunStore(tmp_path), 2).splitlines()
        assert header.split() == ["figure", "runs", "epochs", "to", "train", "minutes", "disk"]
        # Five epochs and three measurements by two workers, one draw and one start before: 195 s + 9 s.
        assert re.split(r"  +", first)[:4] == ["a", "2", "5 of 5", "3.4"]
        # The first two runs are counted in a.
        assert re.split(r"  +", second)[:4] == ["b", "3", "3 of 8", "2.0"]
        assert re.split(r"  +", together)[:4] == ["together", "3", "8 of 8", "5.4"]
        assert how.startswith("with 2 workers; measured just now")
        assert self.jobs == [2]
        assert not any(tmp_path.iterdir())

    def test_each_setting_of_data_and_network_has_its_price(self, tmp_path):
        eyes = [removed(0, tiny.TWO_EYES), removed(0, tiny.TWO_EYES, seed=1)]
        found = estimate.report({"a": plan([*RUNS, *eyes])}, RunStore(tmp_path), 1).splitlines()
        # 12 epochs, 7 measurements, three draws and one start: 951 s; with one figure there is no sum.
        assert re.split(r"  +", found[1])[:4] == ["a", "5", "12 of 12", "15.8"]
        assert not found[2].startswith("together")

    def test_nothing_is_measured_when_all_is_there(self, tmp_path, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "train_epoch", TRAIN_EPOCH)
            tiny.train_here(plan(RUNS), RunStore(tmp_path))
        found = estimate.report({"a": plan(RUNS)}, RunStore(tmp_path), 1).splitlines()
        assert re.split(r"  +", found[1])[:3] == ["a", "3", "0 of 8"]
        assert "all of it is stored" in found[2]

    def test_dry_says_and_trains_nothing(self, monkeypatch, capsys, tmp_path):
        monkeypatch.chdir(tmp_path)
        given = ("profile=smoke", "device=cpu", "dry=true", "figure=iclr2019/deficit_removal", f"results={tmp_path}/r")
        status, lines, out = tiny.call(monkeypatch, capsys, tiny.figures_main, *given)
        assert (status, lines) == (0, [])
        assert re.search(r"^iclr2019/deficit_removal +22 +44 of 44 ", out, re.MULTILINE)
        assert not any(tmp_path.iterdir())

    def test_dry_works_where_the_data_are_not(self, monkeypatch, capsys, tmp_path):
        monkeypatch.chdir(tmp_path)
        given = ("profile=laptop", "device=cpu", "dry=true", "jobs=2", "figure=controls/permanence")
        status, lines, out = tiny.call(monkeypatch, capsys, tiny.figures_main, *given)
        assert (status, lines) == (0, [])
        assert "cifar10: not here; minutes are those of images of noise of the same size" in out
        own = ("data=folder", "data.path=/nowhere", "data.label=x")
        status, lines, _ = tiny.call(monkeypatch, capsys, tiny.figures_main, *given, *own)
        assert (status, len(lines)) == (2, 1), "of what size pictures of one's own are nobody knows"


class TestStandIn:
    def test_it_has_the_size_of_what_it_stands_for(self):
        error = DataError("not here")
        held = stand_in(Cifar10(subset=100, resolution=16), error).load()
        assert held.view_shapes == ((3, 16, 16),)
        assert (len(held.train), len(held.test), len(held.classes)) == (100, 10_000, 10)
        halves = stand_in(Halves(source="fashion_mnist", width_pixels=7, resolution=14, subset=50), error).load()
        assert halves.view_shapes == ((1, 14, 14),) * 2

    def test_what_has_no_known_size_has_none(self):
        error = DataError("not here")
        with pytest.raises(DataError, match="not here"):
            stand_in(Folder(path="/nowhere", label="x"), error)
