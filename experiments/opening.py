"""The first line of a command, printed before torch is imported, which takes seconds.

Nothing is checked here: where settings cannot be read at a glance there is no line, and what is wrong is said later.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import yaml

from critical.core.terminal import end_output, open_streams

PROFILES = Path(__file__).resolve().parents[1] / "conf" / "profile"


def figures(arguments: Sequence[str]) -> str:
    """Returns the first line of `python -m experiments`: profile and figures; nothing where Hydra or help is asked."""
    if any(text.startswith("-") for text in arguments):
        return ""
    given = dict(text.split("=", 1) for text in arguments if "=" in text)
    profile, asked = given.get("profile", "quick"), given.get("figure", "headline").strip("[]")
    path = PROFILES / f"{profile}.yaml"
    if not re.fullmatch(r"\w+", profile) or not path.is_file():
        return ""
    names = yaml.safe_load(path.read_text(encoding="utf-8")).get("headline", []) if asked == "headline" else [asked]
    listed = "every figure" if names == ["all"] else ", ".join(names).replace(",", ", ").replace("  ", " ")
    return f"critical periods: profile {profile}, {listed or 'the default figures'}"


def train(arguments: Sequence[str]) -> str:
    """Returns the first line of `python -m experiments.train`."""
    if any(text.startswith("-") for text in arguments):
        return ""
    return f"critical periods: one run, {' '.join(arguments) or 'a clean one'}"


def say(line: str) -> None:
    """Prints a line, if there is one."""
    open_streams()
    if line:
        try:
            print(line, flush=True)
        except OSError as error:
            raise SystemExit(end_output(error)) from None
