"""From a design and its tables to the picture."""

from __future__ import annotations

import textwrap

from matplotlib.figure import Figure as Drawing

from critical.plots import style
from experiments.design.figure import Design
from experiments.output.tables import Tables

TITLE_SIZE = 11


def draw(design: Design, tables: Tables, title: str = "") -> Drawing:
    """Draws the panels of a figure from its tables.

    Args:
        design: What is shown.
        tables: Its runs and epochs.
        title: Lines above the panels, from `experiments.output.headline.picture_title`; none when left out. They are
            broken where the figure is narrow.
    """
    rows, columns = len(design.panels), max(map(len, design.panels))
    made, axes = style.figure(rows, columns, panel=design.panel_inches)
    for row, panels in enumerate(design.panels):
        for column, axis in enumerate(axes[row]):
            panel = panels[column] if column < len(panels) else None
            if panel is None:
                axis.set_visible(False)
            else:
                panel.draw(axis, tables.runs, tables.epochs)
        words = next((panel.ylabel for panel in panels if panel is not None), "")
        style.share_scale([
            axis for axis, panel in zip(axes[row], panels, strict=False)
            if panel is not None and words and panel.ylabel == words
        ])  # fmt: skip
    style.legend(made)
    if title:
        letters = int(made.get_figwidth() * 72 / (0.58 * TITLE_SIZE))  # bold ones are 0.58 of their size wide
        lines = [textwrap.fill(line, letters) for line in title.split("\n")]
        made.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=TITLE_SIZE, fontweight="bold")
    return made
