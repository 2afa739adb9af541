"""One style for every figure, light or dark; what holds figures is made and written here.

What is drawn is always every seed, the mean over seeds and its interval, never a mean alone; and a
run that failed is named on the axes instead of vanishing. Figures are made without pyplot, so nothing
here opens a window, keeps global state or depends on a display.

    with style.style(dark=True):
        figure, axes = style.figure(1, 2)
        for arm, rows in table.groupby("arm"):
            marks.seeds_and_interval(
                axes[0, 0], rows, "removal", "accuracy", colour=style.arm_colour(arm), label=arm
            )
        style.legend(figure)
        style.save(figure, Path("results/figures/quick"), "iclr2019/deficit_removal")

Colours are asked for when something is drawn: `ink`, `faint` and `seen` answer for the style that acts then, so the
same panels serve both. A figure is written in the style in which it was made.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import matplotlib.style
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from critical.core.files import write_atomically
from critical.core.spec import closest
from critical.plots.svg import shorter

ARM_COLOURS = {"deficit": "#D55E00", "dose_matched": "#0072B2", "fresh": "#009E73", "clean": "#4D4D4D",
               "skip": "#332288"}  # fmt: skip
"""The fixed colour of each arm: of the colour-blind safe palettes of Okabe and Ito (2008), and Tol (2021)."""

OTHER_COLOURS = ("#CC79A7", "#E69F00", "#56B4E9", "#8C6D31", "#7A4FBF", "#000000")
"""Colours for series that are not arms; none of them is an arm's."""

PANEL_INCHES = (3.4, 2.7)
"""Width and height of one panel: one column of a two-column paper, and 9 pt is legible on a phone."""

DOTS_PER_INCH = 160
"""Of a figure on a page; the PNG has twice as many."""

LINE_CONTRAST, TEXT_CONTRAST = 3.0, 4.5
"""Least contrast to the ground of lines and of words (WCAG 2.1, 1.4.11 and 1.4.3); on a dark one lines get more."""

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so every machine draws the same letters
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=OTHER_COLOURS),
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "axes.unicode_minus": True,
    "figure.facecolor": "white",
    "savefig.facecolor": "auto",
    "pdf.fonttype": 42,  # text in the PDF stays text: searchable, and accepted by publishers
    "svg.fonttype": "path",  # letters are outlines: the picture looks the same where DejaVu Sans is missing
    "svg.hashsalt": "critical",  # the ids in the file follow from what is drawn
}

DARK_GROUND, DARK_INK, DARK_FAINT = "#0D1117", "#E6EDF3", "#2B323B"
DARK_STYLE: dict[str, Any] = {
    **dict.fromkeys(("figure.facecolor", "axes.facecolor", "figure.edgecolor"), DARK_GROUND),
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.titlecolor", "xtick.labelcolor", "ytick.labelcolor"),
                    DARK_INK),
    **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), "#8B949E"),
    "grid.color": DARK_FAINT,
}  # fmt: skip
"""What a dark figure has otherwise: light words on the ground of GitHub's dark pages."""


class Saved(NamedTuple):
    """Where a figure was written."""

    png: Path
    pdf: Path
    svg: Path


@contextmanager
def style(dark: bool = False) -> Iterator[None]:
    """Applies the style on top of matplotlib's defaults, whatever the user's own settings are.

    Args:
        dark: Whether words and lines are light on a dark ground.
    """
    with matplotlib.style.context(["default", STYLE, *([DARK_STYLE] if dark else [])]):
        yield


def arm_colour(arm: str) -> str:
    """Returns the fixed colour of an arm.

    Args:
        arm: "deficit", "dose_matched", "fresh", "skip" or "clean".

    Raises:
        ValueError: For any other name; series that are not arms take `OTHER_COLOURS`.
    """
    if arm not in ARM_COLOURS:
        raise ValueError(f"there is no arm '{arm}' with a fixed colour; {closest(arm, ARM_COLOURS)}")
    return ARM_COLOURS[arm]


def ink() -> str:
    """Returns the colour of words in the style that acts."""
    return to_hex(matplotlib.rcParams["text.color"])


def faint() -> str:
    """Returns a colour for what stays behind: marks, zero lines, shading."""
    return "#8A8A8A" if not _dark(matplotlib.rcParams["figure.facecolor"]) else "#8B949E"


def dots_alpha() -> float:
    """Returns how opaque the dots of seeds are, behind the means."""
    return 0.6 if _dark(matplotlib.rcParams["figure.facecolor"]) else 0.4


def seen(colour: str, contrast: float | None = None) -> str:
    """Returns a colour with enough contrast to the ground: itself, or mixed with the colour of words.

    Args:
        colour: Any colour of matplotlib.
        contrast: The least; that of lines when left out, `TEXT_CONTRAST` for words.
    """
    ground, own, words = (np.array(to_rgb(held)) for held in (matplotlib.rcParams["figure.facecolor"], colour, ink()))
    if contrast is None:
        contrast = 4.5 if _luminance(ground) < 0.5 else LINE_CONTRAST
    for share in np.linspace(0, 1, 21):
        mixed = own + share * (words - own)
        bright, dim = sorted((_luminance(mixed), _luminance(ground)), reverse=True)
        if (bright + 0.05) / (dim + 0.05) >= contrast:
            break
    return to_hex(mixed)


def _luminance(colour: NDArray[np.float64]) -> float:
    """Returns the relative luminance of an sRGB colour (WCAG 2.1)."""
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _dark(ground: Any) -> bool:
    return _luminance(np.array(to_rgb(ground))) < 0.5


def canvas(width: float, height: float) -> Figure:
    """Makes an empty figure of a size in inches, with constrained layout."""
    made = Figure(figsize=(width, height), layout="constrained", dpi=DOTS_PER_INCH)
    FigureCanvasAgg(made)
    return made


def figure(
    rows: int = 1,
    columns: int = 1,
    *,
    panel: tuple[float, float | Sequence[float]] = PANEL_INCHES,
    sharey: bool = False,
) -> tuple[Figure, np.ndarray]:
    """Makes a figure of equal panels with constrained layout.

    Args:
        rows: Panels from top to bottom.
        columns: Panels from left to right.
        panel: Width and height of one panel in inches; several heights: those of the rows.
        sharey: Whether the panels share their y axis.

    Returns:
        The figure, and its axes as an array (rows, columns), also when there is one panel.
    """
    width, height = panel
    heights = [height] * rows if isinstance(height, (int, float)) else list(height)
    made = canvas(width * columns, sum(heights))
    return made, made.subplots(rows, columns, sharey=sharey, squeeze=False, height_ratios=heights)


def share_scale(axes: Sequence[Axes]) -> None:
    """Gives axes that show one quantity the range that holds all of them."""
    if len(axes) > 1:
        limits = [axis.get_ylim() for axis in axes]
        for axis in axes:
            axis.set_ylim(min(limit[0] for limit in limits), max(limit[1] for limit in limits))


def legend(figure: Figure) -> None:
    """Puts one legend for all axes below them, in as many columns as the figure is wide.

    Args:
        figure: Entries with the same label in several axes become one.
    """
    entries: dict[str, Any] = {}
    for axis in figure.axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    for columns in range(len(entries), 0, -1):
        made = figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=columns)
        made_width = made.get_window_extent(figure.canvas.get_renderer()).width  # type: ignore[attr-defined]
        if columns == 1 or made_width <= 0.98 * figure.bbox.width:
            return
        made.remove()


def save(figure: Figure, folder: Path, name: str) -> Saved:
    """Writes a figure as PNG (320 dots per inch), PDF and SVG, each at once or not at all.

    No time and no version goes into the files: with one version of matplotlib the same table gives
    the same bytes.

    Args:
        figure: What to write.
        folder: Where; made when missing.
        name: File name without its ending; may hold slashes.

    Returns:
        The three paths.
    """
    paths = Saved(*(folder / f"{name}.{kind}" for kind in ("png", "pdf", "svg")))
    _write(figure, *paths)
    return paths


def save_svg(figure: Figure, path: Path) -> Path:
    """Writes a figure as SVG alone, as `save` does; returns the path."""
    _write(figure, path)
    return path


def darkened(svg: bytes) -> bytes:
    """Returns a light SVG of this style for dark pages: the same picture, in half the time of drawing it again.

    The ground, words and grid take the colours of the dark style; every other colour gets enough contrast to the dark
    ground, and dots that are faint are less so.
    """
    with style():
        light = {key: to_hex(matplotlib.rcParams[key]) for key in ("figure.facecolor", "text.color", "grid.color")}
        known = {light["figure.facecolor"]: DARK_GROUND, light["text.color"]: DARK_INK, light["grid.color"]: DARK_FAINT}
    with style(dark=True):
        colours = {found: known.get(found) or seen(found) for found in set(re.findall(r"#[0-9a-f]{6}\b", svg.decode()))}
    held = re.sub(r"#[0-9a-f]{6}\b", lambda found: colours[found[0]].lower(), svg.decode())
    held = re.sub(r"opacity: 0\.4\b", "opacity: 0.6", held)
    # Black is what has no colour in the file.
    return held.replace("</style>", f"svg{{fill: {DARK_INK.lower()}}}</style>", 1).encode()


_NO_DATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
}


_CANVASES: dict[str, Any] = {"png": FigureCanvasAgg, "pdf": FigureCanvasPdf, "svg": FigureCanvasSVG}


def _write(figure: Figure, *paths: Path) -> None:
    """Writes a figure in the kinds that the paths end with."""
    layout = figure.get_layout_engine()
    # Ticks are made while drawing, in the colours of the style that acts then.
    with style(dark=_dark(figure.get_facecolor())):
        # Laid out once, not once a kind: that is half of the time.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        for path in paths:
            kind = path.suffix[1:]
            content = _printed(figure, kind)
            write_atomically(path, shorter(content) if kind == "svg" else content)
        figure.set_layout_engine(layout)


def _printed(figure: Figure, kind: str) -> bytes:
    """Returns what `savefig` writes, in half the time: that draws once more before, for a layout that there is."""
    content, canvas, dots = io.BytesIO(), figure.canvas, figure.dpi
    try:
        figure.dpi = 2 * DOTS_PER_INCH
        getattr(_CANVASES[kind](figure), f"print_{kind}")(content, metadata=_NO_DATA[kind])
    finally:
        figure.set_canvas(canvas)
        figure.dpi = dots
    return content.getvalue()
