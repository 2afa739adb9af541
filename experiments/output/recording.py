"""From a design and its tables to the record: words, numbers and verdicts, nothing that is not said by them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd

from critical.execution.plan import plan
from critical.inference.statistics import mean_interval
from critical.inference.verdicts import to_records, verdicts
from experiments.design.facts import DataFacts
from experiments.design.figure import Design, Figure
from experiments.design.protocol import DEFICIT, Protocol
from experiments.output import tables
from experiments.output.records import FigureRecord
from experiments.output.report_text import common_and_own
from experiments.output.tables import Tables
from experiments.output.timelines import timelines

COMPUTED = DataFacts("exact computation", 1)
"""What stands for the data of figures that compute their table."""


def recorded(
    figure: Figure, design: Design, protocol: Protocol, collected: Tables, planned: Sequence[int], **rest: Any
) -> FigureRecord:
    """Returns the record of a figure.

    Args:
        figure: The figure.
        design: What it shows and claims.
        protocol: How its arms were trained.
        collected: Its tables, as the files hold them.
        planned: The seeds that it is planned with.
        **rest: What tables do not hold: `profile`, `settings`, `command`, `table`, `made_by`, `wall_seconds`,
            `created`, `samples`.
    """
    seeds = sorted(int(seed) for seed in collected.runs["seed"].unique())
    shown = plan(item.spec for item in tables.planned(design, seeds))
    facts = protocol.facts if design.table is None else COMPUTED
    return FigureRecord(
        figure=figure.name,
        title=figure.title,
        caption=caption(figure, design, collected, protocol),
        alt=" ".join(panel.sentence() for panel in design.shown),
        data=facts.label,
        schedule=schedule_text(protocol, design) if design.table is None else "nothing is trained",
        seeds=seeds,
        runs=len(shown.runs),
        epochs_needed=shown.epochs_needed,
        epochs_separate=shown.epochs_separate,
        cpu_seconds=sum(who["cpu_seconds"] for who in rest["made_by"]),
        failures=failure_lines(collected.runs),
        verdicts=to_records(verdicts(collected.runs, design.claims, planned)) if design.claims else [],
        deviations=list(figure.deviations),
        arms=learnt(collected.runs),
        data_facts={"label": facts.label, "classes": facts.classes},
        timelines=timelines(design),
        leading=list(design.leading),
        **rest,
    )


def schedule_text(protocol: Protocol, design: Design) -> str:
    """Says how the learning rate goes: as in the protocol, where an arm has it so, or else as in the arms there are."""
    courses = [[epoch.rate for epoch in arm.run.epoch_specs] for arm in design.trained if arm.run is not None]
    reset = "emptied" if protocol.reset_optimizer else "kept"
    rest = (f"{protocol.recovery} clean epochs in a standard recovery; the optimiser's state is {reset} at the "
            "removal")  # fmt: skip
    return f"{said}, {rest}" if (said := rate_text(courses, (protocol.rate, protocol.decay))) else rest


def rate_text(courses: Iterable[Sequence[float]], standard: tuple[float, float]) -> str:
    """Says how rates go by epoch.

    Args:
        courses: The rates of each arm by epoch.
        standard: The rate that is expected, and its factor per epoch.

    Returns:
        "rate 0.06·0.8^epoch" of what is expected, where an arm goes so, or else of the highest rate that falls; "a
        constant rate of 0.02"; empty where arms differ more.
    """
    each = [[(float(f"{rate:.6g}"), float(f"{after / rate:.6g}")) for rate, after in pairwise(course)]
            for course in courses]  # fmt: skip
    steps = {step for course in each for step in course}
    if standard in steps:
        return f"rate {standard[0]:g}·{standard[1]:g}^epoch"
    if len(steps) == 1 and (only := min(steps))[1] == 1:
        return f"a constant rate of {only[0]:g}"
    # One step down is no decay, unless there are no more.
    falling = {step for course in each for step, following in zip(course, course[1:] or course, strict=False)
               if step[1] < 1 and following[1] == step[1]}  # fmt: skip
    first = [step for step in falling if step[0] == max(rate for rate, _ in falling)]
    return f"rate {first[0][0]:g}·{first[0][1]:g}^epoch" if len(first) == 1 else ""


def caption(figure: Figure, design: Design, collected: Tables, protocol: Protocol) -> str:
    """Says what is asked and seen, n, data and schedule, and how well the deficits were learnt."""
    count = collected.runs["seed"].nunique()
    said = [figure.question, *(panel.sentence() for panel in design.shown), design.note]
    said.append(f"n = {count} seeds, each a dot, means with 95 % intervals (Student's t).")
    if design.table is None:
        said.append(f"Data: {protocol.facts.label}. Schedule: {schedule_text(protocol, design)}.")
    else:
        said.append("Nothing is trained: the table is computed.")
    known = [arm for arm in learnt(collected.runs) if arm["learnt"] is not None]
    if known:
        common, own = common_and_own([arm["label"] for arm in known])
        listed = "; ".join(f"{label}: {arm['learnt']:.0f} %" for label, arm in zip(own, known, strict=True))
        what = "accuracy on deficient test images" + f"; all of them: {common}" * bool(common)
        said.append(f"How well the deficits themselves were learnt ({what}): {listed}.")
    return " ".join(filter(None, said))


def learnt(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """Returns for each arm its label, role and mean accuracy on deficient images at the removal (None: unknown)."""
    found = []
    for _, rows in runs.groupby("arm_id", sort=False) if "role" in runs else ():
        known = rows.loc[rows["role"] == DEFICIT, "accuracy_deficient"].dropna()
        value = mean_interval(known).mean if len(known) else None
        found.append({"label": rows["label"].iloc[0], "role": rows["role"].iloc[0], "learnt": value})
    return found


def failure_lines(table: pd.DataFrame) -> list[str]:
    """Returns a line for each failed run."""
    failed = table[table["failure"] != ""]
    return [f"{row.label}, seed {row.seed}: {row.failure}" for row in failed.itertuples()]
