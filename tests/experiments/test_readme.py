"""What README.md and docs/ say is so: commands compose, links lead somewhere, no number is typed by hand."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
import tiny

from experiments.design.config import plain
from experiments.design.registry import chosen
from experiments.runs.__main__ import parser as runs_parser

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
OPTIONS = set(re.search(r"^OPTIONS := (.*)$", MAKEFILE, re.MULTILINE).group(1).split())
CONFIGS = {"experiments": "figures", "experiments.train": "train"}
DOCUMENTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
             for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))}  # fmt: skip
README = DOCUMENTS["README.md"]
EXTENDING = "docs/extending.md"
"""Its commands are tested where what it adds is there: `test_extending.py`."""


def commands():
    """The lines of all shell blocks, continued lines joined, without comment."""
    found = []
    for name, text in DOCUMENTS.items():
        blocks = re.findall(r"^```(?:sh|bash|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
        found += [] if name == EXTENDING else [shlex.split(line, comments=True) for line in lines]
    return list(dict.fromkeys(tuple(words) for words in found if words))


def modules():
    """(module, arguments) of every `python -m module …`, whichever Python is named."""
    return [(words[2], words[3:]) for words in commands()
            if re.search(r"(^|/)python3?$", words[0]) and words[1:2] == ("-m",)]  # fmt: skip


def overrides(arguments):
    """Settings alone; of a sweep the first of each list."""
    sweep = bool({"-m", "--multirun"} & set(arguments))
    settings = [text for text in arguments if "=" in text and not text.startswith("-")]
    if any(text.startswith("figures.") for text in settings):
        from experiments.design.command_line import read

        settings = read(settings).overrides
    return [text.split(",")[0] if sweep and "[" not in text else text for text in settings]


def quoted(text):
    """A list of figures has commas, which Hydra would take for a sweep."""
    key, value = text.split("=", 1)
    return f"{key}='{value}'" if "," in value else text


def test_every_command_is_one_of_the_two_kinds():
    assert {words[0] for words in commands()} == {"make", ".venv/bin/python"}


@pytest.mark.parametrize("words", [words for words in commands() if words[0] == "make"], ids=" ".join)
def test_make_commands_exist(words):
    options = dict(word.split("=", 1) for word in words[1:] if "=" in word)
    targets = [word for word in words[1:] if "=" not in word]
    assert set(targets) <= TARGETS
    assert set(options) <= OPTIONS
    if {"figures", "reference", "verify"} & set(targets):
        named = [name for name in ("FIGURE", "PROFILE", "JOBS", "DEVICE") if name in options]
        given = [quoted(f"{name.lower()}={options[name]}") for name in named]
        config = tiny.composed("figures", *given, *overrides(shlex.split(options.get("ARGS", ""))))
        assert chosen(plain(config.figure), plain(config.headline))


@pytest.mark.parametrize(("module", "arguments"), modules(), ids=str)
def test_modules_exist_and_their_settings_compose(module, arguments):
    assert importlib.util.find_spec(module) is not None, f"there is no module {module}"
    if module in CONFIGS:
        stray = [text for text in arguments if "=" not in text and not text.startswith("-")]
        assert all(arguments[arguments.index(text) - 1] in ("--cfg", "--info") for text in stray)
        tiny.composed(CONFIGS[module], *overrides(arguments))
    if module == "experiments.runs":
        assert callable(runs_parser().parse_args(arguments).job)


def test_make_help_lists_every_target():
    """What the README and the Makefile say about themselves goes through one line of comment a target."""
    described = set(re.findall(r"^([a-z]+):.* ## ", MAKEFILE, re.MULTILINE))
    assert described == TARGETS


def anchors(text):
    """What a link may lead to within a document: headings, as GitHub and the site name them, and ids."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    slugs = [re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads]
    return {*slugs, *re.findall(r'id="([^"]+)"', text)}


def links():
    """(document, target) of every link and picture that stays in the repository."""
    found = []
    for name, text in DOCUMENTS.items():
        prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)
        targets = [*re.findall(r"\]\(([^)\s]+)\)", prose), *re.findall(r'(?:src|srcset|href)="([^"]+)"', prose)]
        found += [(name, target) for target in targets if not re.match(r"https?:", target)]
    return list(dict.fromkeys(found))


def test_every_link_within_the_repository_leads_somewhere():
    assert len(links()) > 30
    for name, target in links():
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.is_file(), f"{name}: {target}"
        if anchor:
            assert anchor in anchors(file.read_text(encoding="utf-8")), f"{name}: {target}"


GENERATED = re.compile(r"<!-- [\w ]+: generated by make findings -->.*?<!-- end -->", re.DOTALL)
NAMES = re.compile(
    r"CIFAR-10|ResNet-18|ICLR 2019|x86-64|AVX2|AVX-512|torchvision\.transforms\.v2|bf16|fp32"
    r"|Python 3\.10 to 3\.13|6 GB"  # tested below
    r"|1×1|\[0, 1\]|\b(?:epoch|of|above) 0\b|(?<!\w)[+−]1\b"  # of definitions
)


@pytest.mark.parametrize("name", ["README.md", "docs/guide.md", "docs/methods.md", "docs/performance.md"])
def test_no_number_is_typed_by_hand(name):
    text = GENERATED.sub("", DOCUMENTS[name])
    for pattern in (r"^```.*?^```", r"`[^`]*`", r"\]\([^)]*\)", r"<[^>]*>"):
        text = re.sub(pattern, "", text, flags=re.MULTILINE | re.DOTALL)
    left = re.findall(r".*\d.*", NAMES.sub("", text))
    assert left == [], "generate it (experiments.output.document_parts), or leave it out"


def test_what_it_needs_is_what_the_setup_asks_for():
    low, above = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', (ROOT / "pyproject.toml").read_text()).groups()
    assert f"Python 3.{low} to 3.{int(above) - 1} and" in README
    (disk,) = set(re.findall(r"(\d+ GB) of disk \(", (ROOT / "scripts" / "setup.sh").read_text()))
    assert f"{disk} of disk" in README


def test_the_readme_is_short():
    seen = re.sub(r"<!--.*?-->|[|]|---", "", README, flags=re.DOTALL)
    assert len(seen.split()) <= 1_200
