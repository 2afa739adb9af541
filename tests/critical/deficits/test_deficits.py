import copy
import dataclasses
import itertools
import pickle

import pytest
import torch
import torch.nn.functional as F
from torchvision.transforms import v2

from critical.core import spec
from critical.core.batch import Batch
from critical.core.counter_noise import random_bits, uniform
from critical.deficits import (
    KINDS,
    Blur,
    Inversion,
    LabelPermutation,
    NoDeficit,
    Noise,
    Occlusion,
    RandomLabels,
    VerticalFlip,
)

EVERY = [
    NoDeficit(),
    Blur(),
    Blur(size=5, antialias=False),
    Noise(),
    Noise(resample=True),
    VerticalFlip(),
    Inversion(),
    Occlusion(),
    Occlusion(central=True),
    Occlusion(side=0.3, resample=True),
    LabelPermutation(),
    LabelPermutation(resample=True),
    RandomLabels(),
    RandomLabels(resample=True),
]
RANDOM = [
    deficit for deficit in EVERY if isinstance(deficit, (Noise, Occlusion, LabelPermutation, RandomLabels))
]
RANDOM = [deficit for deficit in RANDOM if not getattr(deficit, "central", False)]


def batch_of(count=40, views=1, size=16, seed=0):
    draws = torch.Generator().manual_seed(seed)
    images = tuple(torch.rand(count, 3, size, size, generator=draws) for _ in range(views))
    labels = torch.randint(0, 10, (count,), generator=draws)
    return Batch(images, labels, torch.randperm(1000, generator=draws)[:count])


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first.views, second.views, strict=True)) and torch.equal(
        first.labels, second.labels
    )


@pytest.mark.parametrize("deficit", EVERY, ids=repr)
class TestEveryDeficit:
    def test_depends_on_neither_order_nor_company(self, deficit):
        batch = batch_of()
        whole = deficit.apply(batch, seed=3, epoch=7)
        order = torch.randperm(len(batch), generator=torch.Generator().manual_seed(1))[:9]
        part = Batch((batch.views[0][order],), batch.labels[order], batch.index[order])
        changed = deficit.apply(part, seed=3, epoch=7)
        torch.testing.assert_close(changed.views[0], whole.views[0][order], rtol=0, atol=1e-6)
        assert torch.equal(changed.labels, whole.labels[order])

    def test_keeps_range_shape_dtype_and_input(self, deficit):
        batch = batch_of(views=2)
        before = copy.deepcopy(batch)
        changed = deficit.apply(batch, seed=0, epoch=0)
        assert same(batch, before), "a deficit must not write into its input"
        assert changed.labels.dtype == torch.int64
        assert changed.labels.min() >= 0
        assert changed.labels.max() < 10
        assert torch.equal(changed.index, batch.index)
        for view in changed.views:
            assert view.shape == (40, 3, 16, 16)
            assert view.dtype == torch.float32
            assert 0 <= view.min() <= view.max() <= 1
        half = deficit(batch.views[0].double(), batch.labels, index=batch.index, epoch=0)[0]
        assert half.dtype == torch.float64

    def test_one_image_is_a_batch_of_one(self, deficit):
        batch = batch_of(4)
        images, labels = deficit(batch.views[0], batch.labels, index=batch.index, seed=2, epoch=5)
        for n in range(4):
            where = int(batch.index[n])
            image, label = deficit(batch.views[0][n], int(batch.labels[n]), index=where, seed=2, epoch=5)
            torch.testing.assert_close(image, images[n], rtol=0, atol=1e-6)
            assert isinstance(label, int)
            assert label == labels[n]

    def test_is_a_spec_and_a_module(self, deficit):
        rebuilt = spec.from_settings(KINDS, spec.settings(deficit), "deficit")
        batch = batch_of(5)
        for twin in (rebuilt, copy.deepcopy(deficit), pickle.loads(pickle.dumps(deficit))):
            assert type(twin) is type(deficit)
            assert spec.identity(twin) == spec.identity(deficit)
            assert same(twin.apply(batch, seed=1, epoch=2), deficit.apply(batch, seed=1, epoch=2))
        assert len({deficit, rebuilt}) == 2
        assert not list(deficit.parameters())

    def test_leaves_the_global_generator_alone(self, deficit):
        before = torch.get_rng_state()
        deficit.apply(batch_of(5), seed=0, epoch=0)
        assert torch.equal(before, torch.get_rng_state())


def test_identities_differ():
    assert len({spec.identity(deficit) for deficit in EVERY}) == len(EVERY)
    assert spec.identity(Blur()) == spec.identity(Blur(factor=4)) != spec.identity(Blur(factor=2))


@pytest.mark.parametrize("deficit", RANDOM, ids=repr)
def test_fixed_or_new_each_epoch_and_always_new_with_the_seed(deficit):
    batch = batch_of()
    first, later = (deficit.apply(batch, seed=0, epoch=epoch) for epoch in (0, 1))
    assert same(first, later) != deficit.resample
    assert not same(first, deficit.apply(batch, seed=1, epoch=0))


def test_none_does_nothing():
    batch = batch_of()
    assert same(NoDeficit().apply(batch, seed=0, epoch=0), batch)


def test_blur_turns_a_checkerboard_grey():
    board = (torch.arange(16)[:, None] + torch.arange(16)) % 2
    board, grey = board.float().expand(3, 16, 16), torch.full((3, 16, 16), 0.5)
    torch.testing.assert_close(Blur(factor=8, antialias=False)(board), grey)
    # Antialiasing averages with a triangle that the image's edge cuts off, one pixel more than another.
    torch.testing.assert_close(Blur(factor=8)(board), grey, atol=1e-3, rtol=0)


def test_blur_is_interpolation_down_and_up():
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for antialias in (True, False):
        small = F.interpolate(images, (8, 8), mode="bilinear", antialias=antialias)
        expected = F.interpolate(small, (32, 32), mode="bilinear")
        torch.testing.assert_close(Blur(antialias=antialias)(images), expected)
        torch.testing.assert_close(Blur(size=8, antialias=antialias)(images), expected)


def test_blur_by_two_of_a_column_by_hand():
    # 1-D along the width: antialiased halving weighs pixels 1/8, 3/8, 3/8, 1/8 (less the edge, rescaled);
    # doubling puts 3/4 and 1/4 of the neighbours, and repeats the edge.
    row = torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]).expand(1, 8, 8)
    small = torch.tensor([0.0, 1 / 8, 7 / 8, 1.0])
    between = [w * small[i] + (1 - w) * small[i + 1] for i in range(3) for w in (0.75, 0.25)]
    expected = [small[0], *between, small[3]]
    torch.testing.assert_close(Blur(factor=2)(row)[0, 0], torch.stack(expected))


def test_antialiasing_removes_fine_detail_and_plain_bilinear_folds_it():
    # A grating of 3 pixels a period cannot be seen after shrinking by 4; without antialiasing it comes
    # back as a coarse one.
    grating = (0.5 + 0.5 * torch.cos(2 * torch.pi * torch.arange(48) / 3)).expand(1, 48, 48)
    inner = slice(12, 36)
    contrast = [Blur(antialias=antialias)(grating)[0, inner, inner].std() for antialias in (True, False)]
    assert contrast[0] < 0.03
    assert contrast[1] > 3 * contrast[0]


def test_stronger_blur_leaves_less_energy_and_the_mean():
    images = torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    variances = [images.var()] + [Blur(factor=factor)(images).var() for factor in (2, 4, 8, 16)]
    assert all(a > b for a, b in itertools.pairwise(variances))
    torch.testing.assert_close(Blur()(images).mean(), images.mean(), atol=5e-3, rtol=0)


def test_blur_size_keeps_the_aspect():
    assert Blur(size=8).shrunk(32, 64) == (8, 16)
    assert Blur(factor=4).shrunk(28, 12) == (7, 3)


def test_noise_shows_nothing_of_the_image():
    batch = batch_of()
    other = batch.with_views((torch.zeros_like(batch.views[0]),))
    assert same(Noise().apply(batch, seed=0, epoch=0), Noise().apply(other, seed=0, epoch=0))
    assert torch.equal(Noise().apply(batch, seed=0, epoch=0).labels, batch.labels)


def test_two_views_get_different_noise_but_one_patch():
    batch = batch_of(views=2)
    noise = Noise().apply(batch, seed=0, epoch=0).views
    assert not torch.equal(*noise)
    zeros_and_one = torch.zeros(40, 3, 16, 16)
    zeros_and_one[:, :, 0, 0] = 1
    same_views = batch.with_views((zeros_and_one, zeros_and_one.clone()))
    assert torch.equal(*Occlusion().apply(same_views, seed=0, epoch=0).views)


def test_flip_and_inversion_by_hand():
    image = torch.tensor([[[0.0, 0.25], [0.5, 1.0]]])
    assert torch.equal(VerticalFlip()(image), torch.tensor([[[0.5, 1.0], [0.0, 0.25]]]))
    assert torch.equal(Inversion()(image), torch.tensor([[[1.0, 0.75], [0.5, 0.0]]]))


def test_central_occlusion_by_hand():
    image = torch.arange(16.0).view(1, 4, 4) / torch.tensor([15.0, 30.0]).view(2, 1, 1)
    expected = image.clone()
    expected[0, 1:3, 1:3], expected[1, 1:3, 1:3] = 0.5, 0.25
    torch.testing.assert_close(Occlusion(side=0.5, central=True)(image), expected)


def test_occlusion_hides_one_square_anywhere():
    images = torch.rand(300, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    changed = (Occlusion(side=0.5)(images, index=torch.arange(300)) != images).all(1)
    rows, columns = changed.any(2), changed.any(1)
    assert (rows.sum(1) == 4).all()
    assert (columns.sum(1) == 4).all()
    assert (changed.sum((1, 2)) == 16).all()
    corners = {(int(r.int().argmax()), int(c.int().argmax())) for r, c in zip(rows, columns, strict=True)}
    assert corners == {(r, c) for r in range(5) for c in range(5)}


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_permutations_are_derangements_of_every_kind(classes):
    seen = set()
    for epoch in range(200):
        permutation = LabelPermutation(classes=classes, resample=True).permutation(0, epoch)
        assert sorted(permutation.tolist()) == list(range(classes))
        assert (permutation != torch.arange(classes)).all()
        seen.add(tuple(permutation.tolist()))
    assert len(seen) == {2: 1, 3: 2, 10: 200}[classes]


def test_label_permutation_applies_its_permutation():
    deficit = LabelPermutation(classes=10)
    batch = batch_of()
    changed = deficit.apply(batch, seed=5, epoch=1).labels
    permutation = deficit.permutation(5, 1)
    assert changed.tolist() == [int(permutation[label]) for label in batch.labels]


def test_random_labels_are_uniform_and_know_nothing():
    index = torch.arange(20_000)
    images, labels = torch.zeros(20_000, 1, 1, 1), torch.arange(20_000) % 10
    _, changed = RandomLabels()(images, labels, index=index)
    counts = torch.bincount(changed, minlength=10).double()
    assert ((counts - 2000) ** 2 / 2000).sum() < 27.9, "chi-square with 9 degrees of freedom at 0.001"
    assert abs((changed == labels).double().mean() - 0.1) < 4 * (0.09 / 20_000) ** 0.5


def test_hashed_numbers_are_uniform_and_uncorrelated():
    numbers = uniform(123, torch.arange(2000), 500).double()
    total = numbers.numel()
    assert 0 <= numbers.min() <= numbers.max() < 1
    assert abs(numbers.mean() - 0.5) < 4 * (1 / 12 / total) ** 0.5
    assert abs(numbers.var() - 1 / 12) < 4 * (1 / 180 / total) ** 0.5
    counts = torch.histc(numbers.float(), 256, 0, 1).double()
    assert ((counts - total / 256) ** 2 / (total / 256)).sum() < 330.5, "chi-square, 255 d.o.f. at 0.001"
    standard = (numbers - 0.5) * 12**0.5
    neighbours = {
        "pixels": (standard[:, :-1] * standard[:, 1:]).mean(),
        "examples": (standard[:-1] * standard[1:]).mean(),
        "diagonal": (standard[:-1, 1:] * standard[1:, :-1]).mean(),
        "keys": (standard * (uniform(124, torch.arange(2000), 500).double() - 0.5) * 12**0.5).mean(),
    }
    assert {name: value for name, value in neighbours.items() if abs(value) > 4.5 / total**0.5} == {}
    sample_correlations = torch.corrcoef(standard[:60])
    assert sample_correlations.fill_diagonal_(0).abs().max() < 5 / 500**0.5
    bits = random_bits(5, torch.arange(4000), 4).flatten()
    assert len(bits.unique()) == len(bits)
    ones = ((bits[:, None] >> torch.arange(64)) & 1).double().mean(0)
    assert (ones - 0.5).abs().max() < 4.5 * 0.5 / 16_000**0.5, "every bit is a fair coin"


def test_hash_is_splitmix64():
    def finalised(word):
        word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) % 2**64
        return word ^ (word >> 31)

    golden, key, index = 0x9E3779B97F4A7C15, 2**63 - 12345, 678
    start = finalised(((index + 1) * golden + key) % 2**64)
    expected = [finalised((start + step * golden) % 2**64) for step in (1, 2, 3)]
    assert [bits % 2**64 for bits in random_bits(key, torch.tensor([index]), 3)[0].tolist()] == expected
    # The published SplitMix64 starts from seed 1234567 with this number.
    assert finalised((1234567 + golden) % 2**64) == 6457827717110365317


def test_deficits_compose_with_torchvision():
    pipeline = v2.Compose(
        [v2.ToDtype(torch.float32, scale=True), Blur(), Inversion(), VerticalFlip(), Occlusion(central=True)]
    )
    image = torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    by_hand = Occlusion(central=True)(VerticalFlip()(Inversion()(Blur()(image.float() / 255))))
    torch.testing.assert_close(pipeline(image), by_hand)
    torch.testing.assert_close(pipeline(image[None])[0], by_hand)
    images, labels = v2.Compose([Blur(), LabelPermutation()])(image[None].float() / 255, torch.tensor([4]))
    assert images.shape == (1, 3, 32, 32)
    assert labels == LabelPermutation().permutation(0, None)[4]


def test_resampled_deficits_compose_and_follow_the_global_generator():
    images, labels = torch.full((5, 3, 8, 8), 0.5), torch.arange(5)
    pipeline = v2.Compose([Occlusion(resample=True), Noise(resample=True), RandomLabels(resample=True)])
    results = []
    for seed in (0, 0, 1):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            results.append(pipeline(images, labels))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])
    assert not torch.equal(results[0][0], results[2][0])
    assert results[0][0].std() > 0.25


def test_a_deficit_inside_a_network_is_a_module():
    network = torch.nn.Sequential(Blur(), Blur(factor=2), torch.nn.Conv2d(3, 2, 3))
    visited = []
    network.apply(lambda module: visited.append(type(module).__name__))
    assert visited == ["Blur", "Blur", "Conv2d", "Sequential"]
    assert network(torch.rand(1, 3, 8, 8)).shape == (1, 2, 6, 6)


def test_settings_cannot_change_afterwards():
    deficit = Blur()
    with pytest.raises(dataclasses.FrozenInstanceError, match="factor"):
        deficit.factor = 2
    deficit.eval()
    assert deficit.factor == 4


IMAGES = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Blur(factor=1), "does nothing"),
        (lambda: Blur(factor=0), "at least 2"),
        (lambda: Blur(factor=4, size=8), "give one"),
        (lambda: Blur(size=0), "at least 1"),
        (lambda: Blur(size=16)(IMAGES), "does nothing to 16×16"),
        (lambda: Blur(factor=5)(IMAGES), "does not divide 16×16"),
        (lambda: Occlusion(side=0.0), "between 0 and 1"),
        (lambda: Occlusion(side=1.0), "between 0 and 1"),
        (lambda: Occlusion(side=0.01, central=True)(IMAGES), "is 0 px of 16×16"),
        (lambda: Occlusion(central=True, resample=True), "one place"),
        (lambda: Occlusion()(IMAGES), "pass index"),
        (lambda: Noise()(IMAGES), "pass index"),
        (lambda: Noise(resample=True)(IMAGES, index=torch.arange(2)), "pass epoch"),
        (lambda: LabelPermutation(classes=1), "at least 2"),
        (lambda: LabelPermutation()(IMAGES), "pass .images, labels."),
        (lambda: LabelPermutation(classes=3)(IMAGES, torch.tensor([0, 3])), "a label is 3"),
        (lambda: LabelPermutation(resample=True)(IMAGES, torch.tensor([0, 3])), "pass epoch"),
        (lambda: RandomLabels(classes=1), "at least 2"),
        (lambda: RandomLabels()(IMAGES, torch.tensor([0, 3])), "pass index"),
        (lambda: Blur()((IMAGES * 255).to(torch.uint8)), "got torch.uint8"),
        (lambda: Blur()(IMAGES[0, 0]), "got torch.float32 .16, 16."),
        (lambda: Blur()("cat.png"), "got str"),
        (lambda: spec.from_settings(KINDS, {"name": "blurr"}, "deficit"), "did you mean 'blur'"),
        (lambda: spec.from_settings(KINDS, {"name": "blur", "factor": 1}, "deficit"), "does nothing"),
        (lambda: spec.from_settings(KINDS, {"name": "blur", "factor": 2.5}, "deficit"), "expected int"),
    ],
)
def test_the_impossible_is_refused_in_one_line(make, message):
    with pytest.raises(spec.SpecError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
