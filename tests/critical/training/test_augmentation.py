import pytest
import torch

from critical.core import spec
from critical.core.batch import Batch
from critical.core.randomness import generator
from critical.training.augmentation import KINDS, Augmentation


def batch_of(*views):
    return Batch(views, torch.zeros(len(views[0]), dtype=torch.int64), torch.arange(len(views[0])))


def pictures(count=200, channels=3, height=7, width=9):
    # No pixel is 0, so a black border cannot be mistaken for a picture.
    return 0.1 + 0.9 * torch.rand(count, channels, height, width, generator=torch.Generator().manual_seed(0))


def moved_by_hand(image, dy, dx, mirrored, fill):
    """The slow reference: every output pixel looks up its own input pixel."""
    channels, height, width = image.shape
    out = torch.empty_like(image)
    for y in range(height):
        for x in range(width):
            row, column = y + dy, (width - 1 - x if mirrored else x) + dx
            if fill is None:
                row, column = min(max(row, 0), height - 1), min(max(column, 0), width - 1)
            inside = 0 <= row < height and 0 <= column < width
            for c in range(channels):
                out[c, y, x] = image[c, row, column] if inside else fill[c if len(fill) > 1 else 0]
    return out


def found(image, out, shift, flip, fill):
    return [
        (dy, dx, mirrored)
        for dy in range(-shift, shift + 1)
        for dx in range(-shift, shift + 1)
        for mirrored in ([False, True] if flip else [False])
        if torch.allclose(moved_by_hand(image, dy, dx, mirrored, fill), out, atol=1e-6)
    ]


@pytest.mark.parametrize("fill", [(0.0,), (0.25,), (0.5, 0.25, 0.75), None])
@pytest.mark.parametrize(("shift", "flip"), [(2, True), (1, False), (0, True)])
def test_each_output_is_one_moved_copy(shift, flip, fill):
    images = pictures(4, height=5, width=6)
    moved = Augmentation(shift, flip, fill).apply(batch_of(images), generator(1)).views[0]
    assert moved.shape == images.shape
    for image, out in zip(images, moved, strict=True):
        assert len(found(image, out, shift, flip, fill)) == 1


def test_every_shift_and_flip_comes_up():
    images = pictures(400, channels=1, height=3, width=3)
    moved = Augmentation(1, True).apply(batch_of(images), generator(1)).views[0]
    moves = [found(image, out, 1, True, (0.0,))[0] for image, out in zip(images, moved, strict=True)]
    assert len(set(moves)) == 18
    share = sum(mirrored for _, _, mirrored in moves) / 400
    assert abs(share - 0.5) < 4 * 0.5 / 20


def test_nothing_to_do_is_the_identity():
    images = pictures()
    assert torch.equal(Augmentation(0, False).apply(batch_of(images), generator(1)).views[0], images)


def test_agrees_with_padding_and_cropping():
    images = pictures(50)
    moved = Augmentation(3, False).apply(batch_of(images), generator(8)).views[0]
    offsets = torch.randint(-3, 4, (2, 50), generator=generator(8))
    padded = torch.nn.functional.pad(images, [3] * 4)
    for n, (dy, dx) in enumerate(offsets.T.tolist()):
        assert torch.equal(moved[n], padded[n, :, 3 + dy : 10 + dy, 3 + dx : 12 + dx])


def test_one_draw_serves_all_views():
    images = pictures(30)
    words = torch.arange(90).view(30, 3)
    first, second, question = Augmentation().apply(batch_of(images, 1 - images, words), generator(1)).views
    inside = first > 0
    torch.testing.assert_close(second[inside], 1 - first[inside])
    assert torch.equal(question, words)


def test_draws_come_from_the_generator_alone():
    images = pictures()
    first, again, other = (
        Augmentation().apply(batch_of(images), generator("augmentation", epoch)).views[0]
        for epoch in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_keeps_labels_range_and_dtype_and_takes_any_layout():
    images = pictures().double()
    batch = batch_of(images)
    moved = Augmentation().apply(batch, generator(1))
    assert moved.labels is batch.labels
    assert moved.index is batch.index
    assert moved.views[0].dtype == torch.float64
    last = batch_of(images.contiguous(memory_format=torch.channels_last))
    assert torch.equal(Augmentation().apply(last, generator(1)).views[0], moved.views[0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Augmentation(shift=-1), "shift=-1"),
        (lambda: Augmentation(fill=(1.5,)), "fill"),
        (lambda: Augmentation(fill=()), "fill"),
        (
            lambda: Augmentation(fill=(0.1, 0.2)).apply(batch_of(pictures(2)), generator(0)),
            "or 3 .one a channel.",
        ),
    ],
)
def test_the_impossible_is_refused(make, message):
    with pytest.raises(spec.SpecError, match=message):
        make()


def test_settings_build_the_same_augmentation():
    for augmentation in (Augmentation(), Augmentation(2, False, (0.5, 0.5, 0.5)), Augmentation(fill=None)):
        assert spec.from_settings(KINDS, spec.settings(augmentation), "augmentation") == augmentation
