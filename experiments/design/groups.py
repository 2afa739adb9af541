"""Where a group of settings stands, a word or a number is refused: `modalities.data=two_eyes`, `protocol=3`.

Hydra puts the value in the place of the whole group, whose readers expect its settings.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any

from omegaconf import DictConfig, OmegaConf

from critical.core.spec import SpecError
from experiments.design.command_line import key_of, written
from experiments.design.config import CONF
from experiments.design.families import FAMILIES, VISION, setting

NO_NAME = re.compile(r"null|true|false|[-+.\d][-+.\de]*|\{.*\}", re.IGNORECASE | re.DOTALL)
"""Values that name no file."""
EXAMPLES = {
    "protocol": "recovery=10",
    "stabilizers": "fisher_penalty.use=0.1",
    "figures": "controls/permanence.length=5",
}
"""A setting in a group that is not chosen by a name."""


def choices(group: str) -> list[str]:
    """Returns the names of what can be chosen for a group: the files of its folder in `conf/`."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def refuse_unnamed(overrides: Iterable[str]) -> None:
    """Refuses numbers, null and dictionaries where a file of `conf/` is named, before Hydra reads them.

    Raises:
        SpecError: `schedule=3`, in one line.
    """
    for text in overrides:
        key, value = key_of(text), text.partition("=")[2]
        if (known := choices(key.partition("@")[0])) and NO_NAME.fullmatch(value):
            raise SpecError(f"{text}: it is chosen by a name; known: {', '.join(known)}")


def refuse_values(config: DictConfig) -> None:
    """Refuses a configuration in which a value stands in the place of a group of settings.

    Raises:
        SpecError: Which, what was given, and what to do, in one line.
    """
    for key, value, what_to_do in _groups(config):
        probes = key.rpartition(".")[2] == "probes"
        held = value if probes and OmegaConf.is_list(value) else [value]
        if (probes and not OmegaConf.is_list(value)) or not all(OmegaConf.is_dict(one) for one in held):
            plain = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
            raise SpecError(f"{key}={written(plain)}: a group of settings; {what_to_do}")


def _groups(config: DictConfig) -> Iterator[tuple[str, Any, str]]:
    """Yields the groups of settings, those around others first: key, what stands there, what to do where it is none."""
    for prefix in ("", *FAMILIES):
        if prefix and prefix not in config:
            continue
        node = config[prefix] if prefix else config
        if prefix:
            yield prefix, node, f"set one in it, e.g. {prefix}.optimizer.batch_size=64"
        for name in map(str, node):
            key = f"{prefix}.{name}" if prefix else name
            # What has no value is missed by who reads it.
            if name in FAMILIES or OmegaConf.is_missing(node, name):
                continue
            if known := choices(name) if name != "profile" else []:
                yield key, node[name], f"choose one with {_choice(name, prefix, node[name], known)}"
            elif name in EXAMPLES:
                yield key, node[name], f"set one in it, e.g. {key}.{EXAMPLES[name]}"
                own = "seeds=[20,21]" if name == "figures" else "use=0.1"
                for inner in map(str, node[name] if name != "protocol" else ()):
                    yield f"{key}.{inner}", node[name][inner], f"set one in it, e.g. {key}.{inner}.{own}"


def _choice(group: str, prefix: str, given: Any, known: list[str]) -> str:
    """Returns the setting that chooses for a group what was given, or what is closest to it; else what there is."""
    near = difflib.get_close_matches(str(given), known, n=1)
    key = setting(prefix or VISION, group)
    return f"{key}={near[0]}" if near else f"{key}=NAME; known: {', '.join(known)}"
