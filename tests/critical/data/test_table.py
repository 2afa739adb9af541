"""Images and a table: joined by the names of files, or refused in a line that names row, column or image."""

import shutil
import unicodedata

import numpy as np
import pytest
import torch
from folders import make_tree, refused

from critical.core.spec import identity
from critical.data import FolderAndTable, load


@pytest.fixture
def tree(tmp_path):
    return make_tree(tmp_path / "pets")


ROWS = [
    (f"{part}/{kind}/{number}.png", number + 10 * (kind == "dog") + 100 * (part == "test"), 0.5)
    for part, count in (("train", 3), ("test", 2))
    for kind in ("cat", "dog")
    for number in range(count)
]


def spec(tree, rows=ROWS, header="file,age,weight", text=None, **given):
    """The data of rows; each is (name, age, weight)."""
    table = tree.parent / "features.csv"
    body = "\n".join([header, *(",".join(map(str, row)) for row in rows)])
    table.write_bytes((body if text is None else text).encode() if not isinstance(text, bytes) else text)
    return FolderAndTable(path=str(tree), table=str(table), root=str(tree.parent / "root"), **given)


def line(*given, **named):
    return refused(spec(*given, **named).load)


def test_each_image_has_the_features_of_its_row(tree):
    orders = [ROWS, ROWS[::-1], sorted(ROWS, key=lambda row: row[1] % 7)]
    for rows in orders:
        data = load(spec(tree, rows))
        assert data.view_shapes == ((3, 12, 12), (1, 2))
        assert data.label == "pets 12×12 and 2 features, 6 examples"
        # Ages 0, 1, 2 of cats and 10, 11, 12 of dogs train; those above are clipped. A constant weight is 0.
        expected = torch.tensor([0.0, 1, 2, 10, 11, 12]) / 12
        torch.testing.assert_close(data.train.views[1][:, 0, 0], expected)
        assert (data.test.views[1][:, 0, 0] == 1).all()
        assert (data.train.views[1][:, 0, 1] == 0).all()
        reds = data.train.views[0][:, 0, 0, 0] == 255
        assert torch.equal(reds, data.train.labels == 1)


def test_columns_are_chosen_in_order(tree):
    rows = [(*row, number) for number, row in enumerate(ROWS)]
    data = load(spec(tree, rows, "file,age,weight,height", columns=("height", "age")))
    assert data.view_shapes[1] == (1, 2)
    assert data.train.views[1][:, 0, 0].argsort().tolist() == list(range(6))


def test_a_name_alone_is_enough_where_one_image_is_called_so(tree):
    for path in list(tree.rglob("*.png")):
        path.rename(path.with_name("-".join(path.relative_to(tree).parts)))
    rows = [(row[0].replace("/", "-"), *row[1:]) for row in ROWS]
    assert len(load(spec(tree, rows)).train) == 6


def test_names_in_another_encoding_are_the_same_names(tree):
    for part in ("train", "test"):
        (tree / part / "cat").rename(tree / part / unicodedata.normalize("NFD", "café"))
    rows = [(row[0].replace("cat", unicodedata.normalize("NFC", "café")), *row[1:]) for row in ROWS]
    assert len(load(spec(tree, rows)).train) == 6


def test_without_a_part_for_testing_a_share_is_split_off(tree):
    shutil.rmtree(tree / "test")
    data = load(spec(tree, ROWS[:6], split=0.4))
    assert (len(data.train), len(data.test)) == (4, 2)
    ages = data.train.views[1][:, 0, 0]
    assert (ages.min(), ages.max()) == (0, 1), "scaled by those that train"


@pytest.mark.parametrize("ending", ["\r\n", "\n\n", "\n"])
def test_the_file_may_have_a_byte_order_mark_and_other_line_ends(tree, ending):
    text = ending.join(["file,age,weight", *(",".join(map(str, row)) for row in ROWS), ""])
    assert len(load(spec(tree, text="\ufeff" + text)).train) == 6


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ROWS[1:], "the image train/cat/0.png has no line"),
        ([*ROWS, ("train/cat/9.png", 1, 1)], "line 12: there is no image 'train/cat/9.png'"),
        ([*ROWS, ROWS[0]], "line 12 is the second one of train/cat/0.png"),
        ([("0.png", 1, 1), *ROWS], "line 2: 4 images are called '0.png'; give the path"),
        ([(ROWS[0][0], "", 1), *ROWS[1:]], "line 2, column age: '' is no finite number"),
        ([(ROWS[0][0], "nan", 1), *ROWS[1:]], "'nan' is no finite number"),
        ([(ROWS[0][0], 1, "inf"), *ROWS[1:]], "column weight: 'inf' is no finite number"),
        ([(ROWS[0][0], "three", 1), *ROWS[1:]], "'three' is no finite number"),
        ([(ROWS[0][0], 1), *ROWS[1:]], "line 2 has 2 columns, the first line 3"),
        ([(row[0], 1, 1) for row in ROWS], "the same features for all training images"),
    ],
)
def test_rows_that_cannot_be(tree, rows, message):
    assert message in line(tree, rows)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"header": "name,age,weight"}, "no column is called 'file'; its first line has name, age, weight"),
        ({"header": "file,age,age"}, "two of one name"),
        ({"header": "file,file,age"}, "2 columns are called 'file'"),
        ({"columns": ("height",)}, "no column is called 'height'"),
        ({"header": "file;age;weight"}, "no column is called 'file'"),
        ({"text": "file\n"}, "no features"),
        ({"text": ""}, "its first line has nothing"),
        ({"text": b"file,age\n\xff,1\n"}, "save it as CSV in UTF-8"),
        ({"text": 'file,age\n"open,1\n'}, "cannot be read"),
    ],
)
def test_tables_that_cannot_be(tree, given, message):
    assert message in line(tree, **given)


def test_a_table_that_is_not_there(tree):
    made = FolderAndTable(path=str(tree), root=str(tree.parent / "root"))
    assert "table is not set" in refused(made.resolved)
    gone = FolderAndTable(path=str(tree), table=str(tree / "gone.csv"), root=str(tree.parent / "root"))
    assert "gone.csv cannot be read" in refused(gone.resolved)


def test_another_table_is_another_content(tree):
    before = spec(tree).resolved()
    changed = [(ROWS[0][0], 5, 5), *ROWS[1:]]
    assert identity(spec(tree, changed).resolved()) != identity(before)
    assert f"not {before.fingerprint}" in line(tree, changed, fingerprint=before.fingerprint)
    assert "has fingerprint" in line(tree, fingerprint="0123456789abcdef"), "none of names and sizes"
    (tree / "train" / "cat" / "0.png").write_bytes((tree / "train" / "cat" / "1.png").read_bytes())
    assert identity(spec(tree).resolved()) != identity(before)


def test_the_images_are_those_of_the_folder(tree):
    pixels = load(spec(tree)).train.views[0]
    assert np.array_equal(pixels, super(FolderAndTable, spec(tree)).full().train.views[0])
