"""The masked auto-encoder: masked patches never reach the encoder, labels never count, and forks are the run."""

import copy
from dataclasses import replace
from functools import lru_cache

import pytest
import torch
from helpers import BASE, assert_as_from_scratch, from_scratch, same

from critical.core.batch import Batch
from critical.core.spec import SpecError, from_settings, identity
from critical.data import TwoEyes
from critical.deficits import Dissociation, LabelPermutation, SplitHeads
from critical.execution import workers
from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.models import SplitAllCNN, TwoViewTransformer
from critical.stabilizers import KINDS, L2Init, MaskedAutoencoder, Situation, StabilizerWindow
from critical.stabilizers.masked_autoencoder import encode, views_of, visible_tokens
from critical.training.augmentation import Augmentation
from critical.training.loop import Trainer
from critical.training.optimizers import AdamW
from critical.training.schedules import Restart
from critical.training.timeline import Timeline, Window

SHAPES = ((3, 8, 8), (3, 8, 8))
SPEC = MaskedAutoencoder(dims=8)
MODEL = TwoViewTransformer(patch=2, dims=8, layers=2, attention_heads=2, expansion=2, heads=True)
RUN = replace(
    BASE,
    data=TwoEyes(train_size=40, test_size=20, resolution=8),
    model=MODEL,
    optimizer=AdamW(batch_size=20),
    augmentation=Augmentation(shift=0, flip=False),
    schedule=Restart(rate=0.01, decay=0.9, reset_optimizer=True),
    timeline=Timeline(3),
    probes=(),
)
TOKENS = 32
MEANS, SPREADS = ((0.5, 0.4, 0.3), (0.1, 0.7, 0.2)), ((0.2, 0.25, 0.5), (0.3, 0.3, 0.1))


def network(seed=0):
    return MODEL.build(SHAPES, 5, seed)


def batch(count=6, seed=0):
    draws = torch.Generator().manual_seed(seed)
    views = tuple(torch.rand(count, *shape, generator=draws) for shape in SHAPES)
    return Batch(views, torch.arange(count) % 5, torch.arange(count) + 3)


def acting(model, spec=SPEC, epoch=2, seed=1):
    return spec.activate(Situation(model, seed=seed, epoch=epoch, view_shapes=SHAPES))


def masks(spec=SPEC, epoch=2, count=6):
    """Which patches of both views are masked, bool (N, 32), as the objective draws them."""
    visible = visible_tokens(acting(network(), spec, epoch)._key, batch(count).index, TOKENS, spec.masked)
    return torch.ones(count, TOKENS, dtype=torch.bool).scatter(1, visible, False)


def perturbed(given, where):
    """The batch with noise in the patches (N, 32) that are marked."""
    views = []
    for number, view in enumerate(given.views):
        marked = where[:, number * 16 : number * 16 + 16].view(-1, 1, 4, 4)
        marked = marked.repeat_interleave(2, 2).repeat_interleave(2, 3)
        noise = torch.rand(view.shape, generator=torch.Generator().manual_seed(9))
        views.append(torch.where(marked, noise, view))
    return given.with_views(tuple(views))


class TestMasks:
    def test_a_share_of_both_views_together_is_masked(self):
        hidden = masks(count=200)
        assert (hidden.sum(1) == 24).all()
        of_a = hidden[:, :16].sum(1)
        assert of_a.min() < 12 < of_a.max(), "not so many of each view"
        assert (hidden.float().mean(0) - 0.75).abs().max() < 0.12, "each is as likely"

    @pytest.mark.parametrize(("masked", "hidden"), [(0.0, 1), (0.5, 16), (1.0, 31)])
    def test_one_at_least_is_masked_and_one_is_not(self, masked, hidden):
        assert (masks(replace(SPEC, masked=masked)).sum(1) == hidden).all()

    def test_are_drawn_anew_for_each_epoch_and_go_by_the_example_alone(self):
        assert not torch.equal(masks(), masks(epoch=3))
        assert torch.equal(masks(), masks(replace(SPEC, across=False))), "the control has the same"
        some, everyone = (visible_tokens(5, torch.arange(*span), TOKENS, 0.75) for span in ((2, 4), (0, 6)))
        assert torch.equal(some, everyone[2:4])


def test_masks_and_decoders_go_by_the_seed():
    model = network()
    first, again, other = (acting(model, seed=seed) for seed in (1, 1, 2))
    drawn = [visible_tokens(held._key, batch().index, TOKENS, 0.75) for held in (first, again, other)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    decoders = [held.parts.state_dict() for held in (first, again, other)]
    assert same(decoders[0], decoders[1])
    assert not same(decoders[0], decoders[2])


class TestEncoder:
    """What it makes of the visible tokens."""

    def codes(self, given, spec=SPEC):
        model = network().eval()
        tokens = torch.cat(model.streams(*given.views), dim=2)
        visible = visible_tokens(acting(model, spec)._key, given.index, TOKENS, spec.masked)
        apart = None if spec.across else views_of([16, 16], tokens.device)
        return encode(model, tokens, visible, apart), visible

    @pytest.mark.parametrize("across", [True, False])
    def test_masked_patches_never_reach_it(self, across):
        spec = replace(SPEC, across=across)
        before, _ = self.codes(batch(), spec)
        after, _ = self.codes(perturbed(batch(), masks(spec)), spec)
        assert before.shape == (6, 8, 8)
        assert torch.equal(before, after)
        assert not torch.equal(before, self.codes(perturbed(batch(), ~masks(spec)), spec)[0])

    def test_nor_do_those_of_the_other_view_where_each_is_by_itself(self):
        other = torch.zeros(6, TOKENS, dtype=torch.bool)
        other[:, 16:] = True
        for across in (False, True):
            spec = replace(SPEC, across=across)
            (before, visible), (after, _) = self.codes(batch(), spec), self.codes(perturbed(batch(), other), spec)
            of_a = (visible < 16)[:, None].expand_as(before)
            assert of_a.any()
            assert torch.equal(before[of_a], after[of_a]) == (not across)


class TestObjective:
    def test_is_the_error_of_masked_patches_by_hand(self):
        model = MODEL.build(SHAPES, 5, 0, MEANS, SPREADS).eval()
        held = acting(model)
        given, hidden = batch(), masks()
        of_pixels = [[torch.tensor(held[view]).view(3, 1, 1) for held in (MEANS, SPREADS)] for view in range(2)]
        seen = [(given.views[view] - mean) / spread for view, (mean, spread) in enumerate(of_pixels)]
        tokens = torch.cat(model.streams(*given.views), dim=2)
        errors = []
        for row in range(6):
            visible = visible_tokens(held._key, given.index, TOKENS, 0.75)[row]
            encoded = model.trunk(tokens[row : row + 1, :, visible]).transpose(1, 2)
            for view in range(2):
                drawn = held.parts[view](encoded)[0]
                for place in range(16):
                    if hidden[row, view * 16 + place]:
                        down, across = divmod(place, 4)
                        rows, columns = slice(2 * down, 2 * down + 2), slice(2 * across, 2 * across + 2)
                        patch = seen[view][row, :, rows, columns].flatten()
                        wanted = (patch - patch.mean()) / (patch.var(correction=0) + SPEC.floor).sqrt()
                        errors.append((drawn[place] - wanted).square().mean())
        assert len(errors) == 6 * 24
        assert torch.allclose(held.objective(given), torch.stack(errors).mean(), atol=1e-5)

    def test_each_view_by_itself_learns_nothing_of_the_other(self):
        """The error of view a alone has no slope in what stream b and decoder b are made of."""
        for across in (True, False):
            model = network()
            held = acting(model, replace(SPEC, across=across))
            given = batch()
            visible = visible_tokens(held._key, given.index, TOKENS, 0.75)
            of_view = views_of([16, 16], visible.device)
            tokens = torch.cat(model.streams(*given.views), dim=2)
            encoded = encode(model, tokens, visible, None if across else of_view).transpose(1, 2)
            held.parts[0](encoded, None if across else of_view[visible] == 0).square().sum().backward()
            reached = model.stream_b.patches.map.weight.grad
            assert (reached is not None and bool(reached.abs().sum() > 0)) == across

    @pytest.mark.parametrize("across", [True, False])
    def test_what_one_view_adds_depends_on_the_other_where_both_are_related(self, across):
        held = acting(network().double().eval(), replace(SPEC, across=across))
        held.parts.double()
        of_a, of_b = ([given.views[number].double() for given in (batch(), batch(seed=1))] for number in (0, 1))
        errors = [[held.objective(batch().with_views((a, b))) for b in of_b] for a in of_a]
        interplay = errors[0][0] - errors[0][1] - errors[1][0] + errors[1][1]
        assert (abs(interplay.item()) > 1e-12) == across

    def test_labels_and_heads_do_not_count(self):
        model, given = network(), batch()
        plain = acting(model).objective(given)
        other = given.with_labels(given.labels.flip(0)).with_head(torch.full((6,), 2))
        assert torch.equal(plain, acting(model).objective(other))
        plain.backward()
        assert all(parameter.grad is None for parameter in model.heads.parameters())
        for part in (model.stream_a, model.stream_b, model.trunk):
            assert all(parameter.grad is not None for parameter in part.parameters()), "all that is encoded is trained"

    def test_each_patch_has_a_question_and_so_an_answer_of_its_own(self):
        for decode in acting(network()).parts:
            answers = decode(torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(0)))[0]
            assert torch.pdist(answers).min() > 0


def pretrained(*windows, start=0, end=2, spec=SPEC, run=RUN):
    held = tuple(Window(*window) for window in windows)
    return replace(run, timeline=Timeline(3, held), stabilizers=(StabilizerWindow(spec, start, end),))


@lru_cache
def states(spec):
    trainer, found = Trainer(spec), []
    for epoch_spec in spec.epoch_specs:
        row = trainer.train_epoch(epoch_spec)
        found.append((row, copy.deepcopy(trainer.state.state_dict())))
    return found


class TestInTheLoop:
    def test_acts_in_its_window_and_says_what_it_trains(self):
        rows = [set(row) for row, _ in states(pretrained())]
        assert rows == [{"rate", "objective"}] * 2 + [{"rate", "train_loss", "train_accuracy"}]
        objectives = [row["objective"] for row, _ in states(pretrained())[:2]]
        assert objectives[1] < objectives[0]

    def test_heads_rest_and_decoders_go_on_as_long_as_it_lasts(self):
        first = Trainer(RUN).state.model.heads.state_dict()
        (_, one), (_, two), (_, three) = states(pretrained())
        for state in (one, two):
            assert all(same(state["model"][f"heads.{name}"], value) for name, value in first.items())
        decoders = [state["parts"][identity(SPEC)]["module"] for state in (one, two)]
        assert not same(*decoders)
        assert "parts" not in three

    def test_what_changes_labels_alone_does_nothing_to_it(self):
        plain, permuted = (states(pretrained(*windows))[1][1] for windows in ((), ((0, 2, LabelPermutation()),)))
        assert same(plain, permuted)
        plain, sham = (states(pretrained(*windows))[1][1] for windows in ((), ((0, 2, SplitHeads()),)))
        assert same(plain, sham)
        assert not same(plain, states(pretrained((0, 2, Dissociation())))[1][1])

    def test_a_fork_is_the_run_from_scratch(self, tmp_path):
        specs = [
            pretrained(), pretrained((1, 2, Dissociation())), pretrained(end=1), pretrained(start=1),
            pretrained(spec=replace(SPEC, across=False)),
        ]  # fmt: skip
        trained = []
        real = Trainer.train_epoch
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Trainer, "train_epoch", lambda self, epoch: trained.append(1) or real(self, epoch))
            workers.work(plan(specs), RunStore(tmp_path))
        assert len(trained) == 15 - 2, "three share their first epoch"
        assert_as_from_scratch(RunStore(tmp_path), *specs)

    def test_goes_on_from_a_checkpoint_as_if_nothing_had_been(self):
        spec = pretrained()
        trainer, other = Trainer(spec), Trainer(spec)
        trainer.train_epoch(spec.epoch_specs[0])
        other.state.load_state_dict(copy.deepcopy(trainer.state.state_dict()))
        for epoch_spec in spec.epoch_specs[1:]:
            other.train_epoch(epoch_spec)
        assert same(other.state.state_dict(), from_scratch(spec)[1])


class TestRefusals:
    def test_another_stabiliser_in_its_epochs(self):
        held = (StabilizerWindow(SPEC, 0, 2), StabilizerWindow(L2Init(), 1, 3))
        said = "^stabilizer=masked_autoencoder: .*, which l2_init would change in epoch 1; part their windows$"
        with pytest.raises(SpecError, match=said):
            replace(RUN, stabilizers=held)
        replace(RUN, stabilizers=(held[0], StabilizerWindow(L2Init(), 2, 3)))

    def test_another_network(self):
        spec = pretrained(run=replace(RUN, model=SplitAllCNN(width=2)))
        with pytest.raises(SpecError, match=r"^stabilizer=masked_autoencoder: .*model=two_view_transformer$"):
            Trainer(spec).train_epoch(spec.epoch_specs[0])

    @pytest.mark.parametrize(
        ("fields", "said"),
        [({"masked": 1.5}, r"masked=1.5; it must be in \[0, 1\]"), ({"dims": 3}, "dims=3; it must be at least 1, and"),
         ({"layers": 0}, "layers=0; it must be at least 1$"), ({"floor": 0.0}, "floor=0 divides"),
         ({"floor": -1.0}, "floor=-1; it must be finite")],
    )  # fmt: skip
    def test_impossible_settings(self, fields, said):
        with pytest.raises(SpecError, match=f"^stabilizer=masked_autoencoder: {said}") as raised:
            from_settings(KINDS, {"name": "masked_autoencoder", **fields}, "stabilizer")
        assert "\n" not in str(raised.value)
