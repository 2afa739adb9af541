"""Which view the units of each layer of a transformer listen to."""

import math

import pytest
import torch

from critical.core.arithmetic import Arithmetic
from critical.core.randomness import generator
from critical.core.spec import SpecError
from critical.data import Dataset, Split
from critical.measures.information import relative_source_variance, source_variance
from critical.models import SplitAllCNN, TwoViewTransformer
from critical.probes import ProbeContext, TokenVariance

MODEL = TwoViewTransformer(patch=2, dims=8, layers=2, attention_heads=2, expansion=2)
SHAPE = (1, 4, 4)
PROBE = TokenVariance(examples=5)


def split(count, purpose):
    return Split(tuple(torch.rand(count, *SHAPE, generator=generator(0, purpose, view)) for view in "ab"),
                 torch.arange(count) % 3)  # fmt: skip


def context(model):
    data = Dataset(split(10, "train"), split(12, "test"), tuple("xyz"), "made")
    return ProbeContext(model, data, Arithmetic(), (), 0, 1)


def network():
    return MODEL.build((SHAPE, SHAPE), 3, 0)


def test_every_layer_by_hand():
    model = network().eval()
    row = PROBE.measure(context(model))
    chosen = torch.randperm(12, generator=generator(0, "token variance", 1))[:5]
    a, b = (view[chosen] for view in split(12, "test").views)
    layers = [[], [], []]
    with torch.no_grad():
        for one in range(5):
            for other in range(5):
                tokens = model.fusion(*model.streams(a[one : one + 1], b[other : other + 1])).transpose(1, 2)
                layers[0].append(tokens.flatten())
                for number, block in enumerate(model.trunk.blocks, start=1):
                    tokens = block(tokens)
                    layers[number].append(tokens.flatten())
    for number, held in enumerate(layers):
        wanted = source_variance(relative_source_variance(torch.stack(held).view(5, 5, -1)))
        assert row[f"rsv_one_sided_layer{number}"] == pytest.approx(wanted.polarised, abs=1e-3)
    histogram = [row[f"rsv_tokens/{number:02}"] for number in range(20)]
    assert histogram == pytest.approx(wanted.histogram, abs=1e-3)
    assert set(row) == {*(f"rsv_one_sided_layer{number}" for number in range(3)),
                        *(f"rsv_tokens/{number:02}" for number in range(20))}  # fmt: skip


def test_patches_listen_to_one_view_and_so_does_an_encoder_that_relates_none():
    model = network()
    assert PROBE.measure(context(model))["rsv_one_sided_layer0"] == 1.0
    assert PROBE.measure(context(model))["rsv_one_sided_layer2"] < 1.0
    with torch.no_grad():
        for block in model.trunk.blocks:
            block.attention.leave.weight.zero_()
    row = PROBE.measure(context(model))
    assert row["rsv_one_sided_layer2"] == 1.0
    assert row["rsv_tokens/00"] == pytest.approx(0.5)
    assert row["rsv_tokens/19"] == pytest.approx(0.5)


def test_leaves_the_network_as_it_was():
    model = network().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    PROBE.measure(context(model))
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not model.trunk._forward_pre_hooks
    assert not any(block._forward_hooks for block in model.trunk.blocks)


def test_a_diverged_network_has_no_numbers():
    model = network()
    with torch.no_grad():
        model.trunk.blocks[1].norm1.weight.fill_(math.inf)
    assert all(math.isnan(value) for value in PROBE.measure(context(model)).values())


def test_what_cannot_be_is_refused():
    with pytest.raises(SpecError, match=r"^probe token_variance: examples=1;"):
        TokenVariance(examples=1)
    with pytest.raises(SpecError, match=r"^probe token_variance: TwoStream has no tokens"):
        PROBE.measure(context(SplitAllCNN(width=2).build((SHAPE, SHAPE), 3, 0)))
