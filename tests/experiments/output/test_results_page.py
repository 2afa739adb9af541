"""docs/findings.md: what it says of fabricated records, and that the committed page is today's."""

import math

import pytest

from critical.inference.claims import OURS
from critical.inference.statistics import holm
from critical.inference.verdicts import Verdict, to_records
from experiments.output import findings
from experiments.output.records import FigureRecord, write_record

PAPER, OTHER = "Achille et al. 2019", "Pawlak 2025"
HERE = {"commit": "0123456789ab", "machine": "AMD EPYC, 2 cores, Linux", "versions": {}, "cpu_seconds": 75.0}
BOTH = ("reproduced", "undecided")


def verdict(claim_id, word="reproduced", source=PAPER, **changes):
    held = {
        "claim_id": claim_id, "source": source, "sentence": f"Sentence of {claim_id}.", "direction": "greater",
        "effect": 4.21, "low": 3.1, "high": 5.3, "p": 0.0078125, "n": 8, "spread": 1.2, "smallest": 2.0,
        "unit": "points", "ratio": False, "verdict": word, "confirmed": False, "batches": (word,), "reason": "So.",
    }  # fmt: skip
    return to_records([Verdict(**{**held, **changes})])[0]


def confirmed(claim_id, p, **changes):
    return verdict(claim_id, confirmed=True, p=p, n=16, batches=BOTH, **changes)


def keep(results, profile, figure, verdicts, **changes):
    table = results / "reference" / profile / f"{figure}.csv"
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text("seed\n20\n")
    record = FigureRecord(**{
        "figure": figure, "title": "A title", "caption": "", "alt": "", "command": "", "data": "glyphs, 16×16",
        "schedule": "rate 0.07·0.8^epoch", "seeds": [20, 21, 22, 30], "made_by": [{**HERE, "seeds": [20, 21, 22, 30]}],
        "wall_seconds": 1.0, "runs": 7, "epochs_needed": 1, "epochs_separate": 1, "table": str(table),
        "created": "2026-01-31", "cpu_seconds": 75.0, "verdicts": verdicts, **changes,
    })  # fmt: skip
    # As the pipeline does: the record beside the picture is copied beside the table.
    table.with_suffix(".json").write_bytes(write_record(record, results, profile).read_bytes())


def rows(page):
    lines = [line for line in page.splitlines() if line.startswith("| Sentence of ")]
    return {line.split()[3].rstrip("."): line for line in lines}


def test_without_reference_tables_it_says_so(tmp_path):
    assert "No reference tables are committed yet" in findings.page(tmp_path)
    keep(tmp_path, "smoke", "iclr2019/deficit_removal", [verdict("removal.cost")])
    assert "No reference tables are committed yet" in findings.page(tmp_path)


def test_a_row_says_effect_interval_and_word(tmp_path):
    keep(tmp_path, "quick", "iclr2019/deficit_removal", [
        verdict("a"),
        verdict("b", "negligible", effect=-0.14, low=-1.0, high=0.7, p=0.64),
        verdict("c", "undecided", effect=math.nan, low=math.nan, high=math.nan, p=math.nan, n=0),
        verdict("d", "premise failed", effect=math.log(1.3), low=math.log(1.1), high=math.log(1.5),
                smallest=math.log(1.2), unit="×", ratio=True, differs="Other |units|."),
    ])  # fmt: skip
    found = rows(findings.page(tmp_path))
    assert found["a"] == (f"| Sentence of a. ({PAPER}) | +4.21 points [+3.1, +5.3] | 0.008 | 8 | 2 points | "
                          "reproduced, provisional | – |")  # fmt: skip
    assert "−0.14 points [−1, +0.7] | 0.640 | 8 | 2 points | negligible, provisional" in found["b"]
    assert "no estimate | – | 0 | 2 points | undecided |" in found["c"]
    assert "×1.3 [1.1, 1.5]" in found["d"]
    assert "| ×1.2 | premise failed |" in found["d"]
    assert r"Other \|units\|. (" in found["d"]


def test_where_the_numbers_come_from_stands_above_them(tmp_path):
    here = [{**HERE, "seeds": [20, 21, 22]}, {**HERE, "commit": "ffffffffffff", "seeds": [30]}]
    keep(tmp_path, "quick", "iclr2019/deficit_removal", [verdict("a")], made_by=here, failures=["blur, seed 3: NaN"])
    page = findings.page(tmp_path)
    for line in (
        "### iclr2019/deficit_removal: A title",
        "- data: glyphs, 16×16; rate 0.07·0.8^epoch",
        "- seeds: 20–22, 30",
        "- made by: AMD EPYC, 2 cores, Linux, commit 0123456789ab (seeds 20–22); AMD EPYC, 2 cores, Linux, commit "
        "ffffffffffff (seeds 30)",
        "- price: 1 min 15 s of process time",
        "- failed: blur, seed 3: NaN",
    ):
        assert line in page.splitlines()


def test_papers_and_our_controls_are_apart(tmp_path):
    keep(tmp_path, "quick", "iclr2019/deficit_removal", [verdict("ours", source=OURS), verdict("theirs")])
    page = findings.page(tmp_path)
    places = [page.index(text) for text in ("Claims of the papers", "Sentence of theirs", "Controls of this suite",
                                            "Sentence of ours")]  # fmt: skip
    assert places == sorted(places)
    assert f"Sentence of ours. ({OURS})" not in page


def test_each_source_has_a_line_of_counts(tmp_path):
    keep(tmp_path, "quick", "iclr2019/deficit_removal",
         [confirmed("a", 0.0001), verdict("b"), verdict("c", "undecided"), verdict("d", source=OURS)])  # fmt: skip
    keep(tmp_path, "quick", "controls/permanence", [verdict("e", "premise failed"), verdict("f", source=OTHER)])
    head = findings.page(tmp_path).partition("## quick")[2].partition("###")[0]
    assert [line for line in head.splitlines() if line.startswith("- ")] == [
        f"- {PAPER}: of 4 claims: 2 reproduced (1 confirmed), 1 undecided, 1 premise failed",
        f"- {OTHER}: of 1 claim: 1 reproduced (0 confirmed)",
        f"- {OURS}: of 1 claim: 1 reproduced (0 confirmed)",
    ]


def test_holm_counts_what_a_source_had_tested_on_both_batches(tmp_path):
    others = [verdict("b", "undecided", p=0.2, n=16, batches=("undecided", "undecided")), verdict("c", p=0.03),
              confirmed("none", 0.9, direction="none"), confirmed("below", 0.0005, direction="not greater"),
              confirmed("d", 0.0002, source=OTHER)]  # fmt: skip
    keep(tmp_path, "quick", "iclr2019/deficit_removal", [confirmed("a", 0.002), *others])
    keep(tmp_path, "quick", "controls/permanence", [confirmed("e", 0.004)])
    keep(tmp_path, "laptop", "iclr2019/deficit_removal", [confirmed("f", 0.0021)])
    last = {claim: line.split(" | ")[-1] for claim, line in rows(findings.page(tmp_path)).items()}
    expected = holm({"a": 0.002, "b": 0.2, "e": 0.004})
    assert expected == pytest.approx({"a": 0.006, "b": 0.2, "e": 0.008})
    assert last == {"a": "0.006 |", "b": "– |", "c": "– |", "none": "– |", "below": "– |", "d": "< 0.001 |",
                    "e": "0.008 |", "f": "0.002 |"}  # fmt: skip


def test_profiles_come_in_their_order_and_papers_before_controls(tmp_path):
    for profile in ("zebra", "laptop", "quick"):
        for figure in ("controls/permanence", "iclr2019/deficit_removal"):
            keep(tmp_path, profile, figure, [verdict("a")] if figure.startswith("i") else [])
    heads = [line for line in findings.page(tmp_path).splitlines() if line.startswith("##")]
    figures = ["### iclr2019/deficit_removal: A title", "### controls/permanence: A title"]
    assert heads == [line for name in ("quick", "laptop", "zebra") for line in (f"## {name}", *figures)]
    assert findings.page(tmp_path).count("It chooses settings and claims nothing.") == 3


def test_a_record_in_the_wrong_place_is_refused(tmp_path):
    keep(tmp_path, "quick", "iclr2019/deficit_removal", [verdict("a")])
    path = tmp_path / "reference/quick/iclr2019/deficit_removal.json"
    path.rename(path.with_name("other.json"))
    with pytest.raises(ValueError, match=r"other\.json is no record of a figure"):
        findings.page(tmp_path)


def test_the_committed_page_is_what_the_committed_tables_say():
    written = findings.PAGE.read_text(encoding="utf-8")
    assert written == findings.page(findings.ROOT / "results"), "docs/findings.md is not today's: run `make findings`"
