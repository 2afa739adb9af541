"""Writes a script with cells (`# %%`) as a notebook beside it: `python scripts/notebook.py examples/analysis.py`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

MARK, MARKDOWN = "# %%", "# %% [markdown]"


def cells(script: str) -> list[tuple[str, str]]:
    """Returns the cells of a script: pairs of `markdown` or `code` and the text.

    Raises:
        ValueError: Something stands before the first cell.
    """
    found: list[tuple[str, list[str]]] = []
    for line in script.splitlines():
        if line in (MARK, MARKDOWN):
            found.append(("markdown" if line == MARKDOWN else "code", []))
        elif found:
            found[-1][1].append(line)
        elif line.strip():
            raise ValueError(f"'{line}' stands before the first cell; begin with {MARK} or {MARKDOWN}")
    return [(kind, "\n".join(_bare(line) if kind == "markdown" else line for line in lines).strip("\n"))
            for kind, lines in found]  # fmt: skip


def _bare(line: str) -> str:
    return line.removeprefix("#").removeprefix(" ")


def notebook(script: str) -> dict[str, Any]:
    """Returns a script as a notebook (format 4.5) without outputs."""
    made = []
    for number, (kind, text) in enumerate(cells(script)):
        cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number}", "metadata": {},
                                "source": text.splitlines(keepends=True)}  # fmt: skip
        made.append(cell | ({"execution_count": None, "outputs": []} if kind == "code" else {}))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def write(path: Path) -> Path:
    """Writes the notebook of a script; returns where it is."""
    target = path.with_suffix(".ipynb")
    made = notebook(path.read_text(encoding="utf-8"))
    target.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return target


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
