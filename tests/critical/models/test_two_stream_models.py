"""Networks of two streams: what they are made of, whose head answers, and that the parts are the whole."""

import copy
import pickle

import pytest
import torch

from critical.core import spec
from critical.core.arithmetic import Arithmetic
from critical.core.batch import HEADS, VIEWS, filled
from critical.core.randomness import generator
from critical.measures import fisher
from critical.models import KINDS, SplitAllCNN, SplitResNet18, TwoModality, resnet
from critical.models.two_stream import FUSIONS, Gate

IMAGES = ((3, 8, 8), (3, 8, 8))
UNLIKE = ((1, 8, 6), (2, 21))
TINY = {
    "split_all_cnn": (SplitAllCNN(width=2), IMAGES),
    "split_resnet18": (SplitResNet18(width=1 / 32), IMAGES),
    "two_modality": (TwoModality(width=2, units=6), UNLIKE),
}
EVERY_MODEL = pytest.mark.parametrize(("model", "shapes"), TINY.values(), ids=TINY)
MEAN, STD = ((0.5, 0.4, 0.3), (0.1, 0.7, 0.2)), ((0.2, 0.25, 0.5), (0.3, 0.3, 0.1))


def views(shapes, count=6, seed=0):
    draws = generator(seed, "views")
    return tuple(torch.rand(count, *shape, generator=draws) for shape in shapes)


def changed(model, **fields):
    return spec.from_settings(KINDS, spec.settings(model) | fields, "model")


def network_of(model, shapes, **fields):
    """A network in evaluation mode; batch normalisation has seen some examples."""
    network = changed(model, **fields).build(shapes, 5, 0)
    with torch.no_grad():
        network(*views(shapes, 16, seed=1))
    return network.eval()


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_every_two_stream_family_is_tested():
    """The transformer, which has no fusion to choose, in `test_two_view_transformer`."""
    assert {*TINY, "two_view_transformer"} == {name for name, kind in KINDS.items() if getattr(kind, "streams", 1) == 2}


def test_the_papers_networks_have_the_authors_parameters():
    # Counted from models.py of github.com/mjkleinman/CriticalPeriodMultiView: SResNet18(),
    # SResNet18MultiHead(), DoubleNLayerDisciminator(n_blocks=n). With their weights copied in, outputs agreed.
    photographs = ((3, 32, 32),) * 2
    assert parameters(SplitResNet18().build(photographs, 10, 0)) == 11_846_282
    assert parameters(SplitResNet18(heads=True).build(photographs, 10, 0)) == 11_856_542
    for blocks, expected in ((1, 875_722), (2, 3_977_290)):
        assert parameters(SplitAllCNN(blocks=blocks).build(photographs, 10, 0)) == expected
    for blocks, expected in ((1, 6_810), (2, 28_730), (3, 115_578)):  # filters_percentage=1/12
        assert parameters(SplitAllCNN(width=8, blocks=blocks).build(photographs, 10, 0)) == expected


# Of width 1, by hand: kernels, two numbers a map for its normalisation, and the head.
# A block: conv 3→1, conv 1→1, conv 1→2 in either stream; conv 2→2, conv 1×1 2→2; a linear map 2→10.
ONE = 2 * (27 + 2 + 9 + 2 + 18 + 4) + (36 + 4) + (4 + 4) + 30
# A second one: conv 2→2, conv 2→4 in either stream; conv 4→4, conv 1×1 4→4; a linear map 4→10.
TWO = 2 * (27 + 2 + 9 + 2 + 18 + 4 + 36 + 4 + 72 + 8) + (144 + 8) + (16 + 8) + 50
# A third one: conv 4→4, conv 4→8 in either stream; conv 8→8, conv 1×1 8→8; a linear map 8→10.
THREE = 2 * (27 + 2 + 9 + 2 + 18 + 4 + 36 + 4 + 72 + 8 + 144 + 8 + 288 + 16) + (576 + 16) + (64 + 16) + 90


@pytest.mark.parametrize(("blocks", "expected"), [(1, ONE), (2, TWO), (3, THREE)])
def test_split_networks_of_width_1_have_as_many_parameters_as_by_hand(blocks, expected):
    model = SplitAllCNN(width=1, blocks=blocks)
    assert model.parameters() == parameters(model.build(((3, 8, 8),) * 2, 10, 0)) == expected


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize(("heads", "channels", "classes"), [(False, (1, 3), 5), (True, (2, 2), 10)])
def test_split_networks_count_their_parameters(fusion, heads, channels, classes):
    model = SplitAllCNN(width=3, blocks=2, fusion=fusion, heads=heads)
    network = model.build([(held, 8, 8) for held in channels], classes, 0)
    assert model.parameters(channels, classes) == parameters(network)


@pytest.mark.parametrize("width", [4, 8, 12, 16, 96])
@pytest.mark.parametrize("blocks", [1, 3])
def test_the_width_follows_from_the_number_of_parameters(width, blocks):
    base = SplitAllCNN(width=width, blocks=2)
    other = base.of_size(blocks)
    assert (other.blocks, other.fusion) == (blocks, base.fusion)
    assert 0.9 <= other.parameters() / base.parameters() <= 1.1


def test_no_width_gives_as_many_parameters():
    with pytest.raises(spec.SpecError, match="no width with blocks=3 has the 590 parameters") as refused:
        SplitAllCNN(width=1, blocks=2).of_size(3)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("heads", [False, True])
@pytest.mark.parametrize("fusion", FUSIONS)
@EVERY_MODEL
def test_logits_of_every_fusion(model, shapes, fusion, heads):
    network = changed(model, fusion=fusion, heads=heads).build(shapes, 5, 0)
    a, b = views(shapes)
    logits = network(a, b)
    assert logits.shape == (6, 5)
    assert torch.equal(network.eval()(a, b), network.classify(network.code(*network.streams(a, b))))
    assert tuple(network.heads) == (HEADS if heads else ("both",))
    logits[:, 0].sum().backward()
    silent = {f"heads.{name}" for name in VIEWS}
    for name, parameter in network.named_parameters():
        assert (parameter.grad is None) == (name.rpartition(".")[0] in silent), name
    owned = [name for pathway in network.PATHWAYS.values() for name in pathway]
    assert sorted(owned) == sorted(name for name, _ in network.named_children())


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_blocks_double_the_maps_and_halve_the_image(blocks):
    a, b = views(((3, 16, 8), (1, 16, 8)))
    network = SplitAllCNN(width=2, blocks=blocks).build(((3, 16, 8), (1, 16, 8)), 5, 0)
    maps = (6, 2 * 2**blocks, 16 // 2**blocks, 8 // 2**blocks)
    from_a, from_b = network.streams(a, b)
    assert from_a.shape == from_b.shape == maps
    assert network.code(from_a, from_b).shape == maps
    assert sum(isinstance(layer, torch.nn.Conv2d) for layer in network.stream_a) == 1 + 2 * blocks


def test_residual_widths_and_sizes():
    assert resnet.maps(1.0) == (64, 128, 256, 512)
    assert resnet.maps(0.125) == (8, 16, 32, 64)
    assert resnet.maps(0.001) == (1, 1, 1, 1)
    model, shapes = TINY["split_resnet18"]
    network = network_of(model, shapes)
    from_a, from_b = network.streams(*views(shapes))
    code = network.code(from_a, from_b)
    assert (from_a.shape, code.shape) == ((6, 4, 4, 4), (6, 16, 1, 1))
    assert code.min() < 0, "nothing follows the last block"


@pytest.mark.parametrize("shapes", [UNLIKE, UNLIKE[::-1], (UNLIKE[0],) * 2, (UNLIKE[1],) * 2])
@pytest.mark.parametrize("depth", [0, 2])
def test_modalities_meet_in_units(shapes, depth):
    network = network_of(TwoModality(width=2, units=6, depth=depth), shapes)
    from_a, from_b = network.streams(*views(shapes))
    assert from_a.shape == from_b.shape == (6, 6)
    assert network.code(from_a, from_b).shape == (6, 6 if depth else 12)
    convolutions = [type(stream.conv1) for stream in (network.stream_a, network.stream_b)]
    assert convolutions == [torch.nn.Conv2d if len(shape) == 3 else torch.nn.Conv1d for shape in shapes]


@EVERY_MODEL
def test_weights_depend_on_the_seed_and_nothing_else(model, shapes):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, again, other = (model.build(shapes, 5, seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)
    three = changed(model, heads=True).build(shapes, 5, 3).state_dict()
    assert all(torch.equal(first[key], three[key]) for key in first), "more heads must not change the rest"
    twins = model.build((shapes[0],) * 2, 5, 3)
    assert not torch.equal(twins.stream_a.conv1.weight, twins.stream_b.conv1.weight)


@EVERY_MODEL
def test_each_example_is_answered_by_its_head(model, shapes):
    network = network_of(model, shapes, heads=True)
    inputs, head = views(shapes), torch.tensor([2, 0, 1, 1, 0, 2])
    logits = network(*inputs, head)
    alone = [network(*inputs, torch.full((6,), number)) for number in range(3)]
    for row, number in enumerate(head):
        assert torch.equal(logits[row], alone[number][row])
        assert all(not torch.equal(logits[row], alone[other][row]) for other in range(3) if other != number)
    assert torch.equal(network(*inputs), alone[0])
    network(*inputs, torch.tensor([1] * 6)).square().sum().backward()
    gradients = {name: network.heads[name].weight.grad.abs().sum().item() for name in HEADS}
    assert gradients["a"] > 0
    assert gradients["both"] == gradients["b"] == 0


@pytest.mark.parametrize("fusion", FUSIONS)
@EVERY_MODEL
def test_a_silenced_stream_hides_its_view_and_no_other(model, shapes, fusion):
    network = network_of(model, shapes, fusion=fusion)
    (a, b), (other_a, other_b) = views(shapes), views(shapes, seed=2)
    assert not torch.equal(network(a, b), network(other_a, b))
    network.stream_a.register_forward_hook(lambda module, inputs, output: torch.zeros_like(output))
    assert torch.equal(network(a, b), network(other_a, b))
    assert not torch.allclose(network(a, b), network(a, other_b))


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 2, 2)])
def test_the_gate_weighs_each_unit_at_each_place(shape):
    gate = Gate(units=3, spatial=len(shape) == 4)
    a, b = views((shape[1:],) * 2, 4)
    with torch.no_grad():
        gate.map.weight.zero_()
        gate.map.bias.copy_(torch.tensor([100.0, -100.0, 0.0]))
        torch.testing.assert_close(gate(a, b), torch.stack([a[:, 0], b[:, 1], (a + b)[:, 2] / 2], dim=1))
        gate.map.weight[2, 0] = 3  # unit 2 listens to unit 0 of a
        share = (3 * a[:, 0]).sigmoid()
        torch.testing.assert_close(gate(a, b)[:, 2], share * a[:, 2] + (1 - share) * b[:, 2])


@pytest.mark.parametrize("shapes", [IMAGES, ((3, 8, 8), (3, 21))])
def test_the_mean_of_each_view_becomes_exactly_zero(shapes):
    network = TwoModality(width=2, units=3).build(shapes, 5, 0, MEAN, STD)
    for view, stream, mean, std in zip(
        views(shapes), (network.stream_a, network.stream_b), MEAN, STD, strict=True
    ):
        assert stream.normalise(filled(view, mean)).abs().max() == 0
        column = (3, *[1] * (view.dim() - 2))
        expected = (view - torch.tensor(mean).view(column)) / torch.tensor(std).view(column)
        torch.testing.assert_close(stream.normalise(view), expected)
    assert not any("normalise" in name for name, _ in network.named_parameters())


@EVERY_MODEL
def test_the_fishers_trace_of_two_views_and_a_head(model, shapes):
    network = network_of(model, shapes, fusion="gate", heads=True).double()
    a, b = (view.double() for view in views(shapes, 3))
    head = torch.tensor([0, 1, 1])
    exact = fisher.exact_trace_of_fisher(network, [(a, b, head)])
    singles = [(a[i : i + 1], b[i : i + 1], head[i : i + 1]) for i in range(3)]
    assert exact.total == pytest.approx(fisher.exact_trace_of_fisher(network, singles).total)
    assert min(exact.layers[f"{name}.conv1"] for name in ("stream_a", "stream_b")) > 0
    assert exact.layers["heads.a"] > 0
    assert exact.layers["heads.b"] == 0, "nobody asked this head"
    for inputs, method in (((a, b), "batch"), ((a, b), "per_sample"), ((a, b, head), "per_sample")):
        found = fisher.trace_of_fisher(network, [inputs], generator=generator(0, "labels"), method=method)
        assert found.total > 0
        assert (found.layers["heads.a"] > 0) == (len(inputs) == 3)


@EVERY_MODEL
def test_half_precision_and_channels_last_mean_the_same(model, shapes):
    inputs, head = views(shapes), torch.tensor([0, 1, 2, 0, 1, 2])
    plain = network_of(model, shapes, fusion="gate", heads=True)
    arithmetic = Arithmetic(precision="bf16")
    placed = arithmetic.prepare(copy.deepcopy(plain))
    with arithmetic.autocast():
        logits = placed(*arithmetic.place(inputs), head)
    assert logits.dtype == torch.bfloat16
    torch.testing.assert_close(logits.float(), plain(*inputs, head), rtol=0.05, atol=0.05)


@EVERY_MODEL
def test_gradients_do_not_depend_on_the_layout(model, shapes):
    """In single precision: oneDNN's narrow strided convolutions 1×1 gave wrong gradients, or a crash."""
    gradients = []
    for channels_last in (False, True):
        arithmetic = Arithmetic(channels_last=channels_last)
        network = arithmetic.prepare(changed(model, heads=True).build(shapes, 5, 0))
        for number in range(3):
            inputs = arithmetic.place(views(shapes, 32, seed=number))
            network(*inputs, torch.arange(32) % 3).square().sum().backward()
        gradients.append([parameter.grad for parameter in network.parameters()])
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-3)


@EVERY_MODEL
def test_copies_and_settings_keep_the_network(model, shapes):
    network = network_of(model, shapes)
    for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(twin(*views(shapes)), network(*views(shapes)))
    assert changed(model) == model
    assert spec.identity(changed(model, heads=True)) != spec.identity(model)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SplitAllCNN(width=0), "width=0"),
        (lambda: SplitAllCNN(blocks=4), "blocks=4; it must be 1, 2 or 3"),
        (lambda: SplitAllCNN(fusion="summ"), "fusion=summ: there is no such fusion; did you mean 'sum'"),
        (lambda: SplitResNet18(width=0.0), "width=0; it must be above 0"),
        (lambda: SplitResNet18(width=float("nan")), "width=nan"),
        (lambda: SplitResNet18(fusion="max"), "known: concat, gate, sum"),
        (lambda: TwoModality(units=0), "units=0; it must be at least 1"),
        (lambda: TwoModality(depth=-1), "depth=-1; it must be at least 0"),
        (lambda: TwoModality().build(IMAGES[:1], 5, 0), "takes two views, the data has 1"),
        (lambda: SplitAllCNN(width=1).build(IMAGES * 2, 5, 0), "takes two views, the data has 4"),
        (lambda: SplitAllCNN(width=1).build(IMAGES, 1, 0), "at least 2"),
        (lambda: SplitAllCNN(width=1, blocks=3).build(((3, 4, 8),) * 2, 5, 0), "give at least 8×8"),
        (lambda: SplitResNet18(width=0.01).build(((3, 8, 7),) * 2, 5, 0), "give at least 8×8"),
        (lambda: SplitResNet18().build(((3, 8, 8), (3, 8, 9)), 5, 0), r"views of \(8, 8\) and \(8, 9\) pixels"),
        (lambda: SplitAllCNN().build(UNLIKE, 5, 0), "take two_modality"),
        (lambda: TwoModality().build(((1, 8, 8), (1, 3)), 5, 0), "at least 4 a direction"),
        (lambda: TwoModality().build(((1, 8, 8), (7,)), 5, 0), r"not \(7,\)"),
        (lambda: TwoModality().build(UNLIKE, 5, 0, (0.5, 0.4)), "mean=.*two sequences of numbers"),
        (lambda: TwoModality().build(UNLIKE, 5, 0, MEAN, STD), "give 1 value or 1"),
        (lambda: network_of(*TINY["two_modality"])(*views(UNLIKE), torch.zeros(6).long()), "model.heads=true"),
        (
            lambda: network_of(*TINY["two_modality"], heads=True)(*views(UNLIKE), torch.zeros(5).long()),
            "for 6 examples",
        ),
        (lambda: network_of(*TINY["two_modality"], heads=True)(*views(UNLIKE), torch.zeros(6)), "int64, one each"),
    ],
)
def test_the_impossible_is_refused_in_one_line(make, message):
    with pytest.raises(spec.SpecError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
