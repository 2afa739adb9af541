"""The figures, in the order in which `make figures` makes them."""

from __future__ import annotations

from collections.abc import Sequence

from critical.core.spec import SpecError, closest
from experiments.design.command_line import written
from experiments.design.figure import Figure
from experiments.figures.controls import age_or_rate, blur_map, closure, permanence, rate_and_sense, schedules
from experiments.figures.cvpr2023 import (
    cross_sensor_reconstruction,
    linear_sensor_drop,
    rsv_blur,
    rsv_dissociation,
    rsv_simulation,
    rsv_transformer,
    split_age,
    split_depth,
    split_fisher,
    split_removal,
)
from experiments.figures.iclr2019 import (
    architectures,
    deficit_removal,
    depth,
    filters,
    fisher_deficit,
    fisher_layers,
    fisher_trace,
    gradients,
    high_level_deficits,
    sensitivity_window,
)
from experiments.figures.icml2021 import fisher_early
from experiments.figures.multimodal import alternation, easy_wins, modality_age, modality_dropout
from experiments.figures.neurips2019 import regularisation_timing
from experiments.figures.stabilizers import prevention, strength

FIGURES: dict[str, Figure] = {
    module.FIGURE.name: module.FIGURE
    for module in (
        deficit_removal,
        age_or_rate,
        sensitivity_window,
        fisher_trace,
        fisher_deficit,
        fisher_layers,
        filters,
        gradients,
        permanence,
        high_level_deficits,
        depth,
        architectures,
        schedules,
        blur_map,
        rate_and_sense,
        split_removal,
        rsv_blur,
        rsv_dissociation,
        split_age,
        split_depth,
        split_fisher,
        linear_sensor_drop,
        rsv_simulation,
        cross_sensor_reconstruction,
        rsv_transformer,
        modality_dropout,
        modality_age,
        easy_wins,
        alternation,
        prevention,
        strength,
        regularisation_timing,
        fisher_early,
        closure,
    )
}


def chosen(names: str | Sequence[str], headline: Sequence[str]) -> list[Figure]:
    """Returns the figures that `figure=` names: `headline`, `all`, one, or several (`figure=[a,b]`).

    Args:
        names: What was asked for; see `found`.
        headline: The default set of the profile.

    Raises:
        SpecError: There is no such figure, or none is named.
    """
    listed = [names] if isinstance(names, str) else names
    if listed == ["headline"]:
        listed = headline
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not listed:
        raise SpecError(f"figure={written(listed)}: no figure is named; give one, several as [a,b], headline or all")
    if list(listed) == ["all"]:
        listed = list(FIGURES)
    return list(dict.fromkeys(found(str(name)) for name in listed))


def found(name: str) -> Figure:
    """Returns the figure of a name; `paper/` before it may be left out where only one is called so.

    Raises:
        SpecError: There is no such figure; those of a folder are listed.
    """
    if name in FIGURES:
        return FIGURES[name]
    short = name.rpartition("/")[2]
    same = [known for known in FIGURES if known.rpartition("/")[2] == short]
    if len(same) == 1 and short == name:
        return FIGURES[same[0]]
    inside = [known for known in FIGURES if known.partition("/")[0] == name.strip("/")]
    near = closest(same[0] if len(same) == 1 else name, same or FIGURES)
    if inside:
        near = f"{name.strip('/')} has {', '.join(inside)}"
    raise SpecError(f"figure={name}: there is no such figure; {near}")
