"""Uniform numbers that are a function of (key, index, position): a counter-based generator.

A generator with a state gives an image other numbers when the batch order, the batch size or the
device changes. Here number `position` of example `index` is a hash of the two and of a key, in
integer arithmetic that is exact, so it is the same on every device and in any company.

The hash is the finaliser of SplitMix64 (Steele, Lea and Flood, *Fast Splittable Pseudorandom Number
Generators*, OOPSLA 2014), applied once to make a 64-bit start for each example and once to every
step of the Weyl sequence from there. Products wrap around at 64 bits, as int64 tensors do.
"""

from __future__ import annotations

import torch

_GOLDEN = 0x9E3779B97F4A7C15 - 2**64  # odd, from the golden ratio, as a signed 64-bit number
_FIRST = 0xBF58476D1CE4E5B9 - 2**64
_SECOND = 0x94D049BB133111EB - 2**64


def _xor_shifted(bits: torch.Tensor, shift: int) -> torch.Tensor:
    # `>>` on int64 copies the sign bit; the mask makes it the unsigned shift that the hash asks for.
    return bits.bitwise_xor_((bits >> shift).bitwise_and_((1 << (64 - shift)) - 1))


def _mixed(bits: torch.Tensor) -> torch.Tensor:
    """Applies SplitMix64's finaliser to a fresh int64 tensor, in place."""
    bits = _xor_shifted(bits, 30).mul_(_FIRST)
    bits = _xor_shifted(bits, 27).mul_(_SECOND)
    return _xor_shifted(bits, 31)


def random_bits(key: int, index: torch.Tensor, count: int) -> torch.Tensor:
    """Draws `count` random 64-bit integers for each example.

    Args:
        key: Anything in [0, 2**63), from `randomness.derived_seed`.
        index: int64 positions of the examples in their split, shape (N,), on any device.
        count: Numbers per example.

    Returns:
        int64, shape (N, count); row n depends on `key`, `index[n]` and nothing else.
    """
    start = _mixed((index.to(torch.int64) + 1) * _GOLDEN + key)
    steps = torch.arange(1, count + 1, device=index.device) * _GOLDEN
    return _mixed(start[:, None] + steps)


def uniform(key: int, index: torch.Tensor, count: int) -> torch.Tensor:
    """Draws `count` numbers in [0, 1) for each example: float32 multiples of 2⁻²⁴, shape (N, count)."""
    return ((random_bits(key, index, count) >> 40).bitwise_and_((1 << 24) - 1)).float().mul_(2.0**-24)
