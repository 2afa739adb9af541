"""A picture of every deficit: `python -m experiments.deficit_grid` (`make deficits`), a few seconds.

Above what acts on one view, below what concerns one view of two, which stand side by side and are made of the same
image. A row is an image; under it stands the label that the network is told, in colour where it is not the true one,
and the head that answers. Written to results/figures as `deficits` and, on a dark ground, `deficits-dark`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import NDArray

from critical.core.batch import HEADS, Batch
from critical.core.spec import from_settings
from critical.data import Dataset, Glyphs
from critical.deficits import KINDS, Deficit, ViewDeficit
from critical.plots import style as plotting
from experiments.design.command import in_one_line

SHOWN: dict[str, dict[str, dict[str, Any]]] = {
    "On one view": {
        "nothing": {"name": "none"},
        "blur\nby 2": {"name": "blur", "factor": 2},
        "blur\nby 4": {"name": "blur", "factor": 4},
        "blur by 4,\naliased": {"name": "blur", "factor": 4, "antialias": False},
        "vertical\nflip": {"name": "vertical_flip"},
        "inversion": {"name": "inversion"},
        "occlusion": {"name": "occlusion"},
        "noise": {"name": "noise"},
        "labels\npermuted": {"name": "label_permutation"},
        "labels\nrandom": {"name": "random_labels"},
    },
    "On one view of two": {
        "blur of\nview b": {"name": "blur", "view": "b"},
        "view dropout": {"name": "view_dropout"},
        "alternating,\nfirst turn": {"name": "alternating_deprivation"},
        "dissociation": {"name": "dissociation"},
        "split heads": {"name": "split_heads"},
    },
}
"""Group → title and settings of each deficit shown."""

COLUMNS = 10
CELL_INCHES = (0.68, 0.86)
HEAD_INCHES = 0.56
"""Height of the titles of a group."""


def samples(dataset: Dataset, count: int) -> Batch:
    """Returns the first training image of each of the first `count` classes."""
    labels = dataset.train.labels
    first = [int((labels == label).nonzero()[0]) for label in range(min(count, len(dataset.classes)))]
    return dataset.train.batch(torch.tensor(first))


def draw(dataset: Dataset, folder: Path, rows: int = 3, seed: int = 0, dark: bool = False) -> plotting.Saved:
    """Draws the grid.

    Args:
        dataset: Where the sample images come from; the first view is shown.
        folder: Where the files go.
        rows: Number of images.
        seed: Seed of the random deficits.
        dark: Whether the ground is dark.

    Returns:
        The paths.
    """
    # A dissociation needs a second image to take a view from, even where one row is drawn.
    one = samples(dataset, max(rows, 2))
    two = Batch((one.views[0],) * 2, one.labels, one.index, means=(dataset.channel_mean,) * 2)
    rows = min(rows, len(one))
    width, height = CELL_INCHES
    with plotting.style(dark=dark):
        figure = plotting.canvas(width * COLUMNS, len(SHOWN) * (HEAD_INCHES + height * rows))
        groups = figure.subfigures(len(SHOWN), 1, squeeze=False)[:, 0]
        for group, (heading, deficits) in zip(groups, SHOWN.items(), strict=True):
            group.suptitle(heading, x=0.008, ha="left", fontsize=9.5, fontweight="bold")
            axes = group.subplots(rows, len(deficits), squeeze=False)
            for column, (title, settings) in enumerate(deficits.items()):
                deficit: Deficit = from_settings(KINDS, settings, "deficit")
                paired = isinstance(deficit, ViewDeficit) or getattr(deficit, "view", None) is not None
                seen = deficit.apply(two if paired else one, seed=seed, epoch=0)
                axes[0, column].set_title(title, fontsize=8)
                for row in range(rows):
                    told = dataset.classes[int(seen.labels[row])]
                    true = bool(seen.labels[row] == one.labels[row])
                    told = told if true else f"told: {told}"
                    if seen.head is not None:
                        told += f" ({HEADS[int(seen.head[row])]})"
                    _show(axes[row, column], _side_by_side(*(view[row] for view in seen.views)), told, true)
        return plotting.save(figure, folder, "deficits-dark" if dark else "deficits")


def _side_by_side(*views: torch.Tensor) -> NDArray[np.float64]:
    """Returns the pixels (H, W, 4) of images (C, H, W) in a row, with clear gaps between."""
    gap = np.zeros((views[0].shape[1], max(1, views[0].shape[2] // 16), 4))
    shown = []
    for view in views:
        colours = view.expand(3, -1, -1).permute(1, 2, 0).numpy()
        shown += [gap, np.concatenate([colours, np.ones((*colours.shape[:2], 1))], axis=-1)]
    return np.concatenate(shown[1:], axis=1)


def _show(axis: Axes, pixels: NDArray[np.float64], told: str, true: bool) -> None:
    """Draws what is seen, pixel by pixel, and the label that goes with it."""
    axis.imshow(pixels, vmin=0, vmax=1, interpolation="nearest")
    axis.set(xticks=[], yticks=[])
    axis.grid(False)
    axis.patch.set_visible(False)
    axis.spines[:].set_visible(False)
    colour = plotting.ink() if true else plotting.seen(plotting.arm_colour("deficit"), plotting.TEXT_CONTRAST)
    axis.set_xlabel(told, fontsize=8, labelpad=2, color=colour, fontweight="normal" if true else "bold")


@in_one_line
def main(arguments: Sequence[str] | None = None) -> None:
    """Draws the grid on glyphs, light and dark, and says where it is."""
    parser = argparse.ArgumentParser(prog="python -m experiments.deficit_grid", description="Draws every deficit.")
    parser.add_argument("--folder", type=Path, default=Path("results/figures"), help="where the figure goes")
    parser.add_argument("--rows", type=int, default=3, help="number of images (default: 3)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random deficits (default: 0)")
    options = parser.parse_args(arguments)
    dataset = Glyphs(train_size=100, test_size=10).load()
    for dark in (False, True):
        for path in draw(dataset, options.folder, options.rows, options.seed, dark):
            print(path)


if __name__ == "__main__":
    main()
