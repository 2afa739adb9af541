"""The cosine of the gradients of two halves against one backward pass a half."""

from dataclasses import replace

import pytest
import torch
from helpers import BASE
from torch.nn import functional

from critical.core.randomness import generator
from critical.core.spec import SpecError
from critical.models import MLP
from critical.probes import GradientCosine
from critical.probes.base import ProbeContext
from critical.training.loop import Trainer

SPEC = replace(BASE, model=MLP(widths=(8,)))


def context():
    trainer = Trainer(SPEC)
    trainer.train_epoch(SPEC.epoch_specs[0])
    return ProbeContext(trainer.state.model, trainer.dataset, trainer.arithmetic, (), SPEC.seed, 1)


def test_it_is_the_cosine_of_the_mean_gradients_of_every_other_batch():
    held = context()
    split = held.dataset.train
    order = torch.randperm(len(split.labels), generator=generator(held.seed, "gradients", held.epoch))
    halves = []
    for start in (0, 1):
        loss = torch.zeros(())
        held.model.train()
        for index in list(order.split(24))[start::2]:
            batch = held.dataset.batch(split, index)
            loss = loss + functional.cross_entropy(held.model(*batch.views), batch.labels)
        held.model.zero_grad()
        loss.backward()
        halves.append(torch.cat([parameter.grad.flatten() for parameter in held.model.parameters()]))
    expected = functional.cosine_similarity(*halves, dim=0).item()
    found = GradientCosine(batch_size=24).measure(context())["gradient_cosine"]
    assert found == pytest.approx(expected, abs=1e-4)
    assert -1 <= found <= 1


def test_too_few_images_for_two_halves_are_refused_in_a_line():
    with pytest.raises(SpecError, match=r"^probe gradient_cosine: batch_size=60 of 96 images; two batches are needed$"):
        GradientCosine(batch_size=60).measure(context())
