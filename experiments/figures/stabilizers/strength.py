"""How strong may a method be? Clean accuracy on held-out training images against its strength."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from critical.core.spec import SpecError
from critical.inference.arms import Arm
from critical.inference.claims import FIRST_CALIBRATION_SEED
from critical.plots.panel import Look, role
from critical.plots.panels import Series
from critical.plots.style import OTHER_COLOURS
from experiments.design.figure import Design, Figure
from experiments.design.parameters import Parameters, at_least
from experiments.design.protocol import Protocol
from experiments.figures.stabilizers.methods import METHODS, NONE, strengths, windows, words

COLUMNS = 3


@dataclass(frozen=True)
class Strengths(Parameters):
    """Parameters.

    Attributes:
        removal: End of the window of the deficit against which the methods are meant.
        validation: Training images that are held out and scored.
        seeds: Calibration seeds; they never serve a claim.
    """

    removal: int
    validation: int
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        at_least(1, removal=self.removal, validation=self.validation)
        if not self.seeds or min(self.seeds) < FIRST_CALIBRATION_SEED:
            raise SpecError(f"seeds={list(self.seeds)}: settings are chosen on seeds from {FIRST_CALIBRATION_SEED} on")

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns the longest window and four calibration seeds."""
        first = FIRST_CALIBRATION_SEED
        return {"removal": protocol.longest_window, "seeds": (first, first + 1, first + 2, first + 3)}


def design(protocol: Protocol, parameters: Strengths) -> Design:
    """Trains clean networks with each method at each strength; no deficit, and no test image, is seen."""
    held_out = protocol.variant("validation", data={"validation": parameters.validation})

    def clean(method: str, strength: float) -> Arm:
        acting = windows(method, strength, parameters.removal)
        held = held_out.window(0, parameters.removal, stabilizers=acting, stabilizer=method, strength=strength)
        return held.dose_matched

    without = clean(NONE, 0.0)
    panels = [
        Series(
            title=words(method), xlabel=METHODS[method].strength, ylabel="validation accuracy (%)",
            lines=[(Look("clean networks with the method", OTHER_COLOURS[4]),
                    {value: clean(method, value) for value in grid})],
            levels=[(role("clean", "without a method"), without)], categories=True,
        )
        for method, grid in strengths(protocol, "grid").items()
    ]  # fmt: skip
    return Design(
        panels=[panels[start : start + COLUMNS] for start in range(0, len(panels), COLUMNS)],
        seeds=parameters.seeds,
        note=f"Scored on {parameters.validation:,} held-out training examples. The best mean is taken, the larger of "
        "equals; where that is an edge of its grid, a better one may lie beyond.",
    )


FIGURE = Figure(
    name="stabilizers/strength",
    title="How strong each method may be",
    question="How strong may each method be without harm to clean networks?",
    parameters=Strengths,
    design=design,
    deviations=("Published strengths are for other networks; they are among those tried.",),
    family="two_streams",
)
