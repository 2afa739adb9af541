"""From the settings in a record to the design again: no training, no data, no device."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from critical.core.spec import SpecError, closest
from experiments.design import profile as profiles
from experiments.design.command import one_line
from experiments.design.config import CONF
from experiments.design.facts import DataFacts
from experiments.design.families import OF_A_FAMILY, VISION, named_for
from experiments.design.figure import Design, Figure, check
from experiments.design.protocol import Protocol
from experiments.design.registry import FIGURES
from experiments.output.naming import changes
from experiments.output.records import FigureRecord


@dataclass(frozen=True)
class Composed:
    """A figure under the settings of a record."""

    figure: Figure
    protocol: Protocol
    parameters: Any
    design: Design


def designed(figure: Figure, protocol: Protocol, parameters: Any) -> Design:
    """Returns what a figure shows and claims, checked.

    Raises:
        SpecError: The figure cannot be made so; the line names it.
    """
    try:
        # Deficits that are refused here may be the figure's own.
        with named_for(figure.family, groups=[group for group in OF_A_FAMILY if group != "deficit"]):
            design = figure.design(protocol, parameters)
    except SpecError as error:
        raise SpecError(str(error) if figure.name in str(error) else f"{error} ({figure.name})") from error
    check(design, figure.name)
    return design


def found_settings(changed: Sequence[str], protocol: Protocol, family: str) -> list[str]:
    """Returns the settings for a record: those that were given, and what was found here where they leave it open.

    Args:
        changed: The overrides that change results.
        protocol: Of the figure, with its data and device resolved.
        family: Of the figure.
    """
    keys = {text.lstrip("+").partition("=")[0] for text in changed}
    arithmetic, data = protocol.parts.arithmetic, protocol.parts.data
    found = {} if "arithmetic.device" in keys else {"device": arithmetic.device}
    found["arithmetic.instructions"] = arithmetic.instructions
    if fingerprint := getattr(data, "fingerprint", ""):
        found[f"{'' if family == VISION else f'{family}.'}data.fingerprint"] = fingerprint
    return [*changed, *(f"{key}={value}" for key, value in found.items() if key not in keys)]


def composed(
    name: str, profile: str, settings: Sequence[str], facts: DataFacts, places: Sequence[str] = ()
) -> Composed:
    """Composes a figure again.

    Args:
        name: The figure.
        profile: The profile it was made from.
        settings: Those of its record.
        facts: What is known of its data.
        places: Overrides that say where the data lie, for who wants to load them.

    Raises:
        SpecError: There is no such figure or profile any more, or a setting cannot be.
    """
    if name not in FIGURES:
        raise SpecError(f"figure={name}: there is no such figure; {closest(name, FIGURES)}")
    figure = FIGURES[name]
    config = _config(profile, tuple(settings), tuple(places))
    shared = profiles.protocol(config, figure.family, facts=facts)
    protocol, parameters = profiles.figure_settings(config, figure, shared)
    return Composed(figure, protocol, parameters, designed(figure, protocol, parameters))


def of_record(record: FigureRecord) -> Composed:
    """Composes the figure of a record.

    Raises:
        SpecError: Its settings lead to no figure; the line names its file.
    """
    try:
        return composed(record.figure, record.profile, record.settings, record.facts)
    except (ValueError, TypeError, HydraException, OmegaConfBaseException) as error:
        raise SpecError(f"{Path(record.table).with_suffix('.json')}: its profile and settings cannot be composed "
                        f"({one_line(error)}); make the figure again, or remove it") from error  # fmt: skip


@functools.lru_cache(maxsize=16)
def _config(profile: str, settings: tuple[str, ...], places: tuple[str, ...]) -> DictConfig:
    """Composes the configuration, within a command of Hydra too."""
    held = [*changes(settings), *(text for text in settings if text.startswith("device="))]
    before = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return compose("figures", overrides=[f"profile={profile}", *held, *places])
    finally:
        GlobalHydra.instance().hydra = before
