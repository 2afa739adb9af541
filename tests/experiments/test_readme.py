"""What README.md and docs/method.md say is so: commands compose, tables are the code's, the deficit works."""

import importlib.util
import math
import re
import shlex
import sys
from pathlib import Path

import pytest
import tiny
import torch
from omegaconf import OmegaConf
from torchvision.transforms import v2

from critical import deficits
from critical.inference.claims import BATCHES, FIRST_CALIBRATION_SEED
from critical.inference.effects import SMALLEST
from critical.inference.verdicts import CONFIRMED_ALPHA, PROVISIONAL_ALPHA, Word
from experiments.design import config as configuration
from experiments.design.config import plain
from experiments.design.registry import FIGURES, chosen

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
OPTIONS = set(re.search(r"^OPTIONS := (.*)$", MAKEFILE, re.MULTILINE).group(1).split())
CONFIGS = {"experiments": "figures", "experiments.train": "train"}


TEXT = README.read_text(encoding="utf-8")
METHOD = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")


def blocks(language):
    """The fenced blocks of a language."""
    return re.findall(rf"^```(?:{language})\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def rows(heading, text=TEXT):
    """The cells of the rows of all tables in a section."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL).group(1)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]


def commands():
    """The lines of all shell blocks, continued lines joined, without prompt, comment and assignments before."""
    lines = [line.strip().removeprefix("$ ") for block in blocks("sh|bash|console")
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


def test_the_readme_has_commands():
    assert made()


@pytest.mark.parametrize("words", made(), ids=written)
def test_make_commands_exist(words):
    options = dict(word.split("=", 1) for word in words[1:] if "=" in word)
    targets = [word for word in words[1:] if "=" not in word]
    assert set(targets) <= TARGETS
    assert set(options) <= OPTIONS
    if not targets or {"figures", "smoke", "reference", "verify"} & set(targets):
        named = [name for name in ("FIGURE", "PROFILE", "JOBS", "DEVICE") if name in options]
        given = [quoted(f"{name.lower()}={options[name]}") for name in named]
        config = tiny.composed("figures", *given, *overrides(shlex.split(options.get("ARGS", ""))))
        assert chosen(plain(config.figure), plain(config.headline))


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
            assert chosen(plain(config.figure), plain(config.headline))


def test_make_help_lists_every_target():
    """What the README and the Makefile say about themselves goes through one line of comment a target."""
    described = set(re.findall(r"^([a-z]+):.* ## ", MAKEFILE, re.MULTILINE))
    assert described == TARGETS


def test_figures_and_their_questions_are_those_of_the_registry():
    found = {cells[0].strip("`"): cells[2] for cells in rows("Figures")[2:]}
    assert found == {name: figure.question for name, figure in FIGURES.items()}


def test_words_effects_and_seeds_are_those_of_the_rule():
    table = rows("How a verdict comes about", METHOD)
    assert {cells[0] for cells in table} >= set(Word.__args__)
    said = [cells[1] for cells in table[table.index(["measured", "smallest effect"]) + 2 :]]
    effects = [math.exp(one.effect) if one.ratio else one.effect for one in SMALLEST.values()]
    assert [float(re.search(r"[\d.]+", text).group()) for text in said] == pytest.approx(effects)
    for first, *_, last in BATCHES:
        assert f"{first}–{last}" in METHOD
    assert f"α = {PROVISIONAL_ALPHA}" in METHOD
    assert f"α = {CONFIRMED_ALPHA}" in METHOD
    assert f"Seeds from {FIRST_CALIBRATION_SEED} on" in METHOD


def test_profiles_are_those_that_there_are():
    there = {path.stem for path in (configuration.CONF / "profile").glob("*.yaml")}
    assert {cells[0].strip("`") for cells in rows("Profiles")[2:]} == there
    for name, _, data, model in rows("Profiles")[2:]:
        held = tiny.composed("figures", f"profile={name.strip('`')}")
        assert model.endswith(f"width {held.model.width}")
        if "images" in data:
            assert f"{held.data.subset:,} images, {held.data.resolution}×{held.data.resolution}" in data


def test_the_deficit_works_as_it_stands(tmp_path, monkeypatch):
    code, settings = blocks("python")[0], OmegaConf.to_container(OmegaConf.create(blocks("yaml")[0]))
    (tmp_path / "dim.py").write_text(code, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("critical.deficits.dim", tmp_path / "dim.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    monkeypatch.setitem(deficits.KINDS, module.Dim.name, module.Dim)
    [window] = configuration.windows({**settings, "end": 2})
    configuration.try_on_data(tiny.parts(), [window.deficit])
    images = torch.rand(3, 1, 8, 8)
    assert torch.allclose(window.deficit(images), 0.5 + settings["gain"] * (images - 0.5))
    assert torch.equal(v2.Compose([window.deficit])(images), window.deficit(images))


def test_it_is_short():
    assert len(TEXT.split()) <= 1_200
