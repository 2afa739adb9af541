import pytest
import torch

from critical.measures.gradient_moments import gradient_moments


def test_moments_are_those_of_all_gradients_at_once():
    random = torch.Generator().manual_seed(0)
    batches = [[5 + torch.randn(3, 2, generator=random), torch.randn(4, generator=random)] for _ in range(7)]
    flat = torch.stack([torch.cat([part.flatten() for part in batch]) for batch in batches]).double()
    found = gradient_moments(iter(batches))
    assert found.mean == pytest.approx(flat.mean(0).norm().item(), rel=1e-5)
    assert found.deviation == pytest.approx(flat.var(0, unbiased=True).sum().sqrt().item(), rel=1e-5)
    assert found.batches == 7


def test_a_parameter_without_a_gradient_counts_as_zero():
    found = gradient_moments([[torch.ones(2), None], [torch.ones(2), None]])
    assert (found.mean, found.deviation) == (pytest.approx(2**0.5), 0.0)


def test_one_batch_has_no_deviation():
    with pytest.raises(ValueError, match="1 batches"):
        gradient_moments([[torch.ones(2)]])
