"""The barrier between networks whose line is known, and statistics that are settled."""

import pytest
import torch
from torch import nn

from critical.measures.barrier import barrier, errors_between, settle

SHARES = [number / 10 for number in range(11)]


class Scalar(nn.Module):
    """One weight."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(float(weight)))
        self.register_buffer("steps", torch.tensor(3))

    def forward(self, views):
        return views * self.weight


def errors(first, second, error):
    model = Scalar(0.0)
    states = [Scalar(weight).state_dict() for weight in (first, second)]
    return errors_between(model, *states, SHARES, lambda: [], lambda: error(model.weight.item()))


def test_a_network_has_no_barrier_to_itself():
    held = errors(0.3, 0.3, lambda weight: 7.0 + weight)
    assert len(set(held)) == 1, "not even a rounding error"
    assert barrier(held) == 0


def test_between_two_valleys_lies_the_hill():
    held = errors(-1.0, 1.0, lambda weight: 100 * (1 - weight**2) ** 2)
    assert held == pytest.approx([100 * (1 - (2 * share - 1) ** 2) ** 2 for share in SHARES], abs=1e-3)
    assert barrier(held) == pytest.approx(100)


def test_a_slope_is_no_barrier_beyond_the_mean_of_its_ends():
    assert barrier(errors(0.0, 1.0, lambda weight: 10 * weight)) == pytest.approx(5.0)


def test_whole_numbers_are_those_of_the_first():
    model, first, second = Scalar(0.0), Scalar(1.0).state_dict(), Scalar(2.0).state_dict()
    second["steps"] = torch.tensor(8)
    errors_between(model, first, second, [0.5], lambda: [], lambda: 0.0)
    assert (model.weight.item(), model.steps.item()) == (1.5, 3)


def test_settled_statistics_are_the_means_over_the_batches_and_nothing_else_moves():
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5))
    model[0].running_mean.fill_(99.0)
    model[0].num_batches_tracked.fill_(50)  # as after a training: they would weigh as many batches
    weight = model[0].weight.clone()
    batches = [torch.randn(8, 3, generator=torch.Generator().manual_seed(seed)) + seed for seed in range(3)]
    settle(model, ((batch,) for batch in batches))
    torch.testing.assert_close(model[0].running_mean, torch.stack([batch.mean(0) for batch in batches]).mean(0))
    torch.testing.assert_close(model[0].running_var, torch.stack([batch.var(0) for batch in batches]).mean(0))
    assert torch.equal(model[0].weight, weight)
    assert not any(module.training for module in model.modules())
