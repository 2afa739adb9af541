"""Trace of the Fisher information by epoch, for several epochs of removal (Achille et al. 2019)."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from critical.inference.arms import Arm, Contrast, Term, Within
from critical.inference.claims import Claim
from critical.plots.panel import Value, role, shades
from critical.plots.panels import Curves, Series, contrasts
from experiments.design.figure import Design, Figure
from experiments.design.measuring import after_every_epoch, measuring, variants_of
from experiments.design.parameters import Removals, spaced
from experiments.design.protocol import CONTINUE, RESTART, SCHEDULE_TITLES, Protocol, WindowArms
from experiments.design.sources import ICLR2019, OURS

POINTS = 24
"""Epochs of the clean run between which its trace at a given loss is interpolated, at most."""

LOSS = "fixed_loss"
"""The loss at the very weights and on the very images of the trace."""


def design(protocol: Protocol, parameters: Removals) -> Design:
    """Sets windows [0, removal) under both schedules against clean and fresh networks."""
    measured, name, ends = measuring(protocol, variants_of(protocol)), protocol.deficit.name, parameters.removals
    first, last = ends[0], ends[-1]
    window = {how: {end: measured.window(0, end, how) for end in ends} for how in (CONTINUE, RESTART)}
    late, fair = window[CONTINUE][last], window[RESTART][last]
    # Its trace is wanted at every loss.
    often = measuring(after_every_epoch(measured), variants_of(protocol, every=1))
    clean, total = often.window(0, last, CONTINUE).dose_matched, last + protocol.recovery
    points = spaced(total, min(total, POINTS))

    def more(held: WindowArms, other: str = "dose_matched", column: str = "fisher_trace") -> Contrast:
        return held.deficit.log(column) - getattr(held, other).log(column)

    claims = (
        Claim("information.more", ICLR2019, more(late), "greater",
              f"{name.capitalize()} until epoch {last} leaves the network with more information in its weights than a "
              "clean run of the same length (rate decaying).", short="more information than clean"),
        Claim("information.grows", ICLR2019, late.deficit.log("fisher_trace")
              - window[CONTINUE][first].deficit.log("fisher_trace"), "greater",
              f"The later the removal, the more is left: after {last} epochs more than after {first} (rate decaying).",
              short="later removal, more information"),
        Claim("information.fresh", OURS, more(late, "fresh"), "greater",
              "It is more than in a network that was only trained as briefly, with the rates of its recovery.",
              short="more than fresh (decaying)"),
        Claim("information.restart", OURS, more(fair), "greater",
              "It is more than in the clean run when the rate restarts at the removal, too.",
              short="more than clean (restarted)"),
        Claim("information.restart_fresh", OURS, more(fair, "fresh"), "greater",
              "It is more than in a fresh network when the rate restarts at the removal.",
              short="more than fresh (restarted)"),
        Claim("information.equal_loss", OURS, at_equal_loss(late.deficit, clean, points), "greater",
              "It is more than the clean run had when its loss on training images was as high.",
              requires=("information.more",), short="more at equal training loss"),
        Claim("information.sure", OURS,
              Within((more(late), more(late, column="uncertainty")), _difference, "trace"), "greater",
              "It is more than the uncertainty of the answers on training images, the mean of 1 − Σp², accounts for.",
              requires=("information.more",), short="more per uncertainty of answers"),
        Claim("information.relative", OURS, more(late, column="fisher_trace_relative"), "greater",
              "It is more where changes of weights are measured in units of the norm of their layer.",
              requires=("information.more",), short="more per relative change"),
    )  # fmt: skip

    def curves(how: str) -> Curves:
        looks = shades([f"{name} until {end}" for end in ends])
        lines = [(look, arms.deficit) for look, arms in zip(looks, window[how].values(), strict=True)]
        return Curves(title=SCHEDULE_TITLES[how], ylabel="trace of the Fisher information", column="fisher_trace",
                      logarithmic=True, windows=[(look, 0, end) for look, end in zip(looks, ends, strict=True)],
                      lines=[(role("dose_matched", "clean"), window[how][last].dose_matched), *lines])  # fmt: skip

    def at_the_end(how: str, ylabel: str, column: str, logarithm: bool) -> Series:
        def line(arm: str) -> Mapping[int, Value]:
            return {end: Term(getattr(window[how][end], arm), column, logarithm) for end in ends}

        looks = {"dose_matched": role("dose_matched", "clean epochs\ninstead"), "fresh": role("fresh", "fresh"),
                 "deficit": role("deficit", f"{name} until\nthis epoch")}  # fmt: skip
        return Series(title=f"at the end, {'restarted' if how == RESTART else 'decaying'}", xlabel="epoch of removal",
                      ylabel=ylabel, lines=[(look, line(arm)) for arm, look in looks.items()])  # fmt: skip

    return Design(
        panels=[
            [curves(how) for how in window],
            [at_the_end(how, "logarithm of the trace", "fisher_trace", True) for how in window],
            [contrasts(claims, "trace", title="more information under the deficit?",
                       xlabel="logarithm of the ratio of traces"),
             at_the_end(CONTINUE, "uncertainty of the answers (0–1)", "uncertainty", False)],
        ],
        claims=claims,
        arms=[clean],
        at=dict.fromkeys(("fisher_trace", LOSS), points),
        panel_inches=(3.4, (2.4 + 0.1 * len(ends), 2.4, 3.4)),
        leading=("information.more", "information.equal_loss"),
    )  # fmt: skip


def at_equal_loss(arm: Arm, clean: Arm, points: tuple[int, ...]) -> Within:
    """Returns the logarithm of an arm's trace at the end over that of a clean run when its loss was equal.

    There is no number where the clean run was at that loss never, such as where it stayed above to its end.

    Args:
        arm: The arm.
        clean: The clean run.
        points: Its epochs, ascending, between which the logarithms of trace and loss are interpolated.
    """
    columns = [arm.log("fisher_trace"), arm.log(LOSS)]
    columns += [clean.log(f"{column}@{epoch}") for column in ("fisher_trace", LOSS) for epoch in points]
    parts = tuple(Contrast({column: 1.0}) for column in columns)
    return Within(parts, _above, "trace", "The loss of the clean run was never equal.")


def _above(held: NDArray[np.float64]) -> float:
    """Takes the last time that the clean run's loss was equal."""
    trace, loss = held[:2]
    traces, losses = np.split(held[2:], 2)
    across = np.flatnonzero((losses[:-1] - loss) * (losses[1:] - loss) <= 0)
    if not len(across):
        return float("nan")
    before = int(across[-1])
    step = losses[before + 1] - losses[before]
    way = (loss - losses[before]) / step if step else 1.0
    return float(trace - traces[before] - way * (traces[before + 1] - traces[before]))


def _difference(held: NDArray[np.float64]) -> float:
    return float(held[0] - held[1])


FIGURE = Figure(
    name="iclr2019/fisher_deficit",
    title="Information in the weights under a deficit",
    question="Does a network that began under a deficit end with more information in its weights, and why?",
    parameters=Removals,
    design=design,
    deviations=(
        "The trace of the Fisher information is a Monte Carlo estimate; the paper's is variational.",
        "Fresh networks, the restarted rate, and the trace at equal loss, per uncertainty and in relative weights are "
        "ours.",
    ),
)  # fmt: skip
