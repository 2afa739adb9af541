"""How strong may a method be? Clean accuracy on held-out training images against its strength."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from critical.core.spec import SpecError
from critical.inference.arms import Arm
from critical.inference.claims import FIRST_CALIBRATION_SEED
from critical.plots.panel import Look, role
from critical.plots.panels import Series
from critical.plots.style import OTHER_COLOURS, arm_colour
from experiments.design.figure import Design, Figure
from experiments.design.parameters import Parameters, at_least
from experiments.design.protocol import Protocol
from experiments.figures.stabilizers.methods import METHODS, NONE, strengths, windows, words

COLUMNS = 2


@dataclass(frozen=True)
class Strengths(Parameters):
    """What a profile may set.

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
    chosen, taken = strengths(protocol, "use"), Look("", arm_colour("deficit"), marker="D")

    def panel(method: str, grid: list[float]) -> Series:
        every = {value: clean(method, value) for value in grid}
        best = {value: arm for value, arm in every.items() if value == chosen.get(method)}
        return Series(
            title=words(method), ylabel="accuracy of clean networks (%)", categories=True,
            xlabel=METHODS[method].strength + "".join(f" (chosen: {value:g})" for value in best),
            lines=[(Look("", OTHER_COLOURS[4]), every), *([(taken, best)] if best else [])],
            levels=[(role("clean", "no\nmethod"), without)],
        )  # fmt: skip

    panels = [panel(method, grid) for method, grid in strengths(protocol, "grid").items()]
    return Design(
        panels=[panels[start : start + COLUMNS] for start in range(0, len(panels), COLUMNS)],
        seeds=parameters.seeds,
        panel_inches=(3.6, 2.0),
        note="The diamond is the strength that stabilizers/prevention takes. "
        f"Scored on {parameters.validation:,} held-out training examples. The best mean is taken, the larger of "
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
