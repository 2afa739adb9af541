from dataclasses import dataclass

import pandas as pd

from critical.plots.panel import Panel
from experiments.design.figure import Design
from experiments.output.drawing import draw
from experiments.output.tables import Tables

NOTHING = Tables(pd.DataFrame(), pd.DataFrame())


@dataclass(frozen=True, kw_only=True)
class Named(Panel):
    """Writes its name."""

    def draw(self, axis, runs, epochs):
        axis.set_ylim(0, float(self.title))
        super().draw(axis, runs, epochs)


def test_empty_places_stay_empty_and_panels_of_one_quantity_share_their_scale():
    one, two, other = (Named(title=title, ylabel=label) for title, label in (("1", "a"), ("2", "a"), ("3", "b")))
    design = Design(panels=[[one, two, other], [None, one]])
    drawing = draw(design, NOTHING)
    assert [axis.get_title() for axis in drawing.axes] == ["1", "2", "3", "", "1", ""]
    assert [axis.get_visible() for axis in drawing.axes] == [True, True, True, False, True, False]
    assert [axis.get_ylim()[1] for axis in drawing.axes[:3]] == [2, 2, 3]
    assert drawing.axes[4].get_ylim()[1] == 1


def test_a_title_stands_above_the_panels_on_the_left_and_covers_none():
    design = Design(panels=[[Named(title="1", ylabel="a")]])
    assert draw(design, NOTHING).get_suptitle() == ""
    drawing = draw(design, NOTHING, "Early costs more\nand a second line")
    assert drawing.get_suptitle() == "Early costs more\nand a second line"
    drawing.draw_without_rendering()
    (title,) = drawing.texts
    assert title.get_window_extent().x0 < 0.05 * drawing.bbox.width
    assert title.get_window_extent().x1 <= drawing.bbox.width
    assert title.get_window_extent().y0 >= drawing.axes[0].title.get_window_extent().y1


def test_a_long_title_is_broken_where_the_figure_is_narrow():
    design = Design(panels=[[Named(title="1", ylabel="a")]])
    words = "Late costs accuracy at high rates — reproduced, +20.6 points"
    drawing = draw(design, NOTHING, words)
    drawing.draw_without_rendering()
    assert "\n" in drawing.get_suptitle()
    assert drawing.get_suptitle().split() == words.split()
    assert drawing.texts[0].get_window_extent().x1 <= drawing.bbox.width
    wide = Design(panels=[[Named(title="1", ylabel="a")] * 3])
    assert draw(wide, NOTHING, words).get_suptitle() == words
