"""Is anything left that training does not repair? The gap against the length of the recovery."""

from critical.deficits import LabelPermutation
from critical.inference.claims import Claim
from critical.inference.exponents import exponent_difference, pooled_exponent
from critical.plots.panel import Look, role
from critical.plots.panels import Dots, Series
from critical.plots.style import OTHER_COLOURS
from experiments.design.figure import Design, Figure
from experiments.design.lines import over
from experiments.design.parameters import Ladder
from experiments.design.protocol import RESTART, RESTART_AT_ONSET, Protocol, age, cost, harm, opportunity
from experiments.design.sources import ICLR2019, JUMP, LADDER2026, OURS


def design(protocol: Protocol, parameters: Ladder) -> Design:
    """Sets three windows, each followed by a ladder of recoveries in which the rate falls equally far."""
    length, late, budgets = parameters.length, parameters.late_onset, parameters.budgets
    permuted = LabelPermutation(classes=protocol.facts.classes)
    early, old, labels = (
        {budget: protocol.window(onset, length, how, budget, deficit=deficit) for budget in budgets}
        for onset, how, deficit in ((0, RESTART, None), (late, RESTART_AT_ONSET, None), (0, RESTART, permuted))
    )
    name, shortest, longest = protocol.deficit.name, budgets[0], budgets[-1]
    looks = {
        "early": role("deficit", f"early {name}"),
        "late": Look(f"late {name}", OTHER_COLOURS[0], ":", "s"),
        "labels": Look("early permuted\nlabels", OTHER_COLOURS[2], "--", "D"),
        "lag": role("fresh", "fresh network"),
    }
    gaps = {"early": over(early, cost), "late": over(old, cost), "labels": over(labels, cost),
            "lag": over(early, opportunity)}  # fmt: skip
    after = f"{longest} clean epochs"
    claims = (
        Claim("permanence.cost_left", ICLR2019, cost(early[longest]), "greater",
              f"After {length} early epochs of {name} a gap to the dose-matched network is left after {after}.",
              short="early deficit leaves a gap"),
        Claim("permanence.harm_left", ICLR2019, harm(early[longest]), "greater",
              f"After {length} early epochs of {name} the network stays below a fresh one after {after}.",
              short="early deficit stays below fresh"),
        Claim("permanence.control_left", ICLR2019, cost(labels[longest]), "not greater",
              f"Permuted labels for {length} epochs leave no gap after {after}.", short="permuted labels leave no gap"),
        Claim("permanence.early_more_than_late", OURS, age(early[longest], old[longest]), "greater",
              f"Of early {name} more is left after {after} than of late {name} at the same rates.", differs=JUMP,
              short="early leaves more than late"),
        Claim("permanence.more_than_labels", OURS, cost(early[longest]) - cost(labels[longest]), "greater",
              f"Of early {name} more is left after {after} than of permuted labels.",
              short="leaves more than permuted labels"),
        # A gap that closes is there at first; at the last rung the paper has none left of late deficits and of labels.
        Claim("permanence.late_gap", OURS, cost(old[shortest]), "greater",
              f"After {length} late epochs of {name} there is a gap to the dose-matched network after {shortest} clean "
              "epochs, which training may close.", short="late deficit has a gap to close"),
        Claim("permanence.labels_gap", OURS, cost(labels[shortest]), "greater",
              f"After {length} epochs of permuted labels there is a gap after {shortest} clean epochs, which training "
              "may close.", short="permuted labels have gap to close"),
        Claim("permanence.early_slower_than_late", ICLR2019, exponent_difference(gaps["early"], gaps["late"]), "less",
              "The gap after an early deficit closes more slowly than after a late one: its exponent α in "
              "gap = c / T^α is smaller.", requires=("permanence.cost_left", "permanence.late_gap"), differs=JUMP,
              short="early gap closes more slowly"),
        Claim("permanence.early_like_control", LADDER2026, exponent_difference(gaps["early"], gaps["labels"]), "none",
              "The gap after an early deficit closes at the rate of that after a control deficit of the labels: their "
              "exponents do not differ.", requires=("permanence.cost_left", "permanence.labels_gap"),
              short="gap closes like permuted labels'"),
    )  # fmt: skip
    accuracy = Series(
        title="accuracy after the recovery", xlabel="clean epochs in the recovery", ylabel="final test accuracy (%)",
        logarithmic=True, names="start",
        lines=[
            (looks["lag"], over(early, lambda held: held.fresh)),
            (role("dose_matched", "clean instead\nof early"), over(early, lambda held: held.dose_matched)),
            (role("dose_matched", "clean instead\nof late", ":", "s"), over(old, lambda held: held.dose_matched)),
            *((looks[key], over(held, lambda held: held.deficit))
              for key, held in (("early", early), ("late", old), ("labels", labels))),
        ],
    )  # fmt: skip
    missing = Series(
        title="the gap that training closes", xlabel="clean epochs in the recovery", logarithmic=True,
        names="start", ylabel="below clean epochs instead (points)", unit="accuracy",
        lines=[(looks[key], gap) for key, gap in gaps.items()],
    )  # fmt: skip
    alphas = Dots(
        title="how fast it closes", xlabel="exponent α of gap = c / epochsᵅ",
        rows=[(looks[key], pooled_exponent(gap)) for key, gap in gaps.items()],
        note="Exponents are fitted to the mean gaps over seeds; their dots are jackknife pseudo-values.",
    )  # fmt: skip
    left = Dots(
        title=f"what is left after {longest} epochs", xlabel="below clean epochs instead (points)",
        rows=[(looks[key], gap[longest]) for key, gap in gaps.items()], unit="accuracy",
    )  # fmt: skip
    return Design(panels=[[accuracy, missing], [left, alphas]], claims=claims)


FIGURE = Figure(
    name="controls/permanence",
    title="What longer training repairs",
    question="Is anything left that longer training does not repair? A gap that training repairs falls towards 0.",
    parameters=Ladder,
    design=design,
    deviations=("The papers show no recovery of varied length for every window; this control is ours.",),
)
