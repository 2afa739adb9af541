"""The loop with two views: what happens in which order, and what never reaches the network."""

import math
from dataclasses import dataclass, field, replace
from typing import ClassVar

import pytest
import torch
from helpers import BASE, assert_as_from_scratch, from_scratch, run, same

from critical.core.batch import HEADS
from critical.data import Dataset, Digits, Halves, Split, TwoEyes, load
from critical.deficits import AlternatingDeprivation, Blur, Dissociation, SplitHeads, ViewDropout
from critical.execution import workers
from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.models import SplitAllCNN, TwoStream
from critical.probes import Accuracy
from critical.stabilizers import Acting, FisherPenalty, Stabilizer, StabilizerWindow
from critical.training import loop as training
from critical.training.augmentation import Augmentation
from critical.training.loop import NonFiniteLoss, Trainer
from critical.training.optimizers import SGD

EYES = replace(
    BASE,
    data=TwoEyes(train_size=40, test_size=20, resolution=8),
    model=SplitAllCNN(width=2, heads=True),
    optimizer=SGD(batch_size=20, weight_decay=0.0),
    augmentation=Augmentation(shift=0, flip=False),
    probes=(),
)
HALVES = replace(EYES, data=Halves(source="digits", width_pixels=3, subset=40, test_subset=20))
LOST_B, LOST_A = ViewDropout(view="b"), ViewDropout(view="a")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Watching(Acting):
    """Calls a function with the name of each hook and what it is handed."""

    def __init__(self, said, added):
        self.said, self.added = said, added

    def change_scene(self, batch):
        self.said("scene", batch)
        return batch

    def change_input(self, batch):
        self.said("input", batch)
        return batch

    def loss(self, step):
        return None if self.added is None else torch.tensor(self.added)


@dataclass(frozen=True)
class Watcher(Stabilizer):
    name: ClassVar[str] = "watcher"
    said: object = field(default=lambda *_: None, compare=False)
    added: float | None = None

    def activate(self, situation):
        return Watching(self.said, self.added)


def watched(spec, **settings):
    """The epoch specs of a run with a watcher in all of them; a function is no setting, so they have no keys."""
    return [replace(epoch_spec, stabilizers=(Watcher(**settings),)) for epoch_spec in spec.epoch_specs]


def trained(spec, dataset=None, epochs=1):
    """Rows and last state; of other data than those of the spec, if any."""
    trainer = Trainer(spec, dataset)
    rows = [trainer.train_epoch(epoch_spec) for epoch_spec in spec.epoch_specs[:epochs]]
    return rows, trainer.state.state_dict()


def test_what_happens_in_which_order(monkeypatch):
    order = []

    def listen(owner, name, word):
        real = getattr(owner, name)

        def heard(self, batch, *rest, **named):
            order.append((word, len(batch.views), batch.means is not None))
            return real(self, batch, *rest, **named)

        monkeypatch.setattr(owner, name, heard)

    spec = run((0, 1, Blur(factor=2)), (0, 1, LOST_B), base=HALVES, end=1)
    trainer = Trainer(spec)
    listen(Augmentation, "apply", "augmentation")
    listen(Dataset, "present", "present")
    listen(Blur, "apply", "blur")
    listen(ViewDropout, "apply", "dropout")

    def said(hook, batch):
        order.append((hook, len(batch.views), batch.means is not None))

    (epoch_spec,) = watched(spec, said=said)
    trainer.train_epoch(epoch_spec)
    assert order == [
        ("augmentation", 1, False), ("scene", 1, False), ("present", 1, False),
        ("blur", 2, True), ("dropout", 2, True), ("input", 2, True),
    ] * 2  # fmt: skip


class TestHeads:
    def calls(self, monkeypatch, spec):
        """The heads with which the network was called."""
        heads, real = [], TwoStream.forward
        monkeypatch.setattr(TwoStream, "forward", lambda self, *given: heads.append(given[2:]) or real(self, *given))
        trained(spec)
        return heads

    @pytest.mark.parametrize("kind", [Dissociation, SplitHeads])
    def test_the_network_is_asked_by_the_head_of_each_example(self, monkeypatch, kind):
        heads = self.calls(monkeypatch, run((0, 1, kind()), base=EYES))
        assert len(heads) == 2
        assert set(torch.cat([head for (head,) in heads]).tolist()) == {HEADS.index("a"), HEADS.index("b")}

    def test_no_head_is_asked_otherwise(self, monkeypatch):
        assert self.calls(monkeypatch, run((0, 1, LOST_B), base=EYES)) == [(), ()]

    @pytest.mark.parametrize("window", [(0, 1, Dissociation()), (0, 1, SplitHeads()), None])
    def test_the_heads_asked_are_the_ones_that_learn(self, window):
        spec = run(*([window] if window else []), base=EYES)
        first = Trainer(spec).state.model.heads.state_dict()
        last = {name[6:]: value for name, value in trained(spec)[1]["model"].items() if name.startswith("heads.")}
        moved = {name.split(".")[0] for name, value in first.items() if not torch.equal(value, last[name])}
        assert moved == ({"a", "b"} if window else {"both"})

    def test_after_a_dissociation_it_is_scored_through_it_and_without(self):
        rows = training.train(run((0, 1, Dissociation()), base=EYES, end=2, probes=(Accuracy(),)))
        assert ["test_accuracy_deficient" in row for row in rows] == [True, False]


def exchanged(dataset, number, columns=slice(None)):
    """The data with pixels of one view moved to other examples: all else, its mean too, is as before."""
    views = list(dataset.train.views)
    views[number] = views[number].clone()
    views[number][..., columns] = views[number][..., columns].roll(1, 0).flip(2)
    changed = replace(dataset, train=Split(tuple(views), dataset.train.labels))
    assert changed.view_means == dataset.view_means
    return changed


class TestWhatNeverReachesTheNetwork:
    @pytest.mark.parametrize(
        ("deficit", "epoch", "hidden"),
        [(LOST_B, 0, 1), (LOST_A, 0, 0), (AlternatingDeprivation(), 0, 0), (AlternatingDeprivation(), 1, 1)],
        ids=["b", "a", "a by turns", "b by turns"],
    )
    def test_a_dropped_view(self, deficit, epoch, hidden):
        spec = run((epoch, epoch + 1, deficit), base=EYES)
        dataset = load(EYES.data)

        def after(data):
            trainer = Trainer(spec, data)
            trainer.state.epoch = epoch
            return trainer.train_epoch(spec.epoch_specs[epoch]), trainer.state.state_dict()

        assert same(after(dataset), after(exchanged(dataset, hidden)))
        assert not same(after(dataset), after(exchanged(dataset, 1 - hidden)))

    def test_columns_that_neither_half_has(self):
        dataset = load(HALVES.data)
        plain = trained(HALVES, dataset)
        assert same(plain, trained(HALVES, exchanged(dataset, 0, slice(3, 5))))
        for seen in (slice(2, 3), slice(5, 6)):
            assert not same(plain, trained(HALVES, exchanged(dataset, 0, seen)))

    def test_the_half_that_is_dropped(self):
        spec, dataset = run((0, 1, LOST_A), base=HALVES), load(HALVES.data)
        assert same(trained(spec, dataset), trained(spec, exchanged(dataset, 0, slice(0, 5))))

    def test_not_even_if_it_is_not_a_number(self, monkeypatch):
        lost = run((0, 1, LOST_B), base=EYES)
        expected, real = trained(lost), Dataset.present

        def broken(self, batch):
            made = real(self, batch)
            return made.with_views((made.views[0], made.views[1] * math.nan))

        monkeypatch.setattr(Dataset, "present", broken)
        assert same(trained(lost), expected)
        with pytest.raises(NonFiniteLoss):
            trained(EYES)

    def test_the_blur_of_one_view_leaves_the_other_as_it_is(self):
        spec = run((0, 1, Blur(factor=2, view="b")), base=EYES)
        seen = []
        Trainer(spec).train_epoch(watched(spec, said=lambda hook, batch: seen.append((hook, batch)))[0])
        scenes, inputs = ([batch for hook, batch in seen if hook == word] for word in ("scene", "input"))
        for scene, given in zip(scenes, inputs, strict=True):
            assert torch.equal(scene.views[0], given.views[0])
            assert not torch.equal(scene.views[1], given.views[1])


@pytest.mark.parametrize(
    "deficit", [Dissociation(), Dissociation(variant="authors"), SplitHeads(), ViewDropout(probability=0.5)],
    ids=["dissociation", "authors", "split_heads", "dropout"],
)  # fmt: skip
def test_a_fork_is_the_run_from_scratch(deficit, tmp_path):
    # 36 examples in batches of 20 end with a batch of 16, which is dissociated within itself.
    base = replace(EYES, data=replace(EYES.data, subset=36), probes=(Accuracy(),))
    specs = [run(base=base, end=3), run((1, 2, deficit), base=base, end=3)]
    todo = plan(specs)
    assert todo.epochs_needed == 5, "the first epoch is shared"
    workers.work(todo, RunStore(tmp_path))
    assert_as_from_scratch(RunStore(tmp_path), *specs)


class TestStabilizerLoss:
    def test_is_a_column_of_its_own(self):
        spec = run(base=EYES, end=1)
        trainer, plain = Trainer(spec), trained(spec)[0][0]
        row = trainer.train_epoch(watched(spec, added=0.5)[0])
        assert row.pop("stabilizer_loss") == 0.5
        assert row == plain, "a constant moves nothing, and is no part of the loss that is reported"

    def test_is_there_in_the_window_alone(self):
        window = StabilizerWindow(FisherPenalty(every=1), 1, 2)
        rows, _ = from_scratch(run(base=EYES, end=3, stabilizers=(window,)))
        assert ["stabilizer_loss" in row for row in rows] == [False, True, False]
        assert rows[1]["stabilizer_loss"] > 0

    def test_must_be_finite(self):
        spec = run(base=EYES, end=1)
        with pytest.raises(NonFiniteLoss):
            Trainer(spec).train_epoch(watched(spec, added=math.inf)[0])


def test_two_views_of_other_channels_are_normalised_each_by_its_own():
    digits = load(Digits(subset=40, test_subset=20)).train
    bright, dark = digits.views[0], digits.views[0] // 4
    dataset = Dataset(*[Split((bright, dark), digits.labels)] * 2, tuple("0123456789"), "bright and dark")
    network = Trainer(EYES, dataset).state.model
    for stream, view in ((network.stream_a, bright), (network.stream_b, dark)):
        seen = stream.normalise(view.float() / 255)
        assert seen.mean().abs() < 1e-5
        assert seen.std(correction=0) == pytest.approx(1, rel=1e-4)
