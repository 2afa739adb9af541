"""What a run is called on Weights & Biases: name, group, job type, tags, notes and configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from critical.core.spec import identity
from critical.execution.catalogue import described
from critical.training.runs import RunSpec
from experiments.design.protocol import DEFICIT, DOSE_MATCHED, FRESH
from experiments.tracking.logger import Place

LONGEST_TAG, LONGEST_NAME, LONGEST_ID = 64, 128, 64
"""Letters that the service takes."""
MEASURED = ("keys", "places", "accuracy", "loss", "failure", "sums", "sum")
"""What a record holds besides settings and who made the run."""
SHARED = {
    *("figure", "sweep", "profile", "notes", "arm_id", "label", "role", "deficit", "onset", "length", "removal"),
    *("schedule", "budget", "seed", "stabilizer", "epochs", "run_id", "also"),
}
"""What every place of a run may hold; the rest says which of several arms it is."""
_SAID = re.compile(r"(setting\.)?(deficit\.(start|end)|schedule|stabilizer|deficit)$")


@dataclass(frozen=True)
class Named:
    """What a run is called.

    Attributes:
        id: Unique within a project.
        name: "blur 0–20 · restart · seed 3".
        group: The figure or sweep, with the name of its results: "iclr2019/deficit_removal · quick".
        job_type: The role of its arm: "deficit", "dose-matched", "fresh", …
        tags: What it is filtered by.
        notes: A sentence.
        config: Everything about it: flat keys to filter and group by, and `run`, its record.
    """

    id: str
    name: str
    group: str
    job_type: str
    tags: tuple[str, ...]
    notes: str
    config: Mapping[str, Any]


def named(record: Mapping[str, Any], place: Mapping[str, Any], tags: tuple[str, ...] = ()) -> Named:
    """Returns what a run is called.

    Args:
        record: What `RunSpec.describe` gives, or the content of `run.json`.
        place: Where it belongs; see `experiments.tracking.logger.Place`.
        tags: Further tags.
    """
    labels = [place.get("figure"), place.get("sweep"), place.get("profile"), _role(record, place), *tags]
    return Named(
        id=record["run_id"],
        name=_shortened(name_of(record, place)),
        group=group_of(place),
        job_type=_role(record, place),
        tags=tuple(dict.fromkeys(str(label)[:LONGEST_TAG] for label in labels if label)),
        notes=str(place.get("notes", "")),
        config=flat(record, place) | {"run": configuration(record), "experiment": dict(place)},
    )


def group_of(place: Mapping[str, Any]) -> str:
    """Returns the group: the figure or sweep, with the name of its results where it has one."""
    parts = [place.get("figure") or place.get("sweep") or "train", place.get("profile")]
    return " · ".join(str(part) for part in parts if part)[:LONGEST_NAME]


def figure_id(profile: str, figure: str) -> str:
    """Returns the id of a figure's own run, unique within a project: names of results are part of it."""
    exact = f"figure-{profile}-{figure}"
    safe = re.sub(r"[^A-Za-z0-9_.=+-]+", "-", exact)
    if safe == exact.replace("/", "-") and len(safe) <= LONGEST_ID:
        return safe
    return f"{safe[: LONGEST_ID - 9]}-{identity(exact)[:8]}"


def name_of(record: Mapping[str, Any], place: Mapping[str, Any]) -> str:
    """Returns the name of a run: its windows, the schedule, what else tells its arm from others, and the seed."""
    windows = record["timeline"]["windows"]
    acts = [f"{_window_word(window)} {window['start']}–{window['end']}" for window in windows]
    parts = [" + ".join(acts) or _role(record, place).replace("-", " ")]
    methods = [held["stabilizer"] for held in record.get("stabilizers", [])]
    parts += [_method(method) for method in methods if method["name"] != "none"]
    said = {method["name"].replace("_", " ") for method in methods}
    parts.append(str(place.get("schedule") or record["schedule"]["name"]).replace("_", " "))
    told = {name for method in methods for name in method} | {"strength"} if methods else set[str]()
    for key, value in place.items():
        if key in SHARED or value in (None, "", "none") or _SAID.match(key) or key.rpartition(".")[2] in told:
            continue
        word = value.replace("_", " ") if isinstance(value, str) else f"{key} {value}"
        if word not in said and word not in parts:
            parts.append(word)
    return " · ".join([*parts, *place.get("also", ()), f"seed {record['seed']}"])


def told_apart(runs: Iterable[tuple[RunSpec, Place]]) -> dict[str, dict[str, Any]]:
    """Returns where runs belong, by their ids, such that no two of them have one name.

    Args:
        runs: Of one figure or sweep; of the same run the first place counts. Where two would be called the same, `also`
            in their places tells them apart: how long the recovery is, the rate that they begin with, or their ids.
    """
    specs: dict[str, RunSpec] = {}
    places: dict[str, dict[str, Any]] = {}
    alike: dict[str, list[str]] = {}
    for spec, place in runs:
        if specs.setdefault(spec.run_id, spec) is spec:
            places[spec.run_id] = dict(place)
            alike.setdefault(_shortened(name_of(spec.describe(), place)), []).append(spec.run_id)
    for group in alike.values():
        clocks = {run_id: specs[run_id].timeline for run_id in group}
        facts = [
            {run_id: f"then {clock.end - clock.removal}" for run_id, clock in clocks.items()},
            {run_id: f"from rate {specs[run_id].epoch_specs[0].rate:.3g}" for run_id in group},
        ]
        varying = [fact for fact in facts if len(set(fact.values())) > 1]
        if len({tuple(fact[run_id] for fact in varying) for run_id in group}) < len(group):
            varying.append({run_id: run_id[:6] for run_id in group})
        for run_id in group if len(group) > 1 else ():
            places[run_id]["also"] = [fact[run_id] for fact in varying]
    return places


def _shortened(name: str) -> str:
    """Returns a name that the service takes: of a longer one the middle is left out, since its end tells runs apart."""
    half = (LONGEST_NAME - 3) // 2
    return name if len(name) <= LONGEST_NAME else f"{name[:half]} … {name[-half:]}"


def flat(record: Mapping[str, Any], place: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings by which runs are filtered and grouped, under keys that hold no mapping.

    The keys are those of the command line, so that a sweep over `deficit.start` and a figure have the same. `deficit`
    is the name, `deficit.start` and `deficit.end` the window of what acts; of several the first and the last epoch.
    """
    row, windows = described(record), record["timeline"]["windows"]
    acting = [window["deficit"] for window in windows]
    methods = [held["stabilizer"] for held in record.get("stabilizers", [])]
    found = {
        **{"run_id": record["run_id"], "data": row["data"], "model": row["model"], "seed": row["seed"]},
        **{"deficit": row["deficit"], "stabilizer": row["stabilizer"], "epochs": row["epochs"]},
        **{"deficit.start": row["onset"], "deficit.end": row["removal"]},
        **{"schedule": place.get("schedule") or row["schedule"], "rate": row["rate"]},
        **{"width": record["model"].get("width"), "device": row["device"]},
        **{key: place.get(key) for key in ("figure", "sweep", "profile", "budget")},
        **{"arm": place.get("label"), "role": _role(record, place)},
    }
    for group, held in (("deficit", acting), ("stabilizer", methods)):
        if len(held) == 1:
            found |= {f"{group}.{key}": value for key, value in held[0].items() if key != "name"}
    return {key: value for key, value in found.items() if value is not None and value != ""}


def configuration(record: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a record says of a run but for what was measured."""
    return {key: value for key, value in record.items() if key not in MEASURED}


def _role(record: Mapping[str, Any], place: Mapping[str, Any]) -> str:
    if place.get("role"):
        return str(place["role"]).replace("_", "-")
    windows = record["timeline"]["windows"]
    acts = any(window["deficit"]["name"] != "none" for window in windows)
    return (DEFICIT if acts else DOSE_MATCHED if windows else FRESH).replace("_", "-")


def _window_word(window: Mapping[str, Any]) -> str:
    name = window["deficit"]["name"]
    view = window["deficit"].get("view")
    return "clean" if name == "none" else name.replace("_", " ") + (f" of view {view}" if view else "")


def _method(method: Mapping[str, Any]) -> str:
    numbers = (value for value in method.values() if isinstance(value, (int, float)) and not isinstance(value, bool))
    strength = next(numbers, None)
    return method["name"].replace("_", " ") + ("" if strength is None else f" {strength:g}")
