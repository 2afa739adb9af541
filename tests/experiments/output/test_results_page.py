"""What is generated in documents: what it says of fabricated records, and that the committed ones are today's."""

import math

import pytest

from critical.core.spec import SpecError
from critical.inference.claims import OURS
from critical.inference.statistics import holm
from critical.inference.verdicts import Verdict, to_records
from experiments.design import config as configuration
from experiments.design.registry import FIGURES
from experiments.output import document_parts, documents, results_page
from experiments.output.committed import committed as committed_results
from experiments.output.explained import PROFILES
from experiments.output.records import REFERENCE, FigureRecord, write_record

PAPER, OTHER = "Achille et al. 2019", "Pawlak 2025"
HERE = {"commit": "0123456789ab", "machine": "AMD EPYC, 2 cores, Linux", "versions": {}, "cpu_seconds": 75.0}
BOTH = ("reproduced", "undecided")
FIGURE = "iclr2019/deficit_removal"


def verdict(claim_id, word="reproduced", source=PAPER, **changes):
    held = {
        "claim_id": claim_id, "source": source, "sentence": f"Sentence of {claim_id}.", "direction": "greater",
        "effect": 4.2, "low": 3.1, "high": 5.3, "p": 0.0078125, "n": 8, "spread": 1.2, "smallest": 2.0,
        "unit": "points", "ratio": False, "verdict": word, "confirmed": False, "batches": (word,), "reason": "So.",
        "short": f"short {claim_id}", "paper_effect": None,
    }  # fmt: skip
    return to_records([Verdict(**{**held, **changes})])[0]


def confirmed(claim_id, p, **changes):
    return verdict(claim_id, confirmed=True, p=p, n=16, batches=BOTH, **changes)


def record(figure, verdicts, **changes):
    return FigureRecord(**{
        "figure": figure, "title": "A title", "caption": "", "alt": "", "command": "",
        "data": "glyphs 16×16 (9 images)", "schedule": "rate 0.07·0.8^epoch",
        "seeds": [20, 21, 22, 30], "made_by": [{**HERE, "seeds": [20, 21, 22, 30]}],
        "wall_seconds": 1.0, "runs": 7, "epochs_needed": 1, "epochs_separate": 1, "table": "", "profile": "quick",
        "created": "2026-01-31", "cpu_seconds": 75.0, "verdicts": verdicts, "settings": [],
        "data_facts": {"label": "glyphs", "classes": 10}, **changes,
    })  # fmt: skip


def page(*verdicts, **changes):
    return results_page.page({"quick": [record(FIGURE, list(verdicts), **changes)]})


def rows(text):
    """The rows of claims in full, by the claim's id."""
    lines = [line for line in text.splitlines() if line.startswith("| Sentence of ")]
    return {line.split()[3].rstrip("."): line for line in lines}


def test_without_reference_tables_it_says_so():
    assert "No reference tables are committed yet" in results_page.page({})


def test_a_row_says_effect_interval_and_word():
    found = rows(page(
        verdict("a"),
        verdict("b", "negligible", effect=-0.14, low=-1.0, high=0.7, p=0.64),
        verdict("c", "undecided", effect=math.nan, low=math.nan, high=math.nan, p=math.nan, n=0),
        verdict("d", "premise failed", effect=math.log(1.3), low=math.log(1.1), high=math.log(1.5),
                smallest=math.log(1.2), unit="×", ratio=True, differs="Other |units|."),
    ))  # fmt: skip
    assert found["a"] == (
        "| Sentence of a. | +4.2 points [+3.1, +5.3] | 2 points | 0.008 | 8 | ✓ reproduced, provisional |"
    )
    assert "−0.1 points [−1.0, +0.7] | 2 points | 0.640 | 8 | ≈ negligible, provisional" in found["b"]
    assert "no estimate | 2 points | – | 0 | ? undecided: So |" in found["c"]
    assert "×1.3 [1.1, 1.5] | ×1.2 |" in found["d"]
    assert r"Other \|units\|. |" in found["d"]
    assert "| – premise failed |" in found["d"]


def test_a_page_without_a_confirmed_claim_has_no_corrected_p():
    assert "Holm" not in page(verdict("a"))
    assert "| – |" in rows(page(verdict("a"), confirmed("b", 0.001)))["a"]


def test_where_the_numbers_come_from_stands_below_them():
    here = [{**HERE, "seeds": [20, 21, 22]}, {**HERE, "commit": "ffffffffffff", "seeds": [30]}]
    lines = page(verdict("a"), made_by=here, failures=["blur, seed 3: NaN"]).splitlines()
    for line in (
        f"## {FIGURE}",
        "- Data: glyphs 16×16 (9 images); rate 0.07·0.8^epoch",
        "- Seeds: 20–22, 30",
        "- Made by: AMD EPYC, 2 cores, Linux, commit 0123456789ab (seeds 20–22); AMD EPYC, 2 cores, Linux, commit "
        "ffffffffffff (seeds 30)",
        "- Price: 1 min 15 s of processor time",
        "- Failed: blur, seed 3: NaN",
    ):
        assert line in lines


def test_the_matrix_has_a_sign_a_claim_and_parts_the_papers_from_ours():
    text = page(verdict("ours", "reversed", source=OURS), verdict("theirs"), verdict("more", "undecided"))
    assert f"| [{FIGURE}](#iclr2019-deficit_removal) | ✓? · ✗ |" in text.splitlines()
    assert '<a id="iclr2019-deficit_removal"></a>' in text
    places = [text.index(f"\n| short {name} |") for name in ("theirs", "more", "ours")]
    assert places == sorted(places)


def test_profiles_stand_beside_each_other_and_what_is_confirmed_is_bold():
    quick, laptop = [verdict("a"), verdict("b")], [confirmed("a", 0.001)]
    held = {"quick": [record(FIGURE, quick)], "laptop": [record(FIGURE, laptop)]}
    lines = results_page.page(held).splitlines()
    assert f"| short a | {PAPER} | ✓ +4.2 points [+3.1, +5.3] | **✓ +4.2 points [+3.1, +5.3]** |" in lines
    assert f"| short b | {PAPER} | ✓ +4.2 points [+3.1, +5.3] |  |" in lines
    assert f"- {PAPER}, on glyphs: of 2 claims all reproduced; none confirmed yet." in lines
    assert f"- {PAPER}, on glyphs: 1 claim, reproduced (confirmed)." in lines


def test_holm_counts_what_a_source_had_tested_on_both_batches():
    others = [verdict("b", "undecided", p=0.2, n=16, batches=("undecided", "undecided")), verdict("c", p=0.03),
              confirmed("none", 0.9, direction="none"), confirmed("below", 0.0005, direction="not greater"),
              confirmed("d", 0.0002, source=OTHER)]  # fmt: skip
    held = {
        "quick": [record(FIGURE, [confirmed("a", 0.002), *others]), record("zoo/zebra", [confirmed("e", 0.004)])],
        "laptop": [record(FIGURE, [confirmed("f", 0.0021)])],
    }
    last = {claim: line.split(" | ")[-1] for claim, line in rows(results_page.page(held)).items()}
    assert holm({"a": 0.002, "b": 0.2, "e": 0.004}) == pytest.approx({"a": 0.006, "b": 0.2, "e": 0.008})
    assert last == {"a": "0.006 |", "b": "– |", "c": "– |", "none": "– |", "below": "– |", "d": "< 0.001 |",
                    "e": "0.008 |", "f": "0.002 |"}  # fmt: skip


def test_figures_come_in_the_order_of_the_registry_and_say_what_they_ask():
    held = {"quick": [record(name, []) for name in ("zoo/zebra", "controls/permanence", FIGURE)]}
    text = results_page.page(held)
    heads = [line for line in text.splitlines() if line.startswith("## ")]
    assert heads == ["## In short", f"## {FIGURE}", "## controls/permanence", "## zoo/zebra"]
    assert "**A title.** Is anything left that longer training does not repair?" in text


def marked(part, body="old"):
    return f"Before.\n\n<!-- {part}: generated by make findings -->\n{body}\n<!-- end -->\n\nAfter.\n"


def test_a_generated_part_is_replaced_and_nothing_else(tmp_path):
    parts = {"one": lambda results: f"made from {results.name}"}
    text = marked("one") + marked("one", "a\n\nlonger one")
    expected = 2 * marked("one", f"made from {tmp_path.name}")
    assert documents.filled(text, parts, tmp_path, "README.md") == expected
    assert documents.filled(expected, parts, tmp_path, "README.md") == expected


def test_an_unknown_part_is_refused(tmp_path):
    with pytest.raises(SpecError, match=r"README\.md: there is no generated part 'ons'; .*one"):
        documents.filled(marked("ons"), {"one": str}, tmp_path, "README.md")


@pytest.fixture
def committed(monkeypatch):
    held = {}
    monkeypatch.setattr(document_parts, "committed", lambda results: held)
    return held


def test_the_readme_says_what_commands_cost(tmp_path, committed):
    assert "are not committed yet" in document_parts.cost(tmp_path)
    names = list(document_parts._settings().headline)
    committed["quick"] = [record(name, [], cpu_seconds=60.0 * rank) for rank, name in enumerate(names, start=1)]
    committed["quick"].append(record("zoo/zebra", [], cpu_seconds=6 * 3600.0))
    said = document_parts.cost(tmp_path)
    total = sum(range(1, len(names) + 1))
    assert f"took {total} min of processor time (AMD EPYC, 2 cores, Linux), 1 min of it for the first picture" in said
    assert f"the {len(names) + 1} of {len(FIGURES)} that have a table took 6." in said
    committed["quick"] = [record(name, [], cpu_seconds=3600.0) for name in FIGURES]
    assert f"all figures took {len(FIGURES)}.0 h" in document_parts.cost(tmp_path)


def test_the_readme_names_every_profile_of_a_leading_claim_the_largest_first(tmp_path, committed):
    ours = verdict("b", source=OURS)
    committed["quick"] = [record(FIGURE, [verdict("a", "undecided", effect=-9.4), ours]),
                          record("controls/permanence", [ours]), record("stabilizers/strength", [])]  # fmt: skip
    committed["laptop"] = [record(FIGURE, [confirmed("a", 0.001, effect=9.25), ours])]
    assert document_parts.found(tmp_path).splitlines() == [
        f"- {PAPER}, on glyphs (`laptop`): 1 claim, reproduced (confirmed).",
        f"- {PAPER}, on glyphs (`quick`): 1 claim, undecided.",
        "- [deficit_removal](docs/results.md#iclr2019-deficit_removal): short a: reproduced, +9.2 points, confirmed "
        "(`laptop`); undecided, −9.4 points (`quick`). Short b: reproduced, +4.2 points (`laptop`); reproduced, +4.2 "
        "points (`quick`).",
        "- [permanence](docs/results.md#controls-permanence): short b: reproduced, +4.2 points (`quick`).",
    ]


def test_the_readme_speaks_of_figures_that_there_are():
    assert set(document_parts.README) <= set(FIGURES)


def test_the_readme_counts_many_leading_claims(tmp_path, committed):
    names = ["a", "b", "c", "d"]
    committed["quick"] = [record(FIGURE, list(map(verdict, names)), leading=names)]
    (line,) = document_parts.found(tmp_path).splitlines()[1:]
    assert "#iclr2019-deficit_removal): `quick`: Of the 4 leading claims: all reproduced. Found: short a (+4.2" in line


def test_committed_results_are_read_the_small_profiles_first(tmp_path):
    for name, profile in (("zebra", "quick"), ("laptop_cuda", "laptop"), ("a", "paper"), ("smoke", "smoke")):
        table = tmp_path / "reference" / name / "zoo" / "ape.csv"
        table.parent.mkdir(parents=True)
        table.touch()
        write_record(record("zoo/ape", [], profile=profile, table=str(table)), tmp_path, name, REFERENCE)
    assert list(committed_results(tmp_path)) == ["zebra", "laptop_cuda", "a"]


def test_every_profile_has_a_row(tmp_path):
    there = {path.stem for path in (configuration.CONF / "profile").glob("*.yaml")}
    rows = document_parts.table_of_profiles(tmp_path).splitlines()[2:]
    assert {row.split("`")[1] for row in rows} == there == set(PROFILES)


def test_the_committed_documents_are_what_tables_and_code_say():
    assert documents.stale() == ({}, []), "run `make findings`"


@pytest.mark.parametrize(("seconds", "said"), [(1.9, "2 s"), (45.0, "1 min"), (1871.0, "31 min"), (9000.0, "2.5 h")])
def test_a_price_is_never_no_minutes(seconds, said):
    assert document_parts.minutes(seconds) == said
