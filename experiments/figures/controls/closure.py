"""Can one see a critical period close without the experiment? Detectors on a clean run against what windows cost."""

from critical.inference.claims import Claim
from critical.plots.panel import Look, role
from critical.plots.panels import Curves, Series, contrasts
from critical.plots.style import OTHER_COLOURS
from experiments.design.closing import (
    GROWTH,
    SLOPE,
    SPAN,
    Closing,
    Detector,
    closing_arms,
    falls_with_age,
    growths,
    open_less_closed,
    slope_before,
    slope_epochs,
    span_of,
)
from experiments.design.figure import Design, Figure
from experiments.design.protocol import Protocol, age, cost, damage
from experiments.design.sources import CRITICALFL2023, ICLR2019, JUMP, OURS

OTHERS_ROUNDS = (
    "A round is an epoch here, of one network; the norm is that of the mean gradient of all training images at resting "
    "weights, not of the gradients that clients trained with."
)
"""What parts the gradient's norm from CriticalFL's."""


def design(protocol: Protocol, parameters: Closing) -> Design:
    """Sets what a clean run shows at each epoch beside what a window from there on does."""
    arms, onsets, name = closing_arms(protocol, parameters), parameters.onsets, protocol.deficit.name
    clean, windows, first, last = arms.clean, arms.windows, onsets[0], onsets[-1]
    costs, damages = ([effect(windows[onset]) for onset in onsets] for effect in (cost, damage))
    norms = [clean[f"gradient_mean@{epoch}"] for epoch in range(1, last + 1)]
    span, traces = span_of(onsets), {epoch: clean.log(f"fisher_trace@{epoch}") for epoch in slope_epochs(onsets)}
    detectors = {
        "trace": Detector("the trace of the Fisher information", ICLR2019, [traces[onset] for onset in onsets],
                          differs=JUMP),
        "slope": Detector(f"the slope of its logarithm over {SLOPE} epochs", OURS,
                          [slope_before(traces, onset) for onset in onsets]),
        "cosine": Detector("the cosine of the gradients of training and test images", OURS,
                           [clean[f"gradient_cosine@{onset}"] for onset in onsets]),
        "barrier": Detector("the barrier between two children", OURS,
                            [arms.children[onset]["barrier"] for onset in onsets]),
        "norm": Detector("the growth of the gradient's norm", CRITICALFL2023, norms, growths(onsets), OTHERS_ROUNDS),
    }  # fmt: skip
    closes = ("closure.closes",)
    beyond = [
        Claim(f"closure.{key}{suffix}_beyond_clock", OURS, held.beyond_clock(effects, onsets), "greater",
              f"What {effect} follows {held.words} more closely than the epoch itself (difference of rank "
              "correlations).",
              requires=(f"closure.{key}{suffix}",), short=f"{key} tells {short} beyond clock")
        for effects, suffix, effect, short in (
            (costs, "", f"a window of {name} costs", "cost"),
            (damages, "_damage", f"{name} damages, beside runs that leave the window out,", "damage"))
        for key, held in detectors.items()
    ]  # fmt: skip
    told = [
        Claim(*closes, ICLR2019, age(windows[first], windows[last]), "greater",
              f"At equal rates a window at epoch {first} costs more than at epoch {last}: there is one that closes.",
              differs=JUMP, short="early costs more (equal rates)"),
        *(Claim(f"closure.{key}", held.source, held.follows(costs), "greater",
                f"What a window of {name} costs follows {held.words} of a clean run where it begins (rank "
                "correlation).", requires=closes, differs=held.differs, short=f"{key} tells the cost")
          for key, held in detectors.items()),
        Claim("closure.rule", CRITICALFL2023, open_less_closed(costs, norms, onsets), "greater",
              f"Windows cost more that begin while the mean of the gradient's norm grows by {GROWTH:.0%} or more.",
              requires=closes, differs=OTHERS_ROUNDS, short="gradient-norm rule tells the cost"),
        Claim("closure.clock", OURS, falls_with_age(costs, onsets), "greater",
              f"What a window of {name} costs falls with its epoch: a clock alone would tell (rank correlation).",
              requires=closes, short="clock tells the cost"),
        *(Claim(f"closure.{key}_damage", OURS, held.follows(damages), "greater",
                f"Damage by {name}, beside runs that leave the window out, follows {held.words} (rank correlation).",
                requires=closes, short=f"{key} tells the damage") for key, held in detectors.items()),
        Claim("closure.clock_damage", OURS, falls_with_age(damages, onsets), "greater",
              f"Damage by {name} falls with its epoch: a clock alone would tell (rank correlation).",
              requires=closes, short="clock tells the damage"),
    ]  # fmt: skip

    def panel(title: str, ylabel: str, key: str) -> Series:
        shown = dict(zip(onsets, detectors[key].measured, strict=True))
        return Series(title=title, ylabel=ylabel, xlabel="epoch", lines=[(Look("", OTHER_COLOURS[4]), shown)])

    effects = Series(
        title=f"what {name} for {parameters.length} epochs does", ylabel="accuracy lost (points)",
        xlabel="first epoch of the window", unit="accuracy",
        lines=[(role("dose_matched", "cost"), dict(zip(onsets, costs, strict=True))),
               (role("skip", "damage", "--", "s"), dict(zip(onsets, damages, strict=True)))],
    )  # fmt: skip
    return Design(
        panels=[
            [effects, panel("trace of a clean run", "logarithm of the Fisher trace", "trace")],
            [panel("slope of the trace", "of its logarithm, an epoch", "slope"),
             panel("gradients of training and test images", "cosine between the two", "cosine")],
            [panel("barrier between children", "test error (points)", "barrier"),
             Curves(title="gradient of a clean run", ylabel="norm of its mean over batches", column="gradient_mean",
                    lines=[(role("clean", "clean"), clean)])],
            [contrasts(told, "correlation", title="what tells what windows do", xlabel="rank correlation"),
             contrasts(beyond, "correlation", title="what tells more than a clock",
                       xlabel="difference of rank correlations")],
        ],
        claims=[*told, *beyond],
        at={"fisher_trace": tuple(sorted(traces)), "gradient_mean": tuple(range(1, last + 1)),
            "gradient_cosine": onsets},
        siblings=dict.fromkeys(arms.children.values(), clean),
        leading=("closure.closes", "closure.trace_beyond_clock", "closure.barrier_beyond_clock"),
        panel_inches=(3.6, (2.5, 2.5, 2.5, 4.6)),
        note="Children share the clean run up to the epoch and differ in the noise of training from there on; the "
        "barrier is the largest test error on the line between their last weights, less the mean of its ends, batch "
        f"normalisation settled on training images at each point. A slope is fitted through the last {SLOPE} epochs, "
        "which are two at epoch 2. Growth of the gradient's norm is that of its mean over "
        f"so many epochs: {span}.",
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
