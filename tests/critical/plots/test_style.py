import io
import re
import xml.etree.ElementTree as ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib import colors
from matplotlib.text import Text
from pictures import contrast

from critical.plots import style as plotting


def painted(figure, artist):
    """The box of an artist in the drawn figure, in pixels."""
    figure.draw_without_rendering()
    return artist.get_window_extent(figure.canvas.get_renderer())


def test_axes_of_one_quantity_get_the_range_that_holds_all():
    _, axes = plotting.figure(1, 3)
    for axis, limits in zip(axes[0], ((0, 1), (-2, 0.5), (7, 9)), strict=True):
        axis.set_ylim(*limits)
    plotting.share_scale(list(axes[0, :2]))
    plotting.share_scale([axes[0, 2]])
    plotting.share_scale([])
    assert [axis.get_ylim() for axis in axes[0]] == [(-2, 1), (-2, 1), (7, 9)]


def test_the_legend_lies_below_all_axes_within_the_figure_and_names_each_series_once():
    with plotting.style():
        figure, axes = plotting.figure(1, 2)
        for axis in axes.flat:
            for number in range(7):
                axis.plot([0, 1], [number, number], label=f"a series with a long name {number}")
        plotting.legend(figure)
    box = painted(figure, figure.legends[0])
    assert len(figure.legends[0].get_texts()) == 7
    assert len(figure.legends) == 1
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
    assert box.y1 <= min(axis.bbox.y0 for axis in axes.flat)


def drawn(dark=False):
    with plotting.style(dark=dark):
        figure, axes = plotting.figure(1, 2)
        axes[0, 0].plot([-1, 1], [0, 1], color=plotting.seen(plotting.arm_colour("clean")), label="clean")
        axes[0, 1].set_title("title")
        plotting.legend(figure)
    return figure


@pytest.mark.parametrize("dark", [False, True])
def test_the_same_figure_gives_the_same_bytes_wherever_it_is_written(tmp_path, dark):
    with plotting.style(dark=not dark):
        first = plotting.save(drawn(dark), tmp_path / "a", "iclr2019/removal")
    second = plotting.save(drawn(dark), tmp_path / "b", "iclr2019/removal")
    assert first.png == tmp_path / "a/iclr2019/removal.png"
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert b"CreationDate" not in first.pdf.read_bytes()
    assert b"date" not in first.svg.read_bytes()
    assert sorted(path.name for path in first.png.parent.iterdir()) == ["removal.pdf", "removal.png", "removal.svg"]
    assert plotting.save_svg(drawn(dark), tmp_path / "c.svg").read_bytes() == first.svg.read_bytes()


def test_the_png_has_twice_the_dots(tmp_path):
    from matplotlib.image import imread

    width, height = drawn().bbox.size
    assert imread(plotting.save(drawn(), tmp_path, "a").png).shape[:2] == (2 * height, 2 * width)


def test_letters_of_the_svg_need_no_font(tmp_path):
    content = plotting.save_svg(drawn(), tmp_path / "a.svg").read_text()
    assert "<text" not in content
    assert "font-family" not in content
    assert "<!-- title -->" in content


def test_a_dark_figure_has_light_words_on_a_dark_ground():
    figure = drawn(dark=True)
    with plotting.style(dark=True):
        figure.savefig(io.BytesIO())
    words = [text for text in figure.findobj(Text) if text.get_text()]
    assert len(words) > 10
    for ground in (figure.get_facecolor(), figure.axes[0].get_facecolor()):
        assert all(contrast(text.get_color(), ground) > 7 for text in words)
    assert contrast(figure.axes[0].lines[0].get_color(), figure.get_facecolor()) >= 3


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("least", [plotting.LINE_CONTRAST, plotting.TEXT_CONTRAST])
def test_every_colour_of_series_is_seen_on_both_grounds(dark, least):
    with plotting.style(dark=dark):
        ground = matplotlib.rcParams["axes.facecolor"]
        for colour in (*plotting.ARM_COLOURS.values(), *plotting.OTHER_COLOURS, "white", "black"):
            found = plotting.seen(colour, least)
            assert contrast(found, ground) >= least
            if contrast(colour, ground) >= least:
                assert colors.to_rgb(found) == pytest.approx(colors.to_rgb(colour), abs=0.01)


def test_the_style_ignores_the_settings_of_the_user_and_leaves_them_alone():
    with matplotlib.rc_context({"font.size": 31, "axes.facecolor": "black"}):
        with plotting.style():
            assert matplotlib.rcParams["font.size"] == 9
            assert matplotlib.rcParams["axes.facecolor"] == "white"
        assert matplotlib.rcParams["font.size"] == 31


def test_arm_colours_stand_out_from_white_and_from_each_other_without_red_and_green():
    # Viénot, Brettel & Mollon (1999): linear RGB as seen without the long- or medium-wave cones.
    seen = {
        "protanopia": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
        "deuteranopia": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    }
    hexes = list(plotting.ARM_COLOURS.values())
    assert all(contrast(colour) >= 3 for colour in hexes)
    for matrix in (np.eye(3), *map(np.array, seen.values())):
        shown = [matrix @ np.array(colors.to_rgb(colour)) ** 2.2 for colour in hexes]
        shown = [np.clip(value, 0, 1) ** (1 / 2.2) for value in shown]
        apart = [np.linalg.norm(a - b) for i, a in enumerate(shown) for b in shown[:i]]
        assert min(apart) > 0.15
    assert not set(plotting.OTHER_COLOURS) & set(hexes)
    with pytest.raises(ValueError, match="did you mean 'dose_matched'"):
        plotting.arm_colour("dose-matched")


def test_a_light_file_is_made_dark_without_drawing_it_again(tmp_path):
    light = plotting.save(drawn(), tmp_path, "a").svg.read_bytes()
    dark = plotting.darkened(light).decode()
    ground, faint = plotting.DARK_GROUND.lower(), plotting.DARK_FAINT.lower()
    there = set(re.findall(r"#[0-9a-f]{6}\b", dark))
    assert ground in there
    assert all(contrast(colour, ground) >= plotting.TEXT_CONTRAST for colour in there - {ground, faint})
    assert f"svg{{fill: {plotting.DARK_INK.lower()}}}" in dark, "words without a colour of their own"
    assert len(ElementTree.fromstring(dark).findall(".//*")) == len(ElementTree.fromstring(light).findall(".//*"))
