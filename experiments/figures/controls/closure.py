"""Can one see a critical period close without the experiment? Detectors on a clean run against what windows cost."""

from critical.plots.panel import Look, role
from critical.plots.panels import Curves, Series, contrasts
from critical.plots.style import OTHER_COLOURS
from experiments.design.closing import SLOPE, SPAN, Closing, closing_arms, slope_epochs, span_of
from experiments.design.closing_claims import beyond_clock, detectors, told
from experiments.design.figure import Design, Figure
from experiments.design.lines import over
from experiments.design.protocol import Protocol, cost, damage


def design(protocol: Protocol, parameters: Closing) -> Design:
    """Sets what a clean run shows at each epoch beside what a window from there on does."""
    arms, onsets, name = closing_arms(protocol, parameters), parameters.onsets, protocol.deficit.name
    clean, windows, held = arms.clean, arms.windows, detectors(arms, onsets)
    tells, more = told(windows, held, name), beyond_clock(windows, held, name)

    def panel(title: str, ylabel: str, key: str) -> Series:
        shown = dict(zip(onsets, held[key].measured, strict=True))
        return Series(title=title, ylabel=ylabel, xlabel="epoch", lines=[(Look("", OTHER_COLOURS[4]), shown)])

    effects = Series(
        title=f"what {name} for {parameters.length} epochs does", ylabel="accuracy lost (points)",
        xlabel="first epoch of the window", unit="accuracy",
        lines=[(role("dose_matched", "cost"), over(windows, cost)),
               (role("skip", "damage", "--", "s"), over(windows, damage))],
    )  # fmt: skip
    return Design(
        panels=[
            [effects, panel("trace of a clean run", "logarithm of the Fisher trace", "trace")],
            [panel("slope of the trace", "of its logarithm, an epoch", "slope"),
             panel("gradients of training and test images", "cosine between the two", "cosine")],
            [panel("barrier between children", "test error (points)", "barrier"),
             Curves(title="gradient of a clean run", ylabel="norm of its mean over batches", column="gradient_mean",
                    lines=[(role("clean", "clean"), clean)])],
            [contrasts(tells, "correlation", title="what tells what windows do", xlabel="rank correlation"),
             contrasts(more, "correlation", title="what tells more than a clock",
                       xlabel="difference of rank correlations")],
        ],
        claims=[*tells, *more],
        at={"fisher_trace": slope_epochs(onsets), "gradient_mean": tuple(range(1, onsets[-1] + 1)),
            "gradient_cosine": onsets},
        siblings=dict.fromkeys(arms.children.values(), clean),
        leading=("closure.closes", "closure.trace_beyond_clock", "closure.barrier_beyond_clock"),
        panel_inches=(3.6, (2.5, 2.5, 2.5, 4.6)),
        note="Children share the clean run up to the epoch and differ in the noise of training from there on; the "
        "barrier is the largest test error on the line between their last weights, less the mean of its ends, batch "
        f"normalisation settled on training images at each point. A slope is fitted through the last {SLOPE} epochs, "
        "which are two at epoch 2. Growth of the gradient's norm is that of its mean over "
        f"so many epochs: {span_of(onsets)}.",
    )  # fmt: skip


FIGURE = Figure(
    name="controls/closure",
    title="Seeing the window close",
    question="Does anything in a clean run tell when a deficit would no longer cost as much?",
    parameters=Closing,
    design=design,
    deviations=(
        "The papers show a detector beside the sensitivity, or without it; correlations within seeds are ours, as is "
        "the comparison with a clock: whatever drifts as a run goes on is correlated with what windows cost.",
        "CriticalFL's rule is on rounds of federated learning and the gradients of clients; here a round is an epoch, "
        "and the norm that of the mean gradient of all training images at resting weights, not of those trained with.",
        f"It takes the mean of {SPAN} rounds; here of one epoch less than lie before the first window, up to {SPAN}.",
        "The barrier between children is from work on linear mode connectivity, which says nothing about deficits.",
        "In all of this the clean run's rate decays, while windows begin at the full rate.",
    ),
)
