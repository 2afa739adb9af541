"""Specs: frozen dataclasses that say what a run is made of, and the identity that follows.

A spec is a frozen dataclass with a class variable `name`. Its *settings* are a plain mapping
`{"name": ..., field: value, ...}`; the *identity* of anything is the hash of its settings as
canonical JSON. Two kinds of field need care, and each has its own helper:

* `execution(default)` — cannot change the result (paths, worker counts): left out of the settings;
* `added(default, neutral)` — a field introduced after results existed: left out of the settings
  while it holds its *neutral* value, the one under which the code behaves as before the field
  existed. So a default that is added later does not change old identities, while a default that
  *changes* never passes for the old one, since every original field is always written out.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class SpecError(ValueError):
    """A setting that cannot be: the message is one line that says what, where and what to do."""


def execution(default: Any) -> Any:
    """Declares a field that cannot change the result, so is no part of the identity."""
    return dataclasses.field(default=default, metadata={"execution": True})


def added(default: Any, neutral: Any) -> Any:
    """Declares a field introduced later; `neutral` is the value that leaves old results as they were."""
    return dataclasses.field(default=default, metadata={"neutral": neutral})


def settings(value: Any) -> Any:
    """Turns a spec (or a container of specs) into the plain, JSON-able values that identify it.

    Args:
        value: A spec, a mapping, a sequence, or a scalar (str, int, float, bool, None).

    Returns:
        The same structure made of dict, list and scalars; specs become mappings with a `name`.

    Raises:
        TypeError: If a value has no canonical form.
    """
    # First, since most are: plans of many runs spend their time here.
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        name = getattr(value, "name", None)
        named: dict[str, Any] = {"name": name} if isinstance(name, str) else {}
        for field in dataclasses.fields(value):
            held = getattr(value, field.name)
            if field.metadata.get("execution"):
                continue
            if "neutral" in field.metadata and held == field.metadata["neutral"]:
                continue
            named[field.name] = settings(held)
        return named
    if isinstance(value, Mapping):
        return {str(key): settings(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [settings(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no canonical form; a spec holds plain values")


def places(spec: Any) -> dict[str, Any]:
    """Returns the fields of a spec that cannot change the result, such as where data lie, with their values."""
    fields = [field for field in dataclasses.fields(spec) if field.metadata.get("execution")]
    return {field.name: getattr(spec, field.name) for field in fields}


def identity(value: Any) -> str:
    """Returns 16 hexadecimal digits that identify the settings of `value`."""
    text = json.dumps(settings(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def closest(word: str, known: typing.Iterable[str]) -> str:
    """Ends an error message: the closest known word, or the list of them."""
    names = sorted(known)
    match = difflib.get_close_matches(word, names, n=1)
    return f"did you mean '{match[0]}'?" if match else f"known: {', '.join(names)}"


def from_settings(kinds: Mapping[str, type[T]], mapping: Mapping[str, Any], where: str) -> T:
    """Builds the spec that a mapping such as `{"name": "blur", "size": 8}` describes.

    Args:
        kinds: The registry: name to dataclass.
        mapping: `name` and fields. Fields left out take their defaults.
        where: What is being built (`"deficit"`, `"data"`), for messages.

    Returns:
        An instance of the registered class.

    Raises:
        SpecError: Unknown name, unknown field, missing field, wrong type, or a value that the
            class refuses; always one line.
    """
    given = dict(mapping)
    name = given.pop("name", None)
    if name is None:
        raise SpecError(f"{where}: 'name' is missing; {closest('', kinds)}")
    if not isinstance(name, str) or name not in kinds:
        raise SpecError(f"{where}: there is no '{name}'; {closest(str(name), kinds)}")
    kind = kinds[name]
    fields = {field.name: field for field in dataclasses.fields(kind) if field.init}  # type: ignore[arg-type]
    hints = typing.get_type_hints(kind)
    for key, value in given.items():
        if key not in fields:
            raise SpecError(f"{where}={name}: there is no setting '{key}'; {closest(key, fields)}")
        given[key] = _converted(value, hints[key], f"{where}.{key}")
    for key, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and key not in given:
            raise SpecError(f"{where}={name}: the setting '{key}' is missing")
    try:
        return kind(**given)
    except SpecError:
        raise
    except ValueError as error:
        raise SpecError(f"{where}={name}: {error}") from error


def _converted(value: Any, hint: Any, where: str) -> Any:
    """Checks a value against a simple type hint (int, float, bool, str, None, unions, tuples)."""
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for option in options:
        if option is type(None) and value is None:
            return None
        if option is bool and isinstance(value, bool):
            return value
        if option is int and isinstance(value, int) and not isinstance(value, bool):
            return value
        if option is float and isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        if option is str and isinstance(value, str):
            return value
        if typing.get_origin(option) is tuple and isinstance(value, (list, tuple)):
            inner = typing.get_args(option)[0]
            return tuple(_converted(item, inner, where) for item in value)
    wanted = " or ".join("a list" if typing.get_origin(option) is tuple else getattr(option, "__name__", str(option))
                         for option in options)  # fmt: skip
    raise SpecError(f"{where}={value!r}: expected {wanted.replace('NoneType', 'null')}")
