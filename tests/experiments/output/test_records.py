import dataclasses
from typing import get_args

import pytest
from fabricated_report import make, record, verdict

from critical.inference.verdicts import Outcome, Verdict
from experiments.output import report
from experiments.output.report import build_report, read_records, write_record


def test_the_papers_figures_come_before_our_controls(tmp_path):
    for figure in ("controls/permanence", "iclr2019/deficit_removal", "cvpr2023/rsv_blur"):
        make(tmp_path, figure)
    names = [record.figure for record in read_records(tmp_path, "quick")]
    assert names == ["iclr2019/deficit_removal", "cvpr2023/rsv_blur", "controls/permanence"]


def test_a_table_is_kept_relative_to_the_results(tmp_path):
    table = tmp_path / "results/tables/quick/iclr2019/deficit_removal.csv"
    table.parent.mkdir(parents=True)
    table.write_text("seed\n0\n")
    write_record(record(table=str(table)), tmp_path / "results", "quick")
    assert read_records(tmp_path / "results", "quick")[0].table == "tables/quick/iclr2019/deficit_removal.csv"
    (tmp_path / "elsewhere.csv").write_text("seed\n")
    for wrong in (str(tmp_path / "elsewhere.csv"), "tables/quick/none.csv"):
        with pytest.raises(ValueError, match="is not a file below"):
            write_record(record(table=wrong), tmp_path / "results", "quick")


def test_what_cannot_be_is_refused_in_one_line(tmp_path):
    with pytest.raises(ValueError, match="did you mean 'reproduced'"):
        record(verdicts=[verdict("reproducd")])
    with pytest.raises(ValueError, match="verdict on 'c' lacks source"):
        record(verdicts=[{"claim_id": "c"}])
    for name in ("../up", "/root", "a//b", "", "a b"):
        with pytest.raises(ValueError, match="figure="):
            record(name)
    with pytest.raises(ValueError, match="profile="):
        build_report(tmp_path, "quick/..")
    broken = tmp_path / "figures/quick/iclr2019/broken.json"
    broken.parent.mkdir(parents=True)
    for text in ("{", "[]", "{}", '{"colour": 1}'):
        broken.write_text(text)
        with pytest.raises(ValueError, match=r"broken\.json is no record of a figure") as raised:
            build_report(tmp_path, "quick")
        assert "\n" not in str(raised.value)


def test_the_words_and_fields_are_those_of_the_claims():
    assert set(report.VERDICTS) == set(get_args(Outcome))
    fields = {field.name for field in dataclasses.fields(Verdict)}
    assert set(report._VERDICT_KEYS) <= fields
    assert "differs" in fields
