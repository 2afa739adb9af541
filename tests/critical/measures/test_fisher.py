"""The estimators of the Fisher's trace, against brute force on a tiny network in double precision."""

import copy
import math

import pytest
import torch
from torch import nn

from critical.core.batch import Batch
from critical.core.randomness import generator
from critical.measures import fisher, fisher_gradients
from critical.measures.fisher import (
    empirical_fisher_trace,
    exact_trace_of_fisher,
    squared_mean_gradient,
    trace_of_fisher,
)

IMAGES, CLASSES = 40, 3


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def images():
    return torch.rand(IMAGES, 1, 5, 5, generator=generator(0, "images"), dtype=torch.float64)


@pytest.fixture(scope="module")
def labels():
    return torch.randint(CLASSES, (IMAGES,), generator=generator(0, "labels"))


def network(sharpness=2.0):
    """Convolution, batch normalisation with statistics of its own, dropout (off while measuring), linear."""
    model = nn.Sequential()
    model.add_module("convolution", nn.Conv2d(1, 3, 3, bias=False))
    model.add_module("norm", nn.BatchNorm2d(3))
    model.add_module("relu", nn.ReLU(inplace=True))
    model.add_module("dropout", nn.Dropout(0.5))
    model.add_module("flatten", nn.Flatten())
    model.add_module("linear", nn.Linear(27, CLASSES))
    draws = generator(1, "weights")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=draws))
        model.linear.weight *= sharpness / 2
        model.norm.running_mean.copy_(torch.rand(3, generator=draws))
        model.norm.running_var.copy_(0.5 + torch.rand(3, generator=draws))
    return model.double()


@pytest.fixture
def model():
    return network()


def naive(model, images, weight):
    """Double loop: Σ over classes of weight(p, c, i)·‖∇ log p(c|x_i)‖², averaged, by parameter name."""
    model = copy.deepcopy(model).eval()
    sums = dict.fromkeys((name for name, _ in model.named_parameters()), 0.0)
    for i in range(len(images)):
        for c in range(CLASSES):
            log_p = torch.log_softmax(model(images[i : i + 1])[0], 0)
            model.zero_grad()
            log_p[c].backward()
            factor = weight(log_p.exp().detach(), c, i)
            for name, parameter in model.named_parameters():
                sums[name] += float(factor * parameter.grad.square().sum()) / len(images)
    return sums


def chunks_drawn(images, count, size, draws):
    return [images[torch.randint(len(images), (size,), generator=draws)] for _ in range(count)]


def test_exact_is_the_double_loop(model, images):
    by_parameter = naive(model, images, lambda p, c, i: p[c])
    exact = exact_trace_of_fisher(model, images.split(16))
    assert exact.total == pytest.approx(sum(by_parameter.values()), rel=1e-10)
    linear = by_parameter["linear.weight"] + by_parameter["linear.bias"]
    assert exact.layers["linear"] == pytest.approx(linear, rel=1e-10)
    assert exact.layers["convolution"] == pytest.approx(by_parameter["convolution.weight"], rel=1e-10)
    assert exact.samples == IMAGES


def test_empirical_is_the_double_loop_at_the_true_labels(model, images, labels):
    by_parameter = naive(model, images, lambda p, c, i: float(labels[i] == c))
    measured = empirical_fisher_trace(model, zip(images.split(16), labels.split(16), strict=True))
    assert measured.total == pytest.approx(sum(by_parameter.values()), rel=1e-10)
    assert type(measured) is fisher.EmpiricalFisherTrace


@pytest.mark.parametrize(("noise", "size"), [("labels", 1), ("labels", 16), ("signs", 4), ("signs", 16)])
def test_batch_estimates_converge_to_the_exact_trace(model, images, noise, size):
    exact = exact_trace_of_fisher(model, [images])
    draws = generator(2, noise, size)
    chunks = chunks_drawn(images, 300, size, draws)
    estimate = trace_of_fisher(model, chunks, generator=draws, noise=noise)
    assert estimate.standard_error < 0.12 * exact.total, "too few draws to tell anything"
    assert abs(estimate.total - exact.total) < 3.5 * estimate.standard_error
    for layer, value in exact.layers.items():
        error = abs(estimate.layers[layer] - value)
        assert error < 4 * estimate.layer_standard_errors[layer], layer


@pytest.mark.parametrize("noise", ["labels", "signs"])
def test_per_sample_converges_to_the_exact_trace(model, images, noise):
    exact = exact_trace_of_fisher(model, [images])
    draws = generator(3, noise)
    estimate = trace_of_fisher(model, [images] * 60, generator=draws, method="per_sample", noise=noise)
    assert estimate.standard_error < 0.05 * exact.total
    assert abs(estimate.total - exact.total) < 3.5 * estimate.standard_error


def test_per_sample_and_batch_agree_draw_by_draw_at_one_example_a_chunk(model, images):
    batch, per_sample = (
        trace_of_fisher(model, images.split(8), generator=generator(4), chunk=1, method=method)
        for method in ("batch", "per_sample")
    )
    assert batch.total == pytest.approx(per_sample.total, rel=1e-9)
    assert batch.layers == pytest.approx(per_sample.layers, rel=1e-9)
    assert batch.standard_error == pytest.approx(per_sample.standard_error, rel=1e-9)


@pytest.mark.parametrize(("noise", "size"), [("labels", 10), ("signs", 2)])
def test_standard_error_is_the_spread_of_repeated_estimates(model, images, noise, size):
    draws = generator(5, noise, size)
    estimates = [
        trace_of_fisher(model, chunks_drawn(images, 12, size, draws), generator=draws, noise=noise)
        for _ in range(60)
    ]
    spread = torch.tensor([estimate.total for estimate in estimates]).std()
    claimed = torch.tensor([estimate.standard_error for estimate in estimates]).square().mean().sqrt()
    assert 0.75 < claimed / spread < 1.33


def test_chunks_of_several_sizes_weigh_by_their_examples(model, images):
    whole = trace_of_fisher(model, images.split(16), generator=generator(6))  # 16, 16 and 8
    draws = generator(6)
    parts = [trace_of_fisher(model, [part], generator=draws) for part in images.split(16)]
    values = torch.tensor([part.total for part in parts], dtype=torch.float64)
    weights = torch.tensor([16, 16, 8], dtype=torch.float64) / IMAGES
    assert whole.total == pytest.approx(float(weights @ values), rel=1e-12)
    variance = 1.5 * (weights.square() * (values - weights @ values).square()).sum()
    assert whole.standard_error == pytest.approx(float(variance.sqrt()), rel=1e-12)
    assert math.isnan(parts[0].standard_error), "one chunk tells nothing of its error"


def test_intervals_of_few_chunks_cover_where_others_do_not(model):
    """Repeated draws of five chunks from a population whose trace is known."""
    population = torch.rand(400, 1, 5, 5, generator=generator(20, "population"), dtype=torch.float64)
    truth = exact_trace_of_fisher(model, [population]).total
    draws, repeats = generator(21), 500
    covered = {"interval": 0, "Student's, not logarithmic": 0, "1.96 errors": 0}
    for _ in range(repeats):
        estimate = trace_of_fisher(model, chunks_drawn(population, 5, 16, draws), generator=draws, noise="signs")
        low, high = estimate.interval()
        away = abs(estimate.total - truth) / estimate.standard_error
        for name, inside in zip(covered, (low <= truth <= high, away <= 2.776, away <= 1.96), strict=True):
            covered[name] += inside
    # The network is nearly the worst case: one direction holds most of the trace, and chunks are like χ² with 1 or 2
    # degrees of freedom. Two standard errors of a share are 2.5 points.
    share = {name: count / repeats for name, count in covered.items()}
    assert 0.89 < share["interval"] < 0.97, share
    assert share["1.96 errors"] < share["Student's, not logarithmic"] < share["interval"], share
    assert share["1.96 errors"] < 0.81, share


def test_degrees_of_freedom_and_intervals(model, images):
    def measured(sizes, **options):
        return trace_of_fisher(model, images.split(sizes), generator=generator(22), **options)

    five = measured(8)
    assert five.degrees_of_freedom == 4
    for confidence, quantile in ((0.95, 2.776445), (0.5, 0.740697)):
        factor = math.exp(quantile * five.standard_error / five.total)
        assert five.interval(confidence) == pytest.approx((five.total / factor, five.total * factor), rel=1e-6)
    assert measured(8, method="per_sample").degrees_of_freedom == IMAGES - 1, "gradients are per image"
    # Three chunks, one of half the size of the others: 40² / (2·16² + 8²) − 1.
    assert measured(16).degrees_of_freedom == pytest.approx(1600 / 576 - 1)
    assert measured(IMAGES).degrees_of_freedom == 0
    assert all(math.isnan(end) for end in measured(IMAGES).interval())


@pytest.mark.parametrize(
    ("total", "error", "interval"),
    [(0.0, 0.0, (0.0, 0.0)), (1e-9, 1.0, (0.0, math.inf)), (math.nan, math.nan, (math.nan, math.nan))],
)
def test_intervals_of_extreme_traces(total, error, interval):
    found = fisher.FisherTrace(total, error, {}, {}, 10, 4.0).interval()
    assert found == pytest.approx(interval, abs=1e-12, nan_ok=True) or found[1] > 1e200


def test_chunk_splits_batches(model, images):
    split = trace_of_fisher(model, images.split(10), generator=generator(7))
    chunked = trace_of_fisher(model, [images], generator=generator(7), chunk=10)
    assert chunked == split
    assert chunked != trace_of_fisher(model, [images], generator=generator(7), chunk=20)


def test_layers_are_those_that_own_parameters_in_order_and_sum_to_the_total(model, images):
    estimate = trace_of_fisher(model, images.split(8), generator=generator(8))
    assert list(estimate.layers) == ["convolution", "norm", "linear"]
    assert list(estimate.layer_standard_errors) == list(estimate.layers)
    assert sum(estimate.layers.values()) == pytest.approx(estimate.total, rel=1e-12)
    assert min(estimate.layers.values()) > 0


def test_signs_are_the_sharper_noise_for_a_sure_network(images):
    sure = network(sharpness=30.0)
    with torch.no_grad():
        assert sure.eval()(images).softmax(1).amax(1).mean() > 0.9
    errors = {
        noise: trace_of_fisher(
            sure, [images] * 40, generator=generator(9), chunk=8, noise=noise
        ).standard_error
        for noise in ("labels", "signs")
    }
    assert errors["signs"] < 0.6 * errors["labels"]


@pytest.mark.parametrize("noise", [fisher_gradients.label_noise, fisher_gradients.sign_noise])
def test_noise_has_mean_zero_and_the_covariance_of_the_softmax(noise):
    p = torch.tensor([0.7, 0.2, 0.1, 0.0], dtype=torch.float64)
    vectors = noise(p.expand(40_000, 4), generator(10))
    covariance = vectors.T @ vectors / len(vectors)
    assert vectors.mean(0).abs().max() < 0.01
    assert (covariance - (p.diag() - p[:, None] * p)).abs().max() < 0.01


def test_the_three_quantities_differ(model, images, labels):
    """With the labels of the data in place of drawn ones, B·‖mean gradient‖² grows with B: not (a)."""
    exact = exact_trace_of_fisher(model, [images]).total
    empirical = empirical_fisher_trace(model, [(images, labels)]).total
    squared = squared_mean_gradient(model, [(images, labels)])
    assert type(squared) is fisher.SquaredMeanGradient
    assert abs(empirical / exact - 1) > 0.3
    assert IMAGES * squared.total > 2 * exact


def test_squared_mean_gradient_is_that_of_the_loss(model, images, labels):
    measured = squared_mean_gradient(model, zip(images.split(20), labels.split(20), strict=True))
    model.eval()
    expected = 0.0
    for part in (slice(0, 20), slice(20, 40)):
        loss = nn.functional.cross_entropy(model(images[part]), labels[part])
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        expected += sum(float(gradient.square().sum()) for gradient in gradients) / 2
    assert measured.total == pytest.approx(expected, rel=1e-10)
    assert measured.samples == IMAGES
    with pytest.raises(ValueError, match="batches of 30 and of 10"):
        squared_mean_gradient(model, zip(images.split(30), labels.split(30), strict=True))


class Restless(nn.Module):
    """Counts its calls in a buffer and draws from the global generator, even in evaluation mode."""

    def __init__(self):
        super().__init__()
        self.inner = network()
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("rebound", torch.zeros(()))

    def forward(self, view):
        self.calls += 1
        self.rebound = self.rebound + 1
        return self.inner(view) + 0 * torch.rand(())


MEASUREMENTS = {
    "batch": lambda m, x, y: trace_of_fisher(m, x.split(8), generator=generator(11)),
    "signs": lambda m, x, y: trace_of_fisher(m, x.split(8), generator=generator(11), noise="signs"),
    "per_sample": lambda m, x, y: trace_of_fisher(m, [x], generator=generator(11), method="per_sample"),
    "exact": lambda m, x, y: exact_trace_of_fisher(m, [x]),
    "empirical": lambda m, x, y: empirical_fisher_trace(m, [(x, y)]),
    "squared": lambda m, x, y: squared_mean_gradient(m, [(x[:20], y[:20]), (x[20:], y[20:])]),
}


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_measuring_disturbs_nothing(name, images, labels):
    restless = name in ("batch", "signs", "squared")  # vmap refuses random draws and changed buffers itself
    model = Restless() if restless else network()
    model.train()
    part = model.inner if restless else model
    part.norm.eval()  # a frozen layer stays frozen, the others stay in training
    nn.functional.cross_entropy(part(images), labels).backward()
    parameters = list(model.parameters())
    gradients = [parameter.grad for parameter in parameters]
    held = [gradient.clone() for gradient in gradients]
    before = copy.deepcopy(model.state_dict())
    modes = [module.training for module in model.modules()]
    state = torch.get_rng_state()
    with torch.no_grad():  # measuring works, and leaves gradients off
        first = MEASUREMENTS[name](model, images, labels)
        assert not torch.is_grad_enabled()
    assert torch.equal(state, torch.get_rng_state())
    assert modes == [module.training for module in model.modules()]
    after = model.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    for parameter, gradient, value in zip(parameters, gradients, held, strict=True):
        assert parameter.grad is gradient
        assert torch.equal(gradient, value)
    assert all(a is b for a, b in zip(parameters, model.parameters(), strict=True))
    assert MEASUREMENTS[name](model, images, labels) == first, "same draws, same value"


def test_modes_are_restored_after_an_error(model, images):
    model.train()
    with pytest.raises(RuntimeError):
        trace_of_fisher(model, [torch.rand(4, 2, 5, 5, dtype=torch.float64)], generator=generator(0))
    assert all(module.training for module in model.modules())


class TwoEyes(nn.Module):
    """Two views, a parameter of its own, one layer under two names, tied biases, frozen and unused layers."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.7, dtype=torch.float64))
        self.eye = nn.Linear(25, 4).double()
        self.other = self.eye
        self.head = nn.Linear(8, CLASSES).double()
        self.top = nn.Linear(CLASSES, CLASSES, bias=False).double()
        self.top.bias = self.head.bias
        self.frozen = nn.Linear(CLASSES, CLASSES).double().requires_grad_(False)
        self.unused = nn.Linear(2, 2).double()

    def forward(self, left, right):
        seen = [eye(view.flatten(1)).tanh() for eye, view in ((self.eye, left), (self.other, right))]
        return self.scale * self.frozen(self.top(self.head(torch.cat(seen, 1))))


def test_views_shared_frozen_and_unused_parameters(images, labels):
    torch.manual_seed(12)
    model = TwoEyes()
    views = (images, images.flip(3))
    exact = exact_trace_of_fisher(model, [views])
    assert list(exact.layers) == ["(root)", "eye", "head", "top", "unused"]
    assert exact.layers["unused"] == 0 < exact.layers["(root)"]
    assert all(isinstance(parameter, nn.Parameter) for parameter in (model.eye.weight, model.top.bias))
    batch, per_sample = (
        trace_of_fisher(model, [views], generator=generator(12), chunk=1, method=method)
        for method in ("batch", "per_sample")
    )
    assert batch.layers == pytest.approx(per_sample.layers, rel=1e-9)
    batch = Batch(views, labels, torch.arange(IMAGES))
    assert trace_of_fisher(model, [batch], generator=generator(13)).total == pytest.approx(
        trace_of_fisher(model, [views], generator=generator(13)).total
    )
    assert empirical_fisher_trace(model, [batch]) == empirical_fisher_trace(model, [(views, labels)])


def test_a_diverged_network_gives_nan(model, images):
    with torch.no_grad():
        model.linear.bias[0] = math.nan
    assert math.isnan(trace_of_fisher(model, images.split(8), generator=generator(0)).total)
