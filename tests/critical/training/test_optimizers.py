import math

import pytest
import torch

from critical.core.spec import SpecError, from_settings
from critical.training.optimizers import KINDS, SGD, Adam, AdamW, Optimizer


def one(value=1.0):
    return torch.nn.Parameter(torch.tensor([value]))


def steps(spec, gradients, rate=0.1, start=1.0):
    """Values of a single weight after each step with a given gradient."""
    weight = one(start)
    optimizer = spec.build([weight])
    assert [group["lr"] for group in optimizer.param_groups] == [0.0], "the loop sets the rate"
    optimizer.param_groups[0]["lr"] = rate
    values = []
    for gradient in gradients:
        weight.grad = torch.tensor([gradient])
        optimizer.step()
        values.append(weight.item())
    return values


def close(*values):
    return pytest.approx(values, rel=1e-5)


class TestSGD:
    def test_momentum_by_hand(self):
        # velocity 1, then 0.5 · 1 + 2 = 2.5
        assert steps(SGD(momentum=0.5, weight_decay=0.0), [1.0, 2.0]) == close(0.9, 0.65)

    def test_without_momentum(self):
        assert steps(SGD(momentum=0.0, weight_decay=0.0), [1.0, 2.0]) == close(0.9, 0.7)

    def test_nesterov_by_hand(self):
        # step 1 + 0.5 · 1, then 2 + 0.5 · 2.5
        assert steps(SGD(momentum=0.5, nesterov=True, weight_decay=0.0), [1.0, 2.0]) == close(0.85, 0.525)

    def test_weight_decay_is_l2(self):
        assert steps(SGD(momentum=0.0, weight_decay=0.5), [0.0], start=2.0) == close(1.9)


class TestAdam:
    def test_first_step_has_the_length_of_the_rate(self):
        assert steps(Adam(weight_decay=0.0), [123.0]) == close(0.9)

    def test_second_step_by_hand(self):
        spec = Adam(beta1=0.5, beta2=0.5, epsilon=1e-12, weight_decay=0.0)
        mean, square = (0.25 * 1 + 0.5 * 3) / 0.75, (0.25 * 1 + 0.5 * 9) / 0.75
        assert steps(spec, [1.0, 3.0]) == close(0.9, 0.9 - 0.1 * mean / math.sqrt(square))

    def test_weight_decay_is_not_decoupled(self):
        # In the gradient it is normalised away; AdamW would give 0.1 · 0.5 · 2 = 0.1 more.
        assert steps(Adam(weight_decay=0.5), [1.0], start=2.0) == close(1.9)

    def test_that_of_adamw_is(self):
        assert steps(AdamW(weight_decay=0.5), [1.0], start=2.0) == close(2.0 - 0.1 * 0.5 * 2.0 - 0.1)

    def test_epsilon(self):
        assert steps(Adam(epsilon=1.0, weight_decay=0.0), [1.0]) == close(0.95)


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        *[(kind, {"batch_size": size}, "optimizer.batch_size=") for kind in KINDS for size in (1, 0, -4)],
        *[
            (kind, {"weight_decay": decay}, "optimizer.weight_decay=")
            for kind in KINDS
            for decay in (-1e-4, math.nan, math.inf)
        ],
        *[("sgd", {"momentum": momentum}, "optimizer.momentum=") for momentum in (-0.1, 1.0, math.nan)],
        ("sgd", {"nesterov": True, "momentum": 0.0}, "nesterov=true needs a momentum above 0"),
        *[("adam", {beta: value}, f"{beta}=") for beta in ("beta1", "beta2") for value in (-0.1, 1.0, math.nan)],
        *[("adam", {"epsilon": epsilon}, "optimizer.epsilon=") for epsilon in (0.0, -1e-8, math.nan, math.inf)],
    ],
)
def test_refuses_in_one_line(kind, values, words):
    with pytest.raises(SpecError, match=words) as raised:
        from_settings(KINDS, {"name": kind, **values}, "optimizer")
    assert "\n" not in str(raised.value)


def test_the_base_builds_nothing():
    with pytest.raises(SpecError, match="choose one of its kinds"):
        Optimizer().build([one()])


def test_the_kinds_are_registered_under_their_names():
    assert set(KINDS) == {"sgd", "adam", "adamw"}
    assert all(kind.name == name for name, kind in KINDS.items())
