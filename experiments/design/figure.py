"""What a figure is: a module that says what runs, how it is drawn and what is claimed.

A figure's module defines `FIGURE = Figure(...)`; `experiments.design.registry` lists the modules. The
pipeline (`experiments.output.pipeline`) does the rest, the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure as Drawing

from critical.inference.claims import Claim
from experiments.design.protocol import PlannedRun, Protocol, Tables


@dataclass(frozen=True)
class Figure:
    """A figure of a paper, or a control of ours.

    Attributes:
        name: `paper/figure`, as on the command line.
        title: One line for the report.
        numbers: A frozen dataclass of what a profile may choose (removal epochs, budgets, …).
        runs: From a protocol and the numbers to the runs.
        draw: From the tables, protocol and numbers to the picture.
        claims: From the protocol and numbers to the claims that the tables are put to.
        caption: From the tables, protocol and numbers to what the picture shows, in sentences; the
            pipeline adds n, data, schedule and how learnable the deficit was.
        alt: What somebody who cannot see the picture is told.
        deviations: What differs from the paper.
        family: The settings of a profile that it is trained under: `vision` (one view), or the key of
            others, such as `two_streams`.
        prices: Measures times once, for figures that show them; they stay out of the table, which the
            same runs give again byte for byte.
        calibration: Whether a setting is chosen here, on calibration seeds, and nothing is claimed. A table of exactly
            these runs is then good from any machine, and is drawn without training.
        summary: From the verdicts (a row a claim, see `critical.inference.verdicts`) and the numbers to sentences
            that end the caption, for figures with more claims than a reader keeps apart.
    """

    name: str
    title: str
    numbers: type[Any]
    runs: Callable[[Protocol, Any], Sequence[PlannedRun]]
    draw: Callable[[Tables, Protocol, Any], Drawing]
    claims: Callable[[Protocol, Any], Sequence[Claim]]
    caption: Callable[[Tables, Protocol, Any], str]
    alt: str
    deviations: tuple[str, ...]
    family: str = "vision"
    prices: Callable[[Protocol, Any], pd.DataFrame] | None = None
    calibration: bool = False
    summary: Callable[[pd.DataFrame, Any], str] | None = None
