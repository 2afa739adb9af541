import dataclasses
import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import tiny
from fabricated_report import make
from PIL import Image

from critical.core.spec import SpecError
from critical.plots import style, svg
from critical.plots.panel import role
from critical.plots.panels import Series
from experiments.design.figure import Design
from experiments.output import pictures, tables
from experiments.output.pictures import Order
from experiments.output.records import read_record

PROTOCOL = tiny.protocol(recovery=2)
WINDOWS = {length: PROTOCOL.window(0, length) for length in (1, 2, 3)}
DESIGN = Design(panels=[[Series(title=f"panel {number}", xlabel="epochs", ylabel="accuracy (%)", lines=[
    (role(name, name), {length: getattr(window, name) for length, window in WINDOWS.items()})
    for name in ("deficit", "dose_matched", "fresh")])] for number in range(2)])  # fmt: skip
TABLES = tiny.fabricated(DESIGN, range(6))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    make(folder, "a/one")
    pictures.write(DESIGN, TABLES, read_record(folder, "quick", "a/one"), folder)
    return folder


def test_ones_own_are_written_light_and_dark_and_in_every_format(drawn):
    assert sorted(path.name for path in (drawn / "a").iterdir()) == ["one.dark.svg", "one.pdf", "one.png", "one.svg"]
    light, dark = (pictures.path(drawn, "a/one", kind).read_text() for kind in ("svg", "dark"))
    assert "#0d1117" in dark.lower()
    assert "#0d1117" not in light.lower()


def test_a_smaller_svg_shows_the_same_in_a_quarter_fewer_bytes(drawn):
    whole = pictures.path(drawn, "a/one", "svg").read_bytes()
    small = svg.smaller(whole)
    assert len(small) < 0.78 * len(whole)
    tags, before = ({}, {})
    for found, text in ((tags, small), (before, whole)):
        for element in ElementTree.fromstring(text).iter():
            name = element.tag.rpartition("}")[2]
            found[name] = found.get(name, 0) + 1
    for name in ("path", "use", "clipPath", "rect"):
        assert tags[name] == before[name], name
    text = small.decode()
    ids = set(re.findall(r' id="([\w.-]+)"', text))
    assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text)) <= {(one, "") for one in ids} | {
        ("", one) for one in ids
    }  # fmt: skip
    used = set(re.findall(r' class="(\w+)"', text))
    assert used
    assert used <= set(re.findall(r"\.(\w+)\{", text))


def test_a_smaller_svg_looks_the_same_in_a_browser(drawn, browser):
    shots = []
    for content in (pictures.path(drawn, "a/one", "svg").read_bytes(),
                    svg.smaller(pictures.path(drawn, "a/one", "svg").read_bytes())):  # fmt: skip
        page = browser.new_page(viewport={"width": 500, "height": 600})
        page.set_content(content.decode())
        shots.append(page.screenshot())
        page.close()
    first, second = (np.asarray(Image.open(io.BytesIO(shot)).convert("L")).astype(float) for shot in shots)
    assert first.std() > 10
    assert np.abs(first - second).mean() < 0.5


def test_the_size_of_a_picture_is_told_in_pixels(drawn, tmp_path):
    width, height = pictures.size(pictures.path(drawn, "a/one", "svg"))
    assert (width, height) == (round(style.PANEL_INCHES[0] * 96), round(style.PANEL_INCHES[1] * 2 * 96))
    (tmp_path / "x.svg").write_text("<svg/>")
    with pytest.raises(ValueError, match=r"x\.svg is no picture"):
        pictures.size(tmp_path / "x.svg")


class TestOrders:
    @pytest.fixture
    def order(self, tmp_path, monkeypatch):
        make(tmp_path, "a/one", where="reference")
        tables.write(TABLES, tmp_path / "reference" / "quick", "a/one")
        held = type("Composed", (), {"design": DESIGN})
        monkeypatch.setattr("experiments.output.composing.of_record", lambda record: held)
        return Order(tmp_path, "quick", "a/one", tmp_path / "page")

    def test_are_drawn_once(self, order, monkeypatch):
        assert pictures.draw_lacking([order]) == 1
        assert {path.name for path in (order.folder / "a").iterdir()} == {"one.svg", "one.dark.svg", "one.drawn"}
        monkeypatch.setattr(pictures, "draw_order", lambda *_: pytest.fail("drawn again"))
        assert pictures.draw_lacking([order]) == 0

    def test_of_a_table_that_lacks_a_column_name_it_and_the_figure(self, order):
        held = tables.read(order.results / "reference" / "quick", "a/one")
        lacking = dataclasses.replace(held, runs=held.runs.drop(columns="accuracy"))
        tables.write(lacking, order.results / "reference" / "quick", "a/one")
        with pytest.raises(SpecError, match="quick, a/one: the table has no column 'accuracy'"):
            pictures.draw_lacking([order])

    def test_are_drawn_again_where_anything_has_changed(self, order):
        pictures.draw_lacking([order])
        record = order.results / "reference/quick/a/one.json"
        record.write_text(record.read_text().replace("Accuracy", "Precision"))
        assert order.lacking
        pictures.draw_lacking([order])
        pictures.path(order.folder, "a/one", "dark").unlink()
        assert order.lacking

    def test_of_ones_own_pictures_are_not_taken_for_the_committed_ones(self, order):
        pictures.draw_lacking([order])
        make(order.results, "a/one")
        pictures.copy(order.results / "figures" / "quick", "a/one", order.folder)
        assert order.lacking
        assert pictures.path(order.folder, "a/one", "png").is_file()


class TestCopies:
    @pytest.fixture
    def copied(self, tmp_path):
        """Pictures of one's own, and the page to which they were copied."""
        make(tmp_path, "a/one")
        drawn, page = tmp_path / "figures" / "quick", tmp_path / "page"
        pictures.copy(drawn, "a/one", page)
        return drawn, page

    def test_are_not_made_small_again(self, copied, monkeypatch):
        monkeypatch.setattr(pictures, "_smaller", lambda *_: pytest.fail("made small again"))
        drawn, page = copied
        pictures.copy(drawn, "a/one", page)

    def test_follow_what_is_drawn_anew_or_gone(self, copied):
        drawn, page = copied
        light, dark = (pictures.path(drawn, "a/one", kind) for kind in ("svg", "dark"))
        before = pictures.path(page, "a/one", "dark").read_bytes()
        dark.write_bytes(light.read_bytes())
        pictures.path(drawn, "a/one", "png").unlink()
        pictures.copy(drawn, "a/one", page)
        assert pictures.path(page, "a/one", "dark").read_bytes() == svg.smaller(light.read_bytes()) != before
        assert not pictures.path(page, "a/one", "png").exists()

    def test_are_made_again_where_one_is_gone_from_the_page(self, copied):
        drawn, page = copied
        pictures.path(page, "a/one", "svg").unlink()
        pictures.copy(drawn, "a/one", page)
        assert pictures.path(page, "a/one", "svg").is_file()
