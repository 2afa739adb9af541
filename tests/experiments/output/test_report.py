import itertools
import json
import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from fabricated_report import LONG, TRICKY, everything, make, record, timeline, verdict

from critical.core.spec import SpecError
from critical.inference.claims import OURS
from experiments.output import explained, looks, report
from experiments.output.records import read_records
from experiments.output.report import build_report
from experiments.output.words import VERDICTS

SIZE = 3_000_000


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return everything(tmp_path_factory.mktemp("results"))


class Page(HTMLParser):
    """What the tests ask about a page: its tags in order, its links, its visible text."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.ids, self.text, self._hidden = [], [], "", 0
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag, attributes):
        held = dict(attributes)
        self.tags.append((tag, held))
        self.ids += [held["id"]] if "id" in held else []
        self._hidden += tag in ("style", "script")

    def handle_endtag(self, tag):
        self._hidden -= tag in ("style", "script")

    def handle_data(self, data):
        if not self._hidden:
            self.text += data

    @property
    def words(self):
        return " ".join(self.text.split())

    def all(self, wanted):
        return [held for tag, held in self.tags if tag == wanted]

    def of_class(self, name):
        return [held for _, held in self.tags if name in (held.get("class") or "").split()]


@pytest.fixture(scope="module")
def page(results):
    return Page(results / "report/quick/index.html")


class TestPage:
    def test_every_link_and_picture_lies_beside_it_and_nothing_comes_from_elsewhere(self, results, page):
        folder = results / "report/quick"
        targets = [held["href"] for held in page.all("a")] + [held["src"] for held in page.all("img")]
        targets += [held["srcset"] for held in page.all("source")]
        assert len(targets) > 40
        for target in targets:
            path, _, place = target.partition("#")
            if target.startswith("data:image/png"):
                continue
            assert not target.startswith("/")
            if path:
                assert (folder / unquote(path)).is_file(), target
            other = Page(folder / unquote(path)) if path.endswith(".html") else page
            assert not place or place in other.ids, target
        assert len(page.ids) == len(set(page.ids))
        assert not re.search(r"https?://|@import|url\(", page.source)
        assert not page.all("script")

    def test_pictures_have_their_size_and_words_in_light_and_dark(self, page):
        images = [held for held in page.all("img") if not held["src"].startswith("data:")]
        assert len(images) == 2
        for image in images:
            assert image["alt"]
            assert image["src"].endswith(".png")
            assert 300 < int(image["width"]) < 1500
        sources = [(held.get("media"), held["srcset"]) for held in page.all("source")]
        assert sources[0] == ("(prefers-color-scheme: dark)", "figures/iclr2019/deficit_removal.dark.svg")
        assert sources[1] == (None, "figures/iclr2019/deficit_removal.svg")
        assert "There is no picture of this figure on disk" in page.words
        assert all(held["alt"] for held in page.all("img"))

    def test_headings_are_in_order_and_the_language_is_set(self, page):
        levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
        assert page.all("html")[0]["lang"] == "en"
        assert all("scope" in held for held in page.all("th"))
        assert all(held.get("aria-label") for held in page.all("svg") if held.get("role") == "img")

    def test_text_is_text_and_never_markup(self, page):
        assert page.text.count(TRICKY) >= 4
        assert "<script" not in page.source
        assert [image["alt"] for image in page.all("img")].count(TRICKY) == 1

    def test_no_number_is_missing_in_words(self, page):
        assert not re.search(r"\b(nan|None)\b", page.text)

    def test_it_is_the_same_when_nothing_changed_and_leaves_no_other_file(self, results):
        folder = results / "report/quick"
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        build_report(results, "quick")
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
        assert {path.suffix for path in before} == {".html", ".svg", ".png", ".csv", ".drawn"}
        assert sum(map(len, before.values())) < SIZE


class TestFirstScreen:
    def test_says_in_a_sentence_a_paper_how_its_claims_fared_in_the_reference(self, page):
        assert ("Achille et al. (2019), figure 1, on glyphs: of 4 claims 1 reproduced, 1 reversed, "
                "1 negligible (1 confirmed), 1 undecided.") in page.words  # fmt: skip

    def test_says_how_one_s_own_results_agree(self, page):
        assert ("Here: 2 of 4 claims made here have the verdict of the reference. 1 has another verdict; the intervals "
                "overlap. 1 has another verdict; the intervals lie apart.") in page.words  # fmt: skip

    def test_the_matrix_has_a_row_a_claim_and_a_column_a_result(self, page):
        wide = page.source[page.source.index('<div class="matrix">') :]
        tables = re.findall(r'<table class="block">.*?</table>', wide, re.DOTALL)
        assert len(tables) == 4, "two figures with claims of papers, one with ours; ours once more for phones"
        assert page.source.count('<table class="block">') == 6
        heads = re.findall(r'<th scope="col">(.*?)</th>', tables[0])
        assert heads == [f"{title}<span>glyphs</span>" for title in ("here", "reference", "laptop")]
        rows = re.findall(r"<tr><th.*?</tr>", tables[0], re.DOTALL)
        assert len(rows) == 4
        first = " ".join(re.sub("<[^>]*>", " ", rows[0]).split())
        assert first == "claim number 0 ✓ −6.2 pt ✓ −6.2 pt ✓ −6.2 pt"
        assert 'class="cell reproduced confirmed"' in rows[0]
        assert 'href="#figure-iclr2019-deficit_removal--claim-0"' in rows[0]
        assert 'href="../laptop/index.html#figure-iclr2019-deficit_removal--claim-0"' in rows[0]
        assert 'class="none"' in rows[1]

    def test_every_word_has_its_sign(self, page):
        for word, look in VERDICTS.items():
            assert f'<span class="sign {looks.slug(word)}">{look.sign}</span> {word}' in page.source


class TestFigure:
    def test_speaks_of_what_was_found_before_anything_else(self, page):
        section = page.source.partition('<section class="figure" id="figure-iclr2019-deficit_removal"')[2]
        places = [section.index(text) for text in ("<picture>", 'class="headline"', 'class="forest"', 'class="arms"',
                                                   "<pre", "<details><summary>Caption")]  # fmt: skip
        assert places == sorted(places)
        assert "Reproduced: the longer the blur lasts" in section[places[1] : places[2]]

    def test_has_its_claims_as_lines_with_here_and_reference(self, page):
        begin = page.source.index('<div class="line" id="figure-iclr2019-deficit_removal--claim-3">')
        line = page.source[begin : page.source.index('<div class="line', begin + 1)]
        assert line.count('<svg class="bar') == 2
        assert "+9 points [+8, +10]" in line
        assert "another verdict; the intervals lie apart" in line
        assert 'class="reach"' in line

    def test_has_the_papers_own_number(self, page):
        assert page.source.count('class="paper"') == 1
        assert "◇ the paper: −5 points" in page.words

    def test_has_arms_and_samples(self, page):
        assert len(page.of_class("window")) == 2, "one in each figure with timelines"
        assert [held["alt"] for held in page.all("img") if held["src"].startswith("data:")] == [
            "clean: test images that are called A, B", "blur: test images that are called A, B"
        ]  # fmt: skip

    def test_provenance_failures_and_deviations_are_said(self, page):
        for part in (
            LONG,
            "1 failed run",
            "deficit, seed 3: non-finite loss at epoch 7",
            "Glyphs instead of CIFAR-10.",
            "No difference was noted.",
            "Differs from the paper: Glyphs.",
            "critical 0.1.0, torch 2.14.1",
            "commit not known; seeds 0–2;",
            "2 cores; commit 0123abcd; seeds 3–4;",
            "42; 900 epochs with shared pasts, 2100 if each run were trained from scratch",
            "smallest of interest ×1.2",
            "< 0.001",
        ):
            assert part in page.words, part

    def test_the_price_of_training_is_told_where_it_is_known(self, tmp_path):
        make(tmp_path, "a/known", cpu_seconds=540.0)
        assert "9 min 0 s of training" in build_report(tmp_path, "quick").read_text(encoding="utf-8")
        make(tmp_path, "a/known")
        assert "Process time" not in build_report(tmp_path, "quick").read_text(encoding="utf-8")


def test_a_variation_stands_beside_the_reference_of_its_profile(results):
    page = Page(results / "report/quick+deficit=occlusion/index.html")
    heads = re.findall(r'<th scope="col">(.*?)</th>', page.source)
    assert heads[:2] == ["here<span>glyphs</span>", "reference<span>glyphs</span>"]
    assert "of 2 claims 1 reproduced, 1 reversed; none confirmed yet" in page.words
    assert len(page.of_class("figure")) == 2, "its one figure, and how to read it"


def test_a_page_of_committed_results_alone_has_no_word_of_here(results):
    page = Page(results / "report/laptop/index.html")
    assert not page.of_class("whose")
    assert "Here" not in page.text


def test_the_entry_page_leads_to_all_pages(results):
    page = Page(results / "report/index.html")
    links = [unquote(held["href"]) for held in page.all("a")]
    assert links == ["laptop/index.html", "quick/index.html", "quick+deficit=occlusion/index.html"]
    assert "2 of 4 claims made here have the verdict of the reference" in page.words


def test_a_name_without_results_is_refused(results, tmp_path):
    with pytest.raises(SpecError, match=r"^report: there are no results called 'quikc'; did you mean 'quick'\?$"):
        build_report(results, "quikc")
    with pytest.raises(SpecError, match=r"there are none yet: make figures makes some$"):
        build_report(tmp_path, "quick")
    assert not (results / "report/quikc").exists()


def test_the_command_refuses_names_without_results(results, capsys):
    with pytest.raises(SystemExit):
        report.main(["paper", "--results", str(results)])
    assert capsys.readouterr().err.startswith("error: report: there are no results called 'paper'; ")


def test_a_file_that_is_no_record_is_a_line_on_the_page(tmp_path):
    make(tmp_path, "a/one", where="reference")
    broken = tmp_path / "tables/quick/a/two.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{}")
    page = Page(build_report(tmp_path, "quick"))
    assert re.search(r"two\.json is no record of a figure \(it lacks .*\); make the figure again", page.words)
    assert len(page.of_class("figure")) == 2


def test_a_bad_record_leaves_out_its_figure_alone_and_hidden_files_are_none(tmp_path):
    make(tmp_path, "a/one")
    copies = tmp_path / "tables/quick/a/.ipynb_checkpoints/one-checkpoint.json"
    copies.parent.mkdir()
    copies.write_text((tmp_path / "tables/quick/a/one.json").read_text())
    (tmp_path / "tables/quick/a/._one.json").write_bytes(b"\xff")
    (tmp_path / "tables/quick/a/stray.json").write_text("[1, 2]")
    (tmp_path / "tables/other/.hidden").mkdir(parents=True)
    (tmp_path / "tables/other/.hidden/x.json").write_text("{}")
    page = Page(build_report(tmp_path, "quick"))
    assert len(page.of_class("figure")) == 2
    assert page.words.count("is no record of a figure") == page.words.count("stray.json is no record") == 1
    assert report.known_names(tmp_path) == ["quick"]


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("quick", ["device=cuda"], explained.PROFILES["quick"]),
        ("laptop_cuda", ["data=folder", "device=cuda", "arithmetic.instructions=native", "data.fingerprint=ab"],
         f"Profile laptop, on a GPU: device=cuda, data=folder. {explained.PROFILES['laptop']}"),
        ("mine", ["device=cpu"], f"Profile laptop. {explained.PROFILES['laptop']}"),
    ],
)  # fmt: skip
def test_results_of_a_name_of_one_s_own_are_explained(name, settings, said):
    assert explained.about(name, [record(profile="laptop", settings=settings)]) == said


def test_what_only_some_figures_were_made_with_is_not_said_of_all():
    held = [record(profile="laptop", settings=["seeds=[1]", "data=folder"]), record(settings=["data=folder"])]
    assert explained.about("mine", held).startswith("Profile laptop: data=folder. ")
    assert explained.about("mine", []) == ""


def test_a_figure_is_made_by_the_makefile_where_that_says_all():
    line = "python -m experiments figure=controls/window profile=quick"
    assert explained.recipe(line) == "make figures FIGURE=controls/window PROFILE=quick"
    assert explained.recipe(f"{line} 'seeds=[1]'") == f".venv/bin/{line} 'seeds=[1]'"


def test_a_folder_of_data_is_said_to_be_one_s_own(tmp_path):
    make(tmp_path, "a/one", command="python -m experiments figure=a/one profile=quick data=folder data.path=FOLDER")
    words = Page(build_report(tmp_path, "quick")).words
    assert "FOLDER is your own: train/<class>/ and test/<class>/" in words


def test_the_sources_stand_beside_the_claims(tmp_path):
    make(tmp_path, "a/one", verdicts=[verdict("reproduced", 0, source="A"), verdict("reproduced", 1, source=OURS)])
    make(tmp_path, "b/two", verdicts=[verdict("undecided", rank, source=name) for rank, name in enumerate("BCD")])
    source = build_report(tmp_path, "quick").read_text(encoding="utf-8")
    tables = re.findall(r'<table class="block">(.*?)</table>', source, re.DOTALL)
    named = [re.findall('<span class="source">(.*?)</span>', table) for table in tables[:2]]
    assert named == [["A"], ["3 papers", "B", "C", "D"]]


def test_nothing_is_called_a_deficit_where_none_acts(tmp_path):
    make(tmp_path, "a/one", timelines=[timeline("dose_matched", [], 15, 10)])
    words = Page(build_report(tmp_path, "quick")).words
    assert "Line: the learning rate." in words
    assert "the deficit acts" not in words


def test_records_come_back_as_written_with_unknown_numbers_as_null(results):
    records = read_records(results, "quick")
    assert [held.figure for held in records] == ["iclr2019/deficit_removal", "iclr2019/window", "controls/window"]
    assert records[1].verdicts[1]["effect"] is None
    raw = (results / "tables/quick/iclr2019/window.json").read_text()
    json.loads(raw, parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))


def test_a_picture_that_is_none_is_refused(tmp_path):
    make(tmp_path, "a/one")
    (tmp_path / "figures/quick/a/one.png").write_bytes(b"half of a picture, nothing else")
    with pytest.raises(ValueError, match="is no whole picture"):
        build_report(tmp_path, "quick")


@pytest.mark.parametrize("dark", [False, True])
def test_words_reach_the_contrast_that_small_text_needs(dark):
    colours = looks.scheme(dark)
    pairs = [(text, ground) for text in ("text", "quiet", "link") for ground in ("page", "card")]
    pairs += [("alarm", "alarm-fill")]
    pairs += [("text", f"{looks.slug(word)}-tint") for word in VERDICTS]
    for text, ground in pairs:
        assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for word in ("reproduced", "reversed", "negligible"):
        assert _contrast(looks.ON_FULL, colours[word]) >= 4.5, word


def _contrast(first, second):
    light, dark = sorted((_luminance(first[1:]), _luminance(second[1:])), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour):
    channels = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
