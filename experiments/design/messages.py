"""Hydra's messages as one line that says what to do, and what a setting that does not exist was meant to be."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from difflib import get_close_matches

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import MissingMandatoryValue

from critical.core.spec import SpecError, closest
from experiments.design.command_line import key_of, quoted
from experiments.design.groups import choices

MEANT = {
    "train": {
        "lr": "schedule.rate", "learning_rate": "schedule.rate", "rate": "schedule.rate", "decay": "schedule.decay",
        "device": "arithmetic.device", "gpu": "arithmetic.device", "removal": "deficit.end",
        "onset": "deficit.start", "window": "deficit.end", "dataset": "data", "network": "model",
        "name": "a single run has no name, python -m experiments.sweep has one",
        "jobs": "a single run has one process, python -m experiments.sweep has jobs",
        "sweep": "python -m experiments.sweep runs one",
        "profile": "profiles are for figures, python -m experiments profile=quick",
        "figure": "python -m experiments makes figures",
    },
    "figures": {
        "lr": "protocol.rate", "learning_rate": "protocol.rate", "rate": "protocol.rate", "gpu": "device",
        "epochs": "protocol.recovery", "dry_run": "dry", "dataset": "data", "network": "model",
        "schedule": "figures set their schedules; protocol.rate and protocol.decay are what can be chosen",
        "removals": "figures.NAME.removals", "onsets": "figures.NAME.onsets", "removal": "figures.NAME.removals",
    },
}  # fmt: skip
"""By the primary configuration: what people call a setting, as the last part of a key, and what it is called here, or
what to do (with blanks)."""
RATES = ("lr", "learning_rate")
KINDS, CHOSEN = ("type", "kind"), ("deficit", "data", "model", "optimizer", "schedule", "stabilizer", "augmentation")
"""What people call the choice of a file in `conf/`, and where there is one to choose."""
LISTS = ("seeds", "protocol.seeds", "figure", "headline")
WINDOW = re.compile(r"(two_streams\.|modalities\.|transformer\.)?deficit\.(start|end)")
UNREAD_OF_FIGURES = (
    "a figure sets its windows itself; set protocol.longest_window, or its own, as in "
    "figures.iclr2019/deficit_removal.removals=[5,10]"
)


def meant(key: str, known: Iterable[str], config_name: str) -> str:
    """Ends a message on a key that does not exist: what was meant, or the closest key.

    Args:
        key: The key.
        known: The keys that there are.
        config_name: The primary configuration, `train` or `figures`.
    """
    there, last = sorted(known), key.rpartition(".")[2]
    if last in MEANT[config_name]:
        alias = MEANT[config_name][last]
        return alias if " " in alias else f"did you mean {alias}?"
    if same := [name for name in there if name.rpartition(".")[2].lower() == last.lower()]:
        fewest = min(name.count(".") for name in same)
        return f"did you mean {' or '.join(name for name in same if name.count('.') == fewest)}?"
    group = key.rpartition(".")[0]
    near = [name for name in there if name.rpartition(".")[0] == group]
    # By its last part: all that stands in a group begins alike.
    if alike := get_close_matches(last, [name.rpartition(".")[2] for name in near], n=1):
        return f"did you mean '{group}.{alike[0]}'?" if group else f"did you mean '{alike[0]}'?"
    return f"known: {', '.join(near)}" if group and near else closest(key, there)


def refuse_by_name(overrides: Iterable[str], config_name: str) -> None:
    """Refuses settings by what they are called and how their values are written, before Hydra reads them.

    Raises:
        SpecError: What was meant is said.
    """
    for text in overrides:
        key, (_, _, value) = key_of(text), text.partition("=")
        group, _, last = key.rpartition(".")
        if text.startswith("~") and "." not in key:
            raise SpecError(f"{text}: nothing goes without {key}; choose another, e.g. deficit=none")
        if config_name == "figures" and WINDOW.fullmatch(key):
            raise SpecError(f"{text}: nothing reads {key}; {UNREAD_OF_FIGURES}")
        if last in RATES or (group == "optimizer" and last == "rate"):
            own = f"{group}.rate" if group.endswith("protocol") else MEANT[config_name]["lr"]
            raise SpecError(f"{text}: the rate is called {own} here; write {own}={value}")
        if config_name == "train" and key == "seeds":
            whole = shlex.quote(f"seed={value.strip('[]')}")
            several = f"several are a sweep: python -m experiments.sweep -m {whole}"
            raise SpecError(f"{text}: a run has one seed, seed=0; {several}")
        if config_name == "figures" and key == "seed":
            raise SpecError(f"{text}: figures have several; write seeds=[{_listed(value) or value.strip('[]')}]")
        if last in KINDS and group in CHOSEN and value:
            raise SpecError(f"{text}: there is no setting '{key}'; it is chosen by its name: {group}={value}")
        if alias := MEANT[config_name].get(key):
            said = alias if " " in alias else f"did you mean {alias}={value}?"
            raise SpecError(f"{text}: there is no setting '{key}'; {said}")
        if config_name == "figures" and key in LISTS and (listed := _listed(value)):
            raise SpecError(f"{text}: a list is wanted, {key}=[{listed}]")


def one_line(error: Exception, config_name: str = "train", known: Iterable[str] = ()) -> str:
    """Folds a message of Hydra or OmegaConf into one line that says what to do.

    Args:
        error: What was raised.
        config_name: The primary configuration.
        known: The keys that there are.
    """
    text = str(error)
    if isinstance(error, MissingConfigException) and "/" in (error.missing_cfg_file or ""):
        group, _, choice = (error.missing_cfg_file or "").rpartition("/")
        # Of a list of choices, Hydra names none.
        if known := error.options or choices(group):
            return f"{group}={choice}: there is no such choice; {closest(choice, known)}"
    if isinstance(error, MissingMandatoryValue) and "data.path" in text:
        key = error.full_key or "data.path"
        return f"{key}: has no value; give it, e.g. {key}=mine.npz for data=arrays, else the path of a folder"
    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key or error.key}: has no value; give one on the command line"
    if isinstance(error, OverrideParseException):
        return _unreadable(error.override)
    if found := re.search(r"Ambiguous value for argument '(.*?)'\n|Sweep parameters '(.*?)' requires", text, re.DOTALL):
        return _sweep(found[1] or found[2], config_name)
    if found := re.search(r"Could not (?:override|delete from config\.|append to config\.)\s*'([^']*)'", text):
        key = found[1].partition("=")[0].lstrip("+~")
        if "is already at" in text:
            return f"{key}: it is there already; write it without +"
        more = " (choose a deficit first, e.g. deficit=blur)" if key.startswith("deficit.") else ""
        return f"{key}: there is no such setting; {meant(key, known, config_name)}{more}"
    if found := re.search(r"Error merging override (.*)", text):
        return f"{found[1]}: this value cannot stand there"
    if "Config group override must be" in text:
        return "a group is chosen by the name of a file in conf/, e.g. data=glyphs"
    if found := re.search(r"Interpolation key '([^']*)' not found", text):
        return f"${{{found[1]}}}: there is no setting of that name to refer to"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith(("full_key", "object_type", "Available options", "See http"))]
    return "; ".join(kept[:3])


def _listed(value: str) -> str:
    """Returns the inside of the list that a value in another notation means; nothing where it is one, or text."""
    if found := re.fullmatch(r"\[?range\((\d+)(?:,(\d+))?(?:,(\d+))?\)\]?", value.replace(" ", "")):
        return ",".join(map(str, range(*(int(part) for part in found.groups() if part))))
    return value if re.fullmatch(r"[^\[\]{}()'\"]+(,[^\[\]{}()'\"]+)+", value) else ""


def _sweep(text: str, config_name: str) -> str:
    """What to do about several values where one is wanted."""
    if config_name == "train":
        return f"{text}: several values are a sweep: python -m experiments.sweep -m {shlex.quote(text)}"
    again = f"python -m experiments -m {shlex.quote(text)}"
    return f"{text}: one value is wanted; for the figures with each of them add -m: {again}"


def _unreadable(text: str) -> str:
    """Says which sign of an override cannot stand there, and how the value is quoted."""
    key, sign, value = text.partition("=")
    if not sign or not re.fullmatch(r"[+~]{0,2}[\w./@:-]+", key, re.ASCII):
        return f"'{text}' is no setting; write key=value, e.g. seed=0"
    if "/" in key or ("@" in key and "." in key.partition("@")[0]):
        return f"{text}: {key} is no key; a group has slashes, a setting has dots"
    whole = f"{key}={quoted(value)}"
    try:
        OverridesParser.create().parse_overrides([whole])
    except HydraException:
        return f"{text}: this value cannot be read"
    for opening, closing in ("[]", "{}", "()"):
        if value.startswith(opening) and value.count(opening) != value.count(closing):
            return f"{text}: a bracket is not closed; if it is text, quote the value: {shlex.quote(whole)}"
    odd = re.search(r"[^\w./:@%?|+\\ -]|[^\x00-\x7f]", value, re.ASCII)
    why = f", since {_named(odd.group())} cannot stand there bare" if odd else ""
    return f"{text}: quote the value{why}: {shlex.quote(whole)}"


def _named(sign: str) -> str:
    return f'"{sign}"' if sign == "'" else f"'{sign}'"
