"""Fisher information of a clean run, and what windows cost by their onset (Achille et al. 2019)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from critical.inference.arms import Among, Contrast, Within
from critical.inference.claims import Claim
from critical.inference.correlation import rank_correlation, spearman
from critical.inference.effects import SMALLEST
from critical.plots.of_arms import ByColumn
from critical.plots.panel import Look, role
from critical.plots.panels import Curves, Series, contrasts
from critical.plots.style import OTHER_COLOURS
from critical.probes import Accuracy
from experiments.design.figure import Design, Figure
from experiments.design.measuring import after_every_epoch, measuring, variants_of
from experiments.design.parameters import Parameters, ascending, at_least, spaced
from experiments.design.protocol import CONTINUE, RESTART_AT_ONSET, Protocol, cost, damage
from experiments.design.sources import ICLR2019, JUMP, OURS

PEAK = "For each seed the peak is where the mean of the other seeds has it, so that noise by itself makes none."

POINTS = 24
"""Evenly spaced epochs among which the peak of the trace is looked for, at most."""

FIRST = (1, 2, 3, 5, 8)
"""Epochs among which it is looked for besides: the trace may rise and fall before the first of the others."""


@dataclass(frozen=True)
class ManyOnsets(Parameters):
    """Parameters.

    Attributes:
        length: Epochs of the window.
        onsets: Its first epochs; ascending, at least four, since a correlation is taken over those above 0.
    """

    length: int
    onsets: tuple[int, ...]

    def __post_init__(self) -> None:
        at_least(1, length=self.length)
        ascending(0, 4, onsets=self.onsets)

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns the windows of `iclr2019/sensitivity_window`, at twice as many onsets."""
        length = spaced(protocol.longest_window, max(2, protocol.points))[0]
        steps = spaced(max(4, protocol.longest_window), max(4, 2 * protocol.points))
        return {"length": length, "onsets": (0, *steps[:-1])}


def design(protocol: Protocol, parameters: ManyOnsets) -> Design:
    """Sets what windows cost beside the trace of the clean run at their onset."""
    length, onsets, name = parameters.length, parameters.onsets, protocol.deficit.name
    remain = {onset: onsets[-1] - onset + protocol.recovery for onset in onsets}
    total = {onset: protocol.window(onset, length, CONTINUE, remain[onset]) for onset in onsets}
    equal = {onset: protocol.window(onset, length, RESTART_AT_ONSET) for onset in onsets}
    often = after_every_epoch(after_every_epoch(protocol), Accuracy)
    often = measuring(often, variants_of(often, every=1))
    clean = often.window(onsets[0], length, CONTINUE, remain[onsets[0]]).dose_matched
    end = onsets[-1] + length + protocol.recovery
    early, later = (epoch for epoch in FIRST if epoch <= end), [onset for onset in onsets if onset]
    points = tuple(sorted({*early, *spaced(end, min(end, POINTS))}))
    measured = tuple(sorted({*points, *later}))
    course = tuple(Contrast({clean.log(f"fisher_trace@{epoch}"): 1.0}) for epoch in points)
    learning = tuple(Contrast({clean[f"test_accuracy@{epoch}"]: 1.0}) for epoch in points)
    traces = [clean.log(f"fisher_trace@{onset}") for onset in later]
    sensitivity = {
        # Whatever the onset, as many clean epochs instead are the clean run.
        "as published": {onset: clean - total[onset].deficit for onset in onsets},
        "equal rates": {onset: cost(equal[onset]) for onset in onsets},
        "damage": {onset: damage(equal[onset]) for onset in onsets},
    }

    def follows(kind: str) -> Within:
        return rank_correlation([sensitivity[kind][onset] for onset in later], traces)

    what = f"what a window of {name} costs follows the trace of the clean run at its onset (rank correlation)"
    claims = (
        Claim("trace.rises", ICLR2019, Among(course, _rise, "trace"), "greater",
              "The trace of the Fisher information of a clean run rises in its first epochs.",
              differs=PEAK, short="trace rises to a peak"),
        Claim("trace.still_learns", ICLR2019, Among((*course, *learning), _learnt, "accuracy"), "greater",
              "From the peak of the trace to the end of the run, the accuracy still grows.",
              differs=PEAK, short="accuracy grows after the peak"),
        Claim("trace.falls", ICLR2019, Among(course, _fall, "trace"), "greater",
              "Later the trace falls again, while the accuracy still grows.",
              requires=("trace.still_learns",), differs=PEAK, short="trace falls from its peak"),
        Claim("trace.follows", ICLR2019, follows("as published"), "greater",
              f"Over onsets, {what}, at an equal total of epochs and a decaying rate.",
              short="cost follows trace (as published)"),
        Claim("trace.follows_equal", OURS, follows("equal rates"), "greater", f"At equal rates, too, {what}.",
              differs=JUMP, short="cost follows trace (equal rates)"),
        Claim("trace.follows_damage", OURS, follows("damage"), "greater",
              f"So does, at equal rates, the damage: what is lost to a network that the {name} was kept from.",
              differs=JUMP, short="damage follows trace"),
        Claim("trace.beyond_age", OURS, beyond_age(list(sensitivity["as published"].values())[-len(later):], traces,
                                                   later), "greater",
              "As published, the trace tells more of what a window costs than how early it comes.",
              requires=("trace.follows",), short="trace tells more than the age"),
        Claim("trace.empirical", OURS, clean.log("empirical_fisher_trace") - clean.log("fisher_trace"), "less",
              "The empirical Fisher is another quantity: at the end of a clean run it is smaller.",
              short="empirical Fisher is smaller"),
    )  # fmt: skip
    looks = {
        "as published": Look("as published", OTHER_COLOURS[4]),
        "equal rates": Look("equal rates", OTHER_COLOURS[1], "-", "D"),
        "damage": role("skip", "damage,\nequal rates", "--", "s"),
    }
    names = {
        "fisher_trace": role("clean", "Fisher"),
        "empirical_fisher_trace": Look("empirical\nFisher", OTHER_COLOURS[2], "--"),
        "squared_mean_gradient": Look("‖mean\ngradient‖²", OTHER_COLOURS[0], ":"),
    }
    whole = (0.0, float(end))
    return Design(
        panels=[
            [Curves(title="trace of the clean run", ylabel="trace of the Fisher information", column="fisher_trace",
                    lines=[(role("dose_matched", "clean"), clean)], across=whole),
             ByColumn(title="three quantities called so", ylabel="sum of squared derivatives", arm=clean, columns=names,
                      logarithmic=True)],
            [Series(title="what a window costs by its onset", xlabel="onset of the window (epoch)", zero=True,
                    ylabel="less than clean, or than skipped (points)", reach=SMALLEST["accuracy"].effect, across=whole,
                    lines=[(looks[kind], line) for kind, line in sensitivity.items()]),
             contrasts(claims, "correlation", title="does one follow the other?", xlabel="rank correlation")],
            [Curves(title="its accuracy", ylabel="test accuracy by epoch (%)", column="test_accuracy",
                    lines=[(role("dose_matched", "clean"), clean)], across=whole),
             contrasts(claims, "trace", title="rise, fall, and the other Fisher",
                       xlabel="logarithm of the ratio of traces")],
        ],
        claims=claims,
        arms=[clean],
        at={"fisher_trace": measured, "test_accuracy": points},
        panel_inches=(3.4, (2.3, 2.6, 2.3)),
        leading=("trace.follows", "trace.follows_equal"),
        note=f"Windows have {length} epochs. Correlations are over onsets above 0: before epoch 0 there is no trace. "
        f"The squared mean gradient is that of batches of {variants_of(protocol).chunk} images.",
    )  # fmt: skip


def _rise(held: NDArray[np.float64]) -> float:
    return _from_peak(held, held, 0)


def _fall(held: NDArray[np.float64]) -> float:
    return _from_peak(held, held, -1)


def _learnt(held: NDArray[np.float64]) -> float:
    course, accuracies = np.split(held, 2, axis=1)
    return -_from_peak(course, accuracies, -1)


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


def beyond_age(costs: Sequence[Contrast], traces: Sequence[Any], onsets: Sequence[int]) -> Within:
    """Returns how much more strongly costs are correlated with traces than with how early they come.

    Strength has no sign: a cost that grows with the onset tells its age as well as one that falls.

    Args:
        costs: What each window costs.
        traces: The trace at each onset.
        onsets: The onsets.
    """
    early = -np.asarray(onsets, dtype=float)

    def better(held: NDArray[np.float64]) -> float:
        lost, trace = np.split(held, 2)
        return abs(spearman(lost, trace)) - abs(spearman(lost, early))

    return Within((*costs, *(Contrast({trace: 1.0}) for trace in traces)), better, "correlation")


FIGURE = Figure(
    name="iclr2019/fisher_trace",
    title="Information in the weights and sensitivity",
    question="Does sensitivity to a deficit follow the Fisher information of a clean network, and not just its age?",
    parameters=ManyOnsets,
    design=design,
    deviations=(
        "The trace of the Fisher information is a Monte Carlo estimate; the paper's is variational.",
        "Windows at equal rates, networks that skip the window, and the other quantities are not in the paper.",
    ),
)
