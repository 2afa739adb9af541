"""Closed forms of how linear networks learn: each singular mode of the task by itself.

With inputs of unit covariance, gradient descent on the mean squared error depends on the data through the correlation
of outputs with inputs alone, Σyx = U S Vᵀ. Time is in units of τ, the inverse of the learning rate. Where the weights
begin small and balanced, the network's map at any time is U a(t) Vᵀ with the strengths a(t) below (Saxe, McClelland
and Ganguli, *Exact solutions to the nonlinear dynamics of learning in deep linear neural networks*, ICLR 2014; arXiv
1312.6120). Kleinman, Achille and Soatto (CVPR 2023; arXiv 2210.04643) show both for one correlation.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from critical.core.spec import SpecError


def one_layer_strength(singular: ArrayLike, start: float, times: ArrayLike) -> NDArray[np.float64]:
    """Returns the strength of modes of one layer: s + (start − s)·exp(−t), an exponential approach at one rate for all.

    Args:
        singular: Singular values s of the task, at least 0, shape (M,).
        start: Strength of every mode at time 0.
        times: Times in units of τ, shape (T,).

    Returns:
        Shape (T, M).
    """
    s, t = np.asarray(singular, dtype=np.float64), np.asarray(times, dtype=np.float64)[:, None]
    return np.asarray(s + (start - s) * np.exp(-t))


def two_layer_strength(singular: ArrayLike, start: float, times: ArrayLike) -> NDArray[np.float64]:
    """Returns the strength of modes of two layers: s·exp(2st) / (exp(2st) − 1 + s/start), a sigmoid of time.

    The larger the singular value, the earlier it rises: it is halfway at ln(s/start − 1) / 2s. A mode that is no part
    of the task (s = 0) decays from `start`.

    Args:
        singular: As for `one_layer_strength`.
        start: Above 0: at 0 nothing is ever learnt.
        times: As for `one_layer_strength`.

    Returns:
        Shape (T, M).

    Raises:
        SpecError: `start` is not above 0.
    """
    if not start > 0:
        raise SpecError(f"start={start}: two layers that begin at 0 stay there; it must be above 0")
    s, t = np.asarray(singular, dtype=np.float64), np.asarray(times, dtype=np.float64)[:, None]
    # expm1(2st)/s goes to 2t, and nothing overflows this way round.
    grown = np.where(s > 0, -np.expm1(-2 * s * t) / np.where(s > 0, s, 1.0), 2 * t)
    return np.asarray(1 / (np.exp(-2 * s * t) / start + grown))


STRENGTHS: dict[int, Callable[[ArrayLike, float, ArrayLike], NDArray[np.float64]]] = {
    1: one_layer_strength,
    2: two_layer_strength,
}
"""Number of layers → the strength of modes by time."""


def maps(correlation: ArrayLike, layers: int, start: float, times: ArrayLike) -> NDArray[np.float64]:
    """Returns what a linear network computes at each time: U a(t) Vᵀ.

    Args:
        correlation: Σyx, shape (outputs, inputs).
        layers: 1 or 2.
        start: Strength of every mode at time 0.
        times: Times in units of τ, shape (T,).

    Returns:
        Shape (T, outputs, inputs): the total weight from each input to each output.

    Raises:
        SpecError: There is no closed form for so many layers.
    """
    if layers not in STRENGTHS:
        raise SpecError(f"layers={layers}: closed forms are known for {' and '.join(map(str, STRENGTHS))}")
    left, singular, right = np.linalg.svd(np.asarray(correlation, dtype=np.float64), full_matrices=False)
    strengths = STRENGTHS[layers](singular, start, times)
    return np.asarray(np.einsum("om,tm,mi->toi", left, strengths, right))


def time_to(level: float, times: ArrayLike, course: ArrayLike) -> NDArray[np.float64]:
    """Returns when courses first reach a level, between two times on the straight line.

    Args:
        level: The level.
        times: Ascending, shape (T,).
        course: Shape (T, ...).

    Returns:
        Shape (...); NaN where a course never does, the first time where it begins there.
    """
    t, values = np.asarray(times, dtype=np.float64), np.asarray(course, dtype=np.float64)
    flat = values.reshape(len(t), -1)
    found = np.full(flat.shape[1], np.nan)
    for column, held in enumerate(flat.T):
        there = np.flatnonzero(held >= level)
        if len(there) and there[0] > 0:
            at = there[0]
            share = (level - held[at - 1]) / (held[at] - held[at - 1])
            found[column] = t[at - 1] + share * (t[at] - t[at - 1])
        elif len(there):
            found[column] = t[0]
    return found.reshape(values.shape[1:])
