from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from critical.core.arithmetic import Arithmetic
from critical.core.spec import SpecError
from critical.data import Dataset, Split
from critical.probes import Ladders, ProbeContext

SIDE, COUNT = 8, 40


class Watching(nn.Module):
    """Says 1 where an image is brighter on the left than on the right, else 0; keeps what it saw."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.seen = []

    def forward(self, view):
        self.seen.append(view.clone())
        left, right = view.mean((1, 2)).chunk(2, dim=1)
        return functional.one_hot((left.mean(1) > right.mean(1)).long(), 2).float()


def context(seed=0, epoch=1, images=None):
    images = torch.rand(COUNT, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(5)) if images is None else images
    test = Split((images,), torch.arange(len(images)) % 2)
    train = Split((torch.zeros(10, 1, SIDE, SIDE),), torch.zeros(10, dtype=torch.int64))
    return ProbeContext(Watching(), Dataset(train, test, ("0", "1"), "made"), Arithmetic(), (), seed, epoch)


def shown(probe, **given):
    now = context(**given)
    return probe.measure(now), now.model.seen


def test_the_means_are_over_the_rungs_and_each_rung_is_the_accuracy_on_its_images():
    row, seen = shown(Ladders())
    rungs = [*(f"accuracy_blur/{factor}" for factor in (2, 3, 4, 8)),
             *(f"accuracy_noise/{level}" for level in (0.05, 0.1, 0.2, 0.4))]  # fmt: skip
    assert set(row) == {*rungs, "accuracy_blurred", "accuracy_noisy"}
    labels = torch.arange(COUNT) % 2
    for rung, images in zip(rungs, seen, strict=True):
        left, right = images.mean((1, 2)).chunk(2, dim=1)
        right_answers = ((left.mean(1) > right.mean(1)).long() == labels).float()
        assert row[rung] == pytest.approx(100 * right_answers.mean().item())
    assert row["accuracy_blurred"] == pytest.approx(sum(row[rung] for rung in rungs[:4]) / 4)
    assert row["accuracy_noisy"] == pytest.approx(sum(row[rung] for rung in rungs[4:]) / 4)


def test_blurred_images_have_lost_what_is_finer_than_the_rung():
    _, seen = shown(Ladders(blurs=(2, 4, 8), noises=(0.1,)))
    spreads = [images.flatten(1).std(1).mean().item() for images in seen[:3]]
    assert spreads == sorted(spreads, reverse=True)
    assert spreads[2] < 1e-6, "one pixel is left of eight"


def test_noise_has_its_standard_deviation_and_is_scaled_from_rung_to_rung():
    grey = torch.full((COUNT, 1, SIDE, SIDE), 0.5)
    _, (_, mild, strong) = shown(Ladders(blurs=(2,), noises=(0.02, 0.1)), images=grey)
    noise = mild - 0.5
    assert noise.mean().item() == pytest.approx(0, abs=2e-3)
    assert noise.std().item() == pytest.approx(0.02, rel=0.05)
    assert torch.allclose(strong, (0.5 + 5 * noise).clamp(0, 1), atol=1e-5)
    shares = [(noise.abs() < 0.02 * bound).float().mean().item() for bound in (1, 2)]
    assert shares == pytest.approx([0.683, 0.954], abs=0.02), "normal"
    assert noise[0, 0].flatten().tolist() != noise[1, 0].flatten().tolist()


def test_networks_of_a_seed_are_scored_on_the_same_images_after_any_epoch():
    probe = Ladders(blurs=(2,), noises=(0.2,))
    first, later, other = (shown(probe, **given)[1][1] for given in ({}, {"epoch": 9}, {"seed": 1}))
    assert torch.equal(first, later)
    assert not torch.equal(first, other)
    assert 0 <= first.min() <= first.max() <= 1


@pytest.mark.parametrize("changes", [{"blurs": (1, 2)}, {"blurs": ()}, {"blurs": (4, 2)}, {"noises": (0.0, 0.1)},
                                     {"noises": (0.2, 0.2)}])  # fmt: skip
def test_rungs_that_are_none_are_refused(changes):
    with pytest.raises(SpecError, match=r"^probe ladders: blurs=.*, noises=") as raised:
        replace(Ladders(), **changes)
    assert "\n" not in str(raised.value)
