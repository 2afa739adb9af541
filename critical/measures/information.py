"""What two views are worth to a network: relative source variance, usable information, Fisher by pathway.

Everything is a pure function of activations, log-probabilities or numbers; `critical.probes.two_views` gets those
from a network. The measures are those of Kleinman, Achille and Soatto, *Critical Learning Periods for
Multisensory Integration in Deep Networks* (CVPR 2023; arXiv 2210.04643).

*The sign.* By the paper's definition (eq. 5) a relative source variance of +1 says that only view a matters. The
authors' plots and the text about them carry the opposite sign (a network with good view a sits at −1 there, and
their code subtracts the variance at fixed b from that at fixed a). The definition is kept here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import betainc

BINS = 20
"""Bins of a histogram of relative source variances, of equal width over [-1, 1]."""

POLARISED = 0.5
"""A unit counts as polarised where its |relative source variance| is above this."""

_LOG_TEMPERATURES = (-7.0, 14.0)  # from 0.001 to a million

_ROUNDING = 4  # variation below so many machine epsilons of a unit's largest activation is rounding


@dataclass(frozen=True)
class SourceVariance:
    """Relative source variances of the units of a code, summed up.

    Attributes:
        values: float64 (n,) in [-1, 1]: those of all pairs and units that are not dead.
        mean: Their mean: +1 where only view a matters, -1 where only b does; NaN without values, as the next two.
        polarised: Share of them with |value| > 0.5, in [0, 1].
        histogram: Shares of `BINS` equal bins over [-1, 1], lowest first; they sum to 1.
        dead: Share of all pairs and units that neither view moves, in [0, 1].
        two_sided: The smaller of the shares of values above 0.5 and below -0.5, in [0, 0.5]; NaN without values.
    """

    values: torch.Tensor
    mean: float
    polarised: float
    histogram: tuple[float, ...]
    dead: float
    two_sided: float


@dataclass(frozen=True)
class Decoded:
    """How well labels can be read off log-probabilities.

    Attributes:
        accuracy: In percent, 0–100.
        information: Usable information in bits, at most the entropy of the labels; below 0 where the
            log-probabilities say less than the class frequencies do (with a fitted temperature by chance only).
    """

    accuracy: float
    information: float


def relative_source_variance(grid: torch.Tensor) -> torch.Tensor:
    """Says for each unit which view its activation depends on (Kleinman et al. 2023, eq. 5).

    With SV(A, b) = Var_a f(a, b) at fixed b and SV(B, a) = Var_b f(a, b) at fixed a,
    RSV = (SV(A, b) − SV(B, a)) / (SV(A, b) + SV(B, a)). The fixed pair number k is (a_k, b_k), as in the
    authors' code. Differences are taken from f(a_k, b_k), so a view that is ignored has a variance of exactly
    0, and variation at the size of rounding counts as none.

    Args:
        grid: Floats (A, B, U), A and B at least 2: activation f(a_i, b_j) of each unit for all pairs.

    Returns:
        float64 (min(A, B), U) on the CPU, in [-1, 1]; +1 where only view a matters. NaN where neither does.

    Raises:
        ValueError: Another shape, or an activation that is not finite; one line.
    """
    if grid.ndim != 3 or min(grid.shape[:2]) < 2 or not grid.is_floating_point():
        found = f"{grid.dtype} {tuple(grid.shape)}"
        raise ValueError(f"a grid of activations is {found}; floats (A, B, units) with A and B from 2 on are needed")
    if not grid.isfinite().all():
        raise ValueError("a grid of activations holds values that are not finite; has the network diverged?")
    least = (_ROUNDING * torch.finfo(grid.dtype).eps) ** 2
    # A part of the units at a time: the grid of a wide network is large enough in single precision.
    parts = [_relative(part.detach().cpu().double(), least) for part in grid.split(4096, dim=2)]
    return torch.cat(parts, dim=1)


def _relative(grid: torch.Tensor, least: float) -> torch.Tensor:
    pairs = torch.arange(min(grid.shape[:2]))
    largest = grid.abs().amax((0, 1)).square()

    def variance(varied: torch.Tensor) -> torch.Tensor:
        moved = varied - grid[pairs, pairs]
        moved -= moved.mean(0)  # `var` gives the same, ten times as slowly
        squared = moved.square_().sum(0) / (len(varied) - 1)
        return torch.where(squared > least * largest, squared, 0.0)

    # Both as (values of the varied view, pair, unit) in one layout: swapping the views swaps the very same sums.
    along_a = variance(grid[:, pairs].contiguous())
    along_b = variance(grid[pairs].transpose(0, 1).contiguous())
    return (along_a - along_b) / (along_a + along_b)


def source_variance(rsv: torch.Tensor) -> SourceVariance:
    """Sums up what `relative_source_variance` returned.

    Args:
        rsv: Floats in [-1, 1] of any shape with at least one element; NaN for what is dead.
    """
    rsv = rsv.reshape(-1).double()
    values = rsv[~rsv.isnan()]
    counts = torch.histc(values, BINS, -1.0, 1.0) if len(values) else torch.zeros(BINS)
    return SourceVariance(
        values=values,
        mean=values.mean().item(),
        polarised=(values.abs() > POLARISED).double().mean().item(),
        histogram=tuple((counts / len(values)).tolist()) if len(values) else (math.nan,) * BINS,
        dead=1 - len(values) / len(rsv),
        two_sided=min(side.double().mean().item() for side in (values > POLARISED, values < -POLARISED)),
    )


def rsv_of_mixture(weight: ArrayLike) -> NDArray[np.float64]:
    """Returns the relative source variance of z = w·xa + (1−w)·xb, the unit of the paper's appendix A.1.

    With xa = x0 + na and xb = x0 + nb, all N(0, 1), the variance of z is 3/2·w² at fixed xb and 3/2·(1−w)² at
    fixed xa; the common factor cancels. The authors' `plot_synthetic_fsv.py` multiplies by Var(z) where
    Var(z|x) = Var(z)·(1 − Cov²/(Var(x)·Var(z))) divides by it, so their panels show other numbers.

    Args:
        weight: w in [0, 1], any shape.

    Returns:
        (w² − (1−w)²) / (w² + (1−w)²), same shape, in [-1, 1].
    """
    weight = np.asarray(weight, dtype=np.float64)
    squared_a, squared_b = np.square(weight), np.square(1 - weight)
    return np.asarray((squared_a - squared_b) / (squared_a + squared_b))


def rsv_mixture_cdf(rsv: ArrayLike, alpha: float, beta: float) -> NDArray[np.float64]:
    """Returns P(RSV ≤ rsv) of mixture units with w ~ Beta(alpha, beta); reversed units have (beta, alpha).

    With u = 2w − 1, RSV = 2u / (1 + u²) grows with u, so its law is that of w at u = RSV / (1 + √(1 − RSV²)).

    Args:
        rsv: In [-1, 1], any shape.
        alpha: First parameter of the Beta law, above 0.
        beta: Second parameter, above 0.
    """
    rsv = np.asarray(rsv, dtype=np.float64)
    u = rsv / (1 + np.sqrt(1 - np.square(rsv)))
    return np.asarray(betainc(alpha, beta, (1 + u) / 2))


def entropy(labels: torch.Tensor) -> float:
    """Returns the entropy H(Y) of the class frequencies of labels, int64 (N,), in bits: log2 10 for ten equal ones."""
    shares = labels.unique(return_counts=True)[1].cpu().double() / len(labels)
    return max(0.0, -(shares * shares.log2()).sum().item())


def log_mean_probability(log_probabilities: torch.Tensor) -> torch.Tensor:
    """Returns log of the mean over p of exp(log_probabilities[p]), float64, from floats (P, ...).

    With one view at hand and P partners drawn for the other, this is the network's estimate of p(y|view): the
    other view is averaged out of the probabilities. The mean of log-probabilities is no such estimate; it is ruled
    by the partners with which the network is surest.
    """
    return log_probabilities.double().logsumexp(0) - math.log(len(log_probabilities))


def fitted_temperature(log_probabilities: torch.Tensor, labels: torch.Tensor) -> float:
    """Returns the temperature T with which softmax(log p / T) has the least cross-entropy.

    Temperature scaling (Guo et al., *On Calibration of Modern Neural Networks*, ICML 2017). T towards infinity
    gives equal probabilities, so a readout that tells nothing is worth 0 bits, however sure it was. To the examples
    comes one whose readout is their mean and whose label is any with equal chance (Laplace's rule): without it, a
    readout that is right on all of them would become certain, and its first mistake elsewhere cost any number of bits.

    Args:
        log_probabilities: Floats (N, classes), each row up to a constant; of other examples than are scored.
        labels: int64 (N,).

    Returns:
        T in [0.001, 10⁶]; NaN where a log-probability is not finite.
    """
    logs = log_probabilities.detach().cpu().double()
    if not logs.isfinite().all():
        return math.nan
    labels = labels.cpu()

    def nats(log_temperature: float) -> float:
        tempered = (logs / math.exp(log_temperature)).log_softmax(1)
        return torch.nn.functional.nll_loss(tempered, labels, reduction="sum").item() - tempered.mean().item()

    # Convex in 1/T, hence without other minima in log T.
    found = minimize_scalar(nats, bounds=_LOG_TEMPERATURES, method="bounded", options={"xatol": 1e-6})
    return math.exp(found.x)


def decoded(log_probabilities: torch.Tensor, labels: torch.Tensor, temperature: float = 1.0) -> Decoded:
    """Scores log-probabilities: accuracy, and usable information I_u = H(Y) − cross-entropy / ln 2.

    H(Y) is that of the labels given.

    Args:
        log_probabilities: Floats (N, classes), each row up to a constant.
        labels: int64 (N,).
        temperature: What they are divided by before they are normalised; from `fitted_temperature`.
    """
    logs = (log_probabilities.detach().cpu().double() / temperature).log_softmax(1)
    labels = labels.cpu()
    nats = torch.nn.functional.nll_loss(logs, labels).item()
    accuracy = (logs.argmax(1) == labels).double().mean().item()
    return Decoded(100.0 * accuracy, entropy(labels) - nats / math.log(2))


def pathway_traces(layers: Mapping[str, float], pathways: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Sums traces of the Fisher information by pathway.

    Args:
        layers: Trace of each layer, keyed by the layer's name in `named_modules()`.
        pathways: For each pathway the names of the modules that make it up: `{"a": ("stream_a",), …}`.

    Returns:
        Pathway → sum over its layers, in the order of `pathways`; together the sum of all layers.

    Raises:
        ValueError: A layer that is in no pathway, or in several; one line.
    """
    sums = dict.fromkeys(pathways, 0.0)
    for layer, trace in layers.items():
        homes = [
            pathway
            for pathway, modules in pathways.items()
            if any(layer == module or layer.startswith(f"{module}.") for module in modules)
        ]
        if len(homes) != 1:
            found = f"in the pathways {', '.join(homes)}" if homes else "in no pathway"
            raise ValueError(f"layer {layer} is {found}; each layer belongs to exactly one of {', '.join(pathways)}")
        sums[homes[0]] += trace
    return sums
