"""Random numbers that depend on nothing but (seed, purpose, epoch).

Every draw of a run comes from a generator keyed by what it is for and when, so no random state
has to be saved: a run that is forked at epoch e draws exactly what the run from scratch draws.
Generators live on the CPU, whatever device trains, so that all devices see the same draws.
"""

from __future__ import annotations

import hashlib

import torch


def derived_seed(*parts: int | str) -> int:
    """Hashes the parts, e.g. `(seed, "batch order", epoch)`, to an integer in [0, 2**63)."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(*parts: int | str) -> torch.Generator:
    """Returns a CPU generator keyed by the parts, e.g. `(seed, "augmentation", epoch)`."""
    return torch.Generator().manual_seed(derived_seed(*parts))
