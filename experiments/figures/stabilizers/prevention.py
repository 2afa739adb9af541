"""What is said to prevent a critical period: does it, and does it do more than slow the trunk?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from critical.core.spec import SpecError
from critical.inference.claims import Arm, Claim, Statistic
from critical.inference.statistics import mean_interval, paired_differences
from critical.plots import style as plotting
from critical.probes import Decoding
from critical.stabilizers import ModalityDropout
from critical.training.schedules import Restart
from experiments.design.contrasts import CONTROL, cost, dose_matched, fresh, window
from experiments.design.figure import Figure
from experiments.design.protocol import DEFICIT, DOSE_MATCHED, FRESH, PlannedRun, Protocol, Tables
from experiments.design.two_views import MEASURED, POOR, lost, sham
from experiments.figures.stabilizers.methods import CONTROL_METHOD, NONE, check, overhead, windows

SOURCES = {
    "fisher_penalty": "Jastrzębski et al. 2021",
    "cross_sensor_reconstruction": "Kleinman et al. 2023",
    "modality_dropout": "Neverova et al. 2015",
    "shrink_and_perturb": "Ash and Adams 2020",
    "l2_init": "Kumar et al. 2023",
    "weight_decay": "Golatkar et al. 2019",
    "augmentation": "Golatkar et al. 2019",
    CONTROL_METHOD: CONTROL,
}
DECODING = f"decoding_{POOR}"
ALONE = f"decoding_absent_{POOR}"
DECIDED = ("reproduced", "reversed", "not reproduced")


@dataclass(frozen=True)
class Numbers:
    """What a profile chooses.

    Attributes:
        removal: Epoch at which the deficit, on from epoch 0, is removed.
        methods: Names of the methods; the last is the control `slow_trunk`.
        strengths: A strength for each, as `stabilizers/strength` chose it.
    """

    removal: int
    methods: tuple[str, ...]
    strengths: tuple[float, ...]

    def __post_init__(self) -> None:
        check(self.methods)
        if self.removal < 1:
            raise SpecError(f"removal={self.removal}: at least one epoch")
        if len(self.strengths) != len(self.methods):
            raise SpecError(f"strengths: {len(self.methods)} methods want as many strengths")
        if self.methods[-1] != CONTROL_METHOD:
            raise SpecError(f"methods={list(self.methods)}: the last has to be the control, {CONTROL_METHOD}")


def runs(protocol: Protocol, numbers: Numbers) -> list[PlannedRun]:
    """Lists fresh networks, and for no method and each method the deficit and the dose-matched one."""
    planned = []
    for seed in protocol.seeds:
        planned.append(protocol.arm(seed, FRESH).also(stabilizer=NONE))
        for method, strength in ((NONE, 0.0), *zip(numbers.methods, numbers.strengths, strict=True)):
            acting = windows(method, strength, numbers.removal)
            for kind in (DEFICIT, DOSE_MATCHED):
                arm = protocol.arm(
                    seed, kind, 0, numbers.removal, stabilizers=acting, sham=sham(protocol.deficit)
                )
                planned.append((_seen_alone(arm) if method == ModalityDropout.name else arm).also(stabilizer=method))
    return [item.also(*MEASURED) for item in planned]


def _seen_alone(item: PlannedRun) -> PlannedRun:
    """Has each view decoded with the other one absent as well: telling only where training had absent views.

    Here it had them until the removal; the clean epochs that follow forget some of it.
    """
    probes = tuple(replace(probe, absent=True) if isinstance(probe, Decoding) else probe for probe in item.spec.probes)
    return replace(item, spec=replace(item.spec, probes=probes))


def prices(protocol: Protocol, numbers: Numbers) -> pd.DataFrame:
    """Measures what each method costs an epoch."""
    return overhead(protocol, numbers.methods, numbers.strengths, numbers.removal)


def _arm(protocol: Protocol, numbers: Numbers, method: str) -> Arm:
    deficit = window(0, numbers.removal, protocol.recovery, Restart.name, protocol.deficit.name)
    return deficit.but(stabilizer=method)


def _references(deficit: Arm) -> tuple[Arm, Arm]:
    """Returns the fresh network (which no method ever acts on) and the dose-matched one with the same method."""
    return fresh(deficit).but(stabilizer=NONE), dose_matched(deficit)


def draw(tables: Tables, protocol: Protocol, numbers: Numbers) -> Drawing:
    """Draws a row a method and a column a measure: mean over seeds with its interval, every seed a dot."""
    table = tables.runs
    shown = (NONE, *numbers.methods)
    made, axes = plotting.figure(2, 3, panel=(3.1, 0.5 + 0.32 * len(shown)), sharey=True)
    panels: list[tuple[str, str]] = [
        ("harm", "harm: fresh − deficit (points)"),
        ("cost", "cost: dose-matched − deficit (points)"),
        (DECODING, f"decoded from view {POOR} alone (%)"),
        ("rsv_mean", "mean RSV (+1: only view a)"),
        ("clean", "clean accuracy, dose-matched (%)"),
        ("ratio", "process time of an epoch (ratio to none)"),
    ]
    for axis, (measure, words) in zip(axes.ravel(), panels, strict=True):
        for row, method in enumerate(shown):
            colour = plotting.arm_colour("clean") if method in (NONE, CONTROL_METHOD) else plotting.OTHER_COLOURS[4]
            if measure == "ratio":
                found = tables.prices.loc[tables.prices["stabilizer"] == method, "ratio"]
                axis.plot(found, [row] * len(found), "o", color=colour)
                continue
            arm = _arm(protocol, numbers, method)
            _dots(axis, _values(table, arm, measure), row, colour)
            if measure == DECODING and ALONE in table:
                _dots(axis, _values(table, arm, ALONE), row, colour, hollow=True)
        if measure != "ratio":
            without = _values(table, _arm(protocol, numbers, NONE), measure).mean()
            axis.axvline(without, color=plotting.arm_colour("clean"), linewidth=0.8, linestyle=":")
        if measure in ("harm", "cost"):
            axis.axvline(0, color="#9A9A9A", linewidth=0.8)
        axis.set_xlabel(words)
        axis.set_yticks(range(len(shown)), [_words(method) for method in shown])
        axis.set_ylim(len(shown) - 0.5, -0.5)
    plotting.failures(axes[1, 0], table, by=("arm", "stabilizer", "seed"))
    return made


def _words(method: str) -> str:
    return {NONE: "no method", CONTROL_METHOD: "slow trunk (control)"}.get(method, method.replace("_", " "))


def _values(table: pd.DataFrame, deficit: Arm, measure: str) -> pd.Series:
    """Returns one value per seed."""
    start, clean = _references(deficit)
    if measure in ("harm", "cost"):
        return paired_differences(table, start if measure == "harm" else clean, deficit).dropna()
    column = "accuracy" if measure == "clean" else measure
    chosen = table[[all(row[key] == value for key, value in (clean if measure == "clean" else deficit).items())
                    for _, row in table.iterrows()]]  # fmt: skip
    return chosen.set_index("seed")[column].dropna()


def _dots(axis: Axes, values: pd.Series, row: int, colour: str, hollow: bool = False) -> None:
    if values.empty:
        return
    interval = mean_interval(values)
    if hollow:
        axis.plot([interval.low, interval.high], [row - 0.25] * 2, color=colour, linewidth=0.8)
        axis.plot([interval.mean], [row - 0.25], "o", color=colour, markerfacecolor="white", markersize=4)
        return
    axis.plot(values, [row + 0.22] * len(values), ".", color=colour, alpha=0.35, markersize=3)
    axis.plot([interval.low, interval.high], [row, row], color=colour, linewidth=1.2)
    axis.plot([interval.mean], [row], "o", color=colour)


def claims(protocol: Protocol, numbers: Numbers) -> Sequence[Claim]:
    """Lists what the tables are put to: the premise, and for each method three questions."""
    without = _arm(protocol, numbers, NONE)
    slow = _arm(protocol, numbers, CONTROL_METHOD)
    name = protocol.deficit.name.replace("_", " ")
    found = [
        cost(
            "prevention.cost", CONTROL,
            f"Without any method, {name} of view {POOR} until epoch {numbers.removal} costs accuracy (rate restarted).",
            without,
        ),
        lost(
            "prevention.blind", CONTROL,
            f"Without any method, less can be decoded from view {POOR} afterwards.", without, DECODING,
        ),
    ]  # fmt: skip
    for method in numbers.methods:
        acting, words = _arm(protocol, numbers, method), _words(method)
        found += [
            Claim(
                f"prevention.{method}_cost", SOURCES[method], f"{words}: the deficit costs less accuracy than without.",
                "greater", statistic=_cost_saved(without, acting),
                uses=(without, acting, dose_matched(without), dose_matched(acting)), control=dose_matched(without),
            ),
            Claim(
                f"prevention.{method}_sight", SOURCES[method],
                f"{words}: more can be decoded from view {POOR} after the deficit than without.",
                "greater", acting, without, column=DECODING, control=without,
            ),
        ]  # fmt: skip
        if method != CONTROL_METHOD:
            found.append(Claim(
                f"prevention.{method}_beyond_slowing", CONTROL,
                f"{words}: more can be decoded from view {POOR} than by lowering the trunk's learning rate alone.",
                "greater", acting, slow, column=DECODING, control=slow,
            ))  # fmt: skip
    return tuple(found)


def _cost_saved(without: Arm, acting: Arm) -> Statistic:
    def saved(table: pd.DataFrame) -> pd.Series:
        costs = [paired_differences(table, dose_matched(arm), arm) for arm in (without, acting)]
        return costs[0] - costs[1]

    return saved


def caption(tables: Tables, protocol: Protocol, numbers: Numbers) -> str:
    """Says what is seen, and which strengths were used."""
    used = ", ".join(
        f"{_words(method)} {strength:g}"
        for method, strength in zip(numbers.methods, numbers.strengths, strict=True)
    )
    return (
        f"Against a deficit of view {POOR} in [0, {numbers.removal}), each method acts in the same window (shrink and "
        f"perturb once, at the removal); {protocol.recovery} clean epochs at a restarted rate follow. Means over seeds "
        "with 95 % intervals, differences paired within seed; dotted: no method. The dose-matched network has the "
        "method too. Slow trunk is the control that does nothing but lower the learning rate behind the fusion. "
        f"Strengths: {used}; stabilizers/strength shows how they are chosen, by clean accuracy on held-out images of "
        "calibration seeds; where that is a strength that hardly acts, so does the control. Hollow, for modality "
        "dropout: view a absent instead of another example's, as in training until the removal. The last panel was "
        f"measured in one run ({', '.join(tables.prices['machine'].unique())})."
    )


def summary(judged: pd.DataFrame, numbers: Numbers) -> str:
    """Says which methods are decided, on what, and which are not."""
    outcomes = {str(row["claim_id"]): str(row["verdict"]) for row in judged.to_dict("records")}
    questions = {"cost": "less cost", "sight": "more from the poor view", "beyond_slowing": "more than slowing"}
    decided, open_ = [], []
    for method in numbers.methods:
        found = {words: outcomes.get(f"prevention.{method}_{key}", "") for key, words in questions.items()}
        settled = [f"{words} {found[words]}" for words in found if found[words] in DECIDED]
        if settled:
            decided.append(f"{_words(method)} ({', '.join(settled)})")
        if len(settled) < sum(bool(outcome) for outcome in found.values()):
            left = [words for words in found if found[words] and found[words] not in DECIDED]
            open_.append(f"{_words(method)} ({', '.join(left)})")
    return f"Decided: {'; '.join(decided) or 'nothing'}. Not decided: {'; '.join(open_) or 'nothing'}."


FIGURE = Figure(
    name="stabilizers/prevention",
    title="What is said to prevent a critical period",
    numbers=Numbers,
    runs=runs,
    draw=draw,
    claims=claims,
    caption=caption,
    alt="Six dot plots with a row for each method: harm, cost, decoding of the poor view, relative source variance, "
    "clean accuracy and the time of an epoch.",
    deviations=(
        "Cross-sensor reconstruction is an auxiliary loss here; the paper trains a masked auto-encoder first.",
        "Every method acts in the window of the deficit only.",
    ),
    family="two_streams",
    prices=prices,
    summary=summary,
)
