"""Stabilisers that change gradients, in a loop whose GradScaler multiplies them: the effect stays, or it is refused."""

import pytest
import torch
from helpers import same
from torch import nn
from torch.nn import functional

from critical.core.batch import Batch
from critical.core.spec import SpecError
from critical.stabilizers import FisherPenalty, L2Init, Situation, Step, WeightDecay

EACH = pytest.mark.parametrize(
    "stabilizer", [FisherPenalty(weight=1.0), WeightDecay(weight=0.1), L2Init(weight=0.1)], ids=lambda one: one.name
)


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))


def trained(stabilizer, scaling=None, unscale=False, told=True, divided=1):
    """Weights after two steps; the gradients are scaled by 2**16 where `scaling` says so."""
    model = network()
    acting = stabilizer.activate(Situation(model, 0, 0, initial=lambda: network(1)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", enabled=bool(scaling))
    inputs, labels = torch.randn(12, 6, generator=torch.Generator().manual_seed(2)), torch.arange(12) % 3
    for number in range(2):
        logits = model(inputs)
        scale = (1.0 if unscale else scaler.get_scale() / divided) if told else None
        loss = functional.cross_entropy(logits, labels)
        step = Step(model, Batch((inputs,), labels, torch.arange(12)), logits, loss, number, scale)
        extra = acting.loss(step)
        optimizer.zero_grad()
        scaler.scale((loss if extra is None else loss + extra) / divided).backward()
        if unscale:
            scaler.unscale_(optimizer)
        acting.gradients(step)
        if divided > 1:
            for parameter in model.parameters():
                parameter.grad.mul_(divided)
        scaler.step(optimizer)
        scaler.update()
    return model.state_dict()


@EACH
@pytest.mark.parametrize("unscale", [False, True], ids=["scaled", "unscaled first"])
def test_the_effect_is_that_without_a_scaler(stabilizer, unscale):
    plain = trained(stabilizer)
    assert same(trained(stabilizer, told=False), plain), "who scales nothing has nothing to say"
    scaled = trained(stabilizer, scaling=True, unscale=unscale)
    for name, weights in plain.items():
        torch.testing.assert_close(scaled[name], weights)
    assert not same(trained(WeightDecay(weight=0.0)), plain), "there is an effect"


@EACH
def test_gradients_that_are_accumulated_are_divided_too(stabilizer):
    for name, weights in trained(stabilizer).items():
        torch.testing.assert_close(trained(stabilizer, divided=4)[name], weights)


@EACH
@pytest.mark.parametrize("how", [{"scaling": True}, {"scaling": True, "unscale": True}, {"divided": 2}])
def test_where_nobody_says_how_gradients_are_scaled_it_is_refused(stabilizer, how):
    with pytest.raises(SpecError, match=r"multiplied by (65536|0\.5) before .*scale=scaler\.get_scale\(\)") as caught:
        trained(stabilizer, told=False, **how)
    assert "\n" not in str(caught.value)


def test_a_loss_that_is_not_the_one_of_the_backward_pass_tells_nothing():
    model = network()
    logits = model(torch.ones(4, 6))
    step = Step(model, None, logits, functional.cross_entropy(logits, torch.arange(4) % 3), 0)
    logits.square().sum().backward()
    with pytest.raises(SpecError, match="the step's loss took no part in the backward pass"):
        WeightDecay(weight=0.1).activate(Situation(model, 0, 0)).gradients(step)
