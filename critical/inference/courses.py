"""Numbers read from the course of a quantity over epochs: from its peak, and where another quantity was equal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from critical.inference.arms import Among, Term, Within


def rise_to_peak(course: Sequence[Term]) -> Among:
    """Returns by how much the logarithm of a trace at its peak exceeds that of the first epoch; see `_from_peak`."""
    return Among(tuple(course), lambda held: _from_peak(held, held, 0), "trace")


def fall_from_peak(course: Sequence[Term]) -> Among:
    """Returns by how much the logarithm of a trace at its peak exceeds that of the last epoch; see `_from_peak`."""
    return Among(tuple(course), lambda held: _from_peak(held, held, -1), "trace")


def gain_after_peak(course: Sequence[Term], accuracies: Sequence[Term]) -> Among:
    """Returns by how much accuracy grows from the peak of a course, in the same epochs, to the last; see there."""

    def estimate(held: NDArray[np.float64]) -> float:
        trace, accuracy = np.split(held, 2, axis=1)
        return -_from_peak(trace, accuracy, -1)

    return Among((*course, *accuracies), estimate, "accuracy")


def _from_peak(course: NDArray[np.float64], held: NDArray[np.float64], place: int) -> float:
    """Returns by how much something of a seed, at the peak of the others' mean course, exceeds that at another place.

    The maximum of its own course would exceed any place in mere noise.

    Args:
        course: (seeds, epochs), the seed's own in the first row, and at least one more.
        held: The same shape.
        place: The other place.
    """
    peak = int(course[1:].mean(0).argmax())
    return float(held[0, peak] - held[0, place])


def at_equal_loss(trace: Term, loss: Term, traces: Sequence[Term], losses: Sequence[Term]) -> Within:
    """Returns the logarithm of a trace over that of another run when its loss was equal.

    There is no number where that run never was at that loss, such as where it stayed above to its end. Where it was
    several times, the last counts.

    Args:
        trace: The logarithm of the trace.
        loss: The logarithm of the loss at the same weights.
        traces: The other run's logarithms of traces, at ascending epochs, between which they are interpolated.
        losses: Those of its losses at the same epochs.
    """
    return Within((trace, loss, *traces, *losses), _above, "trace", "The loss of the clean run was never equal.")


def _above(held: NDArray[np.float64]) -> float:
    trace, loss = held[:2]
    traces, losses = np.split(held[2:], 2)
    across = np.flatnonzero((losses[:-1] - loss) * (losses[1:] - loss) <= 0)
    if not len(across):
        return float("nan")
    before = int(across[-1])
    step = losses[before + 1] - losses[before]
    way = (loss - losses[before]) / step if step else 1.0
    return float(trace - traces[before] - way * (traces[before + 1] - traces[before]))
