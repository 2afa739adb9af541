import dataclasses

import pytest
import torch

from critical.core.spec import SpecError, from_settings, identity, settings
from critical.data import KINDS, Dataset, DataSpec, Digits, Split, base, load
from critical.data.images import balanced_order, in_rounds, resized


def split(count: int, channels: int = 1, value: int = 0) -> Split:
    images = torch.full((count, channels, 4, 4), value, dtype=torch.uint8)
    return Split((images,), torch.arange(count) % 2)


def test_batch_holds_floats_labels_and_index():
    images = torch.arange(4 * 16, dtype=torch.uint8).view(4, 1, 4, 4) * 4
    labels = torch.tensor([3, 1, 2, 0])
    batch = Split((images, 252 - images), labels).batch(torch.tensor([2, 0]))
    assert [view.dtype for view in batch.views] == [torch.float32] * 2
    torch.testing.assert_close(batch.views[0], images[[2, 0]] / 255)
    torch.testing.assert_close(batch.views[1], (252 - images[[2, 0]]) / 255)
    assert batch.labels.tolist() == [2, 3]
    assert batch.index.tolist() == [2, 0]


def test_split_refuses_lengths_that_differ():
    with pytest.raises(SpecError, match=r"\[3, 4\]"):
        Split((torch.zeros(4, 1, 2, 2),), torch.zeros(3, dtype=torch.int64))


def test_moments_are_those_of_the_training_pixels():
    images = torch.randint(256, (70, 3, 5, 5), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    images[:, 2] = 51
    data = Dataset(Split((images,), torch.zeros(70, dtype=torch.int64)), split(2, 3), ("a",), "")
    floats = images.double() / 255
    assert data.channel_mean == pytest.approx(floats.mean((0, 2, 3)).tolist())
    expected = floats.std((0, 2, 3), correction=0).tolist()
    assert data.channel_std[:2] == pytest.approx(expected[:2])
    assert data.channel_std[2] == 1 / 255
    as_floats = Dataset(Split((floats.float(),), torch.zeros(70, dtype=torch.int64)), data.test, ("a",), "")
    assert as_floats.channel_mean == pytest.approx(data.channel_mean)


def test_views_have_moments_and_shapes_of_their_own():
    draws = torch.Generator().manual_seed(0)
    image = torch.randint(256, (40, 3, 5, 5), generator=draws).to(torch.uint8)
    signal = torch.rand(40, 1, 9, generator=draws)
    views = Split((image, signal), torch.arange(40) % 2)
    data = Dataset(views, views, ("a", "b"), "unlike")
    assert data.view_shapes == ((3, 5, 5), (1, 9))
    for number, values in enumerate((image.double() / 255, signal.double())):
        channels = values.transpose(0, 1).flatten(1)
        assert data.view_means[number] == pytest.approx(channels.mean(1).tolist())
        assert data.view_stds[number] == pytest.approx(channels.std(1, correction=0).tolist())
    batch = data.batch(data.train, torch.tensor([5, 2]))
    assert batch.means == data.view_means
    assert torch.equal(batch.views[1], signal[[5, 2]])
    with pytest.raises(SpecError, match=r"views with \[1, 3\] channels have no common mean"):
        _ = data.channel_mean


def test_one_view_has_the_moments_of_the_data():
    data = load(KINDS["digits"](subset=50))
    assert (data.view_means, data.view_stds) == ((data.channel_mean,), (data.channel_std,))
    assert data.view_shapes == ((1, 8, 8),)


class TestValidation:
    def test_held_out_are_balanced_training_images_and_no_test_images(self):
        whole = KINDS["digits"](subset=100).load()
        held = KINDS["digits"](subset=100, validation=30).load()
        assert (len(held.train), len(held.test)) == (70, 30)
        assert held.test.labels.bincount().tolist() == [3] * 10
        assert held.train.labels.bincount().tolist() == [7] * 10
        pixels = [
            {tuple(image.flatten().tolist()) for image in split.views[0]}
            for split in (whole.train, held.train, held.test, KINDS["digits"]().load().test)
        ]
        every, train, scored, test = pixels
        assert len(every) == 100, "no two images alike, so that images can be told apart"
        assert train | scored == every
        assert not train & scored
        assert not scored & test

    def test_the_same_whatever_there_is_to_test(self):
        one, other = (KINDS["digits"](subset=100, validation=30, test_subset=size).load() for size in (None, 7))
        assert torch.equal(one.test.views[0], other.test.views[0])
        assert len(other.test) == 30

    def test_both_views_are_held_out_together(self):
        eyes = KINDS["two_eyes"](resolution=8, train_size=40, test_size=10)
        data, whole = dataclasses.replace(eyes, validation=10).load(), eyes.load().train
        for view, image in zip(data.test.views, whole.views, strict=True):
            places = [(image == one).flatten(1).all(1).nonzero().item() for one in view]
            assert whole.labels[places].tolist() == data.test.labels.tolist()
        assert len(data.view_means) == 2
        assert data.view_means != eyes.load().view_means, "what is held out does not tell its mean either"

    def test_none_left_to_train_is_refused(self):
        with pytest.raises(SpecError, match=r"^data=digits: validation=100 leaves no training images$"):
            KINDS["digits"](subset=100, validation=100).load()
        with pytest.raises(SpecError, match="validation=0: must be at least 1"):
            KINDS["digits"](validation=0)


def test_balanced_order_is_a_permutation_with_balanced_beginnings():
    labels = torch.tensor([0] * 40 + [1] * 30 + [2] * 50)
    order = balanced_order(labels, torch.Generator().manual_seed(0))
    assert sorted(order.tolist()) == list(range(120))
    for count in (3, 31, 90):
        found = labels[order[:count]].bincount(minlength=3)
        assert found.max() - found.min() <= 1
    rounds = labels[order[:90]].view(30, 3).tolist()
    assert len({tuple(classes) for classes in rounds}) > 1, "classes must not come in a fixed order"


def test_resizing_averages():
    images = torch.zeros(2, 1, 8, 8, dtype=torch.uint8)
    images[:, :, ::2] = 200
    small = resized(images, 4)
    assert small.dtype == torch.uint8
    assert small.shape == (2, 1, 4, 4)
    assert (small[:, :, 1:-1].int() - 100).abs().max() <= 1, "an aliased reduction shows one stripe alone"
    assert resized(images, None) is images


def test_digits():
    data = load(KINDS["digits"](test_size=360))
    assert data.train.views[0].shape == (1437, 1, 8, 8)
    assert data.test.views[0].shape == (360, 1, 8, 8)
    assert data.test.labels.bincount().tolist() == [36] * 10
    assert data.train.views[0].max() == 255
    assert data.label == "digits 8×8, 1,437 images"
    assert load(KINDS["digits"](test_size=360)) is data
    other = KINDS["digits"](seed=1).load()
    assert not torch.equal(other.test.views[0], data.test.views[0])
    both = torch.cat([data.train.views[0], data.test.views[0]]).double().sum()
    assert both == torch.cat([other.train.views[0], other.test.views[0]]).double().sum()


def test_subsets_are_balanced_beginnings_of_one_order():
    spec = KINDS["digits"](subset=100, test_subset=20, resolution=16)
    small, large = spec.load(), KINDS["digits"](subset=200, resolution=16).load()
    assert small.train.views[0].shape == (100, 1, 16, 16)
    assert len(small.test) == 20
    assert small.train.labels.bincount().tolist() == [10] * 10
    assert torch.equal(small.train.views[0], large.train.views[0][:100])
    assert small.label == "digits 16×16, 100 images"


def test_subset_larger_than_the_data_is_refused():
    with pytest.raises(SpecError, match=r"subset=5,000: there are only 1,437 images$"):
        KINDS["digits"](subset=5000).load()


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"name": "digits", "subset": 0}, "subset=0"),
        ({"name": "digits", "resolution": 2}, "resolution=2"),
        ({"name": "digits", "test_size": 1797}, "test_size=1797"),
        ({"name": "glyphs", "contrast": 0.95}, "contrast=0.95"),
        ({"name": "glyphs", "noise": -0.1}, "noise=-0.1"),
        ({"name": "glyphs", "train_size": 105}, "train_size=105"),
        ({"name": "glyphs", "fonts": 17}, "fonts=17"),
        ({"name": "glyphs", "jitter": 1.5}, "jitter=1.5"),
        ({"name": "glyph"}, "did you mean 'glyphs'"),
    ],
)
def test_settings_that_cannot_be(mapping, words):
    with pytest.raises(SpecError) as caught:
        from_settings(KINDS, mapping, "data")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_root_is_no_part_of_the_identity():
    assert identity(KINDS["cifar10"](root="here")) == identity(KINDS["cifar10"](root="there"))
    assert identity(KINDS["cifar10"](resolution=16)) != identity(KINDS["cifar10"]())
    assert settings(KINDS["mnist"]())["name"] == "mnist"


def test_every_kind_is_registered_under_its_name():
    one_view = {"digits", "glyphs", "cifar10", "cifar100", "mnist", "fashion_mnist", "folder", "arrays"}
    two_views = {"two_eyes", "moving_glyphs", "halves", "image_and_signal", "multi_feature", "folder_and_table"}
    assert set(KINDS) == one_view | two_views
    for name, kind in KINDS.items():
        assert kind.name == name
        assert isinstance(from_settings(KINDS, {"name": name}, "data"), DataSpec)


def test_rounds_hold_one_of_each_class_for_as_long_as_the_classes_last():
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 2])
    order = in_rounds(labels, torch.tensor([6, 3, 2, 1, 0, 5, 4]))
    assert order.tolist() == [6, 3, 5, 2, 4, 1, 0]


def test_held_out_images_are_of_every_class_though_some_have_few(monkeypatch):
    labels = torch.arange(10).repeat_interleave(torch.tensor([5, 9, 7, 30, 6, 5, 8, 9, 12, 9]))
    train = Split((torch.arange(100, dtype=torch.uint8).view(100, 1, 1, 1),), labels)
    whole = Dataset(train, train.take(torch.arange(3)), tuple("abcdefghij"), "uneven")
    monkeypatch.setattr(base, "_source", lambda spec: whole)
    held = Digits(validation=20)._load()
    assert held.test.labels.bincount().tolist() == [2] * 10
    seen = torch.cat([held.train.views[0], held.test.views[0]]).flatten()
    assert seen.sort().values.tolist() == list(range(100)), "each is kept once"
