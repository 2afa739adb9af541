import dataclasses
import math
from typing import get_args

import numpy as np
import pytest
from fabricated_report import make, record, verdict, who

from critical.inference.verdicts import Verdict, Word
from experiments.output import records, report
from experiments.output.records import read_records, write_record
from experiments.output.report import build_report


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
    for key in ("ratio", "confirmed", "smallest"):
        with pytest.raises(ValueError, match=f"verdict on 'claim-0' lacks {key}$"):
            record(verdicts=[{name: value for name, value in verdict("reproduced").items() if name != key}])
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


def test_a_record_at_another_place_than_its_name_says_is_refused(tmp_path):
    make(tmp_path, "a/one")
    held = tmp_path / "figures/quick/a"
    (held / "other.json").write_bytes((held / "one.json").read_bytes())
    with pytest.raises(ValueError, match=r"other\.json is no record of a figure \(it is the record of 'a/one'\)"):
        read_records(tmp_path, "quick")


def test_a_record_comes_back_as_it_was_written(tmp_path):
    unknown = verdict("unfinished", effect=math.nan, low=np.float64("nan"), p=None, n=np.int64(0))
    made_by = [who(seeds=[np.int64(1), 2]), who(commit="", machine="another one")]
    make(tmp_path, "a/one", verdicts=[unknown, verdict("reproduced", 1, confirmed=True)], made_by=made_by)
    (found,) = read_records(tmp_path, "quick")
    assert [held["effect"] for held in found.verdicts] == [None, -6.24]
    assert (found.verdicts[0]["low"], found.verdicts[0]["n"]) == (None, 0)
    assert found.verdicts[1] == verdict("reproduced", 1, confirmed=True)
    assert [held["seeds"] for held in found.made_by] == [[1, 2], [0, 1, 2, 3, 4, 5]]


def test_the_words_and_fields_are_those_of_the_verdicts():
    assert set(report.VERDICTS) == set(records.WORDS) == set(get_args(Word))
    fields = {field.name for field in dataclasses.fields(Verdict)}
    assert set(records._VERDICT_KEYS) <= fields
    assert set(verdict("reproduced")) == fields, "what the tests fabricate"
