"""The figures, in the order in which `make figures` makes them."""

from __future__ import annotations

from critical.spec import SpecError, closest
from experiments.controls import permanence
from experiments.figure import Figure
from experiments.iclr2019 import deficit_removal, sensitivity_window

FIGURES: dict[str, Figure] = {
    module.FIGURE.name: module.FIGURE for module in (deficit_removal, sensitivity_window, permanence)
}


def chosen(text: str) -> list[Figure]:
    """Returns the figures that `figure=` names: `all`, one, or several with commas between.

    Raises:
        SpecError: There is no such figure.
    """
    names = list(FIGURES) if text == "all" else [name.strip() for name in text.split(",")]
    for name in names:
        if name not in FIGURES:
            raise SpecError(f"figure={name}: there is no such figure; {closest(name, FIGURES)}")
    return [FIGURES[name] for name in names]
