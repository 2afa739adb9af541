import itertools

import numpy as np
import pytest
import torch

from critical.core.spec import SpecError
from critical.linear.descent import descend, initial_layers
from critical.linear.modes import maps

TASK = np.random.default_rng(1).normal(size=(3, 4))


def balanced(start, hidden=6):
    """Two layers whose modes are those of the task, each of the given strength, in random directions between."""
    left, _, right = np.linalg.svd(TASK, full_matrices=False)
    between = np.linalg.qr(np.random.default_rng(2).normal(size=(hidden, 3)))[0]
    root = np.sqrt(start)
    return [torch.as_tensor(held)[None] for held in (root * between @ right, root * left @ between.T)]


@pytest.mark.parametrize(("layers", "start"), [(1, 0.0), (2, 0.01)])
def test_balanced_networks_follow_the_closed_form(layers, start):
    held = balanced(start) if layers == 2 else [torch.zeros(1, 3, 4, dtype=torch.float64)]
    rate, steps = 1e-3, 3000
    found = descend(TASK, held, rate, steps)[:, 0]
    assert found[::300] == pytest.approx(maps(TASK, layers, start, rate * np.arange(0, steps + 1, 300)), abs=5e-3)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_step_is_that_of_automatic_differentiation(count):
    sizes, random = [*[4, 5, 6, 3][:count], 3], torch.Generator().manual_seed(0)
    layers = [torch.randn(2, above, below, generator=random, dtype=torch.float64)
              for below, above in itertools.pairwise(sizes)]  # fmt: skip
    found = descend(TASK, layers, 0.1, 1)
    for held in layers:
        held.requires_grad_()
    product = layers[0]
    for layer in layers[1:]:
        product = layer @ product
    # At unit covariance of inputs this is the mean squared error, up to a constant.
    (0.5 * (torch.as_tensor(TASK) - product).square().sum()).backward()
    after = layers[0] - 0.1 * layers[0].grad
    for layer in layers[1:]:
        after = (layer - 0.1 * layer.grad) @ after
    assert found[0] == pytest.approx(product.detach().numpy())
    assert found[1] == pytest.approx(after.detach().numpy())


def test_the_growing_part_of_random_weights_begins_at_the_given_strength():
    lower, upper = initial_layers((3, 4), 2, 50, 1e-4, range(400))
    left, _, right = np.linalg.svd(TASK, full_matrices=False)
    grows = (torch.as_tensor(left.T) @ upper + torch.as_tensor(right) @ lower.mT) / 2
    assert grows.square().sum(2).mean().item() == pytest.approx(1e-4, rel=0.03)


def test_a_network_depends_on_its_seed_alone():
    several, one = initial_layers((3, 4), 2, 5, 1e-2, (7, 8)), initial_layers((3, 4), 2, 5, 1e-2, (8,))
    assert all(torch.equal(a[1], b[0]) for a, b in zip(several, one, strict=True))
    assert descend(TASK, several, 0.01, 50)[:, 1] == pytest.approx(descend(TASK, one, 0.01, 50)[:, 0], abs=1e-14)
    assert not torch.equal(several[0][0], several[0][1])
    lower, upper = (layer.flatten()[:100] for layer in initial_layers((3, 4), 2, 50, 1e-2, (7,)))
    assert not torch.equal(lower, upper), "each layer has draws of its own"


def test_three_layers_are_not_drawn():
    with pytest.raises(SpecError, match=r"^layers=3: 1 or 2$"):
        initial_layers((3, 4), 3, 5, 1e-2, (0,))
