import math
from dataclasses import replace

import pytest
import torch
from helpers import BASE, BLUR, CONVOLUTIONAL, PERMUTED, bare, from_scratch, run, same
from torch.nn import functional

from critical.core.batch import Batch
from critical.core.randomness import generator
from critical.data import Digits, load
from critical.deficits import Blur
from critical.models import MLP, SingleView
from critical.training import loop as training
from critical.training.augmentation import Augmentation
from critical.training.loop import NonFiniteLoss, Trainer, train
from critical.training.optimizers import SGD, Adam
from critical.training.runs import EpochSpec
from critical.training.schedules import Constant

PLAIN = replace(BASE, augmentation=Augmentation(shift=0, flip=False), schedule=Constant(rate=0.1))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def written_out(spec):
    """The loop as plain torch, without the suite: clean epochs at a constant rate, no augmentation."""
    data = load(spec.data)
    mean, std = data.channel_mean, data.channel_std
    model = spec.model.build([tuple(data.train.views[0].shape[1:])], 10, spec.seed, mean=mean, std=std)
    model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    images, rows = data.train.views[0].float() / 255, []
    for epoch in range(spec.timeline.end):
        model.train()
        losses, hits = [], 0
        order = torch.randperm(len(images), generator=generator(spec.seed, "batch order", epoch))
        for index in order.split(32):
            logits = model(images[index].contiguous(memory_format=torch.channels_last))
            loss = functional.cross_entropy(logits, data.train.labels[index], reduction="none")
            optimizer.zero_grad()
            loss.mean().backward()
            optimizer.step()
            losses += loss.tolist()
            hits += (logits.argmax(1) == data.train.labels[index]).sum().item()
        rows.append((math.fsum(losses) / len(losses), 100 * hits / len(images)))
    return rows, model.state_dict()


class TestLoop:
    # 100 images in batches of 32 end with a batch of 4, which must not count as much as the others.
    @pytest.mark.parametrize("model", [BASE.model, CONVOLUTIONAL.model], ids=["mlp", "all_cnn"])
    def test_does_what_a_plain_loop_does(self, model):
        spec = replace(PLAIN, model=model, data=Digits(subset=100, test_subset=40))
        rows, weights = written_out(spec)
        ours, state = from_scratch(spec)
        assert [row["train_loss"] for row in ours] == pytest.approx([loss for loss, _ in rows], rel=1e-5)
        assert [row["train_accuracy"] for row in ours] == [accuracy for _, accuracy in rows]
        assert state["model"].keys() == weights.keys()
        for name, value in weights.items():
            torch.testing.assert_close(state["model"][name], value, rtol=1e-4, atol=1e-6, msg=name)

    def test_train_gives_the_rows_of_the_loop(self):
        spec = run((0, 2, BLUR), (1, 3, PERMUTED))
        rows = train(spec)
        assert bare(rows) == from_scratch(spec)[0]
        assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
        assert all(row["seconds"] > 0 for row in rows)

    def test_again_is_the_same_whatever_happened_between(self):
        spec = run((0, 2, BLUR), base=CONVOLUTIONAL, end=3)
        first = from_scratch(spec)
        torch.manual_seed(77)
        torch.rand(5)
        assert same(first, from_scratch(spec))

    def test_draws_nothing_from_the_global_generator(self):
        trainer = Trainer(BASE)
        before = torch.get_rng_state()
        trainer.train_epoch(BASE.epoch_specs[0])
        trainer.measure(BASE.epoch_specs[0], BASE.probes)
        trainer.restart()
        assert torch.equal(torch.get_rng_state(), before)

    def test_layers_that_draw_do_so_by_seed_and_epoch(self, monkeypatch):
        build = MLP.build

        def with_dropout(self, *args, **kwargs):
            network = build(self, *args, **kwargs)
            network.add_module("dropout", torch.nn.Dropout(0.3))
            return network

        clean = from_scratch(BASE)[1]
        monkeypatch.setattr(MLP, "build", with_dropout)
        first = from_scratch(BASE)[1]
        torch.manual_seed(123)
        assert same(first, from_scratch(BASE)[1])
        assert not same(first["model"], clean["model"])
        seeds = []
        real = torch.manual_seed
        monkeypatch.setattr(torch, "manual_seed", lambda seed: seeds.append(seed) or real(seed))
        from_scratch(BASE)
        from_scratch(replace(BASE, seed=1))
        assert len(set(seeds)) == 8, "an epoch's draws are its own, and a seed's"

    @pytest.mark.parametrize("changes", [{"seed": 1}, {"optimizer": Adam(batch_size=32)}], ids=["seed", "adam"])
    def test_what_should_matter_does(self, changes):
        assert not same(from_scratch(BASE)[1]["model"], from_scratch(replace(BASE, **changes))[1]["model"])

    @pytest.mark.parametrize("deficit", [BLUR, PERMUTED], ids=["blur", "permutation"])
    def test_a_deficit_does_something_while_it_acts(self, deficit):
        clean, ill = (from_scratch(run(*windows, end=1))[1] for windows in ((), ((0, 1, deficit),)))
        assert not same(clean["model"], ill["model"])

    def test_deficits_get_the_epochs_of_their_window(self, monkeypatch):
        seen = set()
        real = Blur.apply
        monkeypatch.setattr(
            Blur, "apply", lambda self, batch, *, seed, epoch: seen.add((seed, epoch)) or real(self, batch)
        )
        from_scratch(run((1, 3, BLUR), probes=(), seed=5))
        assert seen == {(5, 1), (5, 2)}

    def test_augmentation_comes_before_the_deficit(self, monkeypatch):
        order = []
        augment, blur = Augmentation.apply, Blur.apply
        monkeypatch.setattr(
            Augmentation, "apply", lambda self, *args: order.append("augmentation") or augment(self, *args)
        )
        monkeypatch.setattr(Blur, "apply", lambda self, *args, **kw: order.append("blur") or blur(self, *args, **kw))
        from_scratch(run((0, 1, BLUR), end=1, probes=()))
        assert order == ["augmentation", "blur"] * 3

    def test_every_example_once_an_epoch_in_a_new_order(self, monkeypatch):
        batches = []
        real = Augmentation.apply

        def keep(self, batch: Batch, draws):
            batches.append(batch.index)
            return real(self, batch, draws)

        monkeypatch.setattr(Augmentation, "apply", keep)
        from_scratch(run(end=2, probes=()))
        first, second = torch.cat(batches[:3]), torch.cat(batches[3:])
        assert first.sort().values.tolist() == second.sort().values.tolist() == list(range(96))
        assert first.tolist() != second.tolist()

    def test_a_last_batch_of_one_is_left_out(self, monkeypatch):
        sizes = []
        real = SingleView.forward
        monkeypatch.setattr(SingleView, "forward", lambda self, view: sizes.append(len(view)) or real(self, view))
        spec = run(end=1, probes=(), data=Digits(subset=97, test_subset=40))
        rows, _ = from_scratch(spec)
        assert sizes == [32, 32, 32]
        assert rows[0]["train_accuracy"] * 96 / 100 == pytest.approx(round(rows[0]["train_accuracy"] * 96 / 100))


class TestState:
    def test_goes_on_from_a_checkpoint_as_if_nothing_had_been(self):
        spec = run((0, 3, BLUR), end=5, base=CONVOLUTIONAL)
        with spec.arithmetic.applied():
            trainer = Trainer(spec)
            for epoch_spec in spec.epoch_specs[:2]:
                trainer.train_epoch(epoch_spec)
            held = trainer.state.state_dict()
            other = Trainer(spec)
            other.state.load_state_dict(held)
            for epoch_spec in spec.epoch_specs[2:]:
                other.train_epoch(epoch_spec)
        assert same(other.state.state_dict(), from_scratch(spec)[1])

    def test_restart_is_before_epoch_0(self):
        trainer = Trainer(BASE)
        first = {name: value.clone() for name, value in trainer.state.model.state_dict().items()}
        trainer.train_epoch(BASE.epoch_specs[0])
        assert not same(trainer.state.model.state_dict(), first)
        trainer.restart()
        assert same(trainer.state.model.state_dict(), first)
        assert (trainer.state.epoch, trainer.state.optimizer.state_dict()["state"]) == (0, {})

    @pytest.mark.parametrize("optimizer", [SGD(batch_size=32), Adam(batch_size=32)], ids=["sgd", "adam"])
    def test_a_reset_empties_the_optimizer_and_leaves_the_weights(self, optimizer):
        spec = replace(BASE, optimizer=optimizer)

        def after(reset, fresh=False):
            trainer = Trainer(spec)
            for epoch_spec in spec.epoch_specs[:2]:
                trainer.train_epoch(epoch_spec)
            if fresh:
                weights, epoch = trainer.state.model.state_dict(), trainer.state.epoch
                trainer.restart()
                trainer.state.model.load_state_dict(weights)
                trainer.state.epoch = epoch
            trainer.train_epoch(EpochSpec((), 0.05, reset_optimizer=reset))
            return trainer.state.state_dict()

        assert same(after(reset=True), after(reset=False, fresh=True))
        assert not same(after(reset=True)["model"], after(reset=False)["model"])

    def test_the_rate_is_that_of_the_act(self):
        trainer = Trainer(BASE)
        before = {name: value.clone() for name, value in trainer.state.model.named_parameters()}
        assert trainer.train_epoch(EpochSpec((), 1e-30))["rate"] == 1e-30
        moved = [(value - before[name]).abs().max() for name, value in trainer.state.model.named_parameters()]
        assert max(moved) < 1e-25
        trainer.train_epoch(EpochSpec((), 0.1))
        assert not any(torch.equal(before[name], value) for name, value in trainer.state.model.named_parameters())


class TestNonFinite:
    @pytest.mark.parametrize("base", [BASE, CONVOLUTIONAL], ids=["mlp", "all_cnn"])
    def test_ends_the_run_with_a_message(self, base):
        with pytest.raises(NonFiniteLoss, match=r"non-finite loss in epoch \d \(learning rate 1e\+06\)") as raised:
            train(run(base=base, schedule=Constant(rate=1e6)))
        assert "\n" not in str(raised.value)

    def test_the_last_update_of_a_run_counts(self):
        """No loss is taken after it."""
        trainer = Trainer(run(base=BASE))
        one = list(trainer._batches(trainer.spec.epoch_specs[0], []))[-1:]
        trainer._batches = lambda *_: iter(one)
        with pytest.raises(NonFiniteLoss, match="epoch 0"):
            trainer.train_epoch(EpochSpec((), math.inf))

    def test_infinite_counts_too(self, monkeypatch):
        monkeypatch.setattr(training.functional, "cross_entropy", lambda logits, labels: logits.sum() * 0 + math.inf)
        with pytest.raises(NonFiniteLoss, match="epoch 0"):
            train(BASE)


def test_threads_are_those_of_the_spec_and_put_back(monkeypatch):
    torch.set_num_threads(2)
    seen = []
    real = Trainer.train_epoch
    monkeypatch.setattr(
        Trainer, "train_epoch", lambda self, epoch_spec: seen.append(torch.get_num_threads()) or real(self, epoch_spec)
    )
    train(run(end=1))
    assert seen == [1]
    assert torch.get_num_threads() == 2
