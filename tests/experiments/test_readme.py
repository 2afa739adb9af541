"""Every command in the README exists and composes; none of them is run."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
import tiny
from omegaconf import OmegaConf

from experiments.design.registry import chosen

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
OPTIONS = set(re.search(r"^OPTIONS := (.*)$", MAKEFILE, re.MULTILINE).group(1).split())
CONFIGS = {"experiments": "figures", "experiments.train": "train"}


def commands():
    """The lines of all shell blocks, continued lines joined, without prompt, comment and assignments before."""
    if not README.exists():
        return []
    blocks = re.findall(r"^```(?:sh|bash|console)\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    lines = [line.strip().removeprefix("$ ") for block in blocks
             for line in block.replace("\\\n", " ").splitlines()]  # fmt: skip
    found = []
    for line in lines:
        for part in re.split(r"\s(?:&&|\|)\s", line):
            words = shlex.split(part, comments=True)
            while words and re.match(r"[A-Z_]+=", words[0]):
                words = words[1:]
            if words:
                found.append(words)
    return found


def made():
    return [words for words in commands() if words[0] == "make"]


def modules():
    """(module, arguments) of every `python -m module …`, whichever Python is named."""
    found = []
    for words in commands():
        if re.search(r"(^|/)python3?$", words[0]) and words[1:2] == ["-m"]:
            found.append((words[2], words[3:]))
    return found


def overrides(arguments):
    """Settings alone; of a sweep the first of each list."""
    sweep = bool({"-m", "--multirun"} & set(arguments))
    settings = [text for text in arguments if "=" in text and not text.startswith("-")]
    return [text.split(",")[0] if sweep and "[" not in text else text for text in settings]


def written(words):
    return " ".join(words)


@pytest.mark.skipif(not README.exists(), reason="there is no README.md yet")
def test_the_readme_has_commands():
    assert made()


@pytest.mark.parametrize("words", made(), ids=written)
def test_make_commands_exist(words):
    options = dict(word.split("=", 1) for word in words[1:] if "=" in word)
    targets = [word for word in words[1:] if "=" not in word]
    assert set(targets) <= TARGETS
    assert set(options) <= OPTIONS
    if {"figures", "smoke", "reference", "verify"} & set(targets) or not targets:
        named = [name for name in ("FIGURE", "PROFILE", "JOBS", "DEVICE", "SEEDS") if name in options]
        given = [quoted(f"{name.lower()}={options[name]}") for name in named]
        config = tiny.composed("figures", *given, *overrides(shlex.split(options.get("ARGS", ""))))
        assert chosen(asked(config), list(config.headline))


def asked(config):
    """The figures that are named: a word, or a list."""
    return list(config.figure) if OmegaConf.is_list(config.figure) else config.figure


def quoted(text):
    """A list of figures has commas, which Hydra would take for a sweep."""
    key, value = text.split("=", 1)
    return f"{key}='{value}'" if "," in value else text


@pytest.mark.parametrize(("module", "arguments"), modules(), ids=str)
def test_modules_exist_and_their_settings_compose(module, arguments):
    assert importlib.util.find_spec(module) is not None, f"there is no module {module}"
    if module in CONFIGS:
        stray = [text for text in arguments if "=" not in text and not text.startswith("-")]
        assert all(arguments[arguments.index(text) - 1] in ("--cfg", "--info") for text in stray)
        config = tiny.composed(CONFIGS[module], *overrides(arguments))
        if module == "experiments":
            assert chosen(asked(config), list(config.headline))


def test_make_help_lists_every_target():
    """What the README and the Makefile say about themselves goes through one line of comment a target."""
    described = set(re.findall(r"^([a-z]+):.* ## ", MAKEFILE, re.MULTILINE))
    assert described == TARGETS
