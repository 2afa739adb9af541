"""Networks of torchvision and timm: new weights by the seed, stems for small images, and what cannot be is refused."""

import sys

import pytest
import torch
import torchvision
from torch import nn

from critical.core.spec import SpecError, from_settings, settings
from critical.measures.fisher import trace_of_fisher
from critical.models import KINDS, MLP, AllCNN, Timm, TorchVision
from critical.models.trial import try_network
from critical.models.zoo import make_stem_small
from critical.stabilizers import FisherPenalty, Situation, Step

SMALL = TorchVision("shufflenet_v2_x0_5", small_stem=True)
IMAGE = ((3, 16, 16),)


def line(call):
    with pytest.raises(SpecError) as caught:
        call()
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_weights_follow_from_the_seed_and_the_global_generator_is_left_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again, other = (SMALL.build(IMAGE, 4, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_logits_for_any_number_of_channels(channels):
    network = SMALL.build(((channels, 16, 16),), 7, 0, mean=(0.5,) * channels, std=(0.25,) * channels).eval()
    images = torch.rand(3, channels, 16, 16)
    logits = network(images)
    assert logits.shape == (3, 7)
    assert torch.equal(network.network((images - 0.5) / 0.25), logits), "normalised first"
    assert not torch.allclose(network(torch.cat([images[:, :-1], 1 - images[:, -1:]], 1)), logits)


STEMS = ("resnet18", "densenet121", "shufflenet_v2_x0_5", "mobilenet_v3_small", "squeezenet1_1")


@pytest.mark.parametrize("arch", STEMS)
def test_a_small_stem_keeps_the_size_of_the_images(arch):
    network = torchvision.models.get_model(arch, weights=None)
    make_stem_small(network, "here")
    first = next(layer for layer in network.modules() if isinstance(layer, nn.Conv2d))
    assert (first.kernel_size, first.stride) == ((3, 3), (1, 1))
    assert first(torch.rand(1, 3, 16, 16)).shape[2:] in ((16, 16), (14, 14))
    second = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)][1]
    seen = []
    second.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape[2:]))
    network.eval()(torch.rand(1, 3, 16, 16))
    assert min(seen[0]) >= 14


@pytest.mark.parametrize(
    ("arch", "message"),
    [("vgg11", "has no stem"), ("vit_b_32", "convolution of 32×32 and stride 32"), ("alexnet", "11×11 and stride 4")],
)
def test_other_stems_are_left_alone(arch, message, monkeypatch):
    if arch == "vgg11":  # 500 MB of weights
        layers = (nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3), nn.MaxPool2d(2))
        monkeypatch.setattr(torchvision.models, "get_model", lambda *_, **__: nn.Sequential(*layers))
    if arch == "vit_b_32":
        monkeypatch.setattr(torchvision.models, "get_model", lambda *_, **__: nn.Sequential(nn.Conv2d(3, 4, 32, 32)))
    assert message in line(lambda: TorchVision(arch, small_stem=True).build(((3, 32, 32),), 10, 0))


@pytest.mark.parametrize(
    ("kind", "message"),
    [(TorchVision, "torchvision has none of that name; did you mean 'resnet18'"), (Timm, "timm has none")],
)
def test_an_unknown_name_is_refused(kind, message):
    if kind is Timm:
        pytest.importorskip("timm", reason="timm is not installed: pip install 'critical[timm]'")
    assert message in line(lambda: kind("resnett18").build(IMAGE, 10, 0))


def test_without_timm_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    assert line(lambda: Timm().build(IMAGE, 10, 0)) == "model=timm: timm is not installed; pip install timm"


@pytest.mark.parametrize("small", [False, True])
def test_a_network_of_timm(small):
    pytest.importorskip("timm", reason="timm is not installed: pip install 'critical[timm]'")
    network = Timm("test_resnet", small_stem=small).build(((1, 32, 32),), 5, 0)
    assert network(torch.rand(2, 1, 32, 32)).shape == (2, 5)


def test_images_that_are_too_small_or_too_large_are_refused():
    said = line(lambda: TorchVision("alexnet").build(((3, 16, 16),), 10, 0))
    assert said.startswith("model=torchvision: arch=alexnet: cannot be trained on images of 3×16×16 (RuntimeError")
    assert "choose another network or data.resolution" in said


def test_settings_build_the_same_model():
    for model in (TorchVision("resnet34", True), Timm("resnet34")):
        assert from_settings(KINDS, settings(model), "model") == model


class Odd(nn.Module):
    """A linear map of images with something wrong about it."""

    def __init__(self, what):
        super().__init__()
        self.what = what
        self.linear = nn.Linear(48, 3)
        if what == "no statistics":
            self.norm = nn.BatchNorm1d(3, track_running_stats=False)

    def forward(self, images):
        flat = images.flatten(1)
        match self.what:
            case "in place":
                images.clamp_(0.2, 0.8)
            case "dropout":
                flat = nn.functional.dropout(flat)
            case "detached":
                return self.linear(flat).detach()
            case "couples":
                return self.linear(flat - flat.mean(0))
            case "no statistics":
                return self.norm(self.linear(flat))
            case "pair":
                return self.linear(flat), flat
            case "classes":
                return self.linear(flat)[:, :2]
        return self.linear(flat)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("in place", "changes the images it is given"),
        ("dropout", "draws at random in evaluation mode"),
        ("detached", "cannot be trained"),
        ("couples", "depends on the others in its batch"),
        ("no statistics", "layer norm normalises by its batch and keeps no running statistics"),
        ("pair", "returns tuple for 2 images, not logits (2, 3)"),
        ("classes", "returns (2, 2) for 2 images"),
    ],
)
def test_what_the_suite_relies_on_is_measured(what, message):
    assert message in line(lambda: try_network(Odd(what), (3, 4, 4), 3, "model=odd"))


def test_a_trial_leaves_the_network_as_it_is():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten(), nn.Linear(16, 3))
    before = {name: held.clone() for name, held in network.state_dict().items()}
    torch.manual_seed(1)
    state = torch.get_rng_state()
    try_network(network, (3, 4, 4), 3, "model=mine")
    assert all(torch.equal(held, before[name]) for name, held in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert network.training
    assert torch.equal(torch.get_rng_state(), state)


class InPlaceView(nn.Module):
    """Writes into a part of what it is given a buffer for, as `torch.func` cannot."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(48, 3)

    def forward(self, images):
        made = torch.zeros(len(images), 48)
        made[:, :] = images.flatten(1)
        return self.linear(made)


def test_gradients_of_views_written_in_place_are_measured_by_batch_and_refused_by_example():
    network, images = InPlaceView(), torch.rand(8, 3, 4, 4)
    try_network(network, (3, 4, 4), 3, "model=mine")
    for chunk in (1, 4):
        draws = torch.Generator().manual_seed(0)
        assert trace_of_fisher(network, [images], generator=draws, chunk=chunk).total > 0
    with pytest.raises(ValueError, match=r"no gradients by example under torch\.func .*method='batch'") as caught:
        trace_of_fisher(network, [images], generator=torch.Generator(), method="per_sample")
    assert "\n" not in str(caught.value)


def test_a_network_without_second_derivatives_is_refused_by_the_fisher_penalty():
    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx, values):
            return values * 2

        @staticmethod
        def backward(ctx, slope):
            raise RuntimeError("derivative for aten::once_backward is not implemented")

    class Network(nn.Linear):
        def forward(self, images):
            return Once.apply(super().forward(images))

    model, inputs = Network(4, 3), torch.rand(2, 4)
    acting = FisherPenalty().activate(Situation(model, 0, 0))
    logits = model(inputs)
    assert "has no second derivative" in line(lambda: acting.loss(Step(model, None, logits, logits.sum(), 0)))


def test_a_network_of_layers_takes_signals_and_the_others_say_so():
    assert MLP(widths=(8,)).build(((1, 5),), 3, 0)(torch.rand(4, 1, 5)).shape == (4, 3)
    assert "for signals and features take model=mlp" in line(lambda: AllCNN(width=2).build(((1, 5),), 3, 0))
