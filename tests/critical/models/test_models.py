import copy
import itertools
import pickle

import pytest
import torch

from critical.core import spec
from critical.models import KINDS, MLP, AllCNN, Normalise

IMAGE = ((3, 32, 32),)


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_all_cnn_has_the_papers_parameters():
    # 3·96, 96·96, 96·192 and four 192·192 kernels of 9, the 1×1 layers, and two numbers a map.
    w, kernels = 96, 3 * 96 + 96 * 96 + 96 * 192 + 4 * 192 * 192
    expected = 9 * kernels + 192 * 192 + (192 * 10 + 10) + 2 * (2 * w + 6 * 2 * w)
    assert expected == 1_620_010
    assert parameters(AllCNN().build(IMAGE, 10, seed=0)) == expected


def test_all_cnn_layers_in_order():
    assert AllCNN(width=4).layers() == [(4, 1), (4, 1), (8, 2), (8, 1), (8, 1), (8, 2), (8, 1)]
    network = AllCNN(width=4).build(IMAGE, 10, 0)
    names = [name for name, layer in network.named_children() if isinstance(layer, torch.nn.Conv2d)]
    assert names == [f"conv{i}" for i in range(1, 8)] + ["conv8_1x1", "conv9_1x1"]


@pytest.mark.parametrize("depth", [3, 4, 5, 6, 7, 9, 12])
def test_depth_counts_the_3x3_layers_and_keeps_two_strides(depth):
    layers = AllCNN(width=2, depth=depth).layers()
    assert len(layers) == depth
    assert [stride for _, stride in layers].count(2) == 2
    assert layers[0] == (2, 1)
    network = AllCNN(width=2, depth=depth).build(IMAGE, 5, 0)
    assert sum(isinstance(m, torch.nn.Conv2d) and m.kernel_size == (3, 3) for m in network) == depth
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 5)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 28, 28), (3, 16, 12), (1, 8, 8)])
@pytest.mark.parametrize("model", [AllCNN(width=4), MLP(widths=(16, 8))])
def test_logits_at_several_resolutions(model, shape):
    logits = model.build((shape,), 7, 0)(torch.rand(3, *shape))
    assert logits.shape == (3, 7)
    assert logits.min() < 0, "the last layer must not end in a ReLU"


@pytest.mark.parametrize("model", [AllCNN(8, 3), AllCNN(6, 11), AllCNN()])
@pytest.mark.parametrize(("channels", "classes"), [(3, 10), (1, 7)])
def test_all_cnn_counts_its_parameters(model, channels, classes):
    network = model.build(((channels, 16, 16),), classes, 0)
    assert model.parameters(channels, classes) == parameters(network)


@pytest.mark.parametrize("width", [8, 16, 96])
@pytest.mark.parametrize("depth", [3, 11])
def test_a_network_of_another_depth_has_as_many_parameters_to_a_tenth(width, depth):
    base = AllCNN(width, 7)
    other = base.of_size(depth)
    assert other.depth == depth
    counts = [parameters(one.build(((3, 8, 8),), 10, 0)) for one in (base, other)]
    assert counts[1] / counts[0] == pytest.approx(1, abs=0.1)
    assert (other.width > width) == (depth < 7), "a shallow one is wider"


def test_no_width_gives_as_many_parameters():
    with pytest.raises(spec.SpecError, match=r"no width of depth 10 has the 11,810 parameters .* choose") as caught:
        AllCNN(8, 7).of_size(10)
    assert "\n" not in str(caught.value)


def test_mlp_has_the_papers_parameters():
    sizes = (784, 2500, 2000, 1500, 1000, 500)
    expected = sum(a * b + 2 * b for a, b in itertools.pairwise(sizes)) + 500 * 10 + 10
    assert parameters(MLP().build(((1, 28, 28),), 10, 0)) == expected


@pytest.mark.parametrize("model", [AllCNN(width=4), MLP(widths=(16,))])
def test_weights_depend_on_the_seed_and_nothing_else(model):
    torch.manual_seed(1)
    first = model.build(IMAGE, 10, seed=3).state_dict()
    torch.manual_seed(2)
    again = model.build(IMAGE, 10, seed=3).state_dict()
    other = model.build(IMAGE, 10, seed=4).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


def test_building_leaves_the_global_generator_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    AllCNN(width=4).build(IMAGE, 10, seed=3)
    assert torch.equal(before, torch.get_rng_state())


def test_normalisation_is_the_input_layer():
    plain, normalised = (
        AllCNN(width=4).build(IMAGE, 10, 0, *statistics).eval()
        for statistics in ((), ((0.5, 0.4, 0.3), (0.2, 0.25, 0.5)))
    )
    images = torch.rand(2, 3, 32, 32)
    mean, std = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.25, 0.5])
    outside = (images - mean[:, None, None]) / std[:, None, None]
    torch.testing.assert_close(normalised(images), plain(outside))
    assert not any("normalise" in name for name, _ in normalised.named_parameters())


def test_every_weight_gets_a_gradient():
    network = AllCNN(width=4).build(IMAGE, 10, 0)
    network(torch.rand(4, 3, 32, 32))[:, 0].sum().backward()
    assert all(p.grad is not None for p in network.parameters())
    assert network.conv1.weight.grad.abs().sum() > 0


def test_networks_can_be_copied_and_pickled():
    network = AllCNN(width=4).build(IMAGE, 10, 0).eval()
    images = torch.rand(2, 3, 32, 32)
    for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(twin(images), network(images))


def test_settings_build_the_same_model():
    for model in (AllCNN(width=8, depth=5), MLP(widths=(3, 2))):
        assert spec.from_settings(KINDS, spec.settings(model), "model") == model
    assert spec.identity(AllCNN()) != spec.identity(AllCNN(depth=8))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AllCNN(width=0), "width=0"),
        (lambda: AllCNN(depth=2), "depth=2"),
        (lambda: MLP(widths=(4, 0)), "at least 1 unit"),
        (lambda: AllCNN(width=2).build(IMAGE * 2, 10, 0), "takes one view, the data has 2"),
        (lambda: MLP(widths=(2,)).build(IMAGE, 1, 0), "at least 2"),
        (lambda: AllCNN(width=2).build(IMAGE, 10, 0)(*torch.rand(2, 1, 3, 8, 8)), "got 2 views"),
        (lambda: Normalise((0.5, 0.5), (1.0,), 3), "give 1 value or 3"),
        (lambda: Normalise((0.5,), (0.0,), 3), "above 0"),
    ],
)
def test_the_impossible_is_refused_in_one_line(make, message):
    with pytest.raises(spec.SpecError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
