"""A picture of every deficit: `python -m experiments.deficit_grid` (`make deficits`), a few seconds.

One row an image, one column a deficit; under each image stands the label the network is told, in
colour where it is not the true one. What concerns one view of two has both views side by side, made of
the same image, and the head that answers. Written to results/figures/deficits.png, .pdf and .svg.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from matplotlib.axes import Axes

from critical.core.batch import HEADS, Batch
from critical.core.spec import from_settings
from critical.data import Dataset, Glyphs
from critical.deficits import KINDS, Deficit, ViewDeficit
from critical.plots import style as plotting
from experiments.design.command import in_one_line

SHOWN: dict[str, dict[str, Any]] = {
    "none": {"name": "none"},
    "blur\nby 2": {"name": "blur", "factor": 2},
    "blur\nby 4": {"name": "blur", "factor": 4},
    "blur by 4,\naliased": {"name": "blur", "factor": 4, "antialias": False},
    "vertical\nflip": {"name": "vertical_flip"},
    "inversion": {"name": "inversion"},
    "occlusion": {"name": "occlusion"},
    "noise": {"name": "noise"},
    "label\npermutation": {"name": "label_permutation"},
    "random\nlabels": {"name": "random_labels"},
    "blur of\nview b": {"name": "blur", "view": "b"},
    "view\ndropout": {"name": "view_dropout"},
    "alternating,\nfirst turn": {"name": "alternating_deprivation"},
    "dissociation": {"name": "dissociation"},
    "split\nheads": {"name": "split_heads"},
}
"""Column title and settings of each deficit shown."""

CELL_INCHES = (0.86, 1.0)


def samples(dataset: Dataset, count: int) -> Batch:
    """Returns the first training image of each of the first `count` classes."""
    labels = dataset.train.labels
    first = [int((labels == label).nonzero()[0]) for label in range(min(count, len(dataset.classes)))]
    return dataset.train.batch(torch.tensor(first))


def draw(dataset: Dataset, folder: Path, rows: int = 5, seed: int = 0) -> plotting.Saved:
    """Draws the grid.

    Args:
        dataset: Where the sample images come from; the first view is shown.
        folder: Where `deficits.png`, `.pdf` and `.svg` go.
        rows: Number of images.
        seed: Seed of the random deficits.

    Returns:
        The paths.
    """
    # A dissociation needs a second image to take a view from, even where one row is drawn.
    one = samples(dataset, max(rows, 2))
    two = Batch((one.views[0],) * 2, one.labels, one.index, means=(dataset.channel_mean,) * 2)
    rows = min(rows, len(one))
    with plotting.style():
        figure, axes = plotting.figure(rows, len(SHOWN), panel=CELL_INCHES)
        for column, (title, settings) in enumerate(SHOWN.items()):
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
                views = [view[row] for view in seen.views]
                _show(axes[row, column], _side_by_side(*views) if paired else views[0], told, true)
        return plotting.save(figure, folder, "deficits")


def _side_by_side(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Returns two images (C, H, W) as one, with a white gap between."""
    gap = first.new_ones((*first.shape[:2], max(1, first.shape[2] // 16)))
    return torch.cat((first, gap, second), dim=-1)


def _show(axis: Axes, image: torch.Tensor, told: str, true: bool) -> None:
    """Draws one image, pixel by pixel, and the label that goes with it."""
    pixels = image.expand(3, -1, -1) if image.shape[0] == 1 else image
    axis.imshow(pixels.permute(1, 2, 0).numpy(), vmin=0, vmax=1, interpolation="nearest")
    axis.set(xticks=[], yticks=[])
    axis.grid(False)
    axis.spines[:].set_visible(False)
    axis.set_xlabel(
        told,
        fontsize=8,
        labelpad=2,
        color="black" if true else plotting.arm_colour("deficit"),
        fontweight="normal" if true else "bold",
    )


@in_one_line
def main(arguments: Sequence[str] | None = None) -> None:
    """Draws the grid on glyphs and says where it is."""
    parser = argparse.ArgumentParser(prog="python -m experiments.deficit_grid", description="Draws every deficit.")
    parser.add_argument("--folder", type=Path, default=Path("results/figures"), help="where the figure goes")
    parser.add_argument("--rows", type=int, default=5, help="number of images (default: 5)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random deficits (default: 0)")
    options = parser.parse_args(arguments)
    dataset = Glyphs(train_size=100, test_size=10).load()
    for path in draw(dataset, options.folder, options.rows, options.seed):
        print(path)


if __name__ == "__main__":
    main()
