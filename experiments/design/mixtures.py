"""Units that mix two views with random weights: arms, and what is computed; the simulation of Kleinman et al. 2023."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.integrate import trapezoid

from critical.core.randomness import derived_seed
from critical.measures.information import (
    BINS,
    POLARISED,
    relative_source_variance,
    rsv_mixture_cdf,
    source_variance,
)
from experiments.design.computed import arm, row
from experiments.design.parameters import Parameters, at_least

SIMULATED, EXACT = "simulated", "closed form"
LAWS = {"one half": (1.0, 10.0, False), "apart": (1.0, 20.0, True), "alike": (20.0, 20.0, True),
        "between": (30.0, 20.0, True)}  # fmt: skip
"""By their name: the weight of view b has the law Beta(α, β), and whether half of the units are reversed."""
ARMS = {(name, how): arm(f"{name}: Beta({alpha:g}, {beta:g}), {how}", law=name, how=how)
        for name, (alpha, beta, _) in LAWS.items() for how in (SIMULATED, EXACT)}  # fmt: skip


@dataclass(frozen=True)
class Mixtures(Parameters):
    """What a profile may set.

    Attributes:
        units: How many are simulated; the paper's.
        values: Values of each view that a unit is seen with.
    """

    units: int = 20_000
    values: int = 8

    def __post_init__(self) -> None:
        at_least(2, units=self.units, values=self.values)


@functools.cache
def computed(parameters: Mixtures, seeds: tuple[int, ...]) -> pd.DataFrame:
    """Returns the table: units of each seed and law, and the closed form of each law, which has no seed."""
    rows = []
    for name in LAWS:
        exact = _exact(name)
        found = {seed: _summed(simulated(name, parameters, seed)) for seed in seeds}
        for seed, held in found.items():
            apart = sum(abs(held[column] - exact[column]) for column in exact if "/" in column) / 2
            rows.append(row(ARMS[name, SIMULATED], seed, **held, rsv_distance=apart))
        rows += [row(ARMS[name, EXACT], seed, **exact, rsv_distance=0.0) for seed in seeds]
    return pd.DataFrame(rows)


def simulated(name: str, parameters: Mixtures, seed: int) -> torch.Tensor:
    """Returns the relative source variances of simulated units, (values, units), by the suite's own measure.

    A unit is z = w·xa + (1 − w)·xb with xa = x0 + na and xb = x0 + nb, all N(0, 1). Few values stand for each view, and
    are scaled to the variance that views have, 2: with their own, all units would move the same way. On the grid of all
    pairs the shared x0 moves nothing, and so scaled a unit has the RSV of its weight exactly.
    """
    alpha, beta, reverse = LAWS[name]
    random = np.random.default_rng(derived_seed(seed, "mixtures", name))
    weight = 1 - random.beta(alpha, beta, parameters.units)
    if reverse:
        weight[::2] = 1 - weight[::2]
    shared = random.normal(size=parameters.values)
    views = [shared + random.normal(size=parameters.values) for _ in "ab"]
    first, second = (np.sqrt(2) * (view - view.mean()) / view.std(ddof=1) for view in views)
    grid = weight * first[:, None, None] + (1 - weight) * second[None, :, None]
    return relative_source_variance(torch.as_tensor(grid))


def _summed(values: torch.Tensor) -> dict[str, float]:
    found = source_variance(values)
    return {"rsv_mean": found.mean, "rsv_polarised": found.polarised, **_bins(found.histogram)}


def _exact(name: str) -> dict[str, float]:
    """Returns the same from the law of the weights."""
    alpha, beta, reverse = LAWS[name]

    def below(value: Any) -> NDArray[np.float64]:
        # Of the weight of view a; that of view b has the parameters the other way round.
        cut = rsv_mixture_cdf(value, beta, alpha)
        return np.asarray((cut + rsv_mixture_cdf(value, alpha, beta)) / 2 if reverse else cut)

    fine = np.linspace(-1, 1, 20_001)
    inside = float(below(POLARISED) - below(-POLARISED))
    return {"rsv_mean": float(1 - trapezoid(below(fine), fine)), "rsv_polarised": 1 - inside,
            **_bins(np.diff(below(np.linspace(-1, 1, BINS + 1))))}  # fmt: skip


def _bins(shares: Any) -> Mapping[str, float]:
    return {f"rsv_histogram/{number:02}": float(share) for number, share in enumerate(shares)}
