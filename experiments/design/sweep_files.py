"""Files of sweeps as Weights & Biases allows them, read as overrides: what they fix, and the values of what varies."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

import yaml

from critical.core.spec import SpecError, closest
from experiments.design.command_line import key_of, written
from experiments.design.config import CONF
from experiments.design.effects import EFFECTS

FOLDER = CONF / "sweeps"
MODULE = "experiments.train"
METHODS = ("grid", "random", "bayes")
GOALS = ("minimize", "maximize")
OF_A_PARAMETER = ("value", "values", "min", "max", "q", "distribution", "mu", "sigma", "probabilities", "parameters")


def sweep_file(name: str) -> dict[str, Any]:
    """Reads a file of `conf/sweeps`.

    Raises:
        SpecError: There is none of that name, or it is no sweep; in one line.
    """
    path = FOLDER / f"{name}.yaml"
    if not path.is_file():
        known = [file.stem for file in FOLDER.glob("*.yaml")]
        raise SpecError(f"sweep={name}: there is no such sweep; {closest(name, known)}")
    try:
        held = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise SpecError(f"{path}{where}: this is no YAML ({getattr(error, 'problem', None) or error})") from error
    if not isinstance(held, Mapping):
        raise SpecError(f"{path}: a sweep holds method and parameters, as conf/sweeps/blur_window.yaml does")
    if not isinstance(held.get("parameters"), Mapping) or not held["parameters"]:
        raise SpecError(f"{path}: parameters: is missing; e.g. parameters: {{seed: {{values: [0, 1]}}}}")
    if held.get("method") not in METHODS:
        raise SpecError(f"{path}: method: {held.get('method')}; one of {', '.join(METHODS)}")
    if not isinstance(held.get("command") or [], list):
        raise SpecError(f"{path}: command: a list of words is wanted")
    _check_metric(held, str(path))
    flat(held["parameters"], f"{path}: parameters")
    return dict(held)


def _check_metric(held: Mapping[str, Any], where: str) -> None:
    """Refuses a metric that nothing can be chosen by, and an effect that the command does not measure."""
    metric = held.get("metric")
    if metric is None:
        if held["method"] == "bayes":
            raise SpecError(f"{where}: method bayes chooses by a metric; e.g. metric: {{name: cost, goal: maximize}}")
        return
    name = metric.get("name") if isinstance(metric, Mapping) else None
    if not name or metric.get("goal", "minimize") not in GOALS:
        raise SpecError(f"{where}: metric: a name and a goal are wanted, e.g. metric: {{name: cost, goal: minimize}}")
    # A parameter may give it as well.
    words = [str(word).removeprefix("--") for word in held.get("command") or []]
    given = ",".join([text for text in words if key_of(text) == "effect"] + [str(held["parameters"].get("effect", ""))])
    if name in EFFECTS and not re.search(rf"\b{name}\b", given):
        raise SpecError(f"{where}: metric: nothing measures {name}; add effect={name} to the command")


def grid(name: str) -> list[str]:
    """Returns a sweep's file as overrides: what its command fixes, and the lists of its parameters.

    The logger is left out: what runs here is mirrored where the command line says.

    Raises:
        SpecError: There is no such file, or its values are chosen by results.
    """
    held = sweep_file(name)
    if held["method"] != "grid":
        raise SpecError(
            f"sweep={name}: method {held['method']} lets the service choose the values; give values here, as in "
            "python -m experiments.sweep -m stabilizer.weight=0.01,0.1, or choose a sweep with method grid"
        )
    # Without a command, the service calls the program with the parameters alone.
    command = [str(word) for word in held.get("command") or []]
    words = command[command.index(MODULE) + 1 :] if MODULE in command else command
    fixed = [word.removeprefix("--") for word in words if "=" in word]
    swept = []
    for key, given in flat(held["parameters"], f"sweep={name}: parameters").items():
        swept.append(f"{key}={','.join(map(written, _values(given, f'sweep={name}: {key}')))}")
    return [*(text for text in fixed if not key_of(text).startswith("logger")), *swept]


def flat(parameters: Mapping[str, Any], where: str) -> dict[str, dict[str, Any]]:
    """Returns parameters by their whole keys: nested ones (`deficit: {parameters: {end: …}}`) have dots.

    Args:
        parameters: Of a file.
        where: For messages.

    Raises:
        SpecError: Something that is no parameter.
    """
    found: dict[str, dict[str, Any]] = {}
    for key, given in parameters.items():
        if not isinstance(given, Mapping):
            raise SpecError(f"{where}: {key}: {given!r} is no parameter; write {key}: {{value: {given}}}")
        if unknown := [str(name) for name in given if name not in OF_A_PARAMETER]:
            raise SpecError(f"{where}: {key}: there is no '{unknown[0]}'; {closest(unknown[0], OF_A_PARAMETER)}")
        if "parameters" in given:
            if not isinstance(given["parameters"], Mapping):
                raise SpecError(f"{where}: {key}: parameters: a mapping is wanted")
            nested = flat(given["parameters"], f"{where}: {key}")
            found |= {f"{key}.{inner}": held for inner, held in nested.items()}
        else:
            found[str(key)] = dict(given)
    return found


def _values(given: Mapping[str, Any], where: str) -> list[Any]:
    """Returns the values that a parameter takes in a grid.

    Raises:
        SpecError: It has none: a range of fractions without steps, a distribution.
    """
    if "values" in given:
        if not isinstance(given["values"], list) or not given["values"]:
            raise SpecError(f"{where}: values: a list is wanted, e.g. values: [0, 1]")
        return given["values"]
    if "value" in given:
        return [given["value"]]
    if not {"min", "max"} <= set(given):
        raise SpecError(f"{where}: value, values, or min and max are wanted")
    low, high, step = given["min"], given["max"], given.get("q", 1)
    numbers = all(isinstance(part, (int, float)) and not isinstance(part, bool) for part in (low, high, step))
    if not numbers or low > high or step <= 0:
        raise SpecError(f"{where}: min={low}, max={high}: numbers are wanted, min not above max")
    if "q" not in given and not (isinstance(low, int) and isinstance(high, int)):
        raise SpecError(f"{where}: between min={low} and max={high} a grid has no values; add the step q, or list them")
    steps = itertools.takewhile(lambda value: value <= high + 1e-9 * step, (low + step * n for n in itertools.count()))
    return [round(value, 12) if isinstance(value, float) else value for value in steps]
