"""What is claimed of the trace of the Fisher information of a clean run, and of what windows do by their onset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from critical.inference.arms import Arm, Contrast, Within
from critical.inference.claims import Claim
from critical.inference.correlation import more_correlated, rank_correlation
from critical.inference.courses import fall_from_peak, gain_after_peak, rise_to_peak
from experiments.design.contrasts import WindowArms, cost, damage
from experiments.design.lines import over
from experiments.design.sources import ICLR2019, JUMP, OURS

PEAK = "For each seed the peak is where the mean of the other seeds has it, so that noise by itself makes none."
PUBLISHED, EQUAL, DAMAGE = "as published", "equal rates", "damage"
"""What windows do: their cost under a decaying rate and at equal rates, and their damage at equal rates."""


def sensitivity(
    clean: Arm, total: Mapping[int, WindowArms], equal: Mapping[int, WindowArms]
) -> dict[str, dict[int, Contrast]]:
    """Returns what windows do, by onset.

    Args:
        clean: The clean run.
        total: The windows by onset, under a decaying rate and with an equal total of epochs.
        equal: The same at equal rates.
    """
    # Whatever the onset, as many clean epochs instead are the clean run.
    return {PUBLISHED: over(total, lambda held: clean - held.deficit), EQUAL: over(equal, cost),
            DAMAGE: over(equal, damage)}  # fmt: skip


def trace_claims(
    name: str, clean: Arm, points: Sequence[int], lines: Mapping[str, Mapping[int, Contrast]]
) -> list[Claim]:
    """Returns what is claimed of the trace of a clean run, and of what windows do beside it.

    Args:
        name: The deficit.
        clean: The clean run.
        points: Epochs after which its trace and its accuracy are known.
        lines: What windows do; see `sensitivity`. After every onset above 0 the trace is known, too.
    """
    later = [onset for onset in lines[PUBLISHED] if onset]
    course = [clean.log(f"fisher_trace@{epoch}") for epoch in points]
    learning = [clean[f"test_accuracy@{epoch}"] for epoch in points]
    traces = [clean.log(f"fisher_trace@{onset}") for onset in later]
    at_later = {kind: [line[onset] for onset in later] for kind, line in lines.items()}

    def follows(kind: str) -> Within:
        return rank_correlation(at_later[kind], traces)

    what = f"what a window of {name} costs follows the trace of the clean run at its onset (rank correlation)"
    return [
        Claim("trace.rises", ICLR2019, rise_to_peak(course), "greater",
              "The trace of the Fisher information of a clean run rises in its first epochs.",
              differs=PEAK, short="trace rises to a peak"),
        Claim("trace.still_learns", ICLR2019, gain_after_peak(course, learning), "greater",
              "From the peak of the trace to the end of the run, the accuracy still grows.",
              differs=PEAK, short="accuracy grows after the peak"),
        Claim("trace.falls", ICLR2019, fall_from_peak(course), "greater",
              "Later the trace falls again, while the accuracy still grows.",
              requires=("trace.still_learns",), differs=PEAK, short="trace falls from its peak"),
        Claim("trace.follows", ICLR2019, follows(PUBLISHED), "greater",
              f"Over onsets, {what}, at an equal total of epochs and a decaying rate.",
              short="cost follows trace (as published)"),
        Claim("trace.follows_equal", OURS, follows(EQUAL), "greater", f"At equal rates, too, {what}.",
              differs=JUMP, short="cost follows trace (equal rates)"),
        Claim("trace.follows_damage", OURS, follows(DAMAGE), "greater",
              f"So does, at equal rates, the damage: what is lost to a network that the {name} was kept from.",
              differs=JUMP, short="damage follows trace"),
        Claim("trace.beyond_age", OURS, more_correlated(at_later[PUBLISHED], traces, later), "greater",
              "As published, the trace tells more of what a window costs than how early it comes.",
              requires=("trace.follows",), short="trace tells more than the age"),
        Claim("trace.empirical", OURS, clean.log("empirical_fisher_trace") - clean.log("fisher_trace"), "less",
              "The empirical Fisher is another quantity: at the end of a clean run it is smaller.",
              short="empirical Fisher is smaller"),
    ]  # fmt: skip
