"""Every figure as a reader meets it, from the committed tables of the smallest profile: nothing covers anything."""

from pathlib import Path

import pytest
import tiny
from pictures import covering, cut_off, overlaps, pale

from critical.inference.verdicts import to_records, verdicts
from critical.plots import style
from experiments.design import profile
from experiments.design.registry import FIGURES
from experiments.output import tables
from experiments.output.composing import designed
from experiments.output.drawing import draw
from experiments.output.headline import picture_title

FOLDER = Path(__file__).resolve().parents[3] / "results" / "reference" / "quick"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", FIGURES)
def test_no_words_lie_on_each_other_leave_the_picture_or_are_pale(name, dark):
    config = tiny.composed("figures", "profile=quick", "device=cpu", "arithmetic.instructions=portable")
    figure = FIGURES[name]
    protocol, parameters = profile.figure_settings(config, figure, profile.protocol(config, figure.family))
    design, held = designed(figure, protocol, parameters), tables.read(FOLDER, name)
    found = to_records(verdicts(held.runs, design.claims, design.seeds or protocol.seeds))
    with style.style(dark=dark):
        drawing = draw(design, held, picture_title(found, design.leading, figure.title))
        assert overlaps(drawing) == []
        assert cut_off(drawing) == []
        assert covering(drawing) == []
        assert pale(drawing, style.TEXT_CONTRAST - 0.01) == []
        assert len(drawing.get_suptitle().splitlines()) <= 2
        assert not drawing.legends, "names stand where the lines are"
