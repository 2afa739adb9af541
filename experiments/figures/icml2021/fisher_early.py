"""Early trace of the Fisher information and final accuracy over learning rates (Jastrzębski et al. 2021)."""

from collections.abc import Sequence

from critical.inference.claims import Claim
from critical.plots.panel import Look, role, shades
from critical.plots.panels import Curves, Dots, Series, contrasts
from critical.plots.style import OTHER_COLOURS
from experiments.design.early_rates import MEAN_TRACE, EarlyRates, of_mean, of_moment, penalty_claims, rate_arms
from experiments.design.figure import Design, Figure
from experiments.design.protocol import Protocol


def design(protocol: Protocol, parameters: EarlyRates) -> Design:
    """Sets learning rates without and with the penalty, and early rates before one and the same recovery."""
    arms, early, factors = rate_arms(protocol, parameters), parameters.early, parameters.factors
    own, held, same = arms.own, arms.penalised, arms.same_recovery
    by_mean, by_moment = of_mean(arms, early), of_moment(arms, early)
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
             traced(f"mean of the first {early} epochs", MEAN_TRACE)],
            [Curves(title="by epoch, no penalty", column="fisher_trace", logarithmic=True,
                    ylabel="trace of the Fisher information", lines=list(curves)),
             traced(f"after {early} epochs", f"fisher_trace@{early}")],
            [correlations(by_mean, f"mean of {early}, over rates"), correlations(by_moment, f"at {early}, over rates")],
        ],
        claims=[*by_mean, *by_moment, *penalty_claims(arms)],
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
