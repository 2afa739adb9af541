"""Mixup against its definition, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import BASE, same
from torch import nn
from torch.nn import functional

from critical.core.batch import Batch
from critical.core.spec import SpecError
from critical.deficits import Dissociation
from critical.models import SplitAllCNN
from critical.stabilizers import FisherPenalty, Mixup, Situation, StabilizerWindow, Step, WeightDecay
from critical.stabilizers.mixup import mixing_share
from critical.training.timeline import Timeline, Window

MIXUP = Mixup()


def batch_of(count=6, seed=0, head=None):
    draws = torch.Generator().manual_seed(seed)
    views = tuple(torch.rand(count, 1, 4, 4, generator=draws) for _ in range(2))
    return Batch(views, torch.randint(0, 5, (count,), generator=draws), torch.arange(count), head=head)


def acting(spec=MIXUP, model=None, seed=3, epoch=2):
    return spec.activate(Situation(model or nn.Identity(), seed, epoch))


def partners(before, after):
    """Recovers each example's partner and the share of it, which explain its mixture; its own partner has share 0."""
    found = []
    for own, mixed in zip(before.views[0], after.views[0], strict=True):
        for other in sorted(range(len(before)), key=lambda one: not torch.equal(before.views[0][one], own)):
            away = (before.views[0][other] - own).flatten()
            share = float((mixed - own).flatten() @ away / (away @ away).clamp(min=1e-9))
            if torch.allclose(torch.lerp(own, before.views[0][other], share), mixed, atol=1e-5):
                found.append((other, share))
                break
    return found


class TestDefinition:
    def test_every_example_is_mixed_with_one_partner_in_all_views_by_the_same_share(self):
        before = batch_of()
        after = acting().change_input(before)
        found = partners(before, after)
        assert len(found) == len(before)
        order = [other for other, _ in found]
        assert sorted(order) == list(range(len(before)))
        (share,) = {round(share, 4) for row, (other, share) in enumerate(found) if other != row}
        assert 0 <= share <= 0.5
        torch.testing.assert_close(after.views[1], torch.lerp(before.views[1], before.views[1][order], share),
                                   rtol=0, atol=1e-4)  # fmt: skip
        assert torch.equal(after.labels, before.labels)

    def test_the_loss_is_that_of_both_labels_in_the_same_shares(self):
        before, mix = batch_of(), acting()
        after = mix.change_input(before)
        found = partners(before, after)
        share = max(share for _, share in found)
        logits = torch.randn(6, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        loss = functional.cross_entropy(logits, after.labels)
        both = loss + mix.loss(Step(nn.Identity(), after, logits, loss, 0))
        log = logits.log_softmax(1)
        by_hand = [
            -(1 - share) * log[row, before.labels[row]] - share * log[row, before.labels[other]]
            for row, (other, _) in enumerate(found)
        ]
        torch.testing.assert_close(both, torch.stack(by_hand).mean(), rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
    def test_shares_are_those_of_the_beta_distribution(self, alpha):
        quantiles = (np.arange(2_000) + 0.5) / 2_000
        shares = np.array([mixing_share(float(quantile), alpha) for quantile in quantiles])
        drawn = np.random.default_rng(0).beta(alpha, alpha, 200_000)
        least = np.minimum(drawn, 1 - drawn)
        assert shares.mean() == pytest.approx(least.mean(), abs=2e-3)
        assert (shares**2).mean() == pytest.approx((least**2).mean(), abs=2e-3)

    def test_it_is_drawn_anew_in_each_step_epoch_and_seed_and_the_same_again(self):
        first, again = acting(), acting()
        steps = [first.change_input(batch_of()) for _ in range(2)]
        assert not same(steps[0].views, steps[1].views)
        assert same(steps[0].views, again.change_input(batch_of()).views)
        for other in (acting(epoch=3), acting(seed=4)):
            assert not same(steps[0].views, other.change_input(batch_of()).views)


class TestTogether:
    def test_with_a_penalty_and_a_weight_decay_in_a_loop_of_ones_own(self):
        """Nobody says the scale of the gradients: it is measured, and mixup must not look like one."""
        model = nn.Sequential(nn.Flatten(), nn.Linear(16, 5))
        stabilizers = [acting(spec, model) for spec in (Mixup(), FisherPenalty(weight=0.1), WeightDecay(weight=0.1))]
        batch = batch_of()
        for one in stabilizers:
            batch = one.change_input(batch)
        logits = model(batch.views[0])
        step = Step(model, batch, logits, functional.cross_entropy(logits, batch.labels), 0)
        extra = [term for term in (one.loss(step) for one in stabilizers) if term is not None]
        sum(extra, step.loss).backward()
        for one in stabilizers:
            one.gradients(step)
        assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())

    def test_a_loss_without_a_mixed_batch_is_refused(self):
        logits = torch.zeros(6, 5)
        with pytest.raises(SpecError, match="wants the batch that `change_input` mixed"):
            acting().loss(Step(nn.Identity(), batch_of(), logits, logits.sum(), 0))


class TestHeads:
    def test_targets_with_heads_of_their_own_are_refused(self):
        with pytest.raises(SpecError, match=r"^stabilizer=mixup: targets have heads of their own here"):
            acting().change_input(batch_of(head=torch.ones(6, dtype=torch.int64)))

    def test_so_is_a_run_in_which_they_would_meet_before_it_trains(self):
        apart = Timeline(4, (Window(0, 2, Dissociation()),))
        two = replace(BASE, model=SplitAllCNN(width=2, heads=True), timeline=apart)
        assert replace(two, stabilizers=(StabilizerWindow(Mixup(), 2),))
        with pytest.raises(SpecError, match="stabilizer=mixup: deficit=dissociation has targets with heads") as raised:
            replace(two, stabilizers=(StabilizerWindow(Mixup(), 1),))
        assert "\n" not in str(raised.value)
