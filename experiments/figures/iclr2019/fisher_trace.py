"""Fisher information of a clean run, and what windows cost by their onset (Achille et al. 2019)."""

from critical.inference.arms import Within
from critical.inference.claims import Claim
from critical.inference.correlation import more_correlated, rank_correlation
from critical.inference.courses import fall_from_peak, gain_after_peak, rise_to_peak
from critical.plots.of_arms import ByColumn
from critical.plots.panel import Look, role
from critical.plots.panels import Curves, Series, contrasts
from critical.plots.style import OTHER_COLOURS
from critical.probes import Accuracy
from experiments.design.figure import Design, Figure
from experiments.design.lines import over
from experiments.design.measuring import after_every_epoch, measuring, variants_of
from experiments.design.parameters import ManyOnsets, spaced
from experiments.design.protocol import CONTINUE, RESTART_AT_ONSET, Protocol, cost, damage
from experiments.design.sources import ICLR2019, JUMP, OURS

PEAK = "For each seed the peak is where the mean of the other seeds has it, so that noise by itself makes none."

POINTS, FIRST = 24, (1, 2, 3, 5, 8)
"""At most so many evenly spaced epochs among which the peak of the trace is looked for, and some before them."""


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
    course = [clean.log(f"fisher_trace@{epoch}") for epoch in points]
    learning = [clean[f"test_accuracy@{epoch}"] for epoch in points]
    traces = [clean.log(f"fisher_trace@{onset}") for onset in later]
    sensitivity = {
        # Whatever the onset, as many clean epochs instead are the clean run.
        "as published": over(total, lambda held: clean - held.deficit),
        "equal rates": over(equal, cost),
        "damage": over(equal, damage),
    }
    at_later = {kind: [line[onset] for onset in later] for kind, line in sensitivity.items()}

    def follows(kind: str) -> Within:
        return rank_correlation(at_later[kind], traces)

    what = f"what a window of {name} costs follows the trace of the clean run at its onset (rank correlation)"
    claims = (
        Claim("trace.rises", ICLR2019, rise_to_peak(course), "greater",
              "The trace of the Fisher information of a clean run rises in its first epochs.",
              differs=PEAK, short="trace rises to a peak"),
        Claim("trace.still_learns", ICLR2019, gain_after_peak(course, learning), "greater",
              "From the peak of the trace to the end of the run, the accuracy still grows.",
              differs=PEAK, short="accuracy grows after the peak"),
        Claim("trace.falls", ICLR2019, fall_from_peak(course), "greater",
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
        Claim("trace.beyond_age", OURS, more_correlated(at_later["as published"], traces, later), "greater",
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
            [Series(title="what a window costs by its onset", xlabel="onset of the window (epoch)",
                    ylabel="less than clean, or than skipped (points)", unit="accuracy", across=whole,
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
