"""What is said to tell that a critical period closes, read from a clean run, beside windows at the same epochs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from critical.inference.arms import Arm, Contrast, Term, Within
from critical.inference.correlation import spearman, tells_more
from critical.probes import GradientCosine, Gradients
from experiments.design.measuring import after_every_epoch, measuring, refuse_one_batch
from experiments.design.onsets import at_onsets
from experiments.design.parameters import Onsets, spaced
from experiments.design.protocol import CONTINUE, Protocol, WindowArms

SPAN, GROWTH = 10, 0.01
"""Epochs over which CriticalFL takes the mean of the gradient's norm; below that growth its window is closed."""

SLOPE = 3
"""Epochs through which a slope is fitted: the difference of two, each a small sample, is mostly noise."""


@dataclass(frozen=True)
class Closing(Onsets):
    """Parameters; a clean run is looked at where windows begin, from epoch 2 on, at three onsets at least."""

    earliest: ClassVar[int] = 2
    fewest: ClassVar[int] = 3

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns windows of the shortest length at evenly spaced epochs and at half of each."""
        steps = spaced(protocol.longest_window, protocol.points)
        onsets = {held for step in steps for held in (step, step // 2)} - {0, 1}
        while len(onsets) < 3:
            onsets.add(max(onsets, default=1) + 1)
        return {"length": steps[0], "onsets": tuple(sorted(onsets))}


@dataclass(frozen=True)
class ClosingArms:
    """The arms.

    Attributes:
        clean: A clean run, of which everything is measured after each epoch.
        windows: By onset: the rate starts again at the onset and at the removal.
        children: By epoch: the clean run with other noise from there on.
    """

    clean: Arm
    windows: Mapping[int, WindowArms]
    children: Mapping[int, Arm]


def closing_arms(protocol: Protocol, parameters: Closing) -> ClosingArms:
    """Returns the arms; the clean run lasts until the last onset, and a recovery more."""
    refuse_one_batch(protocol)
    last, size = parameters.onsets[-1], protocol.parts.optimizer.batch_size
    probes = (Gradients(batch_size=size, every=1), GradientCosine(batch_size=size, every=1))
    clean = measuring(after_every_epoch(protocol), *probes).window(0, last, CONTINUE).dose_matched
    plain = protocol.window(0, last, CONTINUE).dose_matched
    assert plain.run is not None
    return ClosingArms(
        clean,
        at_onsets(protocol, parameters),
        {epoch: replace(plain.but(label=f"{plain}, other noise from epoch {epoch}", branch_at=epoch),
                        run=replace(plain.run, branch=1, branch_at=epoch)) for epoch in parameters.onsets},
    )  # fmt: skip


def span_of(onsets: Sequence[int]) -> int:
    """Returns over how many epochs the norm is taken together: up to `SPAN`, and as many at every onset."""
    return max(1, min(SPAN, min(onsets) - 1))


def running_growth(norms: NDArray[np.float64], epoch: int, span: int) -> float:
    """Returns by what share the mean norm of the last epochs grows from the epoch before (CriticalFL's rule).

    Args:
        norms: Of the gradient after epochs 1, 2, … .
        epoch: Epochs trained, more than `span`.
        span: Epochs that are taken together.
    """
    now, before = (float(np.mean(norms[end - span : end])) for end in (epoch, epoch - 1))
    return now / before - 1


def growths(onsets: Sequence[int]) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Returns what makes of norms after epochs 1, 2, … their growth at each onset."""
    span = span_of(onsets)
    return lambda norms: np.array([running_growth(norms, onset, span) for onset in onsets])


def slope_before(terms: Mapping[int, Term], onset: int) -> Contrast:
    """Returns the slope, by least squares, of a quantity over the last `SLOPE` epochs: of two only at epoch 2.

    Args:
        terms: The quantity after each epoch, from 1 on.
        onset: The last of the epochs, at least 2.
    """
    epochs = _before(onset)
    centred = np.array(epochs) - np.mean(epochs)
    return Contrast({terms[at]: float(weight) for at, weight in zip(epochs, centred / (centred**2).sum(), strict=True)})


def slope_epochs(onsets: Sequence[int]) -> tuple[int, ...]:
    """Returns the epochs that slopes at the onsets are fitted through."""
    return tuple(sorted({at for onset in onsets for at in _before(onset)}))


def _before(onset: int) -> range:
    return range(max(1, onset - SLOPE + 1), onset + 1)


def itself(measured: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns what was measured at each onset: it is what is shown."""
    return measured


@dataclass(frozen=True)
class Detector:
    """What a clean run shows at each onset, and what windows from there on do may follow.

    Attributes:
        words: What it is, as sentences call it.
        source: Who says so.
        measured: What it is read from.
        shown: From this to a number for each onset.
        differs: What differs from the source's setting.
    """

    words: str
    source: str
    measured: Sequence[Contrast | Term]
    shown: Callable[[NDArray[np.float64]], NDArray[np.float64]] = itself
    differs: str = ""

    def follows(self, effects: Sequence[Contrast]) -> Within:
        """Returns the rank correlation, over onsets, of what windows do with what is shown."""

        def estimate(held: NDArray[np.float64]) -> float:
            effect, measured = np.split(held, [len(effects)])
            return spearman(effect, self.shown(measured))

        return Within((*effects, *self.measured), estimate, "correlation")

    def beyond_clock(self, effects: Sequence[Contrast], onsets: Sequence[int]) -> Within:
        """Returns how much better what is shown tells what windows do than their onset does; see `tells_more`."""

        def estimate(held: NDArray[np.float64]) -> float:
            effect, measured = np.split(held, [len(effects)])
            return tells_more(effect, self.shown(measured), onsets)

        return Within((*effects, *self.measured), estimate, "correlation")


def open_less_closed(effects: Sequence[Contrast], norms: Sequence[Contrast | Term], onsets: Sequence[int]) -> Within:
    """Returns the mean effect of windows that begin while CriticalFL's rule says open, less that of the others.

    Args:
        effects: Of the windows, in the order of the onsets.
        norms: Of the gradient after epochs 1, 2, … up to the last onset.
        onsets: First epochs of the windows.
    """
    grown = growths(onsets)

    def estimate(held: NDArray[np.float64]) -> float:
        effect, measured = np.split(held, [len(onsets)])
        still = grown(measured) >= GROWTH
        return float(effect[still].mean() - effect[~still].mean()) if 0 < still.sum() < len(still) else float("nan")

    undefined = "The rule calls the window open, or closed, at every onset."
    return Within((*effects, *norms), estimate, "accuracy", undefined)


def falls_with_age(effects: Sequence[Contrast], onsets: Sequence[int]) -> Within:
    """Returns the rank correlation of what windows do with how early they begin: what a clock alone would tell."""

    def estimate(held: NDArray[np.float64]) -> float:
        return spearman(held, [-onset for onset in onsets])

    return Within(tuple(effects), estimate, "correlation")
