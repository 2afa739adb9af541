"""Values that do not lie in [0, 1] are refused with what to do about them."""

import pytest
import torch

from critical.core.ranges import out_of_range


@pytest.mark.parametrize(
    ("ends", "remedy"),
    [((-2.1, 2.6), "normalisation into the network"), ((0.0, 255.0), "divide 0 … 255 by 255"),
     ((0.0, 1.06), "clamp"), ((-1.0, 1.0), "they look normalised"), ((0.0, float("nan")), "not finite"),
     ((0.0, float("inf")), "not finite")],
)  # fmt: skip
def test_the_remedy_is_that_of_the_values(ends, remedy):
    assert remedy in out_of_range(torch.tensor([0.5, *ends]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_what_lies_within_is_right_and_rounding_is_allowed(dtype):
    assert out_of_range(torch.tensor([0.0, 1.0], dtype=dtype)) == ""
    assert out_of_range(torch.tensor([-1e-7, 1 + 1e-6], dtype=dtype)) == ""
    assert out_of_range(torch.empty(0, dtype=dtype)) == ""
