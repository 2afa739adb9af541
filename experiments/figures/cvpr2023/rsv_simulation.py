"""Relative source variance of simulated units that mix two views, beside its closed form (figure 3, appendix A.1)."""

from critical.inference.arms import Contrast
from critical.inference.claims import Claim
from critical.measures.information import BINS
from critical.plots.panel import role
from critical.plots.views import Preferences
from experiments.design.figure import Design, Figure
from experiments.design.mixtures import ARMS, EXACT, LAWS, SIMULATED, Mixtures, computed
from experiments.design.protocol import Protocol
from experiments.design.sources import CVPR2023, OURS

TITLES = {"one half": "all units prefer view a", "apart": "half prefer each view",
          "alike": "units weigh both alike", "between": "half prefer each a little"}  # fmt: skip


def design(protocol: Protocol, parameters: Mixtures) -> Design:
    """Sets units with weights of several laws against each other, and each against its closed form."""
    held = {name: ARMS[name, SIMULATED] for name in LAWS}

    def panel(name: str) -> Preferences:
        alpha, beta, _ = LAWS[name]
        return Preferences(
            title=f"{TITLES[name]}: Beta({alpha:g}, {beta:g})", xlabel="which view moves a unit",
            ylabel="share of units", prefix="rsv_histogram/", bins=BINS,
            names="middle" if name == "apart" else "left",
            lines=[(role("deficit", SIMULATED), held[name]), (role("clean", EXACT), ARMS[name, EXACT])],
        )  # fmt: skip

    def more(first: str, second: str, column: str = "rsv_polarised") -> Contrast:
        return held[first][column] - held[second][column]

    claims = [
        Claim("simulation.one_sided", CVPR2023, more("one half", "alike", "rsv_mean"), "greater",
              "Where all units have most of their weight on view a, mean RSV is higher than where weights are alike.",
              short="weights on one view: one-sided"),
        Claim("simulation.polarised", CVPR2023, more("apart", "alike"), "greater",
              "Where half of the units have most of their weight on each view, more of them listen to one view alone "
              "(|RSV| > 0.5) than where weights are alike; whether to the same view, that does not tell.",
              short="weights apart: more hear one view"),
        Claim("simulation.between", CVPR2023, more("between", "alike"), "greater",
              "Where the weights of both halves lie a little apart, more have |RSV| > 0.5 than where they are alike.",
              short="weights a little apart: more"),
        Claim("simulation.further", CVPR2023, more("apart", "between"), "greater",
              "The further the weights of both halves lie apart, the more units have |RSV| > 0.5.",
              short="the further apart, the more"),
        Claim("simulation.mean_hides", OURS, more("apart", "alike", "rsv_mean"), "none",
              "The mean RSV does not tell units that prefer a view each from units that weigh both alike: the halves "
              "cancel.", requires=("simulation.polarised",), short="the mean hides it: halves cancel"),
        *(Claim(f"simulation.exact_{number}", OURS, Contrast({held[name]["rsv_distance"]: 1.0}), "not greater",
                f"The suite's measure of simulated units agrees with the closed form ({TITLES[name]}): their "
                "histograms differ in less than a tenth of the units.", short=f"{name}: agrees with closed form")
          for number, name in enumerate(LAWS, 1)),
    ]  # fmt: skip
    return Design(
        panels=[[panel("one half"), panel("apart")], [panel("alike"), panel("between")]],
        claims=claims,
        leading=("simulation.polarised", "simulation.one_sided"),
        arms=list(ARMS.values()),
        table=lambda: computed(parameters, protocol.seeds),
        panel_inches=(3.7, 2.4),
        note="Units are z = w·xa + (1 − w)·xb. A seed draws the weights of "
        f"{parameters.units:,} units; for half of them, which prefer view a, the weight of view b has the law in the "
        "title. Every value of a view meets every value of the other and both have one variance, so the part that the "
        "paper's views share has no influence and a unit's RSV is a function of its weight: what the laws are found to "
        "do follows from them by construction, and the suite's measure is what is tested.",
    )  # fmt: skip


FIGURE = Figure(
    name="cvpr2023/rsv_simulation",
    title="Relative source variance of simulated units",
    question="Does relative source variance tell units that prefer one view from units that mix both?",
    parameters=Mixtures,
    design=design,
    deviations=(
        "The sign is that of the paper's definition (+1: only view a matters).",
        "The paper's views share a part, xa = x0 + na and xb = x0 + nb. RSV holds one view and varies the other "
        "independently, so nothing here depends on it: that views are correlated is not tested.",
        "The authors' code for these panels multiplies by the variance of a unit where the formula of the conditional "
        "variance divides by it; here units go through the measure that networks do, and the closed form is derived.",
    ),
)
