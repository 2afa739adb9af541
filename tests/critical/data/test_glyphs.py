import hashlib

import pytest
import torch

from critical.data import KINDS, Glyphs
from critical.data.glyphs import _beneath, composed, drawn_parameters, render
from critical.data.layers import WHITE, opacities, pixel_noise
from critical.data.outlines import FONTS, GRID, letter_masks

SMALL = Glyphs(resolution=16, train_size=200, test_size=100)


def digest(images: torch.Tensor) -> str:
    return hashlib.sha256(images.numpy().tobytes()).hexdigest()[:16]


def test_pictures_are_the_same_on_every_machine():
    assert digest(SMALL.load().train.views[0]) == "6a1f67462ff22e05"


def test_masks_are_the_same_on_every_machine():
    masks = letter_masks(len(FONTS), (1, 5))
    assert masks.shape == (2, 16, 10, GRID, GRID)
    assert digest(torch.from_numpy(masks)) == "5fa241771c56f57d"


def test_masks_are_letters():
    masks = letter_masks(len(FONTS), (1, 5)).astype(float) / 255
    area = masks.sum((3, 4)) / GRID**2
    assert area.min() > 0.02, "the thinnest I"
    assert area.max() < 0.25
    assert abs(area[0] - area[1]).max() < 1e-3, "averaging keeps the area"
    # The hole of a D is not filled: non-zero winding, not the outer contour alone.
    assert masks[0, 0, 3, GRID // 2, GRID // 2] == 0
    # The bars of an E at the top, in the middle and at the bottom, and none between them.
    column = masks[0, 0, 4, :, GRID // 2]
    assert ((column[1:] > 0.5) & (column[:-1] <= 0.5)).sum() == 3


def test_same_settings_same_pictures_other_seed_other_pictures():
    first, again, other = (
        SMALL.load(),
        SMALL.load(),
        Glyphs(resolution=16, train_size=200, test_size=10, seed=1).load(),
    )
    assert torch.equal(first.train.views[0], again.train.views[0])
    assert torch.equal(first.train.labels, again.train.labels)
    assert (first.train.views[0] == other.train.views[0]).double().mean() < 0.1


def test_shapes_balance_and_label():
    data = SMALL.load()
    assert data.train.views[0].shape == (200, 3, 16, 16)
    assert data.train.views[0].dtype == torch.uint8
    assert data.test.views[0].shape == (100, 3, 16, 16)
    assert data.train.labels.bincount().tolist() == [20] * 10
    assert data.test.labels.bincount().tolist() == [10] * 10
    assert data.train.labels[:10].tolist() != list(range(10))
    assert data.classes == tuple("ABCDEFGHIJ")
    assert data.label == "glyphs 16×16 (200 images, contrast 0.55)"


def test_no_test_picture_is_a_training_picture():
    data = SMALL.load()
    train, test = (split.views[0].flatten(1).double() for split in (data.train, data.test))
    assert torch.cdist(test, train).min() > 100


def test_no_chunk_repeats_another():
    labels = torch.zeros(700, dtype=torch.int64)
    images = render(SMALL, labels, "train")
    assert len({digest(image) for image in images}) == 700


@pytest.mark.parametrize("contrast", [0.2, 0.55, 0.9])
@pytest.mark.parametrize("resolution", [12, 32])
def test_letters_differ_from_what_is_beneath_them_by_the_contrast(contrast, resolution):
    spec = Glyphs(resolution=resolution, contrast=contrast)
    drawn = drawn_parameters(spec, torch.arange(500) % 10, "train")
    opacity = opacities(spec.resolution, spec.fonts, drawn)
    picture = composed(spec, drawn, opacity, beneath=opacity[:, 0])
    assert picture.min() >= 0
    assert picture.max() <= WHITE
    # Again with the distractors far outside, so that picture = beneath·(1 - opacity) + letter·opacity.
    drawn["x"] += torch.tensor([0, -9, 9])
    opacity = opacities(spec.resolution, spec.fonts, drawn)
    picture = composed(spec, drawn, opacity, beneath=opacity[:, 0])
    opacity = opacity[:, :1]
    beneath = _beneath(spec, drawn, opacity[:, 0])
    bright = drawn["sign"].view(-1, 1, 1, 1) > 0
    beneath = torch.where(bright, beneath, WHITE - beneath)
    share = opacity / 256
    total = share.sum((1, 2, 3))
    grey_beneath = (beneath.double().mean(1, keepdim=True) * share).sum((1, 2, 3)) / total / WHITE
    of_letter = (picture - beneath * (1 - share)).double().mean(1, keepdim=True)
    grey_letter = of_letter.sum((1, 2, 3)) / total / WHITE
    distance = (grey_letter - grey_beneath) * drawn["sign"]
    assert distance.min() >= contrast - 0.002
    assert distance.min() <= contrast + 0.01
    assert distance.max() <= min(contrast + 0.3, 1) + 0.002
    assert 0.4 < (drawn["sign"] > 0).double().mean() < 0.6, "as many dark letters as bright ones"


def test_jitter_moves_and_turns_letters():
    labels = torch.arange(50) % 10
    drawn = [drawn_parameters(Glyphs(jitter=jitter), labels, "train") for jitter in (0.0, 0.5, 1.0)]
    for name, limit in (("angle", 0.4), ("shear", 0.2), ("y", 0.12)):
        none, half, full = (parameters[name] for parameters in drawn)
        assert not none.any()
        torch.testing.assert_close(half * 2, full)
        assert 0.9 * limit < full.abs().max() <= limit
    assert torch.equal(drawn[0]["base"], drawn[2]["base"])


def test_less_contrast_is_less_contrast():
    deviation = [
        Glyphs(resolution=16, train_size=200, test_size=10, noise=0.0, contrast=contrast)
        .load()
        .channel_std[0]
        for contrast in (0.2, 0.8)
    ]
    assert deviation[0] < deviation[1]


def test_noise_has_the_deviation_asked_for():
    noise = pixel_noise(0.1, torch.Size((100_001,)), torch.Generator().manual_seed(0)).double() / WHITE
    assert noise.std() == pytest.approx(0.1, rel=0.02)
    assert abs(noise.mean()) < 0.002
    assert noise.abs().max() > 0.35
    quiet = Glyphs(resolution=16, train_size=10, test_size=10, noise=0.0).load().train.views[0]
    loud = Glyphs(resolution=16, train_size=10, test_size=10, noise=0.1).load().train.views[0]
    inner = (quiet > 80) & (quiet < 175)
    assert (loud.double() - quiet)[inner].std() == pytest.approx(25.5, rel=0.1)


def test_resolutions_show_the_same_scene():
    large = Glyphs(resolution=64, train_size=50, test_size=10, noise=0.0).load().train.views[0].double()
    small = Glyphs(resolution=16, train_size=50, test_size=10, noise=0.0).load().train.views[0].double()
    reduced = large.view(50, 3, 16, 4, 16, 4).mean((3, 5))
    assert torch.corrcoef(torch.stack([reduced.flatten(), small.flatten()]))[0, 1] > 0.97


def test_a_key_gives_another_view_of_the_same_letters():
    labels = torch.arange(20) % 10
    left, right = render(SMALL, labels, "left"), render(SMALL, labels, "right")
    assert (left == right).double().mean() < 0.1


def test_subset_of_glyphs():
    data = KINDS["glyphs"](resolution=12, train_size=200, test_size=100, subset=50).load()
    assert data.train.labels.bincount().tolist() == [5] * 10
    assert data.label == "glyphs 12×12 (50 images, contrast 0.55)"
