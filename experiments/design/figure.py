"""What a figure is: its arms, panels and claims, said once.

A figure's module defines `FIGURE = Figure(...)`; `experiments.design.registry` lists the modules. What runs follows
from the panels and claims; the pipeline (`experiments.output.pipeline`) does the rest, the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from critical.core.spec import SpecError, closest
from critical.inference.arms import Arm
from critical.inference.claims import OURS, Claim
from critical.plots import style
from critical.plots.panel import Panel
from experiments.design.parameters import Parameters
from experiments.design.protocol import Protocol


@dataclass(frozen=True)
class Design:
    """What a figure shows and claims, under one protocol.

    Attributes:
        panels: The panels, row by row; None leaves a place empty.
        claims: What the table is put to; the papers' own first.
        arms: Arms that stand in the table first, in this order: those that no panel and no claim names, and others
            where a committed table has them so.
        columns: Beginnings of the columns with a slash in their names that the table keeps, such as `rsv_histogram/`.
        at: Column → epochs after which the table of runs has its value too, as `column@epoch`; see `shares` in
            `experiments.output.tables` for columns that follow from others.
        siblings: Arms whose last weights are set against another arm's: `barrier` is a column of theirs; see
            `critical.execution.pairs`.
        panel_inches: Width and height of a panel; several heights: those of the rows.
        table: For figures that compute their table instead of training: a function that returns it, for all seeds. Its
            rows have `arm_id`, `seed` and `failure` like those of runs; see `experiments.design.computed`.
        epochs: The same for the table of curves, with `epoch`: whatever stands on the horizontal axis.
        note: What the caption says besides what follows from the panels.
        seeds: Other seeds than the protocol's: those that choose a setting.
        leading: Ids of the claims that the headline speaks of; when left out, the first of the papers' and the first of
            ours.
    """

    panels: Sequence[Sequence[Panel | None]]
    claims: Sequence[Claim] = ()
    arms: Sequence[Arm] = ()
    columns: tuple[str, ...] = ()
    at: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    siblings: Mapping[Arm, Arm] = field(default_factory=dict)
    panel_inches: tuple[float, float | Sequence[float]] = style.PANEL_INCHES
    table: Callable[[], pd.DataFrame] | None = None
    epochs: Callable[[], pd.DataFrame] | None = None
    note: str = ""
    seeds: tuple[int, ...] | None = None
    leading: tuple[str, ...] = ()

    @property
    def shown(self) -> list[Panel]:
        """The panels without empty places."""
        return [panel for row in self.panels for panel in row if panel is not None]

    @property
    def trained(self) -> tuple[Arm, ...]:
        """All arms: those that are named, shown or claimed about, each once."""
        found = [*self.arms]
        for panel in self.shown:
            found += panel.arms
        for claim in self.claims:
            found += claim.arms
        for arm, sibling in self.siblings.items():
            found += [arm, sibling]
        return tuple(dict.fromkeys(found))

    @property
    def lead(self) -> Claim | None:
        """The claim that the headline speaks of first; None where nothing is claimed."""
        by_id = {claim.id: claim for claim in self.claims}
        if self.leading:
            return by_id[self.leading[0]]
        return next((claim for claim in self.claims if claim.source != OURS), next(iter(self.claims), None))

    @property
    def curves(self) -> frozenset[Arm]:
        """The arms of which every epoch is shown."""
        return frozenset(arm for panel in self.shown for arm in panel.curve_arms)


@dataclass(frozen=True)
class Figure:
    """A figure of a paper, or a control of ours.

    Attributes:
        name: `paper/figure`, as on the command line.
        title: One line for the report.
        question: What is asked, in a sentence.
        parameters: What a profile may choose.
        design: From protocol and parameters to what is shown and claimed.
        deviations: What differs from the paper.
        family: The settings of a profile that it is trained under: `vision` (one view), or the key of others, such as
            `two_streams`.
    """

    name: str
    title: str
    question: str
    parameters: type[Parameters]
    design: Callable[[Protocol, Any], Design]
    deviations: tuple[str, ...] = ()
    family: str = "vision"


def check(design: Design, name: str) -> None:
    """Refuses a design whose arms or claims a reader could not tell apart.

    Raises:
        SpecError: Two different arms have one label, two claims one short name, or the headline is to speak of a claim
            that is none of the figure's.
    """
    labels: dict[str, Arm] = {}
    for arm in design.trained:
        before = labels.setdefault(str(arm), arm)
        if before != arm:
            raise SpecError(f"figure {name}: two different arms are called '{arm}'; give one of them a tag more")
    named: dict[str, str] = {}
    for claim in design.claims:
        first = named.setdefault(claim.short, claim.id)
        if first != claim.id:
            raise SpecError(f"figure {name}: the claims '{first}' and '{claim.id}' are both called '{claim.short}'; "
                            "give one of them another name, short=…")  # fmt: skip
    ids = [claim.id for claim in design.claims]
    for wanted in design.leading:
        if wanted not in ids:
            raise SpecError(f"figure {name}: leading names '{wanted}', which is no claim of it; {closest(wanted, ids)}")
