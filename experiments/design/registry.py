"""The figures, in the order in which `make figures` makes them."""

from __future__ import annotations

from collections.abc import Sequence

from critical.core.spec import SpecError, closest
from experiments.design.figure import Figure
from experiments.figures.controls import permanence
from experiments.figures.cvpr2023 import rsv_blur, split_removal
from experiments.figures.iclr2019 import deficit_removal, sensitivity_window
from experiments.figures.multimodal import modality_dropout
from experiments.figures.stabilizers import prevention, strength

FIGURES: dict[str, Figure] = {
    module.FIGURE.name: module.FIGURE
    for module in (
        deficit_removal,
        sensitivity_window,
        permanence,
        split_removal,
        rsv_blur,
        modality_dropout,
        strength,
        prevention,
    )
}


def chosen(names: str | Sequence[str]) -> list[Figure]:
    """Returns the figures that `figure=` names: `all`, one, or several (`figure=[a,b]`).

    Raises:
        SpecError: There is no such figure.
    """
    names = [names] if isinstance(names, str) else list(names)
    if names == ["all"]:
        names = list(FIGURES)
    for name in names:
        if name not in FIGURES:
            raise SpecError(f"figure={name}: there is no such figure; {closest(name, FIGURES)}")
    return [FIGURES[name] for name in names]
