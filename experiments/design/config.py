"""From Hydra's configuration to specs: every value is checked here, before anything trains."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from omegaconf import DictConfig, OmegaConf
from torch.nn import functional

from critical import data, deficits, models, probes, stabilizers
from critical.core.arithmetic import Arithmetic, available_device, available_instructions
from critical.core.randomness import generator
from critical.core.spec import SpecError, from_settings
from critical.data import DataError, DataSpec, load
from critical.deficits import Deficit
from critical.models import ModelSpec
from critical.probes import Probe
from critical.stabilizers import Situation, StabilizerWindow, Step
from critical.training import augmentation, optimizers, schedules
from critical.training.augmentation import Augmentation
from critical.training.loop import built
from critical.training.optimizers import Optimizer
from critical.training.runs import RunSpec
from critical.training.schedules import Schedule
from critical.training.timeline import Timeline, Window

CONF = Path(__file__).resolve().parents[2] / "conf"
T = TypeVar("T")
# For windows of a fixed length in a sweep: deficit.end=${start_plus:5}.
OmegaConf.register_new_resolver("start_plus", lambda length, *, _parent_: _parent_.start + length, replace=True)


@dataclass(frozen=True)
class Parts:
    """What all runs of a command share: everything but schedule, timeline and seed."""

    data: DataSpec
    model: ModelSpec
    optimizer: Optimizer
    augmentation: Augmentation
    probes: tuple[Probe, ...]
    arithmetic: Arithmetic

    def run(
        self,
        seed: int,
        schedule: Schedule,
        timeline: Timeline,
        stabilizers: tuple[StabilizerWindow, ...] = (),
    ) -> RunSpec:
        """Returns the run of these parts with a schedule, a timeline, stabilisers and a seed."""
        shared = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return RunSpec(seed=seed, schedule=schedule, timeline=timeline, stabilizers=stabilizers, **shared)

    def changed(self, where: str, settings: Mapping[str, Any]) -> Parts:
        """Returns the parts with other settings.

        Args:
            where: For messages.
            settings: A part (`model`, `optimizer`, `data`, `augmentation`) → fields and their values, or another spec.

        Raises:
            SpecError: There is no such part or field, or a value cannot be.
        """
        made: dict[str, Any] = {}
        for part, given in settings.items():
            before = getattr(self, part, None)
            known = [field.name for field in dataclasses.fields(before)] if dataclasses.is_dataclass(before) else []
            values = given if isinstance(given, Mapping) else {}
            if unknown := sorted({*values} - {*known}) or [part] * (not known):
                raise SpecError(f"{where}: {part} has no setting '{unknown[0]}'")
            made[part] = dataclasses.replace(before, **values) if isinstance(given, Mapping) else given  # type: ignore[type-var]
        return dataclasses.replace(self, **made)


def plain(config: Any) -> Any:
    """Resolves a node of the configuration to dicts, lists and scalars."""
    if not OmegaConf.is_config(config):
        return config
    return OmegaConf.to_container(config, resolve=True, throw_on_missing=True)


def parts(
    config: DictConfig,
    device_and_format: DictConfig | None = None,
    instead: Callable[[DataSpec, DataError], DataSpec] | None = None,
    elsewhere: bool = False,
) -> Parts:
    """Builds what all runs of a command, or of a family of figures, share.

    Args:
        config: With the groups data, model, optimizer, augmentation and probes.
        device_and_format: The group arithmetic; that of `config` when left out.
        instead: What stands for data that are not here, where nothing is to be found out with them.
        elsewhere: Whether the runs were made before, maybe elsewhere: neither data nor device have to be here, and
            device, instructions and the fingerprint of a folder have to be given.

    Returns:
        The specs; data are checked to be there, and `auto` is resolved for device and instructions.

    Raises:
        SpecError: Something unknown or impossible, in one line.
    """
    arithmetic = dict(plain(config.arithmetic if device_and_format is None else device_and_format))
    # Where data lie is said nowhere but on the machine that has them.
    given = [key for key in config.data if not (elsewhere and OmegaConf.is_missing(config.data, key))]
    held: DataSpec = from_settings(data.KINDS, {key: plain(config.data[key]) for key in given}, "data")
    if not elsewhere:
        arithmetic["device"] = available_device(arithmetic["device"])
        arithmetic["instructions"] = available_instructions(arithmetic["instructions"], arithmetic["device"])
        try:
            held = held.resolved()
        except DataError as error:
            if instead is None:
                raise
            held = instead(held, error)
    return Parts(
        data=held,
        model=from_settings(models.KINDS, plain(config.model), "model"),
        optimizer=from_settings(optimizers.KINDS, plain(config.optimizer), "optimizer"),
        augmentation=from_settings(augmentation.KINDS, plain(config.augmentation), "augmentation"),
        probes=tuple(from_settings(probes.KINDS, probe, "probes") for probe in plain(config.probes)),
        arithmetic=from_settings({"arithmetic": Arithmetic}, {"name": "arithmetic", **arithmetic}, "arithmetic"),
    )


def whole(value: Any, where: str) -> int:
    """Returns a whole number, or refuses what is none: text, a fraction, null.

    Raises:
        SpecError: It is not a whole number.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise SpecError(f"{where}={value!r}: a whole number is wanted")
    return value


def deficit(mapping: Mapping[str, Any]) -> Deficit:
    """Builds a deficit from its settings, without a window.

    Args:
        mapping: `name` and settings; `start` and `end` are ignored.
    """
    given = {key: value for key, value in mapping.items() if key not in ("start", "end")}
    return from_settings(deficits.KINDS, given, "deficit")


def try_on_data(parts: Parts, acting: Iterable[Deficit]) -> None:
    """Builds the network, and tries augmentation and deficits on two examples: a misfit stops the command here.

    Args:
        parts: Data, network and augmentation.
        acting: The deficits.

    Raises:
        SpecError: The data cannot be had, or a network, a size, a fill colour or a number of classes does not fit.
    """
    dataset = load(parts.data)
    views, streams = len(dataset.view_shapes), getattr(parts.model, "streams", 1)
    if views != streams:
        raise SpecError(
            f"model={parts.model.name}: a network of {streams} stream{'s' * (streams > 1)}, and data={parts.data.name} "
            f"has {views} view{'s' * (views > 1)}; choose another model or other data"
        )
    built(parts.model, dataset, seed=0)
    batch = dataset.present(parts.augmentation.apply(dataset.train.batch(torch.arange(2)), generator(0, "try")))
    for deficit in acting:
        classes = getattr(deficit, "classes", len(dataset.classes))
        if classes != len(dataset.classes):
            raise SpecError(f"deficit.classes={classes}: the data have {len(dataset.classes)} classes")
        deficit.apply(batch, seed=0, epoch=0)


def try_stabilizers(parts: Parts, windows: Iterable[StabilizerWindow]) -> None:
    """Tries what stabilisers change in two training examples, likewise before anything trains.

    Raises:
        SpecError: A stabiliser does not fit the data or the network.
    """
    dataset = load(parts.data)
    for window in windows:
        model = built(parts.model, dataset, seed=0)
        again = functools.partial(built, parts.model, dataset, 0)
        situation = Situation(model, 0, 0, view_shapes=dataset.view_shapes, initial=again)
        acting = window.stabilizer.activate(situation)
        batch = acting.change_scene(dataset.train.batch(torch.arange(2)))
        batch = acting.change_input(dataset.present(batch))
        acting.objective(batch)
        with torch.random.fork_rng(devices=[]):  # of dropout
            logits = model(*batch.inputs)
        acting.loss(Step(model, batch, logits, functional.cross_entropy(logits, batch.labels), 0, scale=1.0))
        acting.close()


def windows(mapping: Mapping[str, Any]) -> tuple[Window, ...]:
    """Builds the window of a deficit with `start` and `end`; none where it is said to end at 0, as a sweep does."""
    if mapping["end"] is None:
        raise SpecError(
            f"deficit.end: the window of '{mapping['name']}' has no end; give one, e.g. deficit.end=10 (0: no window)"
        )
    start, end = (whole(mapping[key], f"deficit.{key}") for key in ("start", "end"))
    if start == end == 0:
        return ()
    return (Window(start, end, deficit(mapping)),)


def stabilizer_windows(mapping: Mapping[str, Any]) -> tuple[StabilizerWindow, ...]:
    """Builds the window of a stabiliser with `start` and `end` (null: to the end of the run); none for `none`."""
    if mapping["name"] == "none":
        return ()
    start, end = whole(mapping["start"], "stabilizer.start"), mapping["end"]
    given = {key: value for key, value in mapping.items() if key not in ("start", "end")}
    made = from_settings(stabilizers.KINDS, given, "stabilizer")
    return (StabilizerWindow(made, start, None if end is None else whole(end, "stabilizer.end")),)


def schedule(mapping: Mapping[str, Any]) -> Schedule:
    """Builds a schedule from its settings."""
    return from_settings(schedules.KINDS, mapping, "schedule")
