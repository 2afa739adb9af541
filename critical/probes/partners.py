"""Which examples lend each other a view."""

from __future__ import annotations

import torch

from critical.core.spec import SpecError
from critical.data.images import in_rounds


def random_partners(labels: torch.Tensor, partners: int, draws: torch.Generator) -> torch.Tensor:
    """Gives each example so many different others, of all classes alike.

    Partners drawn without regard to their classes would leave each view with more of some classes than of others
    by chance; to be as near to what a great many tell, twice as many of them are needed.

    Args:
        labels: int64 class indices, shape (N,).
        partners: Partners of each, 1 … N − 1.
        draws: CPU generator.

    Returns:
        int64 (partners, N): each row a permutation without fixed points, no two rows alike anywhere. Where there
        are as many of each class, an example's partners hold the classes equally, give or take one of each.

    Raises:
        SpecError: More partners than there are other examples.
    """
    labels, count = labels.cpu(), len(labels)
    if not 1 <= partners < count:
        raise SpecError(f"probe decoding: partners={partners} of {count} examples; from 1 to {count - 1} are possible")
    shuffled = torch.randperm(count, generator=draws)
    grouped = shuffled[labels[shuffled].argsort(stable=True)]
    ordered = labels[grouped]
    rank = torch.arange(count) - torch.searchsorted(ordered, ordered)
    # A circle in which the classes follow each other in turns, so that a seat's class and a shift tell the other's.
    order = grouped[rank.argsort(stable=True)]
    turns = torch.arange(1, count) % len(labels.unique())
    shifts = 1 + in_rounds(turns, torch.randperm(count - 1, generator=draws))[:partners]
    # Everybody gets the one so many seats further: never themselves.
    others = order[(torch.arange(count) + shifts[:, None]) % count]
    return torch.empty_like(others).index_copy_(1, order, others)
