"""Moving letters: the direction lies between the frames, and in neither of them."""

import itertools

import pytest
import torch
from scipy import stats

from critical.core.spec import SpecError, identity
from critical.data import KINDS, MovingGlyphs, motion
from critical.data.glyphs import drawn_parameters
from critical.data.motion import DIRECTIONS, frames
from critical.measures.stream_probe import probe_accuracy

CLEAR = {"contrast": 0.9, "noise": 0.0, "fonts": 2, "jitter": 0.2, "train_size": 400, "test_size": 400}


def test_the_letter_moves_by_its_step_and_the_background_stays():
    spec = MovingGlyphs(**CLEAR)
    letters = torch.tensor([0, 4, 7])
    drawn = drawn_parameters(spec, letters, "test")
    everywhere = {place: frames(spec, drawn, torch.tensor([place] * 3))
                  for place in itertools.product(range(12), repeat=2)}  # fmt: skip
    behind = torch.stack(list(everywhere.values())).median(0).values
    masks = {place: (picture != behind).any(1) for place, picture in everywhere.items()}
    for place, mask in masks.items():
        assert torch.equal(mask | masks[0, 0].roll(place, (1, 2)), masks[0, 0].roll(place, (1, 2)))
        assert 0 < mask.float().mean() < 0.5
    # The torus: twelve pixels on it is where it was.
    assert torch.equal(frames(spec, drawn, torch.tensor([[13, -2]] * 3)), everywhere[1, 10])


def test_of_either_frame_the_law_is_the_same_whatever_the_direction():
    """Over all places of the first frame, the second one is at every place once: a frame alone says nothing."""
    starts = set(itertools.product(range(12), repeat=2))
    for down, right in DIRECTIONS.values():
        assert {((y + 3 * down) % 12, (x + 3 * right) % 12) for y, x in starts} == starts
    data = MovingGlyphs(**CLEAR).load()
    assert data.train.labels.bincount().tolist() == [100] * 4


def test_neither_letters_nor_places_go_with_the_direction(monkeypatch):
    """Not by the pixels, which hide much from a linear reader: by what the pictures are drawn from."""
    letters, places, real = [], [], motion.drawn_parameters
    monkeypatch.setattr(motion, "drawn_parameters", lambda *given: letters.append(given[1]) or real(*given))
    blank = torch.zeros(4_000, 3, 12, 12, dtype=torch.int32)
    monkeypatch.setattr(motion, "frames", lambda *given: places.append(given[2] % 12) or blank[: len(given[2])])
    labels = MovingGlyphs(**{**CLEAR, "train_size": 4_000}).full().train.labels
    first, second = places[:2]
    moved = (second - first + 6) % 12 - 6
    assert torch.equal(moved, 3 * torch.tensor(list(DIRECTIONS.values()))[labels])
    told = {"letter": letters[0]} | {f"{frame} {axis}": place[:, axis] for frame, place in
                                     (("first", first), ("second", second)) for axis in (0, 1)}  # fmt: skip
    for name, value in told.items():
        counts = (4 * value + labels).bincount(minlength=4 * (10 if name == "letter" else 12)).view(-1, 4).numpy()
        assert stats.chisquare(counts.sum(1)).pvalue > 0.01, f"{name} is not uniform"
        assert stats.chi2_contingency(counts).pvalue > 0.01, f"{name} goes with the direction"


def test_the_second_frame_is_the_first_with_its_letter_moved():
    data = MovingGlyphs(**CLEAR).load()
    first, second = (view.int() for view in data.train.views)
    # Without noise, frames differ where the letter was or is; moving the first one explains most of it for its class.
    shifts = [tuple(3 * axis for axis in direction) for direction in DIRECTIONS.values()]
    errors = torch.stack([(first.roll(shift, (2, 3)) - second).abs().flatten(1).float().mean(1) for shift in shifts], 1)
    assert (errors.argmin(1) == data.train.labels).float().mean() > 0.9


def test_the_noise_of_a_frame_is_that_of_no_other():
    clear, noisy = (MovingGlyphs(**{**CLEAR, "noise": noise}).load() for noise in (0.0, 0.05))
    first, second, third, fourth = (
        (noise.float() - plain.float()).flatten()
        for split in ("train", "test")
        for noise, plain in zip(getattr(noisy, split).views, getattr(clear, split).views, strict=True)
    )
    assert first.std().item() == pytest.approx(0.05 * 255, rel=0.2), "but for what is clipped"
    alike = torch.corrcoef(torch.stack((first, second, third, fourth))) - torch.eye(4)
    assert alike.abs().max() < 0.05


def test_letters_to_test_on_are_others_than_those_to_train_on_and_look_otherwise():
    data = MovingGlyphs(**CLEAR).load()
    assert not torch.equal(data.train.labels, data.test.labels)
    behind = [split.views[0].flatten(2).float().median(2).values for split in (data.train, data.test)]
    assert not torch.equal(*behind)
    assert abs(torch.corrcoef(torch.stack([held.flatten() for held in behind]))[0, 1].item()) < 0.2


def test_one_frame_tells_a_linear_reader_no_more_than_chance():
    data = MovingGlyphs(**CLEAR).load()
    one = [(train.flatten(1).float(), test.flatten(1).float())
           for train, test in zip(data.train.views, data.test.views, strict=True)]  # fmt: skip
    for train, test in one:
        assert 17 < probe_accuracy(train, data.train.labels, test, data.test.labels, penalty=100) < 33


def test_settings():
    data = MovingGlyphs(**CLEAR).load(3)
    assert data.classes == ("up", "right", "down", "left")
    assert list(DIRECTIONS.values()) == [(-1, 0), (0, 1), (1, 0), (0, -1)], "rows go down, columns to the right"
    assert data.label == "moving letters 12×12 (400 pairs, contrast 0.9)"
    assert data.view_shapes == ((3, 12, 12),) * 2
    again, other = MovingGlyphs(**CLEAR).load(3), MovingGlyphs(**CLEAR).load(4)
    assert torch.equal(data.train.views[1], again.train.views[1])
    assert not torch.equal(data.train.views[1], other.train.views[1])
    assert torch.equal(data.test.views[1], other.test.views[1])
    assert len(data.unseen(40)) == 40
    assert KINDS["moving_glyphs"] is MovingGlyphs
    assert identity(MovingGlyphs(**CLEAR)) != identity(MovingGlyphs(**CLEAR, step=2))


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"step": 0}, "step=0: at least 1 pixel"), ({"step": 6}, "step=6: .* less than half of resolution=12"),
     ({"train_size": 30}, "train_size=30: must be a multiple of 4")],
)  # fmt: skip
def test_impossible_settings_are_refused_in_a_line(changes, said):
    with pytest.raises(SpecError, match=f"^data=moving_glyphs: {said}") as raised:
        MovingGlyphs(**{**CLEAR, **changes})
    assert "\n" not in str(raised.value)
