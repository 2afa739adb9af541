"""What is drawn in a run, seen from outside: seed, epoch and purpose each make another draw."""

import types
from dataclasses import dataclass

import pytest
import torch
from helpers import run

from critical.core import randomness
from critical.data import Dataset, Split
from critical.deficits import LabelPermutation, Noise, Occlusion, RandomLabels
from critical.training import loop as training
from critical.training.augmentation import Augmentation
from critical.training.loop import Trainer
from critical.training.runs import EpochSpec

IMAGES = torch.randint(256, (96, 1, 8, 8), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
SPLIT = Split((IMAGES,), torch.arange(96) % 10)
DATA = Dataset(SPLIT, SPLIT, tuple("0123456789"), "the same for every seed")


@dataclass
class Epoch:
    """What one epoch of a network without a past was made of."""

    weights: list
    order: list
    shifts: list
    pictures: torch.Tensor
    labels: list


def epoch_of(seed, epoch, *deficits, shift=0):
    spec = run(seed=seed, augmentation=Augmentation(shift=shift, flip=False), probes=())
    orders, pictures, labels = [], [], []
    trainer = Trainer(spec, DATA)
    weights = [value.flatten().tolist() for value in trainer.state.model.state_dict().values()]
    trainer.state.epoch = epoch
    trainer.state.model.register_forward_pre_hook(lambda _, inputs: pictures.append(inputs[0].clone()))
    with pytest.MonkeyPatch.context() as patch:
        augment, entropy = Augmentation.apply, training.functional.cross_entropy

        def apply(self, batch, draws):
            orders.append(batch.index)
            return augment(self, batch, draws)

        def cross_entropy(logits, wanted, **named):
            labels.append(wanted)
            return entropy(logits, wanted, **named)

        patch.setattr(Augmentation, "apply", apply)
        patch.setattr(training.functional, "cross_entropy", cross_entropy)
        trainer.train_epoch(EpochSpec(deficits, 0.05))
    order, seen = torch.cat(orders), torch.cat(pictures)
    back, readable = order.argsort(), shift and not deficits
    shifts = [moved(*pair) for pair in zip(IMAGES[order], seen, strict=True)] if readable else []
    # Rounded: a mean over pixels has other last bits at another place in the batch.
    return Epoch(weights, order.tolist(), shifts, seen[back].mul(1e4).round().int(), torch.cat(labels)[back].tolist())


def moved(image, seen):
    """By how much a picture was shifted, read off its middle."""
    inside = (seen * 255).round().to(torch.uint8)[:, 1:7, 1:7]
    (found,) = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)
                if torch.equal(image[:, 1 + down : 7 + down, 1 + right : 7 + right], inside)]  # fmt: skip
    return found


DRAWS = {
    "initial weights": (lambda seed, epoch: epoch_of(seed, epoch).weights, False),
    "batch order": (lambda seed, epoch: epoch_of(seed, epoch).order, True),
    "augmentation": (lambda seed, epoch: epoch_of(seed, epoch, shift=1).shifts, True),
    "fixed noise": (lambda seed, epoch: epoch_of(seed, epoch, Noise()).pictures.tolist(), False),
    "new noise": (lambda seed, epoch: epoch_of(seed, epoch, Noise(resample=True)).pictures.tolist(), True),
    "fixed squares": (lambda seed, epoch: epoch_of(seed, epoch, Occlusion(resample=False)).pictures.tolist(), False),
    "new squares": (lambda seed, epoch: epoch_of(seed, epoch, Occlusion(resample=True)).pictures.tolist(), True),
    "fixed random labels": (lambda seed, epoch: epoch_of(seed, epoch, RandomLabels(resample=False)).labels, False),
    "new random labels": (lambda seed, epoch: epoch_of(seed, epoch, RandomLabels(resample=True)).labels, True),
    "fixed permutation": (lambda seed, epoch: epoch_of(seed, epoch, LabelPermutation()).labels, False),
    "new permutation": (lambda seed, epoch: epoch_of(seed, epoch, LabelPermutation(resample=True)).labels, True),
}
"""What is drawn, and whether each epoch draws anew."""


@pytest.mark.parametrize("what", DRAWS)
def test_every_seed_draws_anew_and_epochs_do_where_they_should(what):
    look, anew = DRAWS[what]
    first = look(0, 0)
    assert look(0, 0) == first
    assert look(1, 0) != first, "another seed"
    for epoch in (1, 2):
        assert (look(0, epoch) != first) == anew, "another epoch"
    assert not anew or look(0, 1) != look(0, 2)


def test_what_is_drawn_is_not_nothing():
    plain = epoch_of(0, 0)
    assert sorted(plain.order) == list(range(96)) != plain.order
    assert len(set(epoch_of(0, 0, shift=1).shifts)) == 9
    assert plain.labels == SPLIT.labels.tolist()
    assert torch.equal(plain.pictures, IMAGES.div(255).mul(1e4).round().int())


def test_every_purpose_has_a_stream_of_its_own(monkeypatch):
    """Read off what is hashed to the seeds of generators."""
    real, heard = randomness.hashlib.sha256, []
    listening = types.SimpleNamespace(sha256=lambda text: heard.append(text) or real(text))
    monkeypatch.setattr(randomness, "hashlib", listening)
    deficits = (Noise(resample=True), RandomLabels(resample=True), LabelPermutation())

    def keys(seed, epoch):
        heard.clear()
        epoch_of(seed, epoch, *deficits, shift=1)
        # A key that is hashed once more, as that of a permutation is, has one part.
        return {tuple(parts) for parts in (text.decode().split("\x1f") for text in heard) if len(parts) > 1}

    first, later, other = keys(0, 0), keys(0, 1), keys(1, 0)
    purposes = {purpose for _, purpose, *_ in first}
    expected = {"weights", "batch order", "augmentation", "network", "noise", "random_labels", "label_permutation"}
    assert purposes == expected
    assert len(first) == len(later) == len(other) == len(purposes)
    assert {purpose for _, purpose, *_ in first & later} == {"weights", "label_permutation"}
    assert not first & other
