"""What a stream's maps tell to a linear reader, whether or not the network above reads it.

A multinomial logistic regression is fitted on the features of some examples and scored on others: a linear probe
(Alain and Bengio, *Understanding intermediate layers using linear classifier probes*, 2016; arXiv 1610.01644).

*Bits.* All is float64, begins at zero, takes the examples in the order given, and runs on one thread of the BLAS that
NumPy and SciPy bring along (OpenBLAS in their wheels). OpenBLAS chooses its kernels by processor, and the environment
variable `OPENBLAS_CORETYPE=Haswell` has AVX2 ones on all; other kernels move weights in the eighth digit or beyond,
and an accuracy only where an example lies that near to a border between classes.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from critical.core.spec import SpecError

PENALTY = 10.0
"""Weight of the penalty: 10/2·‖w‖² is added to the sum of the cross-entropies in nats, features standardised."""

TOLERANCE = 1e-6
"""Largest slope (of the mean cross-entropy and its penalty, in nats) at which a fit counts as converged."""

ITERATIONS = 10_000
"""Most iterations of a fit; fits of a thousand examples take one or two hundred."""

_PART = 2_000  # examples scored at a time: float64 copies of all maps of a large test set would not fit


def flattened(maps: torch.Tensor) -> torch.Tensor:
    """Returns every unit at every place as a feature, (N, U·places), of maps (N, U, ...); vectors as they are."""
    return maps.flatten(1)


def averaged(maps: torch.Tensor) -> torch.Tensor:
    """Returns the mean of every unit over its places, (N, U), of maps (N, U, ...); vectors as they are."""
    return maps.flatten(2).mean(2) if maps.dim() > 2 else maps


def probe_accuracy(
    fitted: torch.Tensor,
    fitted_labels: torch.Tensor,
    scored: torch.Tensor,
    scored_labels: torch.Tensor,
    penalty: float = PENALTY,
) -> float:
    """Returns the accuracy in percent (0–100) of a logistic regression on features.

    Features are shifted and scaled to mean 0 and variance 1 over the examples fitted on; one that is constant
    there counts for nothing. The strength of the penalty is fixed, not chosen on examples, so that streams are
    compared by one rule and nothing is drawn.

    Args:
        fitted: Floats (N, U): features of the examples to fit on.
        fitted_labels: int64 (N,), of two classes at least.
        scored: Floats (M, U): features of the examples to score.
        scored_labels: int64 (M,).
        penalty: See `PENALTY`.

    Returns:
        The accuracy; NaN where a feature is not finite (the network has diverged).

    Raises:
        SpecError: Labels of one class only, or a fit that does not converge; one line.
    """
    # Not above: they take nearly as long to import as torch, and every command would wait for them.
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if not (fitted.isfinite().all() and scored.isfinite().all()):
        return math.nan
    if len(fitted_labels.unique()) < 2:
        raise SpecError(f"probe stream_probe: all {len(fitted_labels)} examples to fit on are of one class; give more")
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        reader = make_pipeline(StandardScaler(), LogisticRegression(C=1 / penalty, tol=TOLERANCE, max_iter=ITERATIONS))
        try:
            reader.fit(_doubles(fitted), fitted_labels.cpu().numpy())
        except ConvergenceWarning as warning:
            raise SpecError(
                f"probe stream_probe: the regression of {fitted.shape[1]:,} features has not converged "
                f"({str(warning).splitlines()[0]}); raise penalty={penalty:g}"
            ) from warning
        right = sum(
            int(np.count_nonzero(reader.predict(_doubles(part)) == labels.cpu().numpy()))
            for part, labels in zip(scored.split(_PART), scored_labels.split(_PART), strict=True)
        )
    return 100.0 * right / len(scored_labels)


def _doubles(features: torch.Tensor) -> NDArray[np.float64]:
    return np.ascontiguousarray(features.detach().cpu().double().numpy())
