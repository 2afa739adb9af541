"""Early trace of the Fisher information and final accuracy over learning rates (Jastrzębski et al. 2021)."""

from collections.abc import Sequence

from critical.inference.arms import Term
from critical.inference.claims import Claim
from critical.inference.correlation import more_correlated, rank_correlation
from critical.plots.panel import Look, role, shades
from critical.plots.panels import Curves, Dots, Series, contrasts
from critical.plots.style import OTHER_COLOURS
from experiments.design.early_rates import EarlyRates, rate_arms
from experiments.design.figure import Design, Figure
from experiments.design.protocol import Protocol
from experiments.design.sources import ICML2021, OURS


def design(protocol: Protocol, parameters: EarlyRates) -> Design:
    """Sets learning rates without and with the penalty, and early rates before one and the same recovery."""
    arms, early, factors = rate_arms(protocol, parameters), parameters.early, parameters.factors
    own, held, same = arms.own, arms.penalised, arms.same_recovery
    small, plain, less = factors[0], own[factors[0]], held[factors[0]]
    traces = [arm.log("fisher_trace_window") for arm in own.values()]
    accuracies, recovered = ([arm["accuracy"] for arm in line.values()] for line in (own, same))
    losses = [arm[f"train_loss@{early}"] for arm in own.values()]
    # Of the last training epoch: `deviations` says what that is.
    gaps = [arm["train_accuracy"] - arm["accuracy"] for arm in own.values()]

    def told(suffix: str, values: Sequence[Term], trace: str, brief: str, differs: str) -> list[Claim]:
        """Returns what a trace is claimed to tell: `values` by learning rate, and its names."""
        goes = (f"early.accuracy{suffix}",)
        return [
            Claim(f"early.small_rate{suffix}", ICML2021, values[0] - values[-1], "greater",
                  f"The {trace} is larger at {small:g} of the rate than at the whole rate.", differs=differs,
                  short=f"small rate, larger {brief}"),
            Claim(*goes, ICML2021, rank_correlation(accuracies, values), "less",
                  f"Over learning rates, a large {trace} goes with a low final accuracy (rank correlation).",
                  differs=differs, short=f"large {brief}, low accuracy"),
            Claim(f"early.gap{suffix}", ICML2021, rank_correlation(gaps, values), "greater",
                  f"A large {trace} goes with more accuracy on training images than on test images (rank correlation).",
                  differs=differs, short=f"large {brief}, worse on test"),
            Claim(f"early.same_recovery{suffix}", OURS, rank_correlation(recovered, values), "less",
                  f"A large {trace} goes with a low final accuracy where only the early rate differs, and all recover "
                  "at the same rates, too (rank correlation).", requires=goes, short=f"{brief}: after one recovery"),
            Claim(f"early.beyond_loss{suffix}", OURS, more_correlated(accuracies, values, losses), "greater",
                  f"The {trace} tells final accuracy better than the training loss of the last early epoch does.",
                  differs=differs, requires=goes, short=f"{brief} tells more than loss"),
            Claim(f"early.beyond_rate{suffix}", OURS, more_correlated(accuracies, values, factors), "greater",
                  f"The {trace} tells final accuracy better than the learning rate itself does.", requires=goes,
                  short=f"{brief} tells more than rate"),
        ]  # fmt: skip

    of_mean = told("", traces, "early trace", "early trace",
                   f"The early trace is the geometric mean of those after each of the first {early} epochs.")
    of_moment = told("_moment", [arm.log(f"fisher_trace@{early}") for arm in own.values()],
                     f"trace after {early} epochs", f"trace at {early}",
                     f"The paper takes a moment between epochs 2 and 7; here it is the end of {early}.")
    claims = [
        *of_mean,
        *of_moment,
        Claim("early.penalty_acts", OURS, traces[0] - less.log("fisher_trace_window"), "greater",
              f"The Fisher penalty lowers the early trace at {small:g} of the rate: there is something to try.",
              short="penalty lowers the early trace"),
        Claim("early.penalty_acts_whole", OURS, traces[-1] - held[1.0].log("fisher_trace_window"), "greater",
              "The Fisher penalty lowers the early trace at the whole rate, too.",
              short="penalty lowers it at whole rate"),
        Claim("early.penalty_small", ICML2021, less - plain, "greater",
              f"The Fisher penalty raises final accuracy at {small:g} of the rate.", requires=("early.penalty_acts",),
              short="penalty helps at the small rate"),
        Claim("early.penalty_whole", ICML2021, held[1.0] - own[1.0], "greater",
              "The Fisher penalty raises final accuracy at the whole rate, too.",
              requires=("early.penalty_acts_whole",), short="penalty helps at the whole rate"),
    ]  # fmt: skip
    looks = (role("clean", "no\npenalty"), Look("Fisher\npenalty", OTHER_COLOURS[4], "--", "s"),
             Look("early rate\nonly", OTHER_COLOURS[1], ":", "D"))  # fmt: skip
    share = "learning rate, as a share"
    curves = zip(shades([f"{factor:g}" for factor in factors]), own.values(), strict=True)

    def traced(title: str, column: str) -> Series:
        lines = [{factor: arm.log(column) for factor, arm in line.items()} for line in (own, held)]
        return Series(title=title, ylabel="logarithm of the Fisher trace", xlabel=share, logarithmic=True,
                      lines=list(zip(looks[:2], lines, strict=True)))  # fmt: skip

    def correlations(of: Sequence[Claim], title: str) -> Dots:
        return contrasts(of, "correlation", title=title, xlabel="rank correlation, or difference")

    return Design(
        panels=[
            [Series(title="where networks end", ylabel="final test accuracy (%)", xlabel=share, logarithmic=True,
                    lines=list(zip(looks, (own, held, same), strict=True))),
             traced(f"mean of the first {early} epochs", "fisher_trace_window")],
            [Curves(title="by epoch, no penalty", column="fisher_trace", logarithmic=True,
                    ylabel="trace of the Fisher information", lines=list(curves)),
             traced(f"after {early} epochs", f"fisher_trace@{early}")],
            [correlations(of_mean, f"mean of {early}, over rates"), correlations(of_moment, f"at {early}, over rates")],
        ],
        claims=claims,
        arms=[*same.values(), *own.values(), *held.values()],
        at={"train_loss": (early,), "fisher_trace": (early,)},
        leading=("early.accuracy", "early.accuracy_moment", "early.penalty_small"),
        note=f"The rate is constant for {early} epochs and decays in {protocol.recovery} more; shares are of "
        f"{protocol.rate:g}. The penalty, of weight {parameters.weight:g}, acts in all epochs.",
    )  # fmt: skip


FIGURE = Figure(
    name="icml2021/fisher_early",
    title="The early trace and final accuracy",
    question="Does a large early trace of the Fisher information go with low accuracy, and does lowering it help?",
    parameters=EarlyRates,
    design=design,
    deviations=(
        "The paper measures the trace at one moment between epochs 2 and 7, another one for each data set; here that "
        "is the end of the early epochs, and their geometric mean stands beside it. At a low rate the network has "
        "hardly begun to learn in the first of them, so that the two order the rates differently.",
        "Early and final epochs are parted by a schedule of ours: a constant rate, then a decay in all arms.",
        "Arms of one recovery, and the comparisons with the training loss and with the rate, are ours.",
        "Accuracy on training images is that of the last epoch as it trains: augmented images, batch statistics, "
        "weights that still move. So the gap to test accuracy is not one between images scored alike.",
        "The penalty's strength was chosen by clean networks of ours; the paper's were not to be verified.",
    ),
)
