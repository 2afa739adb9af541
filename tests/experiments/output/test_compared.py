import pytest
from fabricated_report import record, verdict

from critical.inference.claims import OURS
from experiments.output import compared
from experiments.output.compared import Column

FIGURE = "iclr2019/deficit_removal"


def column(*verdicts, name="quick", where="reference", figure=FIGURE, **changes):
    return Column(name, where, {figure: record(figure, verdicts=list(verdicts), **changes)})


class TestAgreement:
    @pytest.mark.parametrize(
        ("here", "reference", "word"),
        [
            (verdict("reproduced"), verdict("reproduced", effect=90.0, low=80.0, high=99.0), compared.AGREES),
            (verdict("reproduced", low=1.0, high=3.0), verdict("undecided", low=2.9, high=5.0), compared.NEAR),
            (verdict("reproduced", low=1.0, high=3.0), verdict("reversed", low=-9.0, high=-4.0), compared.DIFFERS),
            (verdict("reproduced", low=5.0, high=6.0), verdict("undecided", low=1.0, high=4.9), compared.DIFFERS),
            (verdict("reproduced", low=None, high=None), verdict("undecided"), compared.NEAR),
            (verdict("unfinished"), verdict("unfinished"), compared.OPEN),
            (verdict("reproduced"), verdict("unfinished"), compared.OPEN),
            (None, verdict("reproduced"), ""),
            (verdict("reproduced"), None, ""),
        ],
    )
    def test_is_that_of_verdicts_and_then_of_intervals(self, here, reference, word):
        assert compared.agreement(here, reference) == word

    def test_is_told_in_a_sentence(self):
        reference = column(verdict("reproduced", 0), verdict("reproduced", 1, low=1.0, high=2.0),
                           verdict("reversed", 2))  # fmt: skip
        here = column(verdict("reproduced", 0), verdict("undecided", 1, low=1.5, high=3.0), verdict("unfinished", 2),
                      verdict("reproduced", 9), where="tables")  # fmt: skip
        assert compared.agreed(here, reference) == (
            "1 of 3 claims made here have the verdict of the reference. 1 has another verdict; the intervals overlap. "
            "1 has no verdict yet on one side."
        )
        assert compared.agreed(reference, reference) == "All 3 claims made here have the verdict of the reference."
        one, other = (column(verdict("reproduced", number)) for number in (1, 2))
        assert compared.agreed(one, one) == "The one claim made here has the verdict of the reference."
        assert compared.agreed(one, other) == "None of its claims stands in the reference."


class TestBlocks:
    def test_hold_every_claim_of_any_column_once_in_the_order_of_the_first(self):
        first = column(verdict("reproduced", 2), verdict("reversed", 1))
        second = column(verdict("undecided", 1), verdict("negligible", 3), name="laptop")
        (block,) = compared.blocks([first, second], compared.of_papers)
        assert [row.claim_id for row in block.rows] == ["claim-2", "claim-1", "claim-3"]
        words = [[held and held["verdict"] for held in row.verdicts] for row in block.rows]
        assert words == [["reproduced", None], ["reversed", "undecided"], [None, "negligible"]]

    def test_part_the_papers_claims_from_ours(self):
        held = column(verdict("reproduced", 1), verdict("reversed", 2, source=OURS))
        for chosen, named in ((compared.of_papers, "claim-1"), (compared.controls, "claim-2")):
            assert [row.claim_id for block in compared.blocks([held], chosen) for row in block.rows] == [named]
        assert compared.blocks([column(verdict("reproduced"))], compared.controls) == []

    def test_hold_what_the_headline_speaks_of(self):
        held = column(verdict("reproduced", 1), verdict("negligible", 2), verdict("reversed", 3, source=OURS))
        assert [row.claim_id for block in compared.blocks([held], compared.leading) for row in block.rows] == [
            "claim-1", "claim-3"
        ]  # fmt: skip

    def test_are_those_of_the_figures_that_are_wanted(self):
        held = Column("quick", "reference", {
            figure: record(figure, verdicts=[verdict("reproduced")]) for figure in ("a/one", "a/two")
        })  # fmt: skip
        assert [block.figure for block in compared.blocks([held], compared.of_papers, ["a/two"])] == ["a/two"]


def test_sources_are_counted_those_with_most_claims_first_and_ours_last_and_so_are_data():
    first = record("a/one", data="glyphs 16×16 (9 images)", verdicts=[
        verdict("reproduced", 1, source=OURS), verdict("reproduced", 2, source=OURS), verdict("reversed", 3, source="B")
    ])  # fmt: skip
    second = record("a/two", data="two eyes 12×12 (8 pairs)", verdicts=[
        verdict("reproduced", 1, source="A", confirmed=True), verdict("undecided", 2, source="A"),
        verdict("reversed", 3, source="B"), verdict("reversed", 4, source="B"),
    ])  # fmt: skip
    found = compared.tallies([first, second])
    assert [(tally.source, tally.data, tally.claims) for tally in found] == [
        ("B", "two eyes and glyphs", 3), ("A", "two eyes", 2), (OURS, "glyphs", 2)
    ]  # fmt: skip
    assert found[1].said == "of 2 claims 1 reproduced (1 confirmed), 1 undecided"


def test_anchors_are_ids():
    assert compared.anchor("a/b_c") == "figure-a-b_c"
    assert compared.anchor("a/b_c", "x.y_z") == "figure-a-b_c--x-y_z"
