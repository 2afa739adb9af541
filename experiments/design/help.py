"""What `--help` prints: what the command is for, examples, its settings and the choices of `conf/`."""

from __future__ import annotations

import inspect
import textwrap

from experiments.design.config import CONF

EXAMPLES = {
    "figures": (
        "python -m experiments",
        "python -m experiments figure=iclr2019/deficit_removal dry=true",
        "python -m experiments figure=[cvpr2023/rsv_blur,controls/permanence] profile=laptop",
        "python -m experiments deficit=occlusion 'figures.iclr2019/deficit_removal.removals=[5,10]'",
    ),
    "train": (
        "python -m experiments.train data=glyphs deficit=blur deficit.end=10 seed=0",
        "python -m experiments.train deficit=none deficit.end=10 recovery=40",
        "python -m experiments.train deficit=blur deficit.end=10 stabilizer=fisher_penalty stabilizer.end=10",
    ),
}
"""By the primary configuration."""
MORE = "All settings with their values: --cfg job. Several values of one: -m. Configurations of your own: --config-dir."


def help_text(config_name: str, doc: str) -> str:
    """Returns the help of a command whose settings are composed.

    Args:
        config_name: The primary configuration in `conf/`.
        doc: What its module says of itself.
    """
    lines = (CONF / f"{config_name}.yaml").read_text(encoding="utf-8").splitlines()
    groups = _choices()
    return page(
        doc, EXAMPLES[config_name],
        {"Settings": [*_settings(lines)], "Choices": [f"{name}={' '.join(files)}" for name, files in groups.items()]},
        MORE,
    )  # fmt: skip


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
        folded = [textwrap.fill(line, 110, initial_indent="  ", subsequent_indent="      ", break_on_hyphens=False)
                  for line in lines]  # fmt: skip
        blocks.append(f"{title}\n" + "\n".join(folded))
    return "\n\n".join([*blocks, more] if more else blocks)


def _choices() -> dict[str, list[str]]:
    """Returns the files of each group of `conf/`."""
    folders = sorted(path for path in CONF.iterdir() if path.is_dir() and path.name not in ("sweeps", "arithmetic"))
    return {folder.name: sorted(path.stem for path in folder.glob("*.yaml")) for folder in folders}


def _settings(lines: list[str]) -> list[str]:
    """Returns the settings of a primary configuration, with the comments that stand before them."""
    found, comment = [], ""
    for line in lines[lines.index("  - _self_") :]:
        if line.startswith("# "):
            comment = f"{comment} {line[2:]}".strip()
        elif line[:1].isalpha() and ": " in line:
            key, _, value = line.partition(": ")
            found.append(f"{key}={value}" + (f"   {comment}" if comment else ""))
            comment = ""
        elif not line.strip():
            comment = ""
    return found
