"""What the estimators of the Fisher's trace refuse, in one line."""

import pytest
import torch
from torch import nn

from critical.core.randomness import generator
from critical.measures.fisher import empirical_fisher_trace, trace_of_fisher


def network():
    return nn.Sequential(nn.Flatten(), nn.Linear(25, 3)).double()


@pytest.fixture
def model():
    return network()


@pytest.fixture
def images():
    return torch.rand(40, 1, 5, 5, generator=generator(0, "images"), dtype=torch.float64)


@pytest.fixture
def labels():
    return torch.randint(3, (40,), generator=generator(0, "labels"))


def untrainable():
    return network().requires_grad_(False)


class Detached(nn.Linear):
    def forward(self, view):
        return super().forward(view.flatten(1)).detach()


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (untrainable, "no parameter of the model requires a gradient"),
        (lambda: nn.Conv2d(1, 3, 3).double(), r"returned \(8, 3, 3, 3\) for 8 examples"),
        (lambda: nn.Sequential(nn.Flatten(0), nn.Linear(200, 3).double()), r"returned \(3,\)"),
        (lambda: nn.Sequential(nn.BatchNorm2d(1, track_running_stats=False)), "layer 0: batch normalisation"),
        (lambda: Detached(25, 3).double(), "depend on no trainable parameter"),
    ],
)
def test_models_that_cannot_be_measured(broken, message, images):
    with pytest.raises(ValueError, match=message) as raised:
        trace_of_fisher(broken(), images.split(8), generator=generator(0))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "mean"}, "method='mean': one of batch, per_sample"),
        ({"noise": "sign"}, "noise='sign': one of labels, signs"),
        ({"chunk": 0}, "chunk=0"),
        ({"batches": []}, "no batches"),
        ({"batches": torch.rand(8, 1, 5, 5)}, "one tensor"),
        ({"batches": [[torch.rand(8, 1, 5, 5), torch.zeros(8)]]}, "not list; from a loader of pairs"),
        ({"batches": [torch.rand(0, 1, 5, 5)]}, "a batch is empty"),
    ],
)
def test_refused_arguments(options, message, model, images):
    arguments = {"batches": images.split(8), "generator": generator(0)} | options
    with pytest.raises(ValueError, match=message):
        trace_of_fisher(model, **arguments)


def test_labels_are_checked(model, images, labels):
    with pytest.raises(ValueError, match="pair"):
        empirical_fisher_trace(model, [images])
    with pytest.raises(ValueError, match="int64, one each"):
        empirical_fisher_trace(model, [(images, labels[:5])])
