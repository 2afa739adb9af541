"""What each stabiliser does to loss, gradients, weights and inputs."""

import copy
import math

import pytest
import torch
from helpers import same
from torch import nn
from torch.nn import functional

from critical import stabilizers
from critical.core.batch import Batch
from critical.core.randomness import derived_seed, generator
from critical.core.spec import SpecError
from critical.deficits.views import ViewDropout
from critical.models import SplitAllCNN, TwoModality
from critical.stabilizers import Situation, Step
from critical.stabilizers.fisher_penalty import drawn_labels
from critical.stabilizers.reconstruction import code_shape, decoder
from critical.training.augmentation import Augmentation
from critical.training.optimizers import SGD, Adam


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def batch_of(count=6, seed=0, dtype=torch.float32, shapes=((1, 8, 8), (1, 8, 8)), means=((0.3,), (0.4,))):
    draws = generator(seed, "batch")
    views = tuple(torch.rand(count, *shape, generator=draws, dtype=dtype) for shape in shapes)
    return Batch(views, torch.randint(0, 5, (count,), generator=draws), torch.arange(count), means=means)


def situation(model, seed=0, epoch=0, **more):
    return Situation(model, seed, epoch, ((1, 8, 8), (1, 8, 8)), **more)


def step_of(model, batch, number=0):
    logits = model(*batch.inputs)
    return Step(model, batch, logits, functional.cross_entropy(logits, batch.labels), number, scale=1.0)


def split_net(seed=0, **fields):
    return SplitAllCNN(width=2, **fields).build(((1, 8, 8),) * 2, 5, seed)


def gradients_of(acting, step):
    """What a stabiliser adds to the gradients of the parameters: by its loss, and by its own hook."""
    parameters = list(step.model.parameters())
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    extra = acting.loss(step)
    if extra is not None and extra.requires_grad:
        extra.backward()
    acting.gradients(step)
    return [parameter.grad for parameter in parameters]


def slope(value, parameter, direction, step=1e-5):
    """Central difference of value() along a direction of one parameter."""
    found = []
    for sign in (1, -1):
        with torch.no_grad():
            parameter.add_(direction, alpha=sign * step)
        found.append(value().item())
        with torch.no_grad():
            parameter.sub_(direction, alpha=sign * step)
    return (found[0] - found[1]) / (2 * step)


class TestFisherPenalty:
    def network(self):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            inner = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 5)).double()
        return inner

    def step(self, model, number=0, seed=0):
        return step_of(model, batch_of(7, seed, torch.float64, ((4,),), None), number)

    def test_is_the_squared_norm_of_the_gradient_for_drawn_labels(self):
        model = self.network()
        step = self.step(model)
        penalty = stabilizers.FisherPenalty(weight=0.5).activate(situation(model, 3, 2)).loss(step)
        drawn = drawn_labels(step.logits.detach(), generator(3, "fisher penalty", 2))
        functional.cross_entropy(step.logits, drawn).backward()
        expected = 0.5 * sum(parameter.grad.square().sum() for parameter in model.parameters())
        torch.testing.assert_close(penalty, expected, rtol=1e-12, atol=0)

    def test_its_gradient_agrees_with_differences(self):
        model, spec = self.network(), stabilizers.FisherPenalty(weight=0.5)
        found = gradients_of(spec.activate(situation(model)), self.step(model))
        for parameter, gradient in zip(model.parameters(), found, strict=True):
            direction = torch.randn(parameter.shape, generator=generator("direction"), dtype=torch.float64)
            expected = slope(lambda: spec.activate(situation(model)).loss(self.step(model)), parameter, direction)
            assert float((gradient * direction).sum()) == pytest.approx(expected, rel=1e-6, abs=1e-10)

    def test_is_computed_anew_in_every_so_many_steps_and_added_in_all(self):
        model = self.network()
        acting = stabilizers.FisherPenalty(every=2).activate(situation(model))
        found = [gradients_of(acting, self.step(model, number, seed=number)) for number in range(3)]
        assert any(gradient.abs().max() > 0 for gradient in found[0])
        assert same(found[0], found[1])
        assert not same(found[1], found[2])

    def test_labels_are_drawn_as_the_model_says(self):
        logits = torch.tensor([0.1, 0.2, 0.7, 1e-30]).log().expand(4000, 4)
        shares = drawn_labels(logits, generator("labels")).bincount(minlength=4) / 4000
        torch.testing.assert_close(shares, logits[0].exp(), atol=0.03, rtol=0)
        assert drawn_labels(torch.full((3, 4), math.nan), generator(0)).tolist() == [0, 0, 0]


class TestReconstruction:
    def test_its_gradient_agrees_with_differences(self):
        model, batch = split_net().double().eval(), batch_of(dtype=torch.float64)
        acting = stabilizers.CrossSensorReconstruction(hidden=4).activate(situation(model))
        acting.parts.double()
        trunk, first = model.trunk.conv1.weight, acting.parts[0][0].weight
        gradients_of(acting, step_of(model, batch))
        for parameter in (trunk, first, model.stream_a.conv1.weight, model.stream_b.conv1.weight):
            direction = torch.randn(parameter.shape, generator=generator("direction"), dtype=torch.float64)
            expected = slope(lambda: acting.loss(step_of(model, batch)), parameter, direction)
            assert float((parameter.grad * direction).sum()) == pytest.approx(expected, rel=1e-6)
        acting.close()

    def test_is_the_error_of_both_normalised_views(self):
        model = SplitAllCNN(width=2).build(((1, 8, 8),) * 2, 5, 0, mean=((0.3,), (0.4,)), std=((0.2,), (0.1,)))
        acting = stabilizers.CrossSensorReconstruction(weight=3.0).activate(situation(model))
        with torch.no_grad():
            for decode in acting.parts:
                decode[2].weight.zero_()
                decode[2].bias.zero_()
        batch = batch_of()
        expected = 3 * (((batch.views[0] - 0.3) / 0.2).square().mean() + ((batch.views[1] - 0.4) / 0.1).square().mean())
        torch.testing.assert_close(acting.loss(step_of(model, batch)), expected)
        with pytest.raises(SpecError, match=r"not seen in this step.*compile=false"):
            acting.loss(Step(model, batch, batch.labels, batch.labels, 1))
        acting.close()

    def test_decoders_start_by_seed(self):
        spec = stabilizers.CrossSensorReconstruction()
        first, again, other = (spec.activate(situation(split_net(), seed)).parts.state_dict() for seed in (0, 0, 1))
        assert same(first, again)
        assert not same(first, other)

    @pytest.mark.parametrize(
        ("code", "view"),
        [((4, 3, 2), (3, 7, 5)), ((4, 8, 8), (1, 8, 8)), ((6,), (1, 4, 5)), ((6,), (2, 9)), ((4, 2, 2), (2, 9))],
    )
    def test_decoders_give_what_the_view_is_like(self, code, view):
        assert decoder(code, view, 5)(torch.rand(2, *code)).shape == (2, *view)

    def test_knows_codes_without_touching_the_network(self):
        unlike = ((1, 8, 6), (2, 21))
        for model, shapes, code in (
            (split_net(), ((1, 8, 8),) * 2, (4, 4, 4)),
            (TwoModality(width=2, units=6).build(unlike, 5, 0), unlike, (6,)),
        ):
            before = copy.deepcopy(model.state_dict())
            assert code_shape(model, shapes) == code
            assert same(model.state_dict(), before)
            assert model.training


class TestModalityDropout:
    def dropped(self, batch, seed=0, epoch=0, **fields):
        acting = stabilizers.ModalityDropout(**fields).activate(situation(nn.Identity(), seed, epoch))
        return acting.change_input(batch)

    def lost(self, seed=0, epoch=0, count=4000, **fields):
        """Which examples have lost view a, and view b."""
        view = torch.tensor([0.5, 1.0]).expand(count, 1, 2, 2)
        batch = self.dropped(Batch((view, view), torch.zeros(count).long(), torch.arange(count)), seed, epoch, **fields)
        return torch.stack([view.amax((1, 2, 3)) == 0 for view in batch.views])

    def test_drops_each_as_often_as_told_and_never_both(self):
        lost = self.lost(probability=0.2, absent="zero")
        assert lost.float().mean(1).tolist() == pytest.approx([0.2, 0.2], abs=0.025)
        assert not lost.all(0).any()
        assert self.lost(probability=0.5, absent="zero").sum(0).eq(1).all()
        assert not self.lost(probability=0.0, absent="zero").any()

    def test_draws_by_seed_epoch_and_example(self):
        lost = self.lost(absent="zero")
        assert torch.equal(lost, self.lost(absent="zero"))
        for other in (self.lost(epoch=1, absent="zero"), self.lost(seed=1, absent="zero")):
            assert not torch.equal(lost, other)
        assert torch.equal(lost[:, :50], self.lost(count=50, absent="zero"))

    def test_what_a_dropped_view_held_cannot_matter(self):
        batch = batch_of(64)
        first = self.dropped(batch, probability=0.4)
        where = [(view == mean).all(3).all(2).all(1) for view, mean in zip(first.views, (0.3, 0.4), strict=True)]
        assert all(10 < lost.sum() < 45 for lost in where)
        spoilt = tuple(
            torch.where(lost[:, None, None, None], math.nan, view)
            for lost, view in zip(where, batch.views, strict=True)
        )
        assert same(self.dropped(batch.with_views(spoilt), probability=0.4).views, first.views)
        for lost, view, before in zip(where, first.views, batch.views, strict=True):
            assert torch.equal(view[~lost], before[~lost])

    def test_leaves_no_example_with_nothing_to_see(self):
        removed = situation(nn.Identity(), removed=frozenset("a"))
        batch = batch_of(64)
        assert stabilizers.ModalityDropout(probability=0.5).activate(removed).change_input(batch) is batch
        thinned = ViewDropout(view="b", probability=0.5).apply(batch, seed=0, epoch=0)
        seen = self.dropped(thinned, probability=0.5)
        absent = [(view == mean).flatten(1).all(1) for view, mean in zip(seen.views, (0.3, 0.4), strict=True)]
        assert not (absent[0] & absent[1]).any()
        assert absent[0].sum() > 10
        assert absent[1].sum() > 10 + (thinned.views[1] == 0.4).flatten(1).all(1).sum()

    def test_needs_two_views_and_their_means(self):
        with pytest.raises(SpecError, match="knows no means"):
            self.dropped(batch_of(means=None))
        with pytest.raises(SpecError, match="needs two views, the batch has 1"):
            self.dropped(batch_of(shapes=((1, 8, 8),)))


class TestWeights:
    def formula(self, model, value):
        """Gradients of a loss on the weights, by autograd."""
        return list(torch.autograd.grad(value(list(model.parameters())), list(model.parameters())))

    def test_weight_decay_and_l2_init_are_the_gradients_of_their_losses(self):
        model, first, batch = split_net(1), split_net(0), batch_of()
        decayed = gradients_of(stabilizers.WeightDecay(0.3).activate(situation(model)), step_of(model, batch))
        expected = self.formula(model, lambda held: 0.15 * sum(one.square().sum() for one in held))
        torch.testing.assert_close(decayed, expected)
        acting = stabilizers.L2Init(0.3).activate(situation(model, initial=lambda: first))
        expected = self.formula(
            model,
            lambda held: 0.3 * sum((a - b).square().sum() for a, b in zip(held, first.parameters(), strict=True)),
        )
        torch.testing.assert_close(gradients_of(acting, step_of(model, batch)), expected)

    def test_shrinks_and_perturbs_weights_and_no_statistics(self):
        model, seeds = split_net(1), []
        model(*batch_of().views)
        before = copy.deepcopy(model.state_dict())
        there = situation(model, 7, 3, fresh=lambda seed: seeds.append(seed) or split_net(seed))
        stabilizers.ShrinkAndPerturb(shrink=0.5, perturb=0.2).activate(there).before_epoch()
        assert seeds == [derived_seed(7, "shrink and perturb", 3)]
        drawn = split_net(seeds[0]).state_dict()
        trained = dict(model.named_parameters())
        for name, value in model.state_dict().items():
            expected = 0.5 * before[name] + 0.2 * drawn[name] if name in trained else before[name]
            torch.testing.assert_close(value, expected, msg=name)

    @pytest.mark.parametrize("optimizer", [SGD(batch_size=6, nesterov=True), Adam(batch_size=6)], ids=["sgd", "adam"])
    @pytest.mark.parametrize("part", ["trunk", "network"])
    def test_a_slow_trunk_is_a_lower_rate_of_the_trunk(self, optimizer, part):
        ours, theirs = split_net(fusion="gate"), split_net(fusion="gate")
        slowed = [p for name, p in theirs.named_parameters() if part == "network" or not name.startswith("stream")]
        others = [p for p in theirs.parameters() if all(p is not one for one in slowed)]
        first, second = optimizer.build(ours.parameters()), optimizer.build([{"params": slowed}, {"params": others}])
        first.param_groups[0]["lr"] = second.param_groups[1]["lr"] = 0.02
        second.param_groups[0]["lr"] = 0.02 * 0.15
        acting = stabilizers.SlowTrunk(part=part).activate(situation(ours))
        for number in range(4):
            batch = batch_of(seed=number)
            for model, chosen in ((ours, first), (theirs, second)):
                chosen.zero_grad()
                step = step_of(model, batch, number)
                step.loss.backward()
                if model is ours:
                    acting.gradients(step)
                chosen.step()
                if model is ours:
                    acting.weights(step)
        for name, value in theirs.named_parameters():
            torch.testing.assert_close(ours.get_parameter(name), value, rtol=1e-4, atol=1e-6, msg=name)


def test_augmentation_in_a_window_is_the_augmentation():
    spec = stabilizers.WindowedAugmentation(shift=2, flip=True, fill=None)
    acting, draws = spec.activate(situation(nn.Identity(), 4, 2)), generator(4, "stabilizer augmentation", 2)
    for seed in range(2):
        expected = Augmentation(2, True, None).apply(batch_of(seed=seed), draws)
        assert same(acting.change_scene(batch_of(seed=seed)).views, expected.views)


@pytest.mark.parametrize(
    ("stabilizer", "there", "message"),
    [
        (stabilizers.CrossSensorReconstruction(), situation(nn.Linear(1, 1)), "needs a network of two streams"),
        (stabilizers.CrossSensorReconstruction(), Situation(split_net(), 0, 0), "knows 0 views"),
        (stabilizers.SlowTrunk(), situation(nn.Linear(1, 1)), "the network has one stream; take part=network"),
        (stabilizers.L2Init(), situation(nn.Linear(1, 1)), "initial weights"),
    ],
)
def test_loops_of_ones_own_are_told_what_is_missing(stabilizer, there, message):
    with pytest.raises(SpecError, match=message):
        stabilizer.activate(there)
