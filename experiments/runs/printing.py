"""Tables on standard output: by rich, as wide as the terminal or as they need, or as CSV."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

PIPE_COLUMNS = 2000
"""How wide a table may be where no terminal says it."""
LEAST = 14
"""What is left at least to the last column, which is cut where it does not fit."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leaves it to the command."""
        raise BrokenPipeError


def show(columns: Mapping[str, Sequence[str]], right: Collection[str] = (), spare: Sequence[str] = ()) -> list[str]:
    """Prints a table.

    Args:
        columns: The cells of each column, by its heading.
        right: Columns of numbers.
        spare: Columns that are left out, in this order, until the others fit into the terminal.

    Returns:
        The columns that were left out.
    """
    console = _Console(file=sys.stdout, width=None if sys.stdout.isatty() else PIPE_COLUMNS, highlight=False)
    widths = {name: max(map(len, (name, *cells))) + 1 for name, cells in columns.items()}
    last = list(columns)[-1]
    widths[last] = min(widths[last], LEAST)
    # Beside its own blank a column has one of the frame.
    shown = list(columns)
    for name in spare:
        if sum(widths[one] + 1 for one in shown) > console.width:
            shown.remove(name)
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for name in shown:
        made.add_column(name, justify="right" if name in right else "left", no_wrap=True)
    room = console.width - sum(widths[one] + 1 for one in shown if one != last)
    for cells in zip(*(columns[name] for name in shown), strict=True):
        made.add_row(*(_cut(cell, room) if name == last else cell for name, cell in zip(shown, cells, strict=True)))
    console.print(made)
    return [name for name in columns if name not in shown]


def _cut(cell: str, room: int) -> str:
    return cell if len(cell) <= room else cell[: max(0, room - 1)] + "…"


def counted(number: int, kind: str) -> str:
    """Returns a number of things: `1 run`, `2 runs`.

    Args:
        number: How many.
        kind: What they are, in the plural; the first word counts.
    """
    first, *rest = kind.split(" ")
    return " ".join([str(number), first.removesuffix("s") if number == 1 else first, *rest])


def csv(table: pd.DataFrame) -> None:
    """Prints a table as CSV."""
    sys.stdout.write(table.to_csv(index=False))
