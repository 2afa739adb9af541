import itertools
import json
import math
import re
import shutil
from html.parser import HTMLParser

import pytest
from fabricated_report import LONG, TRICKY, make, record, verdict, who

from experiments.output import report
from experiments.output.records import read_records, write_record
from experiments.output.report import build_report


def test_the_price_of_training_stands_beside_that_of_the_last_command(tmp_path):
    make(tmp_path, "a/known", wall_seconds=3.0, cpu_seconds=540.0)
    page = build_report(tmp_path, "quick").read_text(encoding="utf-8")
    assert "CPU time" in page
    assert "9 min" in page
    make(tmp_path, "a/known")
    assert "CPU time" not in build_report(tmp_path, "quick").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A profile with every kind of verdict, a failed run, hostile text and a very long command."""
    results = tmp_path_factory.mktemp("results")
    words = list(report.VERDICTS)
    make(
        results,
        "iclr2019/deficit_removal",
        verdicts=[verdict(word, number) for number, word in enumerate(words[:4])],
    )
    make(
        results,
        "iclr2019/window",
        columns=3,
        title="A window of blur " + TRICKY,
        caption=TRICKY,
        alt=TRICKY,
        command=LONG,
        made_by=[who(machine="x" * 200, commit="", seeds=[0, 1, 2]), who(seeds=[3, 4])],
        failures=["deficit, seed 3: non-finite loss at epoch 7"],
        deviations=[],
        verdicts=[
            verdict("premise failed", 4, sentence=TRICKY, reason=TRICKY, confirmed=False),
            verdict("unfinished", 5, effect=math.nan, low=math.nan, high=math.nan, p=math.nan, n=0),
            verdict("undecided", 6, low=math.nan, high=math.nan, p=0.0001, unit="u" * 120),
            verdict("reproduced", 7, differs="Glyphs.", confirmed=True, ratio=True, unit="×", effect=math.log(1.5),
                    low=math.log(1.25), high=math.log(2), smallest=math.log(1.2)),
        ],
    )
    # A figure whose runs all failed has a record and a table, and no picture.
    shutil.copytree(results / "tables/quick/iclr2019", results / "tables/quick/controls")
    write_record(record("controls/window", failures=["a", "b"]), results, "quick")
    build_report(results, "quick")
    build_report(results, "laptop")
    return results


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

    def all(self, wanted):
        return [held for tag, held in self.tags if tag == wanted]


@pytest.fixture(scope="module")
def page(results):
    return Page(results / "report/quick/index.html")


def test_every_link_and_picture_lies_beside_the_page_and_nothing_comes_from_elsewhere(results, page):
    folder = results / "report/quick"
    targets = [held["href"] for held in page.all("a")] + [held["src"] for held in page.all("img")]
    assert len(targets) > 15
    for target in targets:
        if target.startswith("#"):
            assert target[1:] in page.ids
        else:
            assert not target.startswith("/")
            assert (folder / target).is_file(), target
    assert len(page.ids) == len(set(page.ids))
    assert not re.search(r"https?://|@import|url\(", page.source)
    assert not page.all("script")


def test_pictures_have_their_size_and_words(results, page):
    images = page.all("img")
    assert len(images) == 2
    for image in images:
        assert image["alt"]
        png = (results / "report/quick" / image["src"]).read_bytes()
        assert int(image["width"]) == int.from_bytes(png[16:20], "big")
        assert int(image["height"]) == int.from_bytes(png[20:24], "big")
    assert "There is no picture of this figure on disk." in page.text


def test_headings_are_in_order_and_the_language_is_set(page):
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert page.all("html")[0]["lang"] == "en"


def test_text_is_text_and_never_markup(page):
    assert page.text.count(TRICKY) >= 4
    assert "<script" not in page.source
    assert [image["alt"] for image in page.all("img")].count(TRICKY) == 1


def test_the_summary_counts_every_verdict_in_words(page):
    words = " ".join(page.text.split())
    assert "8 claims in 3 figures" in words
    assert "2 reproduced" in words
    assert "2 undecided" in words
    for word in ("reversed", "negligible", "premise failed", "unfinished"):
        assert f"1 {word}" in words
    assert "not corrected for the number of claims" in words
    rows = [held for tag, held in page.tags if tag == "tr"]
    assert len(rows) == 1 + 8


def rows(page):
    """The text of each claim's row."""
    body = re.search(r"<tbody.*?</tbody>", page.source, re.DOTALL).group()
    return [" ".join(re.sub("<[^>]*>", " ", row).split()) for row in body.split("</tr>")[:-1]]


def test_a_claim_has_its_effect_the_smallest_of_interest_and_a_word(page):
    first, *_ = found = rows(page)
    assert "−6.24 points [−8.1, −4.4] smallest of interest +2 points 0.031 6 reproduced provisional" in first
    assert "reversed provisional" in found[1]
    assert "negligible provisional" in found[2]
    assert "no estimate" in found[5]
    assert "– 0 unfinished 6 seeds" in found[5], "what is not decided is neither provisional nor confirmed"
    assert "(no interval)" in found[6]
    assert "&lt; 0.001" in found[6]
    assert not re.search(r"\b(nan|None)\b", " ".join(found))


def test_a_ratio_is_written_as_a_factor_and_a_confirmed_verdict_says_so(page):
    last = rows(page)[-1]
    assert "×1.5 [1.25, 2] smallest of interest ×1.2" in last
    assert "reproduced confirmed" in last
    assert "Differs from the paper: Glyphs." in last


def test_provenance_failures_and_deviations_are_said(page):
    words = " ".join(page.text.split())
    for part in (
        LONG,
        "1 failed run",
        "deficit, seed 3: non-finite loss at epoch 7",
        "Glyphs instead of CIFAR-10.",
        "No difference was noted.",
        "3 min 12 s",
        "Differs from the paper: Glyphs.",
        "critical 0.1.0, torch 2.14.1",
        "commit not known; seeds 0, 1, 2;",
        "2 cores; commit 0123abcd; seeds 3, 4;",
        "42; 900 epochs with shared pasts, 2100 if each run were trained from scratch",
    ):
        assert part in words


def test_a_profile_without_figures_says_so(results):
    page = Page(results / "report/laptop/index.html")
    assert "There are no figures yet for this profile." in page.text
    assert not page.all("img")


def test_records_come_back_as_written_with_unknown_numbers_as_null(results):
    records = read_records(results, "quick")
    assert [held.figure for held in records] == [
        "iclr2019/deficit_removal",
        "iclr2019/window",
        "controls/window",
    ]
    assert records[0] == record(
        verdicts=[verdict(word, n) for n, word in enumerate(list(report.VERDICTS)[:4])]
    )
    assert records[1].verdicts[1]["effect"] is None
    raw = (results / "figures/quick/iclr2019/window.json").read_text()
    json.loads(raw, parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))


def test_the_page_is_the_same_when_nothing_changed_and_leaves_no_other_file(results):
    folder = results / "report/quick"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    build_report(results, "quick")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert {path.suffix for path in before} == {".html", ".png", ".pdf", ".csv"}


def test_a_picture_that_is_none_is_refused(tmp_path):
    table = tmp_path / "tables/quick/iclr2019/deficit_removal.csv"
    picture = tmp_path / "figures/quick/iclr2019/deficit_removal.png"
    for path, content in ((table, b"seed\n0\n"), (picture, b"half of a picture, nothing else")):
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    write_record(record(), tmp_path, "quick")
    with pytest.raises(ValueError, match="is no PNG picture"):
        build_report(tmp_path, "quick")


def test_colours_of_words_reach_the_contrast_that_small_text_needs(page):
    schemes = re.findall(r"--page: #[^}]*", page.source)
    assert len(schemes) == 2
    for scheme in schemes:
        colours = dict(re.findall(r"--([a-z-]+): #([0-9a-f]{6})", scheme))
        pairs = [(kind, f"{kind}-fill") for kind in ("good", "bad", "open", "absent")]
        pairs += [(text, ground) for text in ("text", "quiet", "link") for ground in ("page", "card")]
        for text, ground in pairs:
            light, dark = sorted((_luminance(colours[text]), _luminance(colours[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


def _luminance(colour):
    channels = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        pytest.skip(f"no browser: none of {', '.join(names)} is on the path")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    flags += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=executable, args=flags)
        yield opened
        opened.close()


@pytest.mark.parametrize(
    ("profile", "width", "scheme"),
    [("quick", 390, "light"), ("quick", 390, "dark"), ("quick", 1280, "light"), ("quick", 1280, "dark"),
     ("laptop", 390, "light")],
)  # fmt: skip
def test_in_a_browser(results, browser, profile, width, scheme):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.goto((results / "report" / profile / "index.html").as_uri())
    assert complaints == []
    sizes = page.evaluate("[...document.images].map(image => [image.naturalWidth, image.clientWidth])")
    assert len(sizes) == (2 if profile == "quick" else 0)
    # Not empty, and not so small that its letters (9 pt) cannot be read.
    assert all(natural > 0 and shown >= 0.55 * natural for natural, shown in sizes)
    measured = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert measured[0] <= measured[1] == width
    if profile == "quick":
        badges = page.evaluate(
            "[...document.querySelectorAll('.badge')].map(b => getComputedStyle(b).backgroundColor)"
        )
        assert len(set(badges)) == 4
    page.close()
