import dataclasses
import json
import math
from typing import get_args

import numpy as np
import pytest
from fabricated_report import make, record, verdict, who

from critical.core.spec import SpecError
from critical.inference.verdicts import Verdict, Word
from experiments.output import records
from experiments.output.records import read_records, write_record
from experiments.output.words import VERDICTS


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
    with pytest.raises(ValueError, match="'other' leads, and there is no verdict on it"):
        record(verdicts=[verdict("reproduced")], leading=["claim-0", "other"])
    for key in ("ratio", "confirmed", "smallest", "spread", "differs", "batches"):
        with pytest.raises(ValueError, match=f"verdict on 'claim-0' lacks {key}$"):
            record(verdicts=[{name: value for name, value in verdict("reproduced").items() if name != key}])
    for name in ("../up", "/root", "a//b", "", "a b"):
        with pytest.raises(ValueError, match="figure="):
            record(name)
    for name in ("quick/..", "..", ".hidden", "a b"):
        with pytest.raises(SpecError, match="name="):
            read_records(tmp_path, name)
    broken = tmp_path / "tables/quick/iclr2019/broken.json"
    broken.parent.mkdir(parents=True)
    for text in ("{", "[]", "{}", '{"colour": 1}'):
        broken.write_text(text)
        with pytest.raises(SpecError, match=r"broken\.json is no record of a figure") as raised:
            read_records(tmp_path, "quick")
        assert "\n" not in str(raised.value)


def test_a_record_of_an_earlier_version_says_what_to_do(tmp_path):
    make(tmp_path, "a/one", verdicts=[verdict("reproduced")])
    path = tmp_path / "tables/quick/a/one.json"
    held = json.loads(path.read_text())
    for lacking, said in (({"settings", "profile"}, "lacks profile, settings, as one of an earlier version does"),
                          (set(), "lacks short")):  # fmt: skip
        content = {key: value for key, value in held.items() if key not in lacking}
        if not lacking:
            content["verdicts"][0].pop("short")
        path.write_text(json.dumps(content))
        with pytest.raises(SpecError, match=said) as raised:
            read_records(tmp_path, "quick")
        assert "make the figure again, which trains nothing that is stored" in str(raised.value)


def test_the_names_of_results_are_those_that_hold_records(tmp_path):
    make(tmp_path, "a/one")
    make(tmp_path, "a/one", name="quick+deficit=occlusion")
    make(tmp_path, "a/one", name="laptop", where="reference")
    (tmp_path / "tables/empty").mkdir()
    assert records.names(tmp_path) == ["quick", "quick+deficit=occlusion"]
    assert records.names(tmp_path, "reference") == ["laptop"]
    assert records.read_record(tmp_path, "laptop", "a/one", "reference").table == "reference/laptop/a/one.csv"
    assert records.read_record(tmp_path, "laptop", "a/two", "reference") is None


def test_a_record_at_another_place_than_its_name_says_is_refused(tmp_path):
    make(tmp_path, "a/one")
    held = tmp_path / "tables/quick/a"
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
    assert set(VERDICTS) == set(records.WORDS) == set(get_args(Word))
    fields = {field.name for field in dataclasses.fields(Verdict)}
    assert set(records._VERDICT_KEYS) <= fields
    assert set(verdict("reproduced")) == fields, "what the tests fabricate"
