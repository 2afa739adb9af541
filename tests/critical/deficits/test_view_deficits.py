import copy
import math
import pickle
from dataclasses import replace

import pytest
import torch

from critical.core import spec
from critical.core.batch import HEADS, VIEWS, Batch
from critical.deficits import (
    KINDS,
    AlternatingDeprivation,
    Blur,
    Dissociation,
    Inversion,
    NoDeficit,
    Noise,
    Occlusion,
    SplitHeads,
    VerticalFlip,
    ViewDropout,
)
from critical.models.base import Normalise

IMAGE = [Blur, Noise, VerticalFlip, Inversion, Occlusion]
PAIRED = [
    ViewDropout(),
    ViewDropout(view="a", probability=0.4, absent="zero"),
    AlternatingDeprivation(period=2),
    Dissociation(),
    Dissociation(view="a"),
    Dissociation(variant="authors"),
    SplitHeads(),
]
MEANS = ((0.31, 0.42, 0.53), (0.64, 0.75, 0.16))
A, B = HEADS.index("a"), HEADS.index("b")


def batch_of(count=24, seed=0):
    draws = torch.Generator().manual_seed(seed)
    views = tuple(torch.rand(count, 3, 8, 8, generator=draws) for _ in VIEWS)
    index = torch.randperm(1000, generator=draws)[:count]
    return Batch(views, torch.randint(0, 10, (count,), generator=draws), index, means=MEANS)


def planted(count=2000, batch=50):
    """Batches in which every pixel of either view is the position of its example, and tells the label."""
    index = torch.randperm(count, generator=torch.Generator().manual_seed(2))
    for part in index.split(batch):
        view = (part.float() / count).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
        yield Batch((view, view.clone()), part % 10, part)


def shown(view, count=2000):
    """The positions of the examples that a view of `planted` shows."""
    return (view[:, 0, 0, 0] * count).round().long()


def taken(batch, chosen):
    views = tuple(view[chosen] for view in batch.views)
    head = None if batch.head is None else batch.head[chosen]
    return Batch(views, batch.labels[chosen], batch.index[chosen], head, batch.means)


def same(first, second):
    pairs = [*zip(first.views, second.views, strict=True), (first.labels, second.labels), (first.index, second.index)]
    heads = (first.head is None) == (second.head is None)
    if heads and first.head is not None:
        pairs.append((first.head, second.head))
    return heads and all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("kind", IMAGE)
@pytest.mark.parametrize("view", VIEWS)
def test_a_deficit_of_one_eye_is_that_eye_of_the_deficit_of_both(kind, view):
    batch, number = batch_of(), VIEWS.index(view)
    both, one = (deficit.apply(batch, seed=3, epoch=1) for deficit in (kind(), kind(view=view)))
    assert torch.equal(one.views[number], both.views[number])
    assert not torch.equal(one.views[number], batch.views[number])
    assert torch.equal(one.views[1 - number], batch.views[1 - number])
    assert torch.equal(one.labels, batch.labels)


@pytest.mark.parametrize("kind", IMAGE)
def test_a_view_is_a_setting_only_where_one_is_named(kind):
    assert "view" not in spec.settings(kind())
    assert spec.settings(kind(view="b"))["view"] == "b"
    assert len({spec.identity(kind(view=view)) for view in (None, *VIEWS)}) == 3
    named = spec.from_settings(KINDS, {"name": kind.name, "view": None}, "deficit")
    assert spec.identity(named) == spec.identity(kind())


def test_identities_of_old_runs_stay():
    assert spec.settings(Blur()) == {"name": "blur", "factor": 4, "size": None, "antialias": True}
    assert spec.identity(Blur()) == "4839e5442e2d5d22"
    assert spec.identity(Occlusion()) == "f8b163b699cadf91"
    assert Blur(2, None, False).antialias is False, "the order of arguments stays, too"


def test_an_image_alone_is_changed_whatever_the_view():
    image = batch_of().views[0][0]
    assert torch.equal(Blur(view="b")(image), Blur()(image))
    assert not torch.equal(Blur(view="b")(image), image)


def test_a_signal_can_be_noise_or_inverted_and_an_image_beside_it_blurred():
    batch = batch_of()
    mixed = batch.with_views((batch.views[0], torch.rand(24, 2, 30)))
    assert torch.equal(Inversion(view="b").apply(mixed).views[1], 1 - mixed.views[1])
    noise = Noise().apply(mixed, seed=0).views
    assert noise[1].shape == (24, 2, 30)
    assert not torch.equal(noise[1], mixed.views[1])
    blurred = Blur(view="a").apply(mixed)
    assert torch.equal(blurred.views[0], Blur()(mixed.views[0]))
    assert torch.equal(blurred.views[1], mixed.views[1])
    dropped = ViewDropout(absent="zero").apply(mixed).views
    assert dropped[1].shape == (24, 2, 30)
    assert dropped[1].abs().max() == 0


@pytest.mark.parametrize("deficit", PAIRED, ids=repr)
class TestEveryPairedDeficit:
    def test_depends_on_seed_epoch_and_examples_not_on_order(self, deficit):
        batch = batch_of()
        whole = deficit.apply(batch, seed=3, epoch=7)
        assert same(whole, deficit.apply(batch, seed=3, epoch=7))
        order = torch.randperm(len(batch), generator=torch.Generator().manual_seed(1))
        assert same(deficit.apply(taken(batch, order), seed=3, epoch=7), taken(whole, order))
        fixed = isinstance(deficit, AlternatingDeprivation) or deficit.removes(0)
        for seed, epoch in ((4, 7), (3, 6)):
            assert fixed or not same(whole, deficit.apply(batch, seed=seed, epoch=epoch))

    def test_keeps_input_shape_range_and_index(self, deficit):
        batch = batch_of()
        before = copy.deepcopy(batch)
        changed = deficit.apply(batch, seed=0, epoch=0)
        assert same(batch, before), "a deficit must not write into its input"
        assert torch.equal(changed.index, batch.index)
        assert changed.means == MEANS
        assert changed.labels.dtype == torch.int64
        for view, given in zip(changed.views, batch.views, strict=True):
            assert (view.shape, view.dtype) == (given.shape, given.dtype)
            assert 0 <= view.min() <= view.max() <= 1

    def test_is_a_spec_and_a_module(self, deficit):
        rebuilt = spec.from_settings(KINDS, spec.settings(deficit), "deficit")
        for twin in (rebuilt, copy.deepcopy(deficit), pickle.loads(pickle.dumps(deficit))):
            assert spec.identity(twin) == spec.identity(deficit)
            assert same(twin.apply(batch_of(), seed=1, epoch=2), deficit.apply(batch_of(), seed=1, epoch=2))
        assert len(torch.nn.Sequential(deficit).apply(lambda module: None)) == 1
        assert not list(deficit.parameters())

    def test_leaves_the_global_generator_alone(self, deficit):
        before = torch.get_rng_state()
        deficit.apply(batch_of(), seed=0, epoch=0)
        assert torch.equal(before, torch.get_rng_state())

    def test_refuses_tensors_alone_and_a_single_view(self, deficit):
        batch = batch_of()
        with pytest.raises(spec.SpecError, match="needs a batch of two views"):
            deficit(batch.views[0], batch.labels, index=batch.index, epoch=0)
        with pytest.raises(spec.SpecError, match="needs two views, the data have 1"):
            deficit.apply(batch.with_views(batch.views[:1]), seed=0, epoch=0)


@pytest.mark.parametrize("poison", [math.nan, math.inf, 0.9])
@pytest.mark.parametrize("absent", ["mean", "zero"])
@pytest.mark.parametrize(("view", "probability"), [("a", 1.0), ("b", 1.0), ("b", 0.5)])
def test_what_a_dropped_view_held_cannot_leak(view, probability, absent, poison):
    batch, number = batch_of(), VIEWS.index(view)
    deficit = ViewDropout(view=view, probability=probability, absent=absent)
    changed = deficit.apply(batch, seed=0, epoch=5)
    fill = torch.tensor(MEANS[number] if absent == "mean" else (0.0,) * 3).view(1, 3, 1, 1)
    dropped = (changed.views[number] == fill).all((1, 2, 3))
    assert dropped.all() if probability == 1 else 0 < dropped.sum() < len(batch)
    poisoned = list(batch.views)
    poisoned[number] = torch.where(dropped.view(-1, 1, 1, 1), poison, batch.views[number])
    assert same(deficit.apply(batch.with_views(tuple(poisoned)), seed=0, epoch=5), changed)
    assert torch.equal(changed.views[number][~dropped], batch.views[number][~dropped])
    assert torch.equal(changed.views[1 - number], batch.views[1 - number])


def test_an_absent_view_is_exactly_zero_after_normalisation():
    # The means are doubles; the image and the buffer of the network round them to the same float.
    means = ((1 / 3, 0.1, 0.7), (2 / 7, 0.30000001, 0.9))
    changed = ViewDropout().apply(replace(batch_of(), means=means))
    assert Normalise(means[1], (0.2, 0.3, 0.1), 3)(changed.views[1]).abs().max() == 0


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_views_are_dropped_with_their_probability_anew_each_epoch(probability):
    views = (torch.ones(4000, 1, 1),) * 2
    batch = Batch(views, torch.zeros(4000, dtype=torch.int64), torch.arange(4000))
    lost = {}
    for view in VIEWS:
        deficit = ViewDropout(view=view, probability=probability, absent="zero")
        for epoch in (0, 1):
            changed = deficit.apply(batch, seed=0, epoch=epoch).views[VIEWS.index(view)]
            lost[view, epoch] = changed.flatten() == 0
    spread = (probability * (1 - probability) / 4000) ** 0.5
    for gone in lost.values():
        assert abs(gone.double().mean() - probability) < 4 * spread
    for other in (("b", 1), ("a", 0)):
        # Independent events coincide as often as the product of their probabilities says.
        both = (lost["b", 0] & lost[other]).double().mean()
        assert abs(both - probability**2) < 4 * spread


def test_what_is_removed_and_what_may_be_dropped():
    nothing = frozenset()
    for deficit in (NoDeficit(), Blur(view="b"), Dissociation(), SplitHeads()):
        assert (deficit.removes(3), deficit.drops(3)) == (nothing, nothing)
    assert (ViewDropout().removes(0), ViewDropout().drops(0)) == ({"b"}, {"b"})
    sometimes = ViewDropout(view="a", probability=0.9)
    assert (sometimes.removes(0), sometimes.drops(0)) == (nothing, {"a"})
    turns = AlternatingDeprivation(period=2)
    assert [*map(set, map(turns.removes, range(6)))] == [{"a"}, {"a"}, {"b"}, {"b"}, {"a"}, {"a"}]
    assert turns.drops(2) == {"b"}


def test_views_are_absent_in_turn():
    batch = batch_of()
    for period in (1, 3):
        for epoch in range(8):
            number = epoch // period % 2
            changed = AlternatingDeprivation(period=period).apply(batch, epoch=epoch).views
            expected = torch.tensor(MEANS[number]).view(1, 3, 1, 1).expand(24, 3, 8, 8)
            assert torch.equal(changed[number], expected)
            assert torch.equal(changed[1 - number], batch.views[1 - number])
    assert AlternatingDeprivation(absent="zero").apply(batch, epoch=0).views[0].abs().max() == 0


@pytest.mark.parametrize("view", VIEWS)
def test_after_dissociation_each_head_is_asked_what_its_view_shows(view):
    number, asked = VIEWS.index(view), 0
    for batch in planted():
        changed = Dissociation(view=view).apply(batch, seed=1, epoch=4)
        from_a, from_b = map(shown, changed.views)
        assert torch.equal((from_a, from_b)[1 - number], batch.index), "the other view stays where it is"
        assert sorted((from_a, from_b)[number].tolist()) == sorted(batch.index.tolist()), "all are passed on once"
        assert (from_a != from_b).all(), "no example keeps its own view"
        assert torch.equal(changed.labels, torch.where(changed.head == A, from_a, from_b) % 10)
        assert set(changed.head.tolist()) <= {A, B}
        asked += int((changed.head == B).sum())
    assert abs(asked / 2000 - 0.5) < 4 * 0.5 / 2000**0.5


def test_the_smallest_batch_exchanges_its_two():
    batch = next(planted(batch=2))
    for epoch in range(10):
        assert torch.equal(shown(Dissociation().apply(batch, epoch=epoch).views[1]), batch.index.flip(0))


def test_every_partner_is_as_likely():
    batch = next(planted(batch=5))
    counts = torch.zeros(5, 5)
    for epoch in range(1000):
        partner = shown(Dissociation().apply(batch, seed=0, epoch=epoch).views[1])
        counts += (partner[:, None] == batch.index).float()
    assert counts.diagonal().sum() == 0
    others = counts[~torch.eye(5, dtype=torch.bool)]
    # Binomial with p = 1/4: four deviations of 14.
    assert (others - 250).abs().max() < 4 * (1000 * 0.25 * 0.75) ** 0.5


def test_the_authors_variant_draws_one_head_a_batch_whatever_the_target():
    heads, stayed, asked, batches = [], 0, 0, 0
    for batch in planted(count=2000, batch=20):
        for epoch in range(3):
            changed = Dissociation(variant="authors").apply(batch, seed=1, epoch=epoch)
            from_a, from_b = map(shown, changed.views)
            assert torch.equal(from_a, batch.index)
            assert sorted(from_b.tolist()) == sorted(batch.index.tolist())
            assert ((changed.labels == from_a % 10) | (changed.labels == from_b % 10)).all()
            assert len(set(changed.head.tolist())) == 1
            heads.append(int(changed.head[0]))
            stayed += int((from_a == from_b).sum())
            differ = (from_a - from_b) % 10 != 0
            other = torch.where(changed.head == A, from_b, from_a)
            asked += int((changed.labels[differ] == other[differ] % 10).sum()) / int(differ.sum())
            batches += 1
    assert abs(heads.count(B) / batches - 0.5) < 4 * 0.5 / batches**0.5
    assert abs(stayed / batches - 1) < 4 / batches**0.5, "a permutation has one fixed point on average, variance 1"
    assert abs(asked / batches - 0.5) < 0.03, "half are asked for the view that is not the head's"


def test_the_sham_asks_for_the_same_views_and_changes_nothing_else():
    for batch in planted():
        dissociated, sham = (deficit.apply(batch, seed=1, epoch=4) for deficit in (Dissociation(), SplitHeads()))
        assert torch.equal(sham.head, dissociated.head)
        assert torch.equal(sham.labels, batch.labels)
        assert all(map(torch.equal, sham.views, batch.views))


def test_what_needs_heads():
    assert {kind.name for kind in KINDS.values() if kind.needs_heads} == {"dissociation", "split_heads"}


def test_one_eye_blurred_and_the_eyes_dissociated():
    batch = batch_of()
    changed = Dissociation().apply(Blur(view="b").apply(batch), epoch=0)
    sharp = Dissociation().apply(batch, epoch=0)
    assert torch.equal(changed.views[1], Blur()(sharp.views[1]))
    assert torch.equal(changed.views[0], batch.views[0])


SIGNAL = batch_of().with_views((torch.rand(24, 2, 30), batch_of().views[1]))
SINGLE = batch_of().with_views(batch_of().views[:1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        *(
            (lambda kind=kind: kind(view="c"), "view=c: there is no such view")
            for kind in (*IMAGE, ViewDropout, Dissociation)
        ),
        (lambda: Blur(view="b").apply(SINGLE), "deficit=blur: view=b: the data have 1 view, not two"),
        (lambda: Blur(view="a").apply(SINGLE), "deficit=blur: view=a: the data have 1 view, not two"),
        (lambda: Blur().apply(SIGNAL), r"deficit=blur: view a is a signal \(24, 2, 30\)"),
        (lambda: VerticalFlip(view="a").apply(SIGNAL), "deficit=vertical_flip: view a is a signal"),
        (lambda: Occlusion().apply(SIGNAL), "deficit=occlusion: view a is a signal"),
        (lambda: ViewDropout(probability=0.0), "probability=0.0; it must lie above 0"),
        (lambda: ViewDropout(probability=1.1), "probability=1.1; it must lie above 0 and up to 1"),
        (lambda: ViewDropout(probability=math.nan), "probability=nan"),
        (lambda: ViewDropout(absent="zeros"), "did you mean 'zero'"),
        (lambda: ViewDropout().apply(replace(batch_of(), means=None)), "deficit=view_dropout: absent=mean: the batch"),
        (lambda: ViewDropout(probability=0.5).apply(batch_of()), "pass epoch"),
        (lambda: AlternatingDeprivation(period=0), "period=0; a turn lasts at least 1 epoch"),
        (lambda: AlternatingDeprivation(absent="grey"), "there is no such filling"),
        (lambda: AlternatingDeprivation().apply(batch_of()), "pass epoch"),
        (lambda: AlternatingDeprivation().apply(replace(batch_of(), means=None), epoch=0), "knows no means"),
        (lambda: Dissociation(variant="author"), "did you mean 'authors'"),
        (lambda: Dissociation().apply(batch_of(1), epoch=0), "a batch of 1 example has no other"),
        (lambda: Dissociation().apply(batch_of()), "pass epoch"),
        (lambda: SplitHeads().apply(Dissociation().apply(batch_of(), epoch=0), epoch=0), "part their windows"),
    ],
)
def test_the_impossible_is_refused_in_one_line(make, message):
    with pytest.raises(spec.SpecError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
