import pytest
import torch

from critical.data import KINDS, Dataset, DataSpec, Split, load
from critical.data.images import balanced_order, resized
from critical.spec import SpecError, from_settings, identity, settings


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
    assert set(KINDS) == {"digits", "glyphs", "cifar10", "cifar100", "mnist", "fashion_mnist", "folder"}
    for name, kind in KINDS.items():
        assert kind.name == name
        assert isinstance(from_settings(KINDS, {"name": name}, "data"), DataSpec)
