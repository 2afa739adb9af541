"""Fisher information of a clean run, and what windows cost by their onset (Achille et al. 2019)."""

from critical.plots.of_arms import ByColumn
from critical.plots.panel import Look, role
from critical.plots.panels import Curves, Series, contrasts
from critical.plots.style import OTHER_COLOURS
from critical.probes import Accuracy
from experiments.design.figure import Design, Figure
from experiments.design.measuring import after_every_epoch, measuring, variants_of
from experiments.design.onsets import at_onsets
from experiments.design.parameters import ManyOnsets, spaced
from experiments.design.protocol import CONTINUE, Protocol
from experiments.design.trace_claims import DAMAGE, EQUAL, PUBLISHED, sensitivity, trace_claims

POINTS, FIRST = 24, (1, 2, 3, 5, 8)
"""At most so many evenly spaced epochs among which the peak of the trace is looked for, and some before them."""


def design(protocol: Protocol, parameters: ManyOnsets) -> Design:
    """Sets what windows cost beside the trace of the clean run at their onset."""
    length, onsets = parameters.length, parameters.onsets
    total, equal = at_onsets(protocol, parameters, CONTINUE, same_total=True), at_onsets(protocol, parameters)
    often = after_every_epoch(after_every_epoch(protocol), Accuracy)
    often = measuring(often, variants_of(often, every=1))
    clean = at_onsets(often, parameters, CONTINUE, same_total=True)[onsets[0]].dose_matched
    end = onsets[-1] + length + protocol.recovery
    early, later = (epoch for epoch in FIRST if epoch <= end), [onset for onset in onsets if onset]
    points = tuple(sorted({*early, *spaced(end, min(end, POINTS))}))
    measured = tuple(sorted({*points, *later}))
    lines = sensitivity(clean, total, equal)
    claims = trace_claims(protocol.deficit.name, clean, points, lines)
    looks = {
        PUBLISHED: Look("as published", OTHER_COLOURS[4]),
        EQUAL: Look("equal rates", OTHER_COLOURS[1], "-", "D"),
        DAMAGE: role("skip", "damage,\nequal rates", "--", "s"),
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
                    lines=[(looks[kind], line) for kind, line in lines.items()]),
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
