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
                entry[title] = ["api/index.md", *(f"api/{name}.md" for name in references())]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the first page and the reference to the files of docs/."""
    pages = {"index.md": front(), "api/index.md": contents()}
    pages.update({f"api/{name}.md": text for name, text in references().items()})
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


def references() -> dict[str, str]:
    """Returns the pages of the reference by their names: the public names, what was trained, and the packages."""
    found = {"api": public(), "results": f"# critical.results\n\n{_shown('critical.results')}\n"}
    return {**found, **{package.name: reference(package) for package in packages()}}


def contents() -> str:
    """Returns the first page of the reference: a line a package."""
    said = {"api": LIBRARY / "api.py", "results": LIBRARY / "results.py"}
    said |= {one.name: one / "__init__.py" for one in packages()}
    rows = [f"| [`critical.{name}`]({name}.md) | {_says(path)} |" for name, path in said.items()]
    intro = ast.get_docstring(ast.parse((LIBRARY / "__init__.py").read_text(encoding="utf-8"))) or ""
    return "\n".join(["# API reference", "", intro, "", "| module | holds |", "| --- | --- |", *rows, ""])


def public() -> str:
    """Returns the page of the public names: `critical.api.__all__`, and the page that describes each."""
    held = ast.parse((LIBRARY / "api.py").read_text(encoding="utf-8"))
    homes = {name.asname or name.name: str(line.module)
             for line in held.body if isinstance(line, ast.ImportFrom) for name in line.names}  # fmt: skip
    (names,) = (ast.literal_eval(line.value) for line in held.body
                if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "__all__")  # fmt: skip
    rows = [f"| `{name}` | [`{homes[name]}`]({homes[name].split('.')[1]}.md) |" for name in names]
    head = ["# critical.api", "", _says(LIBRARY / "api.py"), "", "| name | described in |", "| --- | --- |"]
    return "\n".join([*head, *rows, ""])


def reference(package: Path) -> str:
    """Returns the page of a package: its modules, one after another."""
    name = f"critical.{package.name}"
    modules = [path.stem for path in sorted(package.glob("*.py")) if path.stem != "__init__"]
    parts = [f"# {name}", _says(package / "__init__.py")]
    for module in modules:
        parts += [f"## {module}", _shown(f"{name}.{module}")]
    return "\n\n".join(parts) + "\n"


def _shown(module: str) -> str:
    return f"::: {module}\n    options:\n      show_root_heading: false\n      show_root_toc_entry: false"


def _says(module: Path) -> str:
    """Returns the first paragraph of a module's docstring, in one line."""
    said = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return said.partition("\n\n")[0].replace("\n", " ")
