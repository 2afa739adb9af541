import errno

import pytest
import torch

from critical.core import memory


@pytest.mark.parametrize(
    ("error", "lacking"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory: you"), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, Exception) else "",
)
def test_what_means_that_there_is_too_little(error, lacking):
    assert memory.lacking(error) == lacking


def test_torch_says_so_of_a_tensor_that_is_too_large():
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.uint8)
    assert memory.lacking(raised.value)
