"""Early trace of the Fisher information and final accuracy over learning rates (Jastrzębski et al. 2021)."""

from critical.inference.claims import Claim
from critical.inference.correlation import more_correlated, rank_correlation
from critical.plots.panel import Look, role, shades
from critical.plots.panels import Curves, Series, contrasts
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
    mean = f"The early trace is the geometric mean of those after each of the first {early} epochs."
    claims = (
        Claim("early.small_rate", ICML2021, traces[0] - traces[-1], "greater",
              f"The early trace is larger at {small:g} of the rate than at the whole rate.",
              differs=mean, short="small rate, larger early trace"),
        Claim("early.accuracy", ICML2021, rank_correlation(accuracies, traces), "less",
              "Over learning rates, a large early trace goes with a low final accuracy (rank correlation).",
              differs=mean, short="large early trace, low accuracy"),
        Claim("early.gap", ICML2021, rank_correlation(gaps, traces), "greater",
              "It goes with more accuracy on training images than on test images (rank correlation).",
              differs=mean, short="large early trace, worse on test"),
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
        Claim("early.same_recovery", OURS, rank_correlation(recovered, traces), "less",
              "So it does where only the early rate differs, and all recover at the same rates (rank correlation).",
              requires=("early.accuracy",), short="so it does after one recovery"),
        Claim("early.beyond_loss", OURS, more_correlated(accuracies, traces, losses), "greater",
              "The early trace tells final accuracy better than the training loss of the last early epoch does.",
              differs=mean, requires=("early.accuracy",), short="trace tells more than early loss"),
        Claim("early.beyond_rate", OURS, more_correlated(accuracies, traces, factors), "greater",
              "The early trace tells final accuracy better than the learning rate itself does.",
              requires=("early.accuracy",), short="trace tells more than the rate"),
    )  # fmt: skip
    looks = (role("clean", "no\npenalty"), Look("Fisher\npenalty", OTHER_COLOURS[4], "--", "s"),
             Look("early rate\nonly", OTHER_COLOURS[1], ":", "D"))  # fmt: skip
    share = "learning rate, as a share"
    curves = zip(shades([f"{factor:g}" for factor in factors]), own.values(), strict=True)
    early_traces = [{factor: arm.log("fisher_trace_window") for factor, arm in line.items()} for line in (own, held)]
    return Design(
        panels=[
            [Series(title="where networks end", ylabel="final test accuracy (%)", xlabel=share, logarithmic=True,
                    lines=list(zip(looks, (own, held, same), strict=True))),
             Series(title=f"trace in the first {early} epochs", ylabel="logarithm of the trace of Fisher", xlabel=share,
                    logarithmic=True, lines=list(zip(looks[:2], early_traces, strict=True)))],
            [Curves(title="by epoch, no penalty", column="fisher_trace", logarithmic=True,
                    ylabel="trace of the Fisher information", lines=list(curves)),
             contrasts(claims, "correlation", title="over learning rates", xlabel="rank correlation, or difference")],
        ],
        claims=claims,
        arms=[*same.values(), *own.values(), *held.values()],
        at={"train_loss": (early,)},
        leading=("early.accuracy", "early.penalty_small", "early.same_recovery"),
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
        "The early trace is the geometric mean over the early epochs. At a low rate the network has hardly begun to "
        "learn in the first of them, so that the trace after the last one by itself may order the rates otherwise.",
        "Early and final epochs are parted by a schedule of ours: a constant rate, then a decay in all arms.",
        "Arms of one recovery, and the comparisons with the training loss and with the rate, are ours.",
        "Accuracy on training images is that of the last epoch as it trains: augmented images, batch statistics, "
        "weights that still move. So the gap to test accuracy is not one between images scored alike.",
        "The penalty's strength was chosen by clean networks of ours; the paper's were not to be verified.",
    ),
)
