"""What `--help` prints: what the command is for, examples, its settings and the choices of `conf/`."""

from __future__ import annotations

import inspect
import re
import textwrap

from experiments.design.config import CONF
from experiments.design.groups import choices

EXAMPLES = {
    "figures": (
        "python -m experiments",
        "python -m experiments figure=iclr2019/deficit_removal dry=true",
        "python -m experiments figure=[cvpr2023/rsv_blur,controls/permanence] profile=laptop",
        "python -m experiments deficit=occlusion 'figures.iclr2019/deficit_removal.removals=[5,10]'",
    ),
    "verify": (
        "python -m experiments.verify",
        "python -m experiments.verify figure=controls/age_or_rate seeds=[21]",
    ),
    "train": (
        "python -m experiments.train data=glyphs deficit=blur deficit.end=10 seed=0",
        "python -m experiments.train deficit=none deficit.end=10 recovery=40",
        "python -m experiments.train deficit=blur deficit.end=10 stabilizer=fisher_penalty stabilizer.end=10",
    ),
}
"""By the command."""
WIDTH = 20
"""Letters of the first column."""
SET_BY_PROFILES = ("headline",)
MORE = "All settings with their values: --cfg job. Several values of one: -m. Configurations of your own: --config-dir."


def help_text(config_name: str, doc: str, more: dict[str, list[str]] | None = None, command: str = "") -> str:
    """Returns the help of a command whose settings are composed.

    Args:
        config_name: The primary configuration in `conf/`.
        doc: What its module says of itself.
        more: Further parts: titles and their lines.
        command: Whose examples are shown; by default those of the command that the configuration is named for.
    """
    text = (CONF / f"{config_name}.yaml").read_text(encoding="utf-8")
    groups = [f"{name:<{WIDTH}}{'  '.join(files)}" for name, files in _choices(text).items()]
    parts = {"Settings": _settings(text.splitlines()), "Choices, as in data=glyphs": groups, **(more or {})}
    return page(doc, EXAMPLES[command or config_name], parts, MORE)


def page(doc: str, examples: tuple[str, ...], parts: dict[str, list[str]], more: str = "") -> str:
    """Returns a page of help.

    Args:
        doc: What the command is for: the docstring of its module.
        examples: Whole commands.
        parts: Titles and their lines.
        more: A last line.
    """
    said = inspect.cleandoc(doc).replace("`", "")
    blocks = [said, "Examples\n" + "\n".join(f"  {line}" for line in examples)]
    for title, lines in parts.items():
        blocks.append(f"{title}\n" + "\n".join(map(_folded, lines)))
    return "\n\n".join([*blocks, more] if more else blocks)


def _folded(line: str) -> str:
    """Folds a line of two columns; what follows stands in the second one."""
    first = re.match(r"\S+ {2,}", line)
    indent = " " * (2 + (len(first.group()) if first else WIDTH))
    return textwrap.fill(line, 110, initial_indent="  ", subsequent_indent=indent, break_on_hyphens=False)


def _choices(text: str) -> dict[str, list[str]]:
    """Returns the files of the groups that a primary configuration has, as far as people choose among them."""
    named = [name for name in re.findall(r"^  - (\w+): ", text, re.MULTILINE) if name != "arithmetic"]
    return {name: choices(name) for name in sorted(named)}


def _settings(lines: list[str]) -> list[str]:
    """Returns the settings of a primary configuration, with the comments that stand before them."""
    found, comment = [], ""
    for line in lines[lines.index("  - _self_") :]:
        if line.startswith("# "):
            comment = f"{comment} {line[2:]}".strip()
        elif line[:1].isalpha() and ": " in line:
            key, _, value = line.partition(": ")
            if key not in SET_BY_PROFILES:
                found.append(f"{f'{key}={value}':<{WIDTH - 1}} {comment}".rstrip())
            comment = ""
        elif not line.strip():
            comment = ""
    return found
