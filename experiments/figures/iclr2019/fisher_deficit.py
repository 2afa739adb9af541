"""Trace of the Fisher information by epoch, for several epochs of removal (Achille et al. 2019)."""

from critical.inference.arms import Contrast, Term, Within
from critical.inference.claims import Claim
from critical.inference.courses import at_equal_loss
from critical.plots.panels import Series, contrasts
from experiments.design.figure import Design, Figure
from experiments.design.lines import curves_by_removal, of_arms
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
    traces, losses = ([clean.log(f"{column}@{epoch}") for epoch in points] for column in ("fisher_trace", LOSS))
    equal = at_equal_loss(late.deficit.log("fisher_trace"), late.deficit.log(LOSS), traces, losses)

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
        Claim("information.equal_loss", OURS, equal, "greater",
              "It is more than the clean run had when its loss on training images was as high.",
              requires=("information.more",), short="more at equal training loss"),
        # Their columns have different units, so this is no plain contrast.
        Claim("information.sure", OURS, Within((more(late), more(late, column="uncertainty")),
                                               lambda held: float(held[0] - held[1]), "trace"), "greater",
              "It is more than the uncertainty of the answers on training images, the mean of 1 − Σp², accounts for.",
              requires=("information.more",), short="more per uncertainty of answers"),
        Claim("information.relative", OURS, more(late, column="fisher_trace_relative"), "greater",
              "It is more where changes of weights are measured in units of the norm of their layer.",
              requires=("information.more",), short="more per relative change"),
    )  # fmt: skip

    def at_the_end(how: str, ylabel: str, column: str, logarithm: bool) -> Series:
        names = {"dose_matched": "clean epochs\ninstead", "fresh": "fresh", "deficit": f"{name} until\nthis epoch"}
        return Series(title=f"at the end, {'restarted' if how == RESTART else 'decaying'}", xlabel="epoch of removal",
                      ylabel=ylabel,
                      lines=of_arms(window[how], names, lambda arm: Term(arm, column, logarithm)))  # fmt: skip

    return Design(
        panels=[
            [curves_by_removal(held, held[last].dose_matched, name, title=SCHEDULE_TITLES[how], column="fisher_trace",
                               logarithmic=True, ylabel="trace of the Fisher information")
             for how, held in window.items()],
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
