"""Optimisers: stochastic gradient descent with momentum, Adam, and AdamW. The rate comes from the schedule."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch

from critical.core.spec import SpecError


@dataclass(frozen=True)
class Optimizer:
    """What the optimisers share.

    Attributes:
        batch_size: Examples a step, >= 2 (BatchNorm needs two). The last batch of an epoch may be
            smaller; one of a single example is left out.
        weight_decay: L2 coefficient added to the gradient, >= 0; `AdamW` alone decouples it.
    """

    name: ClassVar[str] = ""
    batch_size: int = 128
    weight_decay: float = 5e-4

    def __post_init__(self) -> None:
        if self.batch_size < 2:
            raise SpecError(f"optimizer.batch_size={self.batch_size}: at least 2, BatchNorm needs them")
        if not 0 <= self.weight_decay < math.inf:
            raise SpecError(f"optimizer.weight_decay={self.weight_decay}: must be finite and not negative")

    def build(self, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
        """Returns the torch optimiser, its rate still 0: the loop sets it every epoch."""
        raise SpecError("optimizer: choose one of its kinds, sgd, adam or adamw")


@dataclass(frozen=True)
class SGD(Optimizer):
    """SGD with heavy-ball momentum (0 turns it off, as some reconstructions of the ICLR paper have it)."""

    name: ClassVar[str] = "sgd"
    momentum: float = 0.9
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.momentum < 1:
            raise SpecError(f"optimizer.momentum={self.momentum}: lies in [0, 1)")
        if self.nesterov and self.momentum == 0:
            raise SpecError("optimizer.nesterov=true needs a momentum above 0")

    def build(self, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
        """Returns `torch.optim.SGD`."""
        return torch.optim.SGD(
            parameters,
            lr=0.0,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
        )


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma & Ba 2015), with L2 in the gradient as in the original, not AdamW."""

    name: ClassVar[str] = "adam"
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (0 <= self.beta1 < 1 and 0 <= self.beta2 < 1):
            raise SpecError(f"optimizer.beta1={self.beta1}, beta2={self.beta2}: both lie in [0, 1)")
        if not 0 < self.epsilon < math.inf:
            raise SpecError(f"optimizer.epsilon={self.epsilon}: must be above 0 and finite")

    def build(self, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
        """Returns `torch.optim.Adam`."""
        return torch.optim.Adam(
            parameters,
            lr=0.0,
            betas=(self.beta1, self.beta2),
            eps=self.epsilon,
            weight_decay=self.weight_decay,
        )


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019): each step first shrinks weights by rate·decay.

    Attributes:
        weight_decay: Coefficient, >= 0. Default 0.05, that of masked auto-encoders (He et al. 2022).
    """

    name: ClassVar[str] = "adamw"
    weight_decay: float = 0.05

    def build(self, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
        """Returns `torch.optim.AdamW`."""
        betas, decay = (self.beta1, self.beta2), self.weight_decay
        return torch.optim.AdamW(parameters, lr=0.0, betas=betas, eps=self.epsilon, weight_decay=decay)


KINDS: dict[str, type[Optimizer]] = {kind.name: kind for kind in (SGD, Adam, AdamW)}
