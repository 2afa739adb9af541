import copy
import math
from dataclasses import replace

import pytest
import torch
from helpers import BASE, BLUR, CONVOLUTIONAL, PERMUTED, from_scratch, run, same
from torch import nn

from critical.core.arithmetic import Arithmetic
from critical.core.spec import SpecError
from critical.data import Dataset, Split
from critical.deficits import AlternatingDeprivation, Inversion, Noise, RandomLabels
from critical.probes import KINDS, Accuracy, Fisher, Probe, ProbeContext, evaluate
from critical.training.loop import Trainer

EVERY = (Accuracy(), Fisher(samples=32, chunk=16))


class Reader(nn.Module):
    """Reads the class off the first pixel: logits 5 at the label, else 0. Says what it saw."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.modes, self.sizes = [], []

    def forward(self, view):
        self.modes.append(self.training)
        self.sizes.append(len(view))
        return 5.0 * nn.functional.one_hot((view[:, 0, 0, 0] * 10).round().long().clamp(0, 9), 10).float()


def context(model, deficits=(), right=7, count=10, epoch=1, seed=0):
    """Ten test images of class 3, of which `right` show it and the others show 6."""
    shown = torch.tensor([0.3] * right + [0.6] * (count - right))
    test = Split((shown.view(-1, 1, 1, 1).expand(-1, 1, 4, 4).contiguous(),), torch.full((count,), 3))
    train = Split((torch.zeros(20, 1, 4, 4),), torch.zeros(20, dtype=torch.int64))
    data = Dataset(train, test, tuple("0123456789"), "made")
    return ProbeContext(model, data, Arithmetic(), deficits, seed, epoch)


class TestEvaluate:
    def test_by_hand(self):
        now = context(Reader())
        accuracy, loss = evaluate(now, now.dataset.test)
        normaliser = math.log(math.exp(5) + 9)
        assert accuracy == 70.0
        assert loss == pytest.approx(0.7 * (normaliser - 5) + 0.3 * normaliser, rel=1e-5)

    def test_does_not_depend_on_the_batch_size(self):
        now = context(Reader())
        assert evaluate(now, now.dataset.test, batch_size=3) == pytest.approx(evaluate(now, now.dataset.test))
        assert now.model.sizes == [3, 3, 4, 10], "no batch of one: it has no other to be dissociated from"

    @pytest.mark.parametrize("mode", [True, False])
    def test_scores_in_evaluation_mode_and_puts_it_back(self, mode):
        now = context(Reader().train(mode))
        evaluate(now, now.dataset.test)
        assert now.model.modes == [False]
        assert now.model.training is mode

    def test_sees_through_deficits(self):
        # Inverted, 0.3 shows 7 and 0.6 shows 4: nothing is right. With 0.7 shown, all would be.
        now = context(Reader())
        assert evaluate(now, now.dataset.test, (Inversion(),))[0] == 0.0

    def test_deficits_change_labels_too(self):
        now = context(Reader(), right=10)
        assert evaluate(now, now.dataset.test)[0] == 100.0
        assert evaluate(now, now.dataset.test, (PERMUTED,))[0] == 0.0, "a derangement moves every class"

    def test_a_test_image_has_other_noise_than_the_training_image_of_its_number(self, monkeypatch):
        seen = []
        monkeypatch.setattr(Noise, "apply", lambda self, batch, **_: seen.append(batch.index.tolist()) or batch)
        now = context(Reader())
        evaluate(now, now.dataset.test, (Noise(),))
        assert seen == [list(range(20, 30))]


class TestAccuracy:
    def test_columns_without_and_with_a_deficit(self):
        assert set(Accuracy().measure(context(Reader()))) == {"test_accuracy", "test_loss"}
        row = Accuracy().measure(context(Reader(), (PERMUTED,), right=10))
        assert row["test_accuracy"] == 100.0
        assert row["test_accuracy_deficient"] == 0.0
        assert row["test_loss_deficient"] == pytest.approx(math.log(math.exp(5) + 9), rel=1e-5)

    def test_of_views_in_turn_the_one_that_was_absent_is_scored(self, monkeypatch):
        epochs = []
        kind = AlternatingDeprivation
        monkeypatch.setattr(kind, "apply", lambda self, batch, *, seed, epoch: epochs.append(epoch) or batch)
        Accuracy().measure(context(Reader(), (kind(),), epoch=4))
        assert epochs == [3], "the epoch just trained"

    def test_a_deficit_drawn_anew_is_drawn_for_the_epoch_to_come(self, monkeypatch):
        epochs = []
        monkeypatch.setattr(RandomLabels, "apply", lambda self, batch, *, seed, epoch: epochs.append(epoch) or batch)
        Accuracy().measure(context(Reader(), (RandomLabels(resample=True),), epoch=4))
        assert epochs == [4], "epoch 3 was trained, 4 epochs in all"


class TestFisher:
    @pytest.fixture(scope="class")
    @staticmethod
    def trainer():
        spec = run((0, 2, BLUR), base=CONVOLUTIONAL)
        trainer = Trainer(spec)
        trainer.train_epoch(spec.epoch_specs[0])
        return trainer

    def test_columns(self, trainer):
        (measured,) = trainer.measure(trainer.spec.epoch_specs[0], (Fisher(samples=32, chunk=16),))
        columns = measured.columns
        layers = {name: value for name, value in columns.items() if name.startswith("fisher_trace/")}
        assert {"fisher_trace/conv1", "fisher_trace/bn1", "fisher_trace/conv5_1x1"} <= set(layers)
        assert set(columns) == {*(f"fisher_trace{end}" for end in ("", "_error", "_low", "_high")), *layers}
        assert columns["fisher_trace"] == pytest.approx(sum(layers.values()), rel=1e-4)
        assert columns["fisher_trace"] > 0
        assert (measured.probe, measured.seconds > 0) == ("fisher", True)

    def test_again_is_the_same(self, trainer):
        epoch_spec = trainer.spec.epoch_specs[0]
        probes = (Fisher(samples=32, chunk=16),)
        torch.manual_seed(3)
        assert trainer.measure(epoch_spec, probes)[0].columns == trainer.measure(epoch_spec, probes)[0].columns

    def test_is_measured_through_what_acted(self, trainer):
        probes = (Fisher(samples=32, chunk=16),)
        both = (trainer.spec.epoch_specs[0], BASE.epoch_specs[0])
        ill, clean = (trainer.measure(epoch_spec, probes)[0].columns for epoch_spec in both)
        assert ill["fisher_trace"] != clean["fisher_trace"]

    def test_is_measured_on_training_images_and_on_no_other(self, trainer):
        def trace(**splits):
            data = replace(trainer.dataset, **splits)
            now = ProbeContext(trainer.state.model, data, Arithmetic(), (), seed=0, epoch=1)
            return Fisher(samples=32, chunk=16).measure(now)["fisher_trace"]

        train, test = trainer.dataset.train, trainer.dataset.test
        before = trace()
        assert trace(test=Split((torch.zeros_like(test.views[0]),), test.labels)) == before
        assert trace(test=train) == before
        assert trace(train=Split((train.views[0].flip(3),), train.labels)) != before

    def test_a_deficit_drawn_anew_is_that_of_the_epoch_just_trained(self, monkeypatch):
        epochs = []
        real = Noise.apply
        monkeypatch.setattr(
            Noise,
            "apply",
            lambda self, batch, *, seed, epoch: epochs.append(epoch) or real(self, batch, seed=seed, epoch=epoch),
        )
        spec = run((0, 1, Noise(resample=True)), end=1, probes=(Fisher(samples=32, chunk=16),))
        from_scratch(spec)
        assert set(epochs) == {0}

    @pytest.mark.parametrize("changes", [{"samples": 0}, {"chunk": 0}, {"every": -1}, {"noise": "loud"}], ids=str)
    def test_refuses_in_one_line(self, changes):
        with pytest.raises(SpecError, match="probe fisher") as raised:
            Fisher(**changes)
        assert "\n" not in str(raised.value)


class TestMeasuringDisturbsNothing:
    @pytest.mark.parametrize("base", [BASE, CONVOLUTIONAL], ids=["mlp", "all_cnn"])
    @pytest.mark.parametrize("probes", [(probe,) for probe in EVERY] + [EVERY], ids=["accuracy", "fisher", "both"])
    def test_the_weights_are_those_without_probes(self, base, probes):
        windows = ((0, 2, BLUR), (1, 2, RandomLabels(resample=True)))
        bare, measured = (from_scratch(run(*windows, base=base, end=3, probes=some)) for some in ((), probes))
        assert same(bare[1], measured[1])
        assert [row["train_loss"] for row in bare[0]] == [row["train_loss"] for row in measured[0]]

    @pytest.mark.parametrize("probe", EVERY, ids=lambda probe: probe.name)
    @pytest.mark.parametrize("mode", [True, False], ids=["training", "evaluation"])
    def test_mode_weights_buffers_and_random_state_stay(self, probe, mode):
        spec = run((0, 1, BLUR), base=CONVOLUTIONAL, end=2)
        trainer = Trainer(spec)
        trainer.train_epoch(spec.epoch_specs[0])
        model = trainer.state.model.train(mode)
        before, draws = copy.deepcopy(trainer.state.state_dict()), torch.get_rng_state()
        trainer.measure(spec.epoch_specs[0], (probe,))
        assert same(trainer.state.state_dict(), before)
        assert torch.equal(torch.get_rng_state(), draws)
        assert {module.training for module in model.modules()} == {mode}
        assert all(parameter.requires_grad for parameter in model.parameters())

    def test_one_probe_does_not_change_what_another_measures(self):
        alone = [from_scratch(replace(BASE, probes=(probe,)))[0] for probe in EVERY]
        together = from_scratch(replace(BASE, probes=EVERY))[0]
        assert [one | other for one, other in zip(*alone, strict=True)] == together
        assert from_scratch(replace(BASE, probes=EVERY[::-1]))[0] == together


def test_the_kinds_are_registered_under_their_names():
    assert {"accuracy", "fisher"} <= set(KINDS)
    assert all(kind.name == name for name, kind in KINDS.items())


def test_the_base_measures_nothing():
    with pytest.raises(SpecError, match="choose one of its kinds"):
        Probe().measure(context(Reader()))


class TestWhen:
    def test_is_said_for_windows_and_recoveries(self):
        probe = Accuracy(every=2, recovery_every=3)
        assert [probe.due(epoch, recovery=False) for epoch in range(1, 7)] == [False, True, False, True, False, True]
        assert [probe.due(epoch, recovery=True) for epoch in range(1, 7)] == [False, False, True, False, False, True]
        same = Accuracy(every=2)
        assert [same.due(epoch, recovery=True) for epoch in range(1, 5)] == [False, True, False, True]

    def test_can_be_never_on_the_way(self):
        assert not any(Accuracy(every=0).due(epoch, recovery) for epoch in range(1, 9) for recovery in (False, True))
        assert not any(Accuracy(recovery_every=0).due(epoch, recovery=True) for epoch in range(1, 9))

    @pytest.mark.parametrize("kind", KINDS.values())
    def test_is_no_part_of_what_is_measured(self, kind):
        assert kind(every=3, recovery_every=0).id == kind().id
        assert len({kind().id for kind in KINDS.values()}) == len(KINDS)
        assert Fisher(samples=64).id != Fisher().id

    @pytest.mark.parametrize("kind", KINDS.values())
    @pytest.mark.parametrize("changes", [{"every": -1}, {"recovery_every": -2}], ids=str)
    def test_is_never_negative(self, kind, changes):
        with pytest.raises(SpecError, match=rf"^probe {kind.name}: .*\b{next(iter(changes))}=-.*neither is neg"):
            kind(**changes)
