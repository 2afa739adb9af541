"""What can be seen in a drawn figure: its words and their places, contrasts, what lies on what.

`seen` is what `words` returned for the figure, for who asks several questions: each lays the figure out anew else.
"""

from __future__ import annotations

import itertools
from unittest import mock

import numpy as np
from matplotlib import colors
from matplotlib.text import Text


def luminance(colour):
    channels = np.array(colors.to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(colour, ground="white"):
    """The contrast of two colours (WCAG 2.1), 1 to 21."""
    bright, dim = sorted((luminance(colour), luminance(ground)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def words(figure):
    """(text, its box in pixels) of every text that is drawn, in the style that acts."""
    found, draw = [], Text.draw

    def drawn(self, renderer):
        if self.get_visible() and self.get_text().strip():
            found.append(self)
        draw(self, renderer)

    with mock.patch.object(Text, "draw", drawn):
        figure.draw_without_rendering()
    return [(text, text.get_window_extent()) for text in found]


def apart(one, other, slack=0.5):
    """Whether two boxes have nothing in common, but for half a pixel at their edges."""
    return (one.x1 - slack <= other.x0 or other.x1 - slack <= one.x0
            or one.y1 - slack <= other.y0 or other.y1 - slack <= one.y0)  # fmt: skip


def within(one, other, slack=0.5):
    return (one.x0 >= other.x0 - slack and one.y0 >= other.y0 - slack
            and one.x1 <= other.x1 + slack and one.y1 <= other.y1 + slack)  # fmt: skip


def overlaps(figure, seen=None):
    """Pairs of words that lie on each other."""
    return [(a.get_text(), b.get_text()) for (a, one), (b, other) in itertools.combinations(seen or words(figure), 2)
            if not apart(one, other)]  # fmt: skip


def cut_off(figure, seen=None):
    """Words that are not wholly in the figure."""
    return [text.get_text() for text, box in (seen or words(figure)) if not within(box, figure.bbox)]


def covering(figure, seen=None):
    """Words, legends included, that reach into axes to which they do not belong, or of which they are the names."""
    shown = [axis for axis in figure.axes if axis.get_visible()]
    inner = {id(text) for axis in shown for text in axis.texts if within(text.get_window_extent(), axis.bbox)}
    return [text.get_text() for text, box in (seen or words(figure)) if id(text) not in inner
            and any(not apart(box, axis.bbox) for axis in shown)]  # fmt: skip


def pale(figure, least, seen=None):
    """Words with less contrast than that to what is beneath them: the figure, or a cell of a heat map."""
    return [text.get_text() for text, _ in (seen or words(figure))
            if contrast(text.get_color(), _beneath(figure, text)) < least]  # fmt: skip


def _beneath(figure, text):
    axis = text.axes
    if axis is None or not axis.images or text not in axis.texts or text.get_transform() != axis.transData:
        return figure.get_facecolor()
    image, (column, row) = axis.images[0], map(round, text.get_position())
    return image.cmap(image.norm(image.get_array()[row, column]))
