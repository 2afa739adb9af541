import pytest
import torch

from critical.data.signals import TEMPLATES, signals

LABELS = torch.arange(600) % 10


def nearest_centroid(noise: float) -> float:
    train, test = (signals(LABELS, 40, noise, 0, key).flatten(1) for key in ("train", "test"))
    centroids = torch.stack([train[label == LABELS].mean(0) for label in range(10)])
    return (torch.cdist(test, centroids).argmin(1) == LABELS).double().mean().item()


def test_the_same_from_the_same_seed_and_key_alone():
    made = signals(LABELS, 40, 2.0, 0, "train")
    assert made.shape == (600, 1, 40)
    assert made.dtype == torch.float32
    assert torch.equal(made, signals(LABELS, 40, 2.0, 0, "train"))
    for other in (signals(LABELS, 40, 2.0, 1, "train"), signals(LABELS, 40, 2.0, 0, "test")):
        assert (made == other).double().mean() < 0.05
    assert len({tuple(signal.tolist()) for signal in made[:, 0]}) == 600


def test_drawing_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    signals(LABELS, 40, 2.0, 0, "train")
    assert torch.equal(torch.get_rng_state(), before)


def test_values_lie_between_0_and_1_and_are_seldom_clipped():
    for noise in (0.0, 2.0, 30.0):
        made = signals(LABELS, 40, noise, 0, "train")
        assert made.min() >= 0
        assert made.max() <= 1
    usual = signals(LABELS, 40, 2.0, 0, "train")
    assert ((usual == 0) | (usual == 1)).double().mean() < 0.01
    assert 0.45 < usual.mean() < 0.6


def test_noise_sets_the_difficulty():
    accuracies = [nearest_centroid(noise) for noise in (0.0, 2.0, 6.0)]
    assert accuracies[0] > accuracies[1] + 0.05 > accuracies[2] + 0.1
    assert accuracies[1] > 0.3, "well above chance, 0.1"
    assert accuracies[2] > 0.1


def test_noise_has_the_deviation_asked_for():
    quiet, loud = (signals(LABELS, 40, noise, 0, "train").double() for noise in (0.0, 1.0))
    difference = (loud - quiet) * 20  # ±10 units span [0, 1]
    # Smooth and white: 1 each at the knots of the smooth part, where neighbours agree through that alone.
    assert difference[..., 0].std() == pytest.approx(2**0.5, rel=0.1)
    neighbours = torch.corrcoef(torch.stack((difference[..., :-1].flatten(), difference[..., 1:].flatten())))[0, 1]
    assert 0.2 < neighbours < 0.6
    distant = torch.corrcoef(torch.stack((difference[..., :20].flatten(), difference[..., 20:].flatten())))[0, 1]
    assert abs(distant) < 0.1


def test_examples_of_a_class_differ_in_scale_tilt_and_place():
    made = signals(torch.full((200,), 9), 40, 0.0, 0, "train")[:, 0].double()
    # A wave of many peaks: its height is the scale's doing, 10 ± 20 %, whatever the tilt.
    wave = signals(torch.full((200,), 3), 40, 0.0, 0, "train")[:, 0].double()
    height = (wave.amax(1) - wave.amin(1)) * 20
    assert height.min() < 8
    assert height.max() > 12
    tilt = made[:, -1] - made[:, 0]
    assert tilt.min() < 0 < tilt.max()
    assert made.argmax(1).unique().numel() > 5


def test_templates_are_ten_different_shapes():
    assert TEMPLATES.shape == (10, 12)
    distances = torch.cdist(TEMPLATES, TEMPLATES) + 99 * torch.eye(10)
    assert distances.min() > 6


@pytest.mark.parametrize("length", [12, 40, 97])
def test_any_length(length):
    assert signals(torch.arange(10), length, 1.0, 0, "train").shape == (10, 1, length)
