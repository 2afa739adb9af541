"""What stands on a command line: settings, Hydra's own options, a folder of one's own configurations."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from critical.core.spec import SpecError, closest

FOLDER_OPTIONS = ("--config-dir", "-cd")
WITH_A_WORD = ("--cfg", "-c", "--package", "-p", "--info", "-i", "--config-name", "-cn", "--config-path", "-cp")
"""Hydra's own options that are followed by a word that is no setting."""
OF_HYDRA = (*WITH_A_WORD, "--multirun", "-m", "--resolve", "--run", "-r", "--hydra-help", "--version",
            "--shell-completion", "-sc", "--experimental-rerun")  # fmt: skip
HELP = ("--help", "-h")
MULTIRUN = ("--multirun", "-m")

_SETTING = re.compile(r"[+~]*[^\s=]+=|~")
_OF_A_FIGURE = re.compile(
    r"\+*figures\.(?P<figure>[^=.{}]+(?=\.)|[^=.{}]*/[^=.{}]*)(?:\.(?P<key>[^=]+))?=(?P<value>.*)", re.DOTALL
)
_REWRITTEN = re.compile(r"\+figures=\{([^:{}]+):\{([^:{}]+):(.*)\}\}", re.DOTALL)


@dataclass(frozen=True)
class CommandLine:
    """A command line, taken apart.

    Attributes:
        overrides: Settings in Hydra's notation (`a.b=c`, `+a=b`, `~a`), as Hydra is to read them.
        options: Hydra's own options, with their words.
        folder: `--config-dir`: where further configurations lie.
    """

    overrides: tuple[str, ...]
    options: tuple[str, ...] = ()
    folder: Path | None = None

    @property
    def help(self) -> bool:
        """Whether help is asked for."""
        return any(word in HELP for word in self.options)

    @property
    def multirun(self) -> bool:
        """Whether several values of a setting are several runs."""
        return any(word in MULTIRUN for word in self.options)

    @property
    def search(self) -> list[str]:
        """The override by which Hydra finds the folder."""
        return [f"hydra.searchpath=['file://{self.folder.resolve()}']"] if self.folder else []


def read(arguments: Sequence[str], of_a_sweep: bool = False) -> CommandLine:
    """Takes a command line apart.

    `figures.iclr2019/deficit_removal.removals=[5,10]` becomes what Hydra can read, and `--a=b` is `a=b`.

    Args:
        arguments: The words.
        of_a_sweep: Whether an agent of wandb wrote them, which writes values as Python does: `None`, nested ones as a
            dictionary.

    Raises:
        SpecError: A word that is neither, or a folder that does not exist.
    """
    settings, options, words = [], [], list(arguments)
    folder: Path | None = None
    while words:
        word = words.pop(0)
        name, _, value = word.partition("=")
        if name in FOLDER_OPTIONS:
            value = value or (words.pop(0) if words else "")
            if not value or not Path(value).is_dir():
                raise SpecError(f"--config-dir={value}: there is no such folder")
            folder = Path(value)
        elif name in WITH_A_WORD:
            options += [word] if "=" in word else [word, *words[:1]]
            words = words if "=" in word else words[1:]
        elif name in (*OF_HYDRA, *HELP):
            options.append(word)
        elif word.startswith("--") and "=" in word:
            settings.append(word[2:])
        elif word.startswith("-") and not word.startswith("-="):
            raise SpecError(f"{word}: there is no such option; --help lists what there is, settings are key=value")
        elif _SETTING.match(word):
            settings.append(word)
        else:
            raise SpecError(f"'{word}' is no setting; write key=value, e.g. seed=0")
    if of_a_sweep:
        settings = [text for setting in settings for text in _from_python(setting)]
    return CommandLine(tuple(map(_of_a_figure, settings)), tuple(options), folder)


def overrides(arguments: Sequence[str]) -> list[str]:
    """Returns the settings among a command's arguments as they stand there, whatever else does."""
    return [text for text in arguments if not text.startswith("-") and _SETTING.match(text)]


def few(arguments: Sequence[str], known: Collection[str], example: str) -> dict[str, str]:
    """Reads the command line of a command with a few settings of its own, which Hydra does not compose.

    Args:
        arguments: The words.
        known: The settings there are.
        example: One of them with a value, for messages.

    Returns:
        The values by their keys; the last one where a key stands there twice.

    Raises:
        SpecError: A word that is no setting, or a setting that does not exist.
    """
    found = {}
    for text in arguments:
        key, equals, value = text.partition("=")
        if not equals:
            raise SpecError(f"'{text}' is no setting; write key=value, e.g. {example}")
        if key not in known:
            raise SpecError(f"{key}: there is no such setting; {closest(key, known)}")
        found[key] = value
    return found


def key_of(override: str) -> str:
    """Returns the key of an override such as `deficit.end=10` or `+a=1`."""
    return override.split("=", 1)[0].lstrip("+~")


def typed(override: str) -> str:
    """Returns an override as one types it, for messages: `read` has rewritten those of a figure."""
    return _REWRITTEN.sub(r"figures.\1.\2=\3", override)


def written(value: Any) -> str:
    """Writes a value as Hydra reads it; text with other signs than those of names and numbers is quoted."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(written, value)) + "]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{written(held)}" for key, held in value.items()) + "}"
    text = str(value)
    plain = re.fullmatch(r"[\w./@+-]+", text, re.ASCII) or re.fullmatch(r"\$\{[^{}]*\}", text)
    return text if not isinstance(value, str) or plain else quoted(text)


def quoted(text: str) -> str:
    """Quotes text for Hydra."""
    return '"' + re.sub(r'(\\*)"', r'\1\1\\"', text) + '"'


def _of_a_figure(text: str) -> str:
    """Hydra takes a key with a slash for a group; as a key of a dictionary it may have one."""
    found = _OF_A_FIGURE.fullmatch(text)
    if found is None:
        return text
    inner = found["value"] if found["key"] is None else f"{{{found['key']}:{found['value']}}}"
    return f"+figures={{{found['figure']}:{inner}}}"


def _from_python(text: str) -> list[str]:
    """Returns a setting as an agent writes it in Hydra's notation; one with a dictionary is several."""
    key, _, value = text.partition("=")
    if value == "None":
        return [f"{key}=null"]
    try:
        held = ast.literal_eval(value) if value[:1] in "{[" else None
    except (ValueError, SyntaxError):
        return [text]
    if isinstance(held, dict):
        return [part for inner, of in held.items() for part in _from_python(f"{key}.{inner}={of}")]
    return [text] if held is None else [f"{key}={written(held)}"]
