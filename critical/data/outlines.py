"""Masks of letters, the same on every machine, from the TrueType fonts that ship with matplotlib.

Glyph renderers differ between versions (hinting, gamma, rounding; matplotlib's scaled outlines too, by a unit
here and there), fonts do not: the outlines are read from the files in their integer design units and
rasterised here by the non-zero winding rule, in integers from there on.
"""

from __future__ import annotations

import functools
from pathlib import Path

import matplotlib
import numpy as np
from fontTools.pens.basePen import decomposeQuadraticSegment
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont

from critical.core.spec import SpecError

LETTERS = "ABCDEFGHIJ"

# Ordered so that the first few already mix serif, sans, monospaced, bold and slanted.
FONTS = (
    "DejaVuSans",
    "DejaVuSerif",
    "STIXGeneral",
    "DejaVuSansMono-Bold",
    "DejaVuSerif-Italic",
    "STIXGeneralBol",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSerif-Bold",
    "STIXGeneralItalic",
    "DejaVuSans-Bold",
    "DejaVuSansMono-Oblique",
    "STIXGeneralBolIta",
    "DejaVuSerif-BoldItalic",
    "DejaVuSansMono-BoldOblique",
    "DejaVuSans-BoldOblique",
)

GRID = 128
"""Side of a mask in cells."""
FIELD = 1.6
"""Side of a mask in heights of a capital letter: the widest letter and the descending J fit with a margin."""

_SAMPLES = 4  # samples per cell and direction
_STEPS = 8  # straight pieces per curve


def _contours(font: TTFont, letter: str) -> list[np.ndarray]:
    """Returns the closed polygons of a letter's outline, float64 (n, 2), in design units."""
    # Reads "move to", "line to" and "quadratic curve to" with compound glyphs taken apart.
    pen = DecomposingRecordingPen(font.getGlyphSet())
    pen.glyphSet[font.getBestCmap()[ord(letter)]].draw(pen)
    weights = np.arange(1, _STEPS + 1)[:, None] / _STEPS
    polygons: list[np.ndarray] = []
    points: list[np.ndarray] = []
    for command, given in pen.value:
        if command == "moveTo":
            points = [np.array(given[0], dtype=np.float64)]
        elif command == "lineTo":
            points.append(np.array(given[0], dtype=np.float64))
        elif command == "qCurveTo":
            for pair in decomposeQuadraticSegment(given):
                control, end = np.array(pair, dtype=np.float64)
                start = points[-1]
                # Eighths of sums of half-integers: exact in floating point.
                points.extend(
                    start + 2 * weights * (control - start) + weights**2 * (start - 2 * control + end)
                )
        else:
            polygons.append(np.array(points))
    return polygons


def _coverage(polygons: list[np.ndarray], height: float) -> np.ndarray:
    """Counts the samples inside the outline in each cell, int64 (GRID, GRID), 0 to 16; row 0 is the top.

    The outline's bounding box is centred; `height` (of a capital, design units) fixes the size.
    """
    corners = np.concatenate(polygons)
    low, high = corners.min(0), corners.max(0)
    side = GRID * _SAMPLES
    # In units of 1/2 sample: vertices on even numbers and samples on odd ones never coincide.
    scale = side / (FIELD * height)
    half = [2 * np.rint((polygon - (low + high) / 2) * scale).astype(np.int64) for polygon in polygons]
    start = np.concatenate(half)
    step = np.concatenate([np.roll(polygon, -1, axis=0) for polygon in half]) - start
    samples = 2 * np.arange(side) + 1 - side
    rows, edges = np.nonzero(
        (start[None, :, 1] < samples[:, None]) != ((start + step)[None, :, 1] < samples[:, None])
    )
    x, dx, dy = start[edges], step[edges, 0], step[edges, 1]
    # The abscissa of the crossing, rounded down in integers: nothing that could depend on the machine.
    crossing = (x[:, 0] * dy + (samples[rows] - x[:, 1]) * dx) // dy
    column = np.clip((crossing + side + 1) // 2, 0, side)
    counts = np.bincount(rows * (side + 1) + column, weights=np.sign(dy), minlength=side * (side + 1))
    winding = counts.astype(np.int8).reshape(side, side + 1)[::-1].cumsum(1, dtype=np.int8)[:, :side]
    inside = (winding != 0).view(np.int8).reshape(GRID, _SAMPLES, GRID, _SAMPLES)
    return inside.sum(3, dtype=np.int8).sum(1, dtype=np.int64)


@functools.lru_cache(maxsize=len(FONTS))
def _coverages(name: str) -> np.ndarray:
    """Returns the cells' sample counts of the letters of a font, uint8 (letters, GRID, GRID)."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"
    if not path.is_file():
        raise SpecError(f"data=glyphs: the font {path} is missing; reinstall matplotlib with its fonts")
    with TTFont(path) as font:
        rise = np.concatenate(_contours(font, "E"))[:, 1]
        counts = [_coverage(_contours(font, letter), rise.max() - rise.min()) for letter in LETTERS]
    return np.stack(counts).astype(np.uint8)


@functools.lru_cache(maxsize=8)
def letter_masks(fonts: int, widths: tuple[int, ...]) -> np.ndarray:
    """Renders the letters A to J in the first fonts, averaged over boxes of several widths.

    Args:
        fonts: How many of `FONTS`, 1 to 16.
        widths: Sides of the boxes in cells (about one pixel of the picture: antialiasing), each ≥ 1.

    Returns:
        uint8 (widths, fonts, 10, GRID, GRID): 0 outside, 255 inside; the outermost cells are 0.
    """
    cells = np.stack([_coverages(font) for font in FONTS[:fonts]])
    result = np.zeros((len(widths), *cells.shape), dtype=np.uint8)
    for position, width in enumerate(widths):
        before = (width - 1) // 2
        padding = ((0, 0), (0, 0), (before + 1, width - 1 - before), (before + 1, width - 1 - before))
        total = np.pad(cells, padding).cumsum(2, dtype=np.int32).cumsum(3, dtype=np.int32)
        box = total[..., width:, width:] - total[..., :-width, width:]
        box = box - total[..., width:, :-width] + total[..., :-width, :-width]
        full = width * width * _SAMPLES * _SAMPLES
        result[position] = (box * 255 + full // 2) // full
    # A look-up outside the field is clamped to its edge, so the edge has to be empty.
    result[..., [0, -1], :] = 0
    result[..., [0, -1]] = 0
    return result
