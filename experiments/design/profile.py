"""From a profile to protocols and parameters: what a figure is trained with."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from omegaconf import DictConfig

from critical import data, deficits, models
from critical.core.spec import SpecError, closest, from_settings
from critical.data import DataError, DataSpec
from critical.training import augmentation, optimizers
from critical.training.schedules import Continue
from experiments.design import config as configuration
from experiments.design.command_line import written
from experiments.design.facts import DataFacts
from experiments.design.families import VISION, named_for
from experiments.design.figure import Figure
from experiments.design.groups import choices
from experiments.design.protocol import Protocol

_KINDS: dict[str, Mapping[str, type]] = {
    "data": data.KINDS, "model": models.KINDS, "deficit": deficits.KINDS, "optimizer": optimizers.KINDS,
    "augmentation": augmentation.KINDS,
}  # fmt: skip
_OF_A_WINDOW = ("start", "end")
"""Settings of a deficit that are none of its kind."""


def names() -> list[str]:
    """Returns the names of the profiles in `conf/`."""
    return choices("profile")


def protocol(
    config: DictConfig,
    family: str = VISION,
    instead: Callable[[DataSpec, DataError], DataSpec] | None = None,
    facts: DataFacts | None = None,
) -> Protocol:
    """Builds the protocol that a profile describes for a family of figures.

    Args:
        config: The whole configuration.
        family: `vision`, or the key under which its settings stand. What they leave out of `protocol` is as in vision.
        instead: What stands for data that are not here; see `configuration.parts`.
        facts: What is known of the data, for runs that were made before: then neither they nor the device are asked
            for. See `config.parts`.

    Raises:
        SpecError: Something unknown or impossible, in one line.
    """
    node = config if family == VISION else config[family]
    own: dict[str, Any] = {} if family == VISION else configuration.plain(node.get("protocol", {}))
    given: dict[str, Any] = {**configuration.plain(config.protocol), **own}
    where = {key: f"{family}.protocol.{key}" if key in own else f"protocol.{key}" for key in given}
    derived = {"parts", "deficit", "stabilizers", "tags", "known"}
    known = {field.name for field in dataclasses.fields(Protocol)} - derived
    for key in given:
        if key not in known:
            raise SpecError(f"{where[key]}: there is no such setting; {closest(key, known)}")
    given["seeds"] = seeds(given["seeds"], where["seeds"])
    for key in ("recovery", "longest_window", "points"):
        if configuration.whole(given[key], where[key]) < 1:
            raise SpecError(f"{where[key]}={given[key]}: at least 1")
    # Refuses an impossible rate or decay now.
    rates = {key: given[key] for key in ("rate", "decay", "reset_optimizer")}
    from_settings({Continue.name: Continue}, {"name": Continue.name, **rates}, "protocol")
    with named_for(family):
        _refuse_misfits(node, family)
        parts = configuration.parts(node, config.arithmetic, instead, elsewhere=facts is not None)
        made = Protocol(
            parts=parts,
            deficit=configuration.deficit(configuration.plain(node.deficit)),
            stabilizers=configuration.plain(node.get("stabilizers", {})),
            known=facts,
            **given,
        )
        if facts is None:
            configuration.try_on_data(parts, [made.deficit])
    return made


def _refuse_misfits(node: DictConfig, family: str) -> None:
    """Refuses a network of one stream where two are wanted, and settings that a profile has for another choice.

    Raises:
        SpecError: In one line.
    """
    for group, kinds in _KINDS.items():
        name = configuration.plain(node[group].get("name"))
        kind = kinds.get(name) if isinstance(name, str) else None
        if kind is None:
            continue
        if group == "model" and family != VISION and getattr(kind, "streams", 1) == 1:
            two = ", ".join(sorted(one for one in kinds if getattr(kinds[one], "streams", 1) > 1))
            raise SpecError(f"model={name}: a network of one stream, and two are wanted here; choose one of {two}")
        known = [field.name for field in dataclasses.fields(kind) if field.init]
        there = ["name", *known, *(_OF_A_WINDOW if group == "deficit" else ())]
        for key in (str(key) for key in node[group] if key not in there):
            gone = f"~{'' if family == VISION else f'{family}.'}{group}.{key}"
            raise SpecError(f"{group}={name}: there is no setting '{key}'; {closest(key, known)}; if it comes from the "
                            f"profile, {gone} takes it away")  # fmt: skip


def seeds(given: Any, where: str) -> tuple[int, ...]:
    """Returns seeds, or refuses what is no list of different whole numbers.

    Raises:
        SpecError: In one line.
    """
    if not isinstance(given, list) or not all(isinstance(one, int) and not isinstance(one, bool) for one in given):
        said = f"{where}={written(given)}: a list of whole numbers is wanted"
        raise SpecError(f"{said}, with commas, e.g. {where}=[20,21]")
    found = tuple(given)
    if len(set(found)) < len(found) or not found:
        raise SpecError(f"{where}={given}: at least one seed, each once")
    return found


def figure_settings(config: DictConfig, figure: Figure, shared: Protocol) -> tuple[Protocol, Any]:
    """Returns protocol and parameters of a figure: what follows from the profile, and what `figures:` overrides.

    Args:
        config: The whole configuration; `figures.<name>` may hold the figure's parameters, and `seeds` of its own.
        figure: The figure.
        shared: The protocol of its family.

    Raises:
        SpecError: Something unknown or impossible, in one line.
    """
    given: dict[str, Any] = configuration.plain(config.figures.get(figure.name, {}))
    own = given.pop("seeds", None) if "seeds" not in figure.parameters.names() else None
    if own is not None:
        shared = dataclasses.replace(shared, seeds=seeds(own, f"figures.{figure.name}.seeds"))
    derived = dict(figure.parameters.defaults(shared))
    settings = {"name": figure.name, **derived, **given}
    try:
        return shared, from_settings({figure.name: figure.parameters}, settings, "figures")
    except SpecError as error:
        name, of_figure = str(error).partition("=")[0], f"figures.{figure.name}"
        if name in given:
            raise SpecError(f"{of_figure}.{error}") from error
        if unknown := sorted({*given} - {*figure.parameters.names()}):
            known = [*figure.parameters.names(), "seeds"]
            said = f"{of_figure}.{unknown[0]}: there is no such setting"
            raise SpecError(f"{said}; {closest(unknown[0], known)}") from error
        if name.startswith("figures."):
            raise SpecError(f"{of_figure}.{str(error).removeprefix('figures.')}") from error
        if name not in derived:
            raise
        where = "protocol" if figure.family == VISION else f"{figure.family}.protocol"
        raise SpecError(
            f"{error}; {figure.name} has that from {where}.longest_window={shared.longest_window} and "
            f"points={shared.points}: raise them, or set {name} in figures"
        ) from error
