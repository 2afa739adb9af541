import copy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers import BASE, BLUR, CONVOLUTIONAL, PERMUTED, run, same
from torch.nn import functional

from critical.core.randomness import generator
from critical.core.spec import SpecError
from critical.data import load
from critical.measures.filters import high_frequency_share
from critical.models import TwoViewTransformer
from critical.probes import Filters, Fisher, FisherClean, FisherVariants, Gradients, GradientsClean
from critical.training.loop import Trainer, built

VARIANTS = FisherVariants(samples=40, chunk=16)
CLEAN = (FisherClean(samples=40, chunk=16), GradientsClean(batch_size=30))
EVERY = (VARIANTS, Gradients(batch_size=30), Filters(shown=3), *CLEAN)


def trained(*windows, base=CONVOLUTIONAL):
    spec = run(*windows, base=base)
    trainer = Trainer(spec)
    trainer.train_epoch(spec.epoch_specs[0])
    return trainer


@pytest.fixture(scope="module")
def trainer():
    return trained((0, 2, BLUR), (0, 2, PERMUTED))


def measured(trainer, probe):
    (found,) = trainer.measure(trainer.spec.epoch_specs[0], (probe,))
    return found.columns


def seen(trainer, index):
    """Training images and labels as the deficits of the first epoch show them."""
    batch = trainer.dataset.batch(trainer.dataset.train, index)
    for deficit in trainer.spec.epoch_specs[0].deficits:
        batch = deficit.apply(batch, seed=trainer.spec.seed, epoch=0)
    return batch


@pytest.mark.parametrize("probe", EVERY, ids=lambda probe: probe.name)
def test_measuring_disturbs_nothing_and_again_is_the_same(trainer, probe):
    before, draws = copy.deepcopy(trainer.state.state_dict()), torch.get_rng_state()
    trainer.state.model.train()
    first = measured(trainer, probe)
    torch.manual_seed(5)
    assert measured(trainer, probe) == first
    torch.set_rng_state(draws)
    assert same(trainer.state.state_dict(), before)
    assert trainer.state.model.training


class TestVariants:
    def test_the_trace_in_relative_weights_is_that_of_the_probe_of_the_trace_times_squared_norms(self, trainer):
        plain, found = measured(trainer, Fisher(samples=40, chunk=16)), measured(trainer, VARIANTS)
        modules, total = dict(trainer.state.model.named_modules()), 0.0
        for column, value in plain.items():
            if column.startswith("fisher_trace/"):
                layer = column.partition("/")[2]
                norm = sum(held.square().sum().item() for held in modules[layer].parameters(recurse=False))
                assert found[f"fisher_trace_relative/{layer}"] == pytest.approx(norm * value, rel=1e-4)
                total += norm * value
        assert found["fisher_trace_relative"] == pytest.approx(total, rel=1e-4)

    def test_it_stays_where_a_layer_before_a_normalisation_is_halved_and_the_plain_trace_does_not(self, trainer):
        halved = copy.deepcopy(trainer)
        network = halved.state.model
        with torch.no_grad():
            network.conv1.weight /= 2
            network.bn1.running_mean /= 2
            network.bn1.running_var /= 4
            network.bn1.eps /= 4
        before, after = measured(trainer, VARIANTS), measured(halved, VARIANTS)
        assert after["fisher_trace_relative/conv1"] == pytest.approx(before["fisher_trace_relative/conv1"], rel=1e-3)
        plain = [measured(one, Fisher(samples=40, chunk=16))["fisher_trace/conv1"] for one in (trainer, halved)]
        assert plain[1] == pytest.approx(4 * plain[0], rel=1e-3)

    def test_the_others_by_brute_force(self, trainer):
        model, found = copy.deepcopy(trainer.state.model).eval(), measured(trainer, VARIANTS)
        draws = generator(trainer.spec.seed, "fisher", 1)
        index = torch.randperm(len(trainer.dataset.train.labels), generator=draws)[:40]
        batch = seen(trainer, index)
        parameters = list(model.parameters())

        def squared(part):
            loss = functional.cross_entropy(model(batch.views[0][part]), batch.labels[part])
            return sum(one.square().sum().item() for one in torch.autograd.grad(loss, parameters))

        each = [squared(slice(number, number + 1)) for number in range(40)]
        assert found["empirical_fisher_trace"] == pytest.approx(np.mean(each), rel=1e-4)
        whole = [squared(slice(0, 16)), squared(slice(16, 32))]
        assert found["squared_mean_gradient"] == pytest.approx(np.mean(whole), rel=1e-4), "the odd batch counts not"
        p = model(batch.views[0]).softmax(1)
        assert found["uncertainty"] == pytest.approx((1 - p.square().sum(1)).mean().item(), rel=1e-5)
        loss = functional.cross_entropy(model(batch.views[0]), batch.labels).item()
        assert found["fixed_loss"] == pytest.approx(loss, rel=1e-5)

    @pytest.mark.parametrize("changes", [{"samples": 0}, {"chunk": 0}, {"noise": "loud"}], ids=str)
    def test_refuses_in_one_line(self, changes):
        with pytest.raises(SpecError, match="probe fisher_variants"):
            FisherVariants(**changes)


class TestGradients:
    def test_by_brute_force(self, trainer):
        found, model = measured(trainer, Gradients(batch_size=30)), copy.deepcopy(trainer.state.model).train()
        order = torch.randperm(96, generator=generator(trainer.spec.seed, "gradients", 1))
        gradients = []
        for number in range(3):
            batch = seen(trainer, order[30 * number : 30 * number + 30])
            loss = functional.cross_entropy(model(batch.views[0]), batch.labels)
            flat = [one.flatten() for one in torch.autograd.grad(loss, list(model.parameters()))]
            gradients.append(torch.cat(flat).double())
        stacked = torch.stack(gradients)
        assert found["gradient_mean"] == pytest.approx(stacked.mean(0).norm().item(), rel=1e-4)
        assert found["gradient_deviation"] == pytest.approx(stacked.var(0).sum().sqrt().item(), rel=1e-4)

    def test_too_few_images_are_refused_in_one_line(self, trainer):
        with pytest.raises(SpecError, match=r"batch_size=50 of 96 images; two batches are needed"):
            measured(trainer, Gradients(batch_size=50))
        with pytest.raises(SpecError, match="batch_size=1; at least 2"):
            Gradients(batch_size=1)


class TestOnCleanImages:
    PAIRS = tuple(zip(CLEAN, (Fisher(samples=40, chunk=16), Gradients(batch_size=30)), strict=True))

    @pytest.mark.parametrize(("clean", "plain"), PAIRS, ids=lambda probe: probe.name)
    def test_it_is_what_the_plain_probe_would_find_had_nothing_acted(self, trainer, clean, plain):
        (without,) = trainer.measure(replace(trainer.spec.epoch_specs[0], deficits=()), (plain,))
        found = measured(trainer, clean)
        named = {column.replace("/", "_clean/") if "/" in column else f"{column}_clean": value
                 for column, value in without.columns.items()}  # fmt: skip
        assert found == named
        total = next(iter(without.columns))
        assert found[f"{total}_clean"] != measured(trainer, plain)[total], "the deficits show in the plain one"

    def test_names_of_layers_stay_at_the_end(self, trainer):
        assert "fisher_trace_clean/conv1" in measured(trainer, CLEAN[0])


class TestFilters:
    def test_shares_and_the_first_filters(self, trainer):
        weights, found = trainer.state.model.conv1.weight.detach(), measured(trainer, Filters(shown=3))
        assert found["filter_high_frequency_share"] == pytest.approx(high_frequency_share(weights))
        written = {column: value for column, value in found.items() if column.startswith("filter/")}
        assert len(written) == 3 * 9
        largest = weights[2].abs().max().item()
        assert written["filter/02/0_1_2"] == pytest.approx(weights[2, 0, 1, 2].item() / largest, abs=6e-4)

    def test_a_network_without_convolutions_is_refused_in_one_line(self):
        """Linear maps of tokens are none."""
        tokens = TwoViewTransformer(patch=4, dims=8, layers=1).build([(1, 8, 8)] * 2, 10, 0)
        for context in (SimpleNamespace(model=tokens), SimpleNamespace(model=built(BASE.model, load(BASE.data), 0))):
            with pytest.raises(SpecError, match="no convolution; choose another, such as model=all_cnn"):
                Filters().measure(context)
