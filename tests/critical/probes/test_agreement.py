"""The cosine of the gradients of images trained on and others, against one backward pass of each."""

from dataclasses import replace

import pytest
import torch
from helpers import BASE
from torch.nn import functional

from critical.core.randomness import generator
from critical.core.spec import SpecError
from critical.deficits import Noise
from critical.models import MLP
from critical.probes import GradientCosine, Gradients
from critical.probes.base import ProbeContext
from critical.training.loop import Trainer

SPEC = replace(BASE, model=MLP(widths=(8,)))


def context(deficits=()):
    trainer = Trainer(SPEC)
    trainer.train_epoch(SPEC.epoch_specs[0])
    return ProbeContext(trainer.state.model, trainer.dataset, trainer.arithmetic, deficits, SPEC.seed, 1)


def of_loss(held, split, size, whole):
    """The gradient of the loss summed over whole batches, in the order that the probe draws."""
    order = torch.randperm(len(split.labels), generator=generator(held.seed, "gradients", held.epoch))
    loss = torch.zeros(())
    held.model.train()
    for index in order.split(size)[:whole]:
        batch = held.dataset.batch(split, index)
        loss = loss + functional.cross_entropy(held.model(*batch.views), batch.labels)
    held.model.zero_grad()
    loss.backward()
    return torch.cat([parameter.grad.flatten() for parameter in held.model.parameters()])


@pytest.mark.parametrize(("size", "of_training", "of_test"), [(24, 4, (24, 1)), (19, 5, (19, 2)), (48, 2, (40, 1))])
def test_it_is_the_cosine_of_the_mean_gradients_of_training_and_test_images(size, of_training, of_test):
    """Of 96 and 40 images; what is left over counts nowhere, and few test images are one batch."""
    held = context()
    first = of_loss(held, held.dataset.train, size, of_training)
    second = of_loss(held, held.dataset.test, *of_test)
    found = GradientCosine(batch_size=size).measure(context())["gradient_cosine"]
    assert found == pytest.approx(functional.cosine_similarity(first, second, dim=0).item(), abs=1e-4)
    assert -1 <= found <= 1


def test_where_what_is_trained_on_is_what_is_tested_it_is_one():
    held = context()
    held = replace(held, dataset=replace(held.dataset, test=held.dataset.train))
    assert GradientCosine(batch_size=24).measure(held)["gradient_cosine"] == pytest.approx(1.0, abs=1e-6)


def test_noise_that_is_fixed_per_image_is_another_one_for_test_images():
    held = context((Noise(),))
    held = replace(held, dataset=replace(held.dataset, test=held.dataset.train))
    assert GradientCosine(batch_size=24).measure(held)["gradient_cosine"] < 0.999


def test_one_image_left_over_counts_in_no_batch():
    held = context()
    held = replace(held, dataset=replace(held.dataset, train=held.dataset.train.take(torch.arange(49))))
    assert Gradients(batch_size=24).measure(held)["gradient_deviation"] > 0


def test_too_few_images_for_a_batch_are_refused_in_a_line():
    with pytest.raises(SpecError, match=r"^probe gradient_cosine: batch_size=97 of 96 images; a batch is needed$"):
        GradientCosine(batch_size=97).measure(context())
