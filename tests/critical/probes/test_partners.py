import pytest
import torch

from critical.core.randomness import generator
from critical.probes.partners import random_partners


def test_partners_are_others_and_all_different():
    labels = torch.tensor([0, 2, 2, 0, 1, 2, 0])
    partners = random_partners(labels, 6, generator(1))
    assert partners.shape == (6, 7)
    assert torch.equal(partners.sort(1).values, torch.arange(7).expand(6, 7)), "each row is a permutation"
    for i, others in enumerate(partners.T.tolist()):
        assert sorted([i, *others]) == list(range(7))
    draws = torch.stack([random_partners(torch.tensor([0, 1, 1, 0]), 1, generator(n))[0] for n in range(300)])
    assert all(80 < (draws[:, 0] == other).sum() < 120 for other in (1, 2, 3)), "uniform"


@pytest.mark.parametrize("partners", [1, 5, 7, 59])
def test_partners_hold_the_classes_alike(partners):
    labels = (torch.arange(60) % 5)[torch.randperm(60, generator=generator(2))]
    drawn = random_partners(labels, partners, generator(3)).T
    counts = torch.stack([labels[others].bincount(minlength=5) for others in drawn])
    assert counts.sum() == 60 * partners
    assert counts.max() - counts.min() <= 1
