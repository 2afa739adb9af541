"""What figures need: the runs of every figure under every profile and under the settings of one's own results.

Careful in one direction: what might be needed counts as needed. A run counts when it is one of a figure's in all but
its seed, device and number formats, so that further seeds and other machines lose nothing, and when a table names it.
The runs of figures that are not trained yet count too: they begin at stored states.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from critical.core.arithmetic import Arithmetic
from critical.core.spec import SpecError, from_settings, identity
from critical.training.runs import RunSpec
from experiments.design import profile
from experiments.design.facts import DataFacts
from experiments.design.registry import FIGURES
from experiments.output import tables
from experiments.output.composing import Composed, composed
from experiments.runs.filters import runs_in, table_paths

Records = Mapping[str, Mapping[str, Any]]
Place = tuple[Arithmetic, int]
"""Device and formats, and the seed: what a figure's run is matched without."""
ELSEWHERE = ["device=cpu", "arithmetic.instructions=native"]


@dataclass
class Needs:
    """What is needed.

    Attributes:
        runs: Ids of runs.
        keys: Keys of states and of epochs.
        notes: A line for each result of one's own whose settings cannot be read: only the runs in its table count.
    """

    runs: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def needs(results: Path, records: Records, stored: set[str]) -> Needs:
    """Returns what is needed of a store.

    Args:
        results: The folder of results.
        records: Its runs, as `critical.execution.catalogue` gives them.
        stored: The keys of all that lies in the store.

    Raises:
        SpecError: A table cannot be read.
    """
    found = Needs()
    for path in table_paths(results):
        found.runs |= runs_in(path) & set(records)
    known = {key for record in records.values() for key in record["keys"]}
    places = _places(records)
    for one in [*_own(results, found.notes), *_of_profiles(records)]:
        for spec in _runs(one):
            there = set(places.get(_setting(spec.static), ()))
            if stored - known - found.keys:
                # Something lies there that no record tells of: runs of earlier versions that were not finished.
                there |= _usual(one, places)
            for arithmetic, seed in there:
                match = dataclasses.replace(spec, arithmetic=arithmetic, seed=seed)
                found.keys.update(match.keys)
                if match.run_id in records:
                    found.runs.add(match.run_id)
    for run in found.runs:
        found.keys.update(records[run]["keys"])
    return found


def _setting(record: Mapping[str, Any]) -> str:
    """Returns what identifies all that every epoch of a run depends on but device, formats and seed."""
    return identity({key: record.get(key) for key in ("version", "data", "model", "optimizer", "augmentation")})


def _places(records: Records) -> dict[str, set[Place]]:
    found: dict[str, set[Place]] = {}
    for record in records.values():
        try:
            arithmetic = from_settings({Arithmetic.name: Arithmetic}, record["arithmetic"], "arithmetic")
        except SpecError:
            continue  # of a version that knew other formats: no figure can need it
        found.setdefault(_setting(record), set()).add((arithmetic, record["seed"]))
    return found


def _usual(one: Composed, places: Mapping[str, set[Place]]) -> set[Place]:
    """Returns where the runs of a figure may have been trained: as other runs were, or on any device as it is."""
    seeds = {*one.protocol.seeds, *(one.design.seeds or ())}
    plain = one.protocol.parts.arithmetic
    devices = [("cpu", "portable"), ("cpu", "native"), ("cuda", "native"), ("mps", "native")]
    kinds = {
        dataclasses.replace(plain, device=device, instructions=kind)
        for device, kind in devices
        if device == "cuda" or plain.precision != "tf32"  # which others have not
    }
    kinds |= {arithmetic for held in places.values() for arithmetic, _ in held}
    return {(kind, seed) for kind in kinds for seed in seeds}


def _runs(one: Composed) -> list[RunSpec]:
    """Returns the runs of a figure for one seed, each once."""
    return list({item.spec.run_id: item.spec for item in tables.planned(one.design, [0])}.values())


def profiles() -> list[str]:
    """Returns the names of all profiles, those of large runs last."""
    return sorted(profile.names(), key=lambda name: name == "paper")


def _of_profiles(records: Records) -> Iterator[Composed]:
    """Yields every figure under every profile, small ones first, with the numbers of classes that runs have had."""
    windows = (window for record in records.values() for window in record["timeline"]["windows"])
    classes = sorted({10, *(window["deficit"]["classes"] for window in windows if "classes" in window["deficit"])})
    for of_profile in profiles():
        for name in FIGURES:
            for number in classes:
                yield composed(name, of_profile, ELSEWHERE, DataFacts("", number))


def _own(results: Path, notes: list[str]) -> Iterator[Composed]:
    """Yields the figures among one's own results and the committed ones, under the settings in their records."""
    for folder in ("tables", "reference"):
        for path in sorted((results / folder).rglob("*.json")):
            try:
                held = json.loads(path.read_bytes())
                settings = [*ELSEWHERE, *held["settings"]]
                yield composed(held["figure"], held["profile"], settings, DataFacts(**held["data_facts"]))
            except (ValueError, KeyError, TypeError, OSError, HydraException, OmegaConfBaseException) as error:
                reason = str(error).splitlines()[0] if isinstance(error, SpecError) else type(error).__name__
                notes.append(f"{path}: its settings cannot be read ({reason}); only the runs in its table count")
