"""Pages of the site that are no file in docs/: README.md as the first page, and the API reference.

A hook of MkDocs (`hooks` in mkdocs.yml). The reference follows from the packages of `critical`, so a new module is in
it without being listed anywhere.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "critical"
LOADS = {
    ".html": re.compile(r"""<(?:script|img|source|iframe|link rel="(?:style|pre|icon))[^>]*["'](?:https?:)?//[^>]*"""),
    ".css": re.compile(r"""(?:@import|url\()\s*["']?(?:https?:)?//[^)]*"""),
}
"""What a page or a style sheet loads without being asked, by the ending of its name."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Puts the pages of the reference in place of the line `api/` of the navigation."""
    for entry in config.nav or []:
        for title, page in list(entry.items()):
            if page == "api/":
                entry[title] = ["api/index.md", *(f"api/{package.name}.md" for package in packages())]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the first page and the reference to the files of docs/."""
    pages = {"index.md": front(), "api/index.md": contents()}
    pages.update({f"api/{package.name}.md": reference(package) for package in packages()})
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_post_build(config: MkDocsConfig) -> None:
    """Refuses a site that loads anything from elsewhere: it has to open from disk, and to tell nobody who reads it."""
    for path in Path(config.site_dir).rglob("*"):
        loads = LOADS.get(path.suffix)
        found = loads.search(path.read_text(encoding="utf-8")) if loads else None
        if found:
            raise PluginError(f"{path}: {found.group()[:200]} is loaded from elsewhere")


def front() -> str:
    """Returns README.md, its links seen from docs/."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.sub(r"(?<=[(\"])docs/", "", text)


def packages() -> list[Path]:
    """Returns the packages of the library."""
    return sorted(path.parent for path in LIBRARY.glob("*/__init__.py"))


def contents() -> str:
    """Returns the first page of the reference: a line a package."""
    rows = [f"| [`critical.{one.name}`]({one.name}.md) | {_says(one / '__init__.py')} |" for one in packages()]
    intro = ast.get_docstring(ast.parse((LIBRARY / "__init__.py").read_text(encoding="utf-8"))) or ""
    return "\n".join(["# API reference", "", intro, "", "| package | holds |", "| --- | --- |", *rows, ""])


def reference(package: Path) -> str:
    """Returns the page of a package: its modules, one after another."""
    name = f"critical.{package.name}"
    modules = [path.stem for path in sorted(package.glob("*.py")) if path.stem != "__init__"]
    parts = [f"# {name}", _says(package / "__init__.py")]
    for module in modules:
        parts += [f"## {module}", f"::: {name}.{module}\n    options:\n      show_root_heading: false\n"
                  "      show_root_toc_entry: false"]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _says(module: Path) -> str:
    """Returns the first paragraph of a module's docstring, in one line."""
    said = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return said.partition("\n\n")[0].replace("\n", " ")
