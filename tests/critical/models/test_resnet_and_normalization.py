"""The residual network of one view, and what may stand in the place of batch normalisation."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional

from critical.core import spec
from critical.measures.fisher import exact_trace_of_fisher, trace_of_fisher
from critical.models import MLP, AllCNN, ResNet18, SplitResNet18
from critical.models.normalization import KINDS, groups
from critical.models.resnet import PreActivationBlock, maps

IMAGE = ((3, 8, 8),)


def images(count=6, seed=0):
    return torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_residual_network_has_the_published_parameters():
    """Stem, four groups of two blocks (3×3 kernels, a 1×1 shortcut where the size changes), BatchNorm, linear."""
    widths, kernels, norms = (64, 64, 128, 256, 512), 27 * 64, 2 * 512
    for before, after in itertools.pairwise(widths):
        kernels += 9 * (before * after + 3 * after * after) + (before * after if before != after else 0)
        norms += 2 * (before + 3 * after)
    assert kernels + norms + 512 * 10 + 10 == 11_172_170
    network = ResNet18().build(((3, 32, 32),), 10, 0)
    assert sum(parameter.numel() for parameter in network.parameters()) == 11_172_170


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 28, 28), (3, 16, 12)])
def test_residual_network_halves_the_size_thrice(shape):
    network = ResNet18(width=1 / 16).build((shape,), 7, 0)
    x = torch.rand(2, *shape)
    for name, layer in network.named_children():
        x = layer(x)
        if name == "layer4":
            assert x.shape == (2, 32, -(-shape[1] // 8), -(-shape[2] // 8))
    assert x.shape == (2, 7)


def test_one_and_two_streams_have_the_same_blocks():
    def blocks(*parts):
        return [layer for part in parts for layer in part.modules() if isinstance(layer, PreActivationBlock)]

    split = SplitResNet18(width=1 / 16).build(IMAGE * 2, 5, 0)
    one, two = blocks(ResNet18(width=1 / 16).build(IMAGE, 5, 0)), blocks(split.stream_a, split.trunk)
    assert list(map(str, one)) == list(map(str, two))
    assert len(one) == 8
    assert maps(1 / 16) == (4, 8, 16, 32)


@pytest.mark.parametrize(("channels", "stride"), [(6, 1), (3, 2)], ids=["plain", "smaller"])
def test_a_block_is_the_pre_activation_one(channels, stride):
    """Figure 4e of He et al.: identity where sizes agree, and of the activated input where they do not."""
    draws = torch.Generator().manual_seed(2)
    block, x = PreActivationBlock(channels, 6, stride).eval(), torch.rand(2, channels, 8, 8, generator=draws)
    with torch.no_grad():
        for norm in (block.bn1, block.bn2):
            for held in (norm.weight, norm.bias, norm.running_mean):
                held.copy_(torch.randn(held.shape, generator=draws))

        def active(maps, norm):
            shape = (1, -1, 1, 1)
            away = (maps - norm.running_mean.view(shape)) / (1 + norm.eps) ** 0.5  # the running variance is 1
            return functional.relu(away * norm.weight.view(shape) + norm.bias.view(shape))

        first = active(x, block.bn1)
        second = active(functional.conv2d(first, block.conv1.weight, stride=stride, padding=1), block.bn2)
        beside = x if stride == 1 else functional.conv2d(first, block.shortcut.weight, stride=stride)
        wanted = functional.conv2d(second, block.conv2.weight, padding=1) + beside
        torch.testing.assert_close(block(x), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("number", "made"), [(3, 1), (8, 2), (14, 2), (16, 4), (96, 24), (192, 32), (97, 1)])
def test_groups_divide_the_maps_and_have_at_least_four(number, made):
    assert groups(number) == made


def test_neutral_normalisation_is_no_part_of_the_identity():
    assert spec.settings(AllCNN(8)) == {"name": "all_cnn", "width": 8, "depth": 7}
    assert spec.settings(MLP((4,))) == {"name": "mlp", "widths": [4]}
    assert spec.settings(AllCNN(8, normalization="none"))["normalization"] == "none"


MADE = {kind: AllCNN(4, 3, kind) for kind in KINDS} | {f"mlp {kind}": MLP((8, 8), kind) for kind in KINDS}
EVERY = pytest.mark.parametrize("model", [*MADE.values(), ResNet18(1 / 32)], ids=[*MADE, "resnet18"])


@pytest.mark.parametrize("kind", KINDS)
def test_only_batch_normalisation_depends_on_other_examples_and_has_running_statistics(kind):
    for model in (AllCNN(4, 3, kind), MLP((8, 8), kind)):
        network, batch = model.build(IMAGE, 5, 0).train(), images()
        alone, together = network(batch[:2])[0], network(batch)[0]
        assert torch.allclose(alone, together, atol=1e-5) == (kind != "batch")
        running = [name for name, _ in network.named_buffers() if "running" in name]
        assert bool(running) == (kind == "batch")


def test_layer_normalisation_is_over_maps_and_places_and_group_normalisation_over_groups():
    """Against the definitions, of the untrained first layer."""
    for kind, parts in (("layer", 1), ("group", 2)):
        network = AllCNN(8, 3, kind).build(IMAGE, 5, 0)
        raw = network.conv1(network.normalise(images()))
        cut = raw.reshape(len(raw), parts, -1)
        spread = (cut.var(2, keepdim=True, unbiased=False) + 1e-5).sqrt()
        wanted = ((cut - cut.mean(2, keepdim=True)) / spread).view_as(raw)
        torch.testing.assert_close(network.norm1(raw), wanted, atol=1e-5, rtol=1e-4)


def test_without_normalisation_activations_keep_their_size():
    """PyTorch's initial weights would shrink their squares by 6 a layer; margins of small images do a little."""
    network = AllCNN(32, 7, "none").build(IMAGE, 5, 0)
    x, sizes = images(32) - 0.5, []
    for layer in network:
        x = layer(x)
        if isinstance(layer, nn.ReLU):
            sizes.append(float(x.detach().square().mean()))
    assert 0.05 < sizes[-1] / sizes[0] < 5
    assert all(not layer.bias.detach().any() for name, layer in network.named_children()
               if name.startswith("conv") and name != "conv9_1x1")  # fmt: skip


@EVERY
def test_the_trace_of_fisher_can_be_measured_and_every_layer_has_its_share(model):
    network, batch = model.build(IMAGE, 5, 0).double(), images().double()
    exact = exact_trace_of_fisher(network, [batch])
    draws = torch.Generator().manual_seed(1)
    estimated = trace_of_fisher(network, [batch] * 8, generator=draws, chunk=2, noise="signs")
    assert estimated.total == pytest.approx(exact.total, abs=5 * estimated.standard_error)
    assert set(exact.layers) == {name for name, layer in network.named_modules()
                                 if list(layer.named_parameters(recurse=False))}  # fmt: skip
    assert all(share >= 0 for share in exact.layers.values())


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: AllCNN(normalization="bach"), "model=all_cnn: normalization=bach: .* did you mean 'batch'"),
        (lambda: MLP(normalization="off"), "model=mlp: normalization=off: there is none"),
        (lambda: ResNet18(width=0), "model=resnet18: width=0; it must be above 0"),
        (lambda: ResNet18(1 / 32).build(IMAGE * 2, 5, 0), "takes one view, the data has 2"),
    ],
)
def test_the_impossible_is_refused_in_one_line(make, said):
    with pytest.raises(spec.SpecError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)
