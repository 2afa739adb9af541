"""How strong may a method be? Clean accuracy on held-out training images against its strength."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
from matplotlib.figure import Figure as Drawing

from critical.core.spec import SpecError
from critical.inference.claims import FIRST_CALIBRATION_SEED, Claim
from critical.plots import style as plotting
from critical.training.schedules import Restart
from experiments.design.figure import Figure
from experiments.design.protocol import DOSE_MATCHED, PlannedRun, Protocol, Tables
from experiments.figures.stabilizers.methods import METHODS, NONE, check, windows


@dataclass(frozen=True)
class Numbers:
    """What a profile chooses.

    Attributes:
        removal: End of the window of the deficit against which the methods are meant; epochs.
        validation: Training images that are held out and scored.
        seeds: Calibration seeds, 1000 and up: they never serve a claim.
        methods: Names of the methods.
        grids: The strengths that are tried, a list a method.
    """

    removal: int
    validation: int
    seeds: tuple[int, ...]
    methods: tuple[str, ...]
    grids: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        check(self.methods)
        if self.removal < 1:
            raise SpecError(f"removal={self.removal}: at least one epoch")
        if not self.seeds or min(self.seeds) < FIRST_CALIBRATION_SEED:
            raise SpecError(f"seeds={list(self.seeds)}: settings are chosen on seeds from {FIRST_CALIBRATION_SEED} on")
        if len(self.grids) != len(self.methods) or not all(self.grids):
            raise SpecError(f"grids: {len(self.methods)} methods want as many lists of strengths, none empty")


def runs(protocol: Protocol, numbers: Numbers) -> list[PlannedRun]:
    """Lists clean runs with each method at each strength; no deficit, and no test image, is seen."""
    held_out = replace(
        protocol, parts=replace(protocol.parts, data=replace(protocol.parts.data, validation=numbers.validation))
    )
    tried = [(NONE, 0.0)]
    tried += [(method, value) for method, grid in zip(numbers.methods, numbers.grids, strict=True) for value in grid]
    return [
        held_out.arm(
            seed, DOSE_MATCHED, 0, numbers.removal, Restart.name,
            stabilizers=windows(method, strength, numbers.removal),
        ).also(stabilizer=method, strength=strength)
        for seed in numbers.seeds
        for method, strength in tried
    ]  # fmt: skip


def choice(table: pd.DataFrame) -> dict[str, float]:
    """Chooses the strength of each method: the best mean accuracy, the larger of equals.

    Args:
        table: The runs of this figure. A strength under which a run failed is not chosen, and a method
            of which every strength failed has none.
    """
    chosen = {}
    for method, rows in table[table["stabilizer"] != NONE].groupby("stabilizer"):
        means = rows.groupby("strength")["accuracy"].agg(lambda values: values.mean(skipna=False)).dropna()
        if len(means):
            chosen[str(method)] = max(zip(means.to_list(), means.index.to_list(), strict=True))[1]
    return chosen


def at_edge(best: dict[str, float], numbers: Numbers) -> list[str]:
    """Returns the methods whose choice is the least or the largest of its grid: a better one may lie beyond."""
    grids = dict(zip(numbers.methods, numbers.grids, strict=True))
    return [method for method in grids if best.get(method) in (min(grids[method]), max(grids[method]))]


def draw(tables: Tables, protocol: Protocol, numbers: Numbers) -> Drawing:
    """Draws a panel a method: validation accuracy against strength, with that of no method as a line."""
    made, axes = plotting.figure(math.ceil(len(numbers.methods) / 3), 3, sharey=True)
    table, best = tables.runs, choice(tables.runs)
    without = table[table["stabilizer"] == NONE]["accuracy"].mean()
    places = axes.ravel()
    for axis, method, grid in zip(places, numbers.methods, numbers.grids, strict=False):
        rows = table[table["stabilizer"] == method]
        rows = rows.assign(place=rows["strength"].map({value: place for place, value in enumerate(grid)}))
        finished = rows.dropna(subset=["accuracy"])
        axis.plot(finished["place"], finished["accuracy"], "o", color=plotting.OTHER_COLOURS[4], alpha=0.5,
                  label="a calibration seed")  # fmt: skip
        means = finished.groupby("place")["accuracy"].mean()
        axis.plot(means.index, means, color=plotting.OTHER_COLOURS[4], label="mean")
        axis.axhline(without, color=plotting.arm_colour("clean"), linestyle="--", linewidth=1, label="without a method")
        if method in best:
            axis.axvline(grid.index(best[method]), color=plotting.arm_colour("fresh"), linewidth=5, alpha=0.25,
                         label="chosen")  # fmt: skip
        axis.set_xticks(range(len(grid)), [f"{value:g}" for value in grid])
        axis.set_xlim(-0.5, len(grid) - 0.5)
        axis.set_title(method.replace("_", " "))
        axis.set_xlabel(METHODS[method].strength)
        plotting.failures(axis, rows, by=("strength", "seed"))
    for axis in places[len(numbers.methods) :]:
        axis.set_visible(False)
    for row in axes:
        row[0].set_ylabel("validation accuracy (%)")
    plotting.legend(made)
    return made


def claims(protocol: Protocol, numbers: Numbers) -> Sequence[Claim]:
    """Lists nothing: a setting is chosen here, no claim is put to the test."""
    return ()


def caption(tables: Tables, protocol: Protocol, numbers: Numbers) -> str:
    """Says what is seen, and which choices lie at an edge of what was tried."""
    listed = ", ".join(method.replace("_", " ") for method in at_edge(choice(tables.runs), numbers))
    edges = f"At an edge of its grid, so that a better one may lie beyond: {listed}." if listed else "None is an edge."
    return (
        "How the strengths in the figure of prevention were chosen: accuracy of clean networks (no deficit at all) on "
        f"{numbers.validation:,} held-out training examples, for each method and strength, on calibration seeds "
        f"{', '.join(str(seed) for seed in numbers.seeds)} that serve no claim. The method acts in [0, "
        f"{numbers.removal}), or once at {numbers.removal}. The best mean is taken, the larger of equals. {edges}"
    )


FIGURE = Figure(
    name="stabilizers/strength",
    title="The strength of each method, chosen on clean networks",
    numbers=Numbers,
    runs=runs,
    draw=draw,
    claims=claims,
    caption=caption,
    alt="A panel for each method: validation accuracy of clean networks against the strength of the method.",
    deviations=(
        "Published strengths are for other networks; they are among those tried (the shift of 4 px on large pictures).",
    ),
    family="two_streams",
    calibration=True,
)
