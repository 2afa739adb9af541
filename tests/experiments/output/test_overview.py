"""The matrix of verdicts from fabricated records: what it shows, and that nothing overlaps or leaves the picture."""

import itertools
from types import SimpleNamespace

import pytest
from matplotlib.image import imread
from matplotlib.patches import FancyBboxPatch

from critical.inference.claims import OURS
from critical.inference.verdicts import NEITHER
from critical.plots import style
from experiments.output import committed, overview
from experiments.output.small_png import made_of
from experiments.output.words import VERDICTS

PAPER, OTHER = "A paper 2019", "Another paper 2023"


def verdict(claim_id, word="reproduced", source=PAPER, **changes):
    held = {
        "claim_id": claim_id, "source": source, "sentence": f"{claim_id} holds.", "short": f"name of {claim_id}",
        "direction": "greater", "effect": 4.2, "low": 3.1, "high": 5.3, "smallest": 2.0, "unit": "points",
        "ratio": False, "verdict": word, "confirmed": False, "reason": NEITHER,
    }  # fmt: skip
    return {**held, **changes}


def record(figure, verdicts, leading=(), data="glyphs 16×16 (3,000 images)"):
    return SimpleNamespace(figure=figure, title=f"Title of {figure}", data=data, verdicts=verdicts, leading=leading,
                           profile="quick")  # fmt: skip


FIRST = record("a/one", [verdict("a.cost"), verdict("a.ours", "undecided", OURS), verdict("a.later", "reversed", OTHER),
                         verdict("a.more", "negligible", OURS)])  # fmt: skip


def texts(drawing):
    return [text.get_text() for text in drawing.axes[0].texts]


def test_the_papers_own_claims_come_first_and_then_the_controls_that_lead():
    (group,) = overview.groups({"quick": [FIRST, record("a/chooses", [])]})
    assert (group.title, group.data, group.sources) == ("Title of a/one", ("glyphs 16×16",), f"{PAPER}, {OTHER}")
    assert [(row.short, row.ours) for row in group.rows] == [
        ("name of a.cost", False), ("name of a.later", False), ("name of a.ours", True),
    ]  # fmt: skip
    named = record("a/one", FIRST.verdicts, ("a.cost", "a.more"))
    assert [row.short for row in overview.groups({"quick": [named]})[0].rows][2:] == ["name of a.more"]


def test_of_many_claims_those_that_lead_are_shown_and_the_picture_says_so():
    many = record("a/many", [verdict(f"a.{rank}") for rank in range(overview.MANY + 3)], ("a.3", "a.5"))
    (group,) = overview.groups({"quick": [many]})
    assert [row.short for row in group.rows] == ["name of a.3", "name of a.5"]
    said = " ".join(texts(overview.draw({"quick": [many]})))
    assert f"Shown: 2 of the {overview.MANY + 3} claims of the papers" in said
    assert "Shown: all 2 claims of the papers" in " ".join(texts(overview.draw({"quick": [FIRST]})))


def test_a_column_lacks_what_its_profile_lacks():
    second = record("b/two", [verdict("b.cost")], data="two eyes 12×12 (3,000 pairs)")
    first, other = overview.groups({"quick": [FIRST], "laptop": [FIRST, second]})
    assert [len([cell for cell in row.cells if cell]) for row in first.rows] == [2, 2, 2]
    assert other.data == ("", "two eyes 12×12")
    assert other.rows[0].cells == (None, second.verdicts[0])
    shown = texts(overview.draw({"quick": [FIRST], "laptop": [FIRST, second]}))
    assert {"quick", "laptop"} <= set(shown)
    assert shown.count("+4.2 pt") == 7


def test_the_head_counts_all_claims_of_the_papers_and_none_of_ours():
    assert overview.tally("quick", [FIRST]) == "quick: of 2 claims, 1 reproduced, 1 reversed"


@pytest.mark.parametrize("dark", [False, True])
def test_a_word_has_its_sign_and_is_filled_when_confirmed_and_outlined_when_provisional(dark):
    words = [verdict(f"a.{word}", word) for word in VERDICTS]
    words.append(verdict("a.sure", "reversed", confirmed=True))
    with style.style(dark=dark):
        leading = tuple(one["claim_id"] for one in words)
        drawing = overview.draw({"quick": [record("a/one", words, leading)]}, dark)
    shown, boxes = texts(drawing), [one for one in drawing.axes[0].patches if isinstance(one, FancyBboxPatch)]
    assert all(look.sign in shown for look in VERDICTS.values())
    filled = [box.get_facecolor()[3] == 1 for box in boxes]
    outlined = [box.get_edgecolor()[3] == 1 for box in boxes]
    assert filled == [False] * len(VERDICTS) + [True]
    assert outlined == [word in ("reproduced", "reversed", "negligible") for word in VERDICTS] + [False]
    assert shown.count("+4.2 pt") == len(words) - 1, "an unfinished claim has no effect yet"


@pytest.mark.parametrize("beside", [1, 2])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_no_words_overlap_and_none_leave_the_picture(count, beside):
    long = [verdict("a.long", short="deficit costs accuracy (restarted)"),
            verdict("a.unknown", effect=None, low=None, high=None),
            verdict("a.bits", effect=-123.0, unit="bits", source="A paper with many authors and a long name 2024"),
            verdict("a.ours", source=OURS)]  # fmt: skip
    held = record("a/one", long, data="letters and signals (1,500 pairs)")
    held.title = "A title that is rather too long for one line of the picture"
    with style.style():
        drawing = overview.draw({f"profile{rank}": [FIRST, held] for rank in range(count)}, beside=beside)
        drawing.draw_without_rendering()
    shown = [text for text in drawing.axes[0].texts if text.get_text()]
    boxes = {text: text.get_window_extent() for text in shown}
    for text, box in boxes.items():
        assert box.x0 >= 0, text
        assert box.x1 <= drawing.bbox.width, text
        assert box.y0 >= 0, text
        assert box.y1 <= drawing.bbox.height, text
    # Neighbouring lines may touch where a letter hangs down.
    for (one, first), (two, second) in itertools.combinations(boxes.items(), 2):
        apart = first.x1 <= second.x0 or second.x1 <= first.x0
        assert apart or min(first.y1, second.y1) - max(first.y0, second.y0) <= 6, (one, two)


def test_there_is_nothing_to_show_without_a_claim():
    with pytest.raises(ValueError, match="no claim has a verdict yet"):
        overview.draw({"quick": [record("a/chooses", [])]})


def test_parts_beside_each_other_keep_the_order_and_are_about_equally_high():
    five = [record(f"a/{name}", [verdict(f"a.{name}{rank}") for rank in range(rows)])
            for name, rows in zip("vwxyz", (2, 3, 9, 2, 2), strict=True)]  # fmt: skip
    one, two = (overview.draw({"quick": five}, beside=beside) for beside in (1, 2))
    titles = {text.get_text(): text.get_position() for text in two.axes[0].texts if "Title of" in text.get_text()}
    left = [name for name, (x, _) in titles.items() if x < 100]
    assert left == ["Title of a/v", "Title of a/w"]
    assert len(titles) == 5
    assert two.get_figwidth() == pytest.approx(2 * one.get_figwidth())
    assert two.get_figheight() < 0.75 * one.get_figheight()


def test_the_pictures_are_written_from_the_committed_records_and_again_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(committed, "read_records", lambda results, name, where: {"quick": [FIRST]}.get(name, []))
    for name in ("quick", "smoke"):
        (tmp_path / "reference" / name).mkdir(parents=True)
        (tmp_path / "reference" / name / "a.json").touch()
    (tmp_path / "reference" / "empty").mkdir()
    assert list(overview.committed(tmp_path)) == ["quick"]
    light, dark, *narrow = overview.write(tmp_path, tmp_path / "docs")
    assert (light.name, dark.name) == ("overview.png", "overview-dark.png")
    assert [path.name for path in narrow] == ["overview-narrow.png", "overview-narrow-dark.png"]
    assert imread(light)[0, 0, :3].mean() > 0.9
    assert imread(dark)[0, 0, :3].mean() < 0.2
    assert made_of(light) == made_of(dark) == overview.source({"quick": [FIRST]})
    other = record("a/one", [verdict("a.cost", "negligible")])
    assert made_of(light) != overview.source({"quick": [other]})
    assert made_of(tmp_path / "docs" / "none.png") == ""
    before = light.read_bytes()
    overview.write(tmp_path, tmp_path / "docs")
    assert light.read_bytes() == before
