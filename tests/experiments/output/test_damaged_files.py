"""A file of results that is damaged, or was changed by hand, is one line that names it."""

import json
import os
from pathlib import Path

import pytest
from fabricated_report import make, timeline, verdict, who

from critical.core.spec import SpecError
from experiments.design.config import CONF
from experiments.output import composing, pictures, remake, tables
from experiments.output.records import REFERENCE, names, read_record, read_records

FIGURE = "a/one"
RESULTS = CONF.parent / "results"
NAN, ENDLESS = float("nan"), float("inf")


@pytest.fixture
def record(tmp_path):
    """The file of a record of one's own."""
    make(tmp_path, FIGURE, verdicts=[verdict("reproduced")])
    return tmp_path / "tables/quick" / f"{FIGURE}.json"


def one_line(call, *given):
    with pytest.raises(SpecError) as raised:
        call(*given)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_the_committed_ones_are_whole():
    for name in names(RESULTS, REFERENCE):
        for one in read_records(RESULTS, name, REFERENCE):
            tables.read_shown(RESULTS / REFERENCE / name, one.figure, one.seeds)


@pytest.mark.parametrize("table", ["../../etc/hostname", "/etc/hostname", "tables/quick/a/two.csv",
                                   "reference/quick/a/one.csv", "tables/quick/../quick/a/one.csv", 3])  # fmt: skip
def test_a_record_names_no_table_but_its_own(record, tmp_path, table):
    record.write_text(json.dumps({**json.loads(record.read_text()), "table": table}))
    said = one_line(read_records, tmp_path, "quick")
    assert said.startswith(f"{record} is no record of a figure (table: ")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", 3), ("seeds", "012"), ("seeds", [0.5]), ("seeds", [True]), ("runs", None), ("wall_seconds", "1"),
        ("cpu_seconds", NAN), ("failures", "none"), ("verdicts", {}), ("verdicts", ["reproduced"]),
        ("made_by", [who(seeds=None)]), ("made_by", [{"commit": "c"}]), ("made_by", [who(versions=["torch"])]),
        ("settings", {"device": "cpu"}), ("settings", [1]), ("leading", "claim-0"), ("data_facts", {"label": "x"}),
        ("data_facts", {"label": "x", "classes": "ten"}), ("data_facts", {"label": "x", "classes": 2, "more": 1}),
        ("arms", [{"label": "x", "role": "deficit", "learnt": "all"}]), ("timelines", [{}]), ("timelines", None),
        ("timelines", [{**timeline("fresh", [], 5), "stages": []}]), ("timelines", [timeline("fresh", [[0, 1]], 5)]),
        ("timelines", [{**timeline("fresh", [], 5), "end": 0}]),
        ("timelines", [{**timeline("fresh", [], 5), "leads": 1}]), ("samples", [{"label": "clean"}]),
        ("samples", [{"label": "x", "classes": [], "views": [{"name": "", "png": '"><', "width": 1, "height": 1}]}]),
    ],
)  # fmt: skip
def test_a_field_of_another_type_is_named(record, tmp_path, field, value):
    record.write_text(json.dumps({**json.loads(record.read_text()), field: value}))
    said = one_line(read_records, tmp_path, "quick")
    assert said.startswith(f"{record} is no record of a figure ({field}: ")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("effect", "large"), ("low", [1]), ("high", ENDLESS), ("p", "0.03"), ("paper_effect", "3"), ("n", None),
        ("smallest", 0), ("smallest", -1.0), ("smallest", None), ("smallest", "2"), ("direction", "up"),
        ("direction", ["less"]), ("unit", "miles"), ("unit", None), ("ratio", 1), ("confirmed", "no"), ("short", None),
    ],
)  # fmt: skip
def test_a_number_or_word_of_a_verdict_that_cannot_be_is_named(record, tmp_path, field, value):
    content = json.loads(record.read_text())
    content["verdicts"][0][field] = value
    record.write_text(json.dumps(content))
    said = one_line(read_records, tmp_path, "quick")
    assert said.startswith(f"{record} is no record of a figure (verdict on 'claim-0': {field}: ")


def test_a_folder_in_the_place_of_a_file_is_named(record, tmp_path):
    record.unlink()
    record.mkdir()
    for said in (one_line(read_records, tmp_path, "quick"), one_line(read_record, tmp_path, "quick", FIGURE)):
        assert said.startswith(f"{record} cannot be read (")
    table = record.with_suffix(".csv")
    table.unlink()
    table.mkdir()
    assert one_line(tables.read, tmp_path / "tables/quick", FIGURE).startswith(f"{table} cannot be read (")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_rights_is_named(record, tmp_path):
    record.chmod(0)
    assert one_line(read_records, tmp_path, "quick").startswith(f"{record} cannot be read (")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no table (it is empty)"),
        (b"arm_id,seed,accuracy\nx,0,9", "is no table (its end is missing)"),
        (b"\n", "is no table ("),
        (b'arm_id,seed,accuracy\n"x,0,90\n', "is no table ("),
        (b"arm_id,seed,accuracy\nx,0,\xff\xfe\n", "is no table ("),
        (b"arm_id,seed,accuracy\nx,0,90,1,2,3\nx,0\n", ""),
        (b"seed,accuracy\n0,90\n", "is no table of a figure: it lacks the column arm_id"),
        (b"arm_id,accuracy\n0,90\n", "is no table of a figure: it lacks the column seed"),
        (b"arm_id,seed\n0,90\n", "is no table of a figure: it lacks the column failure"),
        (b"arm_id,seed,failure\nx,0,\nx,2,\n", "lacks seed 1 of its record"),
        (None, "is missing, and its record lies there"),
    ],
)
def test_a_table_that_is_none_is_named(tmp_path, content, said):
    path = tmp_path / "one.csv"
    if content is not None:
        path.write_bytes(content)
    assert one_line(tables.read_shown, tmp_path, "one", (0, 1, 2)).startswith(f"{path} {said}")


def test_a_page_is_not_drawn_from_a_table_that_lacks_seeds(tmp_path):
    make(tmp_path, FIGURE, where=REFERENCE)
    path = tmp_path / REFERENCE / "quick" / f"{FIGURE}.csv"
    path.write_text("arm_id,seed,failure\nx,0,\n")
    order = pictures.Order(tmp_path, "quick", FIGURE, tmp_path / "page")
    assert one_line(pictures.draw_order, order).startswith(f"{path} lacks seed 1 of its record")


@pytest.mark.parametrize("kind", ["png", "svg", "dark"])
@pytest.mark.parametrize("damage", ["text", "cut"])
def test_a_picture_that_is_none_is_named(tmp_path, record, kind, damage):
    source = pictures.path(tmp_path / "figures/quick", FIGURE, kind)
    whole = source.read_bytes()
    source.write_bytes(b"no picture \xff" if damage == "text" else whole[: len(whole) // 2])
    said = one_line(pictures.copy, tmp_path / "figures/quick", FIGURE, tmp_path / "page")
    assert said == f"{source} is no whole picture; make the figure again"


@pytest.mark.parametrize(
    "changes",
    [{"settings": ["protocol.nonsense=1"]}, {"settings": ["deficit=unheard_of"]}, {"profile": "none_such"},
     {"settings": ["protocol.recovery=x"]}, {"settings": ["=="]}],
)  # fmt: skip
def test_settings_that_cannot_be_composed_are_said_with_their_file(tmp_path, changes):
    name = "controls/permanence"
    make(tmp_path, name, where=REFERENCE, **changes)
    held = read_record(tmp_path, "quick", name, REFERENCE)
    said = one_line(composing.of_record, held)
    assert said.startswith(f"reference/quick/{name}.json: its profile and settings cannot be composed (")


class TestRemake:
    NAME = "controls/permanence"

    @pytest.fixture
    def path(self, tmp_path) -> Path:
        make(tmp_path, self.NAME, where=REFERENCE, made_by=[{**who(), "cpu_seconds": 1.0, "epochs": 3}])
        return tmp_path / REFERENCE / "quick" / f"{self.NAME}.json"

    @pytest.mark.parametrize(
        ("damage", "said"),
        [
            (lambda text: text[:300], "is no record of a figure ("),
            (lambda text: "[]", "is no record of a figure (it holds no mapping)"),
            (lambda text: text.replace('"made_by"', '"made"'), "is no record of a figure (it lacks made_by)"),
            (lambda text: text.replace('"cpu_seconds": 1.0', '"x": 1'), "is no record of a figure (made_by: it lacks"),
            (lambda text: text.replace('"commit"', '"who"'), "is no record of a figure (made_by: "),
        ],
    )
    def test_a_record_that_is_none_is_named(self, tmp_path, path, damage, said):
        path.write_text(damage(path.read_text()))
        assert one_line(remake.remake, tmp_path, "quick", self.NAME).startswith(f"{path} {said}")

    def test_a_table_that_is_gone_is_named(self, tmp_path, path):
        path.with_suffix(".csv").unlink()
        assert one_line(remake.remake, tmp_path, "quick", self.NAME).startswith(f"{path.with_suffix('.csv')} is missi")

    @pytest.mark.parametrize("classes", ["x", "", "1", "-3", "2.5"])
    def test_a_number_of_classes_that_is_none_is_refused(self, tmp_path, path, capsys, classes):
        with pytest.raises(SystemExit):
            remake.main(["quick", f"classes={classes}", "--results", str(tmp_path)])
        assert capsys.readouterr().err == f"error: classes={classes}: a whole number from 2 on\n"
