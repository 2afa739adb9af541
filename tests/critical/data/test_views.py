from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from critical.core.randomness import generator
from critical.core.spec import SpecError, identity
from critical.data import DataError, Glyphs, Halves, ImageAndSignal, TwoEyes, load
from critical.data.views import TwoHalves
from critical.models.base import Normalise
from critical.training.augmentation import Augmentation

EYES = {"resolution": 12, "train_size": 60, "test_size": 20, "contrast": 0.6, "noise": 0.08, "fonts": 7}
SOME = torch.tensor([3, 14, 15, 9, 26])


def digits(width_pixels=4, **settings):
    return Halves(source="digits", width_pixels=width_pixels, **settings).load()


def test_eyes_see_other_pictures_of_the_same_letters():
    data, one_eye = TwoEyes(**EYES).load(), Glyphs(**EYES).load()
    for split, alone in ((data.train, one_eye.train), (data.test, one_eye.test)):
        first, second = split.views
        assert torch.equal(first, alone.views[0])
        assert torch.equal(split.labels, alone.labels)
        assert (first == second).double().mean() < 0.1
    assert not torch.equal(TwoEyes(**EYES, seed=1).load().train.views[1], data.train.views[1])
    assert torch.equal(TwoEyes(**EYES).load().train.views[1], data.train.views[1])
    assert data.view_shapes == ((3, 12, 12), (3, 12, 12))
    assert data.label == "two eyes 12×12 (60 pairs, contrast 0.6)"
    assert identity(TwoEyes(**EYES)) != identity(Glyphs(**EYES))


def test_both_eyes_can_be_read():
    # Without noise, movement and choice of font the class shows in the nearest picture of the other eye.
    clear = {"resolution": 16, "contrast": 0.9, "noise": 0.0, "jitter": 0.0, "fonts": 1}
    train = TwoEyes(train_size=600, test_size=10, **clear).load().train
    # Letters are bright or dark, on any grey: contrast to the mean, its sign ignored.
    grey = [view.float().mean(1).flatten(1) for view in train.views]
    first, second = (functional.normalize(view - view.mean(1, keepdim=True)) for view in grey)
    nearest = (second @ first.T).abs().argmax(1)
    assert (train.labels[nearest] == train.labels).double().mean() > 0.7


def test_halves_of_an_image():
    data = digits(3)
    image, batch = data.train.batch(SOME), data.batch(data.train, SOME)
    (whole,), (a, b) = image.views, batch.views
    assert torch.equal(a[..., :3], whole[..., :3])
    assert torch.equal(b[..., -3:], whole[..., -3:])
    mean = torch.tensor(data.channel_mean[0], dtype=torch.float32)
    assert (a[..., 3:] == mean).all()
    assert (b[..., :-3] == mean).all()
    assert torch.equal(batch.labels, image.labels)
    assert torch.equal(batch.index, SOME)
    assert batch.means == data.view_means == (data.channel_mean,) * 2
    assert data.view_stds == (data.channel_std,) * 2
    assert data.view_shapes == ((1, 8, 8),) * 2
    assert data.label == "digits 8×8 in halves of 3 px, 1,437 images"


def test_what_is_cut_away_is_exactly_zero_to_the_network():
    # Three channels, and not the 20,000 images that source=glyphs would draw.
    data = replace(Glyphs(**EYES | {"resolution": 8}).load(), presentation=TwoHalves(5))
    for view, (mean, std) in enumerate(zip(data.view_means, data.view_stds, strict=True)):
        seen = Normalise(mean, std, 3)(data.batch(data.train, SOME).views[view])
        assert not (seen[..., 5:] if view == 0 else seen[..., :-5]).any()
        assert (seen[..., :5] if view == 0 else seen[..., -5:]).all()


@pytest.mark.parametrize("width_pixels", [1, 3, 4, 6, 7])
def test_a_half_depends_on_its_own_columns_alone(width_pixels):
    data = digits(width_pixels)
    stored = data.train.batch(SOME)
    for column in range(8):
        other = stored.views[0].clone()
        other[..., column] = 1 - other[..., column]
        before, after = data.present(stored).views, data.present(stored.with_views((other,))).views
        changed = tuple(not torch.equal(*pair) for pair in zip(before, after, strict=True))
        # Below half the width there is a gap that neither sees, above it a part that both see.
        assert changed == (column < width_pixels, column >= 8 - width_pixels)


def test_images_move_and_turn_before_they_are_cut():
    data = digits(4)
    stored = data.train.batch(torch.arange(60))
    augmented = Augmentation(shift=2).apply(stored, generator(0, "augmentation", 0))
    a, b = data.present(augmented).views
    assert torch.equal(torch.cat((a[..., :4], b[..., 4:]), -1), augmented.views[0])
    first, second = data.present(stored).views
    cut_first = Augmentation(shift=2).apply(stored.with_views((first, second)), generator(0, "augmentation", 0))
    assert not torch.equal(cut_first.views[0], a)
    mirrored = stored.with_views((stored.views[0].flip(-1),))
    assert torch.equal(data.present(mirrored).views[0][..., :4], second[..., 4:].flip(-1))


def test_halves_of_a_subset_use_its_means():
    small = digits(4, subset=50, test_subset=20)
    assert (len(small.train), len(small.test)) == (50, 20)
    assert small.view_means[0] == small.channel_mean != digits(4).channel_mean
    a, _ = small.batch(small.test, torch.tensor([0])).views
    assert (a[..., 4:] == torch.tensor(small.channel_mean)).all()


def test_a_batch_without_means_cannot_be_cut():
    with pytest.raises(SpecError, match="knows no means"):
        TwoHalves(4)(digits().train.batch(SOME))


def test_halves_of_a_folder(tmp_path):
    random = np.random.default_rng(0)
    pictures = [f"{split}/{kind}/1.png" for split in ("train", "test") for kind in ("cat", "dog")]
    for picture in [f"here/{name}" for name in pictures] + [f"there/{name}" for name in (*pictures, "train/cat/2.png")]:
        path = tmp_path / picture
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (6, 6, 3), dtype=np.uint8)).save(path)
    here, there = (
        Halves(source="folder", width_pixels=2, path=str(tmp_path / name), label="pets", root=str(tmp_path / "root"))
        for name in ("here", "there")
    )
    assert load(here).label == "pets 6×6 in halves of 2 px, 2 images"
    assert len(load(there).train) == 3
    assert identity(here.resolved()) != identity(there.resolved())
    before = here.resolved()
    (tmp_path / "here").rename(tmp_path / "moved")
    assert identity(replace(here, path=str(tmp_path / "moved")).resolved()) == identity(before)
    with pytest.raises(DataError, match="there is no folder"):
        here.resolved()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"source": "two_eyes"}, "source=two_eyes"),
        ({"source": "mnits"}, "did you mean 'mnist'"),
        ({"width_pixels": 0}, "width_pixels=0"),
        ({"path": "somewhere"}, "use source=folder"),
        ({"label": "mine"}, "use source=folder"),
        ({"source": "digits", "width_pixels": 8}, "the images are 8 wide"),
    ],
)
def test_halves_that_cannot_be(settings, words):
    with pytest.raises(SpecError) as caught:
        Halves(**settings).load()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_letters_and_signals():
    spec = ImageAndSignal(**EYES)
    data, again, letters = spec.load(), spec.load(), Glyphs(**EYES).load()
    assert data.view_shapes == ((3, 12, 12), (1, 40))
    assert torch.equal(data.train.views[0], letters.train.views[0])
    assert torch.equal(data.train.labels, letters.train.labels)
    assert torch.equal(data.train.views[1], again.train.views[1])
    assert data.train.views[1].dtype == torch.float32
    assert not torch.equal(data.train.views[1][:20], data.test.views[1])
    assert [len(mean) for mean in data.view_means] == [3, 1]
    assert data.view_means[1][0] == pytest.approx(data.train.views[1].mean().item(), abs=1e-6)
    assert "60 pairs" in data.label
    batch = data.batch(data.train, SOME)
    moved = Augmentation(shift=2).apply(batch, generator(0, "augmentation", 0))
    assert torch.equal(moved.views[1], batch.views[1]), "augmentation moves images alone"
    assert not torch.equal(moved.views[0], batch.views[0])


def test_signals_have_the_class_of_their_letters():
    data = ImageAndSignal(train_size=400, test_size=100, resolution=12, signal_noise=0.0).load()
    centroids = torch.stack([data.train.views[1][data.train.labels == label].mean(0) for label in range(10)])
    found = torch.cdist(data.test.views[1].flatten(1), centroids.flatten(1)).argmin(1)
    assert (found == data.test.labels).double().mean() > 0.6


@pytest.mark.parametrize(("field", "value"), [("signal_length", 11), ("signal_noise", -0.1), ("contrast", 0.95)])
def test_modalities_that_cannot_be(field, value):
    with pytest.raises(SpecError, match=f"^data=image_and_signal: {field}={value}: .+$"):
        ImageAndSignal(**{field: value})
