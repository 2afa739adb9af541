"""The transformer of two views: what a token knows, what attention is, and that its parts are the whole."""

import math

import pytest
import torch
from torch.nn import functional

from critical.core.batch import HEADS
from critical.core.randomness import generator
from critical.core.spec import SpecError
from critical.measures import fisher
from critical.models import TwoViewTransformer
from critical.models.transformer import Attention, Dense, Encoder
from critical.models.two_view_transformer import patches

SHAPES = ((3, 6, 4), (1, 4, 4))
MODEL = TwoViewTransformer(patch=2, dims=8, layers=2, attention_heads=2, expansion=2)


def views(count=5, seed=0):
    draws = generator(seed, "views")
    return tuple(torch.rand(count, *shape, generator=draws) for shape in SHAPES)


def network(seed=0, **changes):
    return TwoViewTransformer(**{**vars(MODEL), **changes}).build(SHAPES, 5, seed).eval()


def test_the_parts_are_the_whole_and_every_weight_takes_part():
    made, (a, b) = network(), views()
    from_a, from_b = made.streams(a, b)
    assert (from_a.shape, from_b.shape) == ((5, 8, 6), (5, 8, 4))
    code = made.code(from_a, from_b)
    assert code.shape == (5, 8, 10)
    logits = made(a, b)
    assert torch.equal(logits, made.heads["both"](code.mean(2)))
    logits[:, 0].sum().backward()
    silent = {"enter.bias"}  # of the keys it cancels in the softmax; queries and values are in the same tensor
    assert all(parameter.grad.abs().sum() > 0 for name, parameter in made.named_parameters() if name not in silent)
    owned = [name for pathway in made.PATHWAYS.values() for name in pathway]
    assert sorted(owned) == sorted(name for name, _ in made.named_children())


def test_patches_are_cut_row_by_row():
    image = torch.arange(2 * 4 * 6.0).view(1, 2, 4, 6)
    found = patches(image, 2)
    assert found.shape == (1, 6, 8)
    assert found[0, 4].tolist() == image[0, :, 2:4, 2:4].flatten().tolist()


@pytest.mark.parametrize("view", [0, 1])
def test_a_token_knows_its_own_patch_alone(view):
    made, given = network(), list(views())
    before = made.streams(*given)[view]
    given[view] = given[view].clone()
    given[view][:, :, 2:4, 2:4] += 1
    after = made.streams(*given)[view]
    changed = (before != after).any(1).any(0)
    assert changed.nonzero().flatten().tolist() == [3]  # two patches a row


def test_of_one_colour_each_place_is_another_token():
    """Places are learnt for each view: without them a motion could not be told."""
    for tokens in network().streams(*(torch.full((1, *shape), 0.5) for shape in SHAPES)):
        assert torch.pdist(tokens[0].T).min() > 0


def test_a_view_is_normalised_by_its_own_mean_and_spread():
    means, spreads = ((0.5, 0.4, 0.3), (0.7,)), ((0.2, 0.25, 0.5), (0.1,))
    made, given = MODEL.build(SHAPES, 5, 0, means, spreads), views()
    for view, stream, mean, spread in zip(given, (made.stream_a, made.stream_b), means, spreads, strict=True):
        expected = (view - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(spread).view(-1, 1, 1)
        torch.testing.assert_close(stream.normalise(view), expected)


def test_a_dense_layer_is_a_linear_map():
    layer, tokens = Dense(4, 6), torch.randn(3, 5, 4, generator=generator(0, "tokens"))
    by_hand = functional.linear(tokens, layer.weight[:, :, 0, 0], layer.bias)
    assert torch.allclose(layer(tokens), by_hand, atol=1e-6)


@pytest.mark.parametrize("heads", [1, 2])
def test_attention_is_torchs(heads):
    layer, tokens = Attention(8, heads), torch.randn(3, 5, 8, generator=generator(1, "tokens"))
    allowed = torch.rand(3, 5, 5, generator=generator(2, "allowed")) < 0.5
    allowed |= torch.eye(5, dtype=torch.bool)
    parts = layer.enter(tokens).view(3, 5, 3, heads, 8 // heads).permute(2, 0, 3, 1, 4)
    for mask in (None, allowed):
        given = None if mask is None else mask[:, None]
        mixed = functional.scaled_dot_product_attention(*parts, attn_mask=given)
        assert torch.allclose(layer(tokens, mask), layer.leave(mixed.transpose(1, 2).reshape(3, 5, 8)), atol=1e-6)


def test_without_places_the_order_of_tokens_does_not_matter():
    encoder, tokens = Encoder(8, 2, 2, 2).eval(), torch.randn(2, 8, 6, generator=generator(0, "tokens"))
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    assert torch.allclose(encoder(tokens)[:, :, order], encoder(tokens[:, :, order]), atol=1e-6)
    assert encoder(tokens).mean(1).abs().max() < 1e-6, "the last normalisation is over the dimensions"


def test_weights_depend_on_the_seed_and_nothing_else():
    before = torch.get_rng_state()
    first, again, other = (network(seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)
    three = network(3, heads=True).state_dict()
    assert all(torch.equal(first[key], three[key]) for key in first), "more heads must not change the rest"
    spread = first["stream_a.patches.place"].std()
    assert 0.01 < spread < 0.03


def test_each_example_is_answered_by_its_head():
    made, head = network(heads=True), torch.tensor([2, 0, 1, 1, 0])
    logits = made(*views(), head)
    alone = [made(*views(), torch.full((5,), number)) for number in range(len(HEADS))]
    for row, number in enumerate(head):
        assert torch.equal(logits[row], alone[number][row])


def test_a_single_example_is_answered_as_in_a_batch():
    made = network()
    assert torch.allclose(made(*(view[:1] for view in views())), made(*views())[:1], atol=1e-6)


def test_its_trace_of_fisher_is_the_sum_of_its_layers():
    trace = fisher.trace_of_fisher(network(), [views(8), views(8, seed=1)], generator=generator(0, "fisher"))
    assert math.isclose(trace.total, sum(trace.layers.values()), rel_tol=1e-6)
    layers = {"stream_a.patches", "stream_a.patches.map", "trunk.blocks.0.attention.enter", "heads.both"}
    assert layers <= set(trace.layers)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"layers": 0}, "layers=0; it must be at least 1"), ({"dims": 9}, "dims=9: no multiple of attention_heads=2"),
     ({"patch": 4}, r"a view of shape \(3, 6, 4\): an image whose sides patch=4 divides is wanted")],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_a_line(changes, said):
    with pytest.raises(SpecError, match=f"^model=two_view_transformer: {said}") as raised:
        network(**changes)
    assert "\n" not in str(raised.value)


def test_a_signal_is_no_image():
    with pytest.raises(SpecError, match="an image whose sides patch=2 divides is wanted"):
        MODEL.build((SHAPES[0], (2, 8)), 5, 0)
