"""Can one see a critical period close without the experiment? Detectors on a clean run against what windows cost."""

from collections.abc import Sequence

from critical.inference.arms import Contrast, Term, Within
from critical.inference.claims import Claim
from critical.inference.correlation import rank_correlation
from critical.inference.effects import SMALLEST
from critical.plots.panel import Look, role
from critical.plots.panels import Curves, Series, contrasts
from critical.plots.style import OTHER_COLOURS
from experiments.design.closing import (
    GROWTH,
    SPAN,
    Closing,
    closing_arms,
    falls_with_age,
    follows_growth,
    open_less_closed,
)
from experiments.design.figure import Design, Figure
from experiments.design.protocol import Protocol, age, cost, damage
from experiments.design.sources import CRITICALFL2023, FORT2020, ICLR2019, JUMP, OURS


def design(protocol: Protocol, parameters: Closing) -> Design:
    """Sets what a clean run shows at each epoch beside what a window from there on does."""
    arms, onsets, name = closing_arms(protocol, parameters), parameters.onsets, protocol.deficit.name
    clean, windows, first, last = arms.clean, arms.windows, onsets[0], onsets[-1]
    costs, damages = ([effect(windows[onset]) for onset in onsets] for effect in (cost, damage))
    norms = [clean[f"gradient_mean@{epoch}"] for epoch in range(1, last + 1)]
    traces = {epoch: clean.log(f"fisher_trace@{epoch}") for onset in onsets for epoch in (onset - 1, onset)}
    detectors: dict[str, tuple[str, str, Sequence[Contrast | Term]]] = {
        "trace": (ICLR2019, "the trace of the Fisher information", [traces[onset] for onset in onsets]),
        "slope": (OURS, "the slope of its logarithm", [traces[onset] - traces[onset - 1] for onset in onsets]),
        "cosine": (OURS, "the cosine of gradients of two halves", [clean[f"gradient_cosine@{at}"] for at in onsets]),
        "barrier": (FORT2020, "the barrier between two children", [arms.children[at]["barrier"] for at in onsets]),
    }

    def follows(effects: Sequence[Contrast]) -> list[tuple[str, str, str, Within]]:
        held = [(key, source, words, rank_correlation(effects, shown))
                for key, (source, words, shown) in detectors.items()]  # fmt: skip
        grows = follows_growth(effects, norms, onsets)
        return [*held, ("norm", CRITICALFL2023, f"the growth of the gradient's norm, {SPAN} epochs together", grows)]

    closes = ("closure.closes",)
    claims = [
        Claim(*closes, ICLR2019, age(windows[first], windows[last]), "greater",
              f"At equal rates a window at epoch {first} costs more than at epoch {last}: there is one that closes.",
              differs=JUMP, short="early costs more (equal rates)"),
        *(Claim(f"closure.{key}", source, statistic, "greater",
                f"What a window of {name} costs follows {words} of a clean run where it begins (rank correlation).",
                requires=closes, short=f"{key} tells the cost") for key, source, words, statistic in follows(costs)),
        Claim("closure.rule", CRITICALFL2023, open_less_closed(costs, norms, onsets), "greater",
              f"Windows cost more that begin while the mean of the gradient's norm grows by {GROWTH:.0%} or more.",
              requires=closes, short="gradient-norm rule tells the cost"),
        Claim("closure.clock", OURS, falls_with_age(costs, onsets), "greater",
              f"What a window of {name} costs falls with its epoch: a clock alone would tell (rank correlation).",
              requires=closes, short="clock tells the cost"),
        *(Claim(f"closure.{key}_damage", OURS, statistic, "greater",
                f"Damage by {name}, beside runs that leave the window out, follows {words} (rank correlation).",
                requires=closes, short=f"{key} tells the damage") for key, _, words, statistic in follows(damages)),
        Claim("closure.clock_damage", OURS, falls_with_age(damages, onsets), "greater",
              f"Damage by {name} falls with its epoch: a clock alone would tell (rank correlation).",
              requires=closes, short="clock tells the damage"),
    ]  # fmt: skip

    def panel(title: str, unit: str, values: Sequence[Contrast | Term]) -> Series:
        return Series(title=title, ylabel=unit, xlabel="epoch", lines=[
            (Look("", OTHER_COLOURS[4]), dict(zip(onsets, values, strict=True)))])  # fmt: skip

    effects = Series(
        title=f"what {name} for {parameters.length} epochs does", ylabel="accuracy lost (points)", zero=True,
        xlabel="first epoch of the window", reach=SMALLEST["accuracy"].effect,
        lines=[(role("dose_matched", "cost"), dict(zip(onsets, costs, strict=True))),
               (role("skip", "damage", "--", "s"), dict(zip(onsets, damages, strict=True)))],
    )  # fmt: skip
    return Design(
        panels=[
            [effects, panel("trace of a clean run", "logarithm of the trace of Fisher", detectors["trace"][2])],
            [panel("gradients of two halves", "cosine between halves of the images", detectors["cosine"][2]),
             panel("barrier between children", "test error (points)", detectors["barrier"][2])],
            [Curves(title="gradient of a clean run", ylabel="norm of its mean over batches", column="gradient_mean",
                    lines=[(role("clean", "clean"), clean)]),
             contrasts(claims, "correlation", title="what tells what windows do", xlabel="rank correlation")],
        ],
        claims=claims,
        at={"fisher_trace": tuple(sorted(traces)), "gradient_mean": tuple(range(1, last + 1)),
            "gradient_cosine": onsets},
        siblings=dict.fromkeys(arms.children.values(), clean),
        leading=("closure.closes", "closure.trace", "closure.barrier", "closure.clock"),
        panel_inches=(3.6, (2.5, 2.5, 4.6)),
        note="Children share the clean run up to the epoch and differ in the noise of training from there on; the "
        "barrier is the largest test error on the line between their last weights, less the mean of its ends, batch "
        "normalisation settled on training images at each point.",
    )  # fmt: skip


FIGURE = Figure(
    name="controls/closure",
    title="Seeing the window close",
    question="Does anything in a clean run tell when a deficit would no longer cost as much?",
    parameters=Closing,
    design=design,
    deviations=(
        "The papers show a detector beside the sensitivity, or without it; correlations within seeds are ours.",
        "CriticalFL's rule is on rounds of federated learning; here a round is an epoch.",
        "In all of this the clean run's rate decays, while windows begin at the full rate.",
    ),
)
