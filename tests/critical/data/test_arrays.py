"""Arrays of one's own: read as they are, or refused in a line that names the array."""

import re
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from folders import refused
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from critical.core.spec import SpecError, identity
from critical.data import Arrays, DataError, content, load

FEW = settings(max_examples=40, deadline=None)
RANDOM = np.random.default_rng(0)
GOOD = {
    "view_a": RANDOM.integers(0, 256, (12, 3, 8, 8), dtype=np.uint8),
    "view_b": RANDOM.random((12, 5)),
    "labels": np.arange(12) % 3,
    "test_view_a": RANDOM.integers(0, 256, (6, 3, 8, 8), dtype=np.uint8),
    "test_view_b": RANDOM.random((6, 5)),
    "test_labels": np.arange(6, dtype=np.uint8) % 3,
}


def without(*names):
    return {name: held for name, held in GOOD.items() if name not in names}


ONE = without("view_b", "test_view_b")


def spec(folder, held, save=np.savez, **given):
    path = Path(folder) / "mine.npz"
    save(path, **held)
    return Arrays(path=str(path), root=str(Path(folder) / "root"), **given)


def line(folder, held, **given):
    return refused(spec(folder, held, **given).load)


@st.composite
def archives(draw):
    """Arrays that can be data, and how their axes are called."""
    classes = draw(st.integers(2, 4))
    counts = {"": draw(st.integers(classes, 8)), "test_": draw(st.integers(1, 5))}
    shapes = {name: draw(st.sampled_from([(1, 4, 5), (3, 2, 2), (4, 6), (1, 3), (5,), (20,)]))
              for name in ["view_a", "view_b"][: draw(st.integers(1, 2))]}  # fmt: skip
    held = {}
    for part, count in counts.items():
        labels = np.concatenate([np.arange(classes), np.zeros(count, dtype=int)])[:count] if part == "" else np.array(
            draw(st.lists(st.integers(0, classes - 1), min_size=count, max_size=count)))
        held[f"{part}labels"] = labels.astype(draw(st.sampled_from([np.int64, np.uint8, np.int32, ">i2"])))
    for name, shape in shapes.items():
        kind = np.dtype(draw(st.sampled_from(["u1", "f2", "f4", "f8", ">f4"])))
        values = st.integers(0, 255) if kind == np.uint8 else st.floats(0, 1, width=16)
        for part, count in counts.items():
            view = draw(nps.arrays(kind, (count, *shape), elements=values))
            view.flat[0], view.flat[-1] = 0, 255 if kind == np.uint8 else 1  # never the same everywhere
            held[f"{part}{name}"] = view
    return held


@FEW
@given(archives())
def test_what_is_given_is_what_is_held(held):
    with tempfile.TemporaryDirectory() as folder:
        made = spec(folder, held)
        data = made.load()
        for part, split in (("", data.train), ("test_", data.test)):
            assert split.labels.tolist() == held[f"{part}labels"].tolist()
            for name, view in zip(("view_a", "view_b"), split.views, strict=False):
                given_view = held[f"{part}{name}"]
                shape = given_view.shape if given_view.ndim > 2 else (len(given_view), 1, given_view.shape[1])
                assert view.dtype == (torch.uint8 if given_view.dtype == np.uint8 else torch.float32)
                assert np.array_equal(view.numpy(), given_view.reshape(shape).astype(view.numpy().dtype))
        assert len(data.train.views) == 1 + ("view_b" in held)
        assert data.classes == tuple(map(str, range(int(held["labels"].max()) + 1)))
        again = spec(folder, dict(reversed(held.items())), np.savez_compressed)
        assert identity(again.resolved()) == identity(made.resolved()), "how it is saved is no content"


@FEW
@given(archives(), st.data())
def test_another_value_is_another_content(held, data):
    with tempfile.TemporaryDirectory() as folder:
        before = spec(folder, held).resolved()
        name = data.draw(st.sampled_from(sorted(name for name in held if "view" in name)))
        place = data.draw(st.integers(0, held[name].size - 1))
        changed = held[name].copy()
        changed.flat[place] = 1 - changed.flat[place] if changed.dtype != np.uint8 else 255 - changed.flat[place]
        after = spec(folder, held | {name: changed}).resolved()
        assert (after.fingerprint == before.fingerprint) == np.array_equal(changed, held[name])


@pytest.mark.parametrize(
    "other",
    [
        GOOD["view_a"].reshape(12, 3, 4, 16),
        GOOD["view_a"].view(np.int8),
        GOOD["view_a"].reshape(-1).view(np.uint16).reshape(12, 3, 8, 4),
    ],
)
def test_the_same_bytes_in_another_shape_or_type_are_another_content(tmp_path, other):
    before = spec(tmp_path, ONE).resolved()
    assert other.tobytes() == ONE["view_a"].tobytes()
    assert spec(tmp_path, ONE | {"view_a": other}).resolved().fingerprint != before.fingerprint


@pytest.mark.parametrize("others", [[b"abc"], [b"a", b"bc"], [b"", b"ab", b"c"], [b"ab", b"c", b""]])
def test_borders_count_in_a_fingerprint(others):
    assert content.fingerprint([b"ab", b"c"]) == content.fingerprint(iter([b"ab", b"c"]))
    assert content.fingerprint(others) != content.fingerprint([b"ab", b"c"])


FAULTS = {
    "view_a of": [np.zeros((12, 3, 8, 8), dtype=np.uint8), np.full((12, 3, 8, 8), np.nan), np.ones((12, 3, 8, 8)) * 7,
                  np.zeros((12, 3, 8, 8), dtype=np.int64), np.zeros((12, 3, 8, 8), dtype=bool), np.zeros(12),
                  np.zeros((12, 3, 4, 4, 4)), np.array(["a"] * 12),
                  np.linspace(-1, 1, 12 * 3 * 64).reshape(12, 3, 8, 8), GOOD["view_a"][:11], GOOD["view_a"][:, :0],
                  np.array(0.5), np.zeros((12, 3, 8, 8), dtype=complex)],
    "labels of": [np.arange(11) % 3, np.arange(12) % 3 + 1, np.arange(12) % 3 - 1, np.zeros(12, dtype=int),
                  np.arange(12) % 3 * 2, np.arange(12) % 3.0, (np.arange(12) % 3)[:, None], np.array(["a"] * 12),
                  np.arange(12) % 2 == 0, np.array([], dtype=int), np.arange(12) + 10**12 * (np.arange(12) > 5)],
    "test_labels of": [np.arange(6) % 4, np.arange(6) - 1, np.arange(5) % 3],
    "test_view_a of": [GOOD["test_view_a"][..., :7], GOOD["test_view_a"] / 255.0],
    "classes of": [np.array(["a", "b"]), np.array(["a", "b", "a"]), np.arange(3)],
}  # fmt: skip
EVERY_FAULT = [(name, number) for name, faults in FAULTS.items() for number in range(len(faults))]


@FEW
@given(st.sampled_from(EVERY_FAULT), st.booleans())
def test_a_fault_is_one_line_that_names_the_array(fault, two):
    name, number = fault
    with tempfile.TemporaryDirectory() as folder:
        said = line(folder, (GOOD if two else ONE) | {name.removesuffix(" of"): FAULTS[name][number]})
        # Of two arrays that do not go together either may be named.
        assert name in said or (("view" in name or "labels" in name) and " examples, " in said)


@pytest.mark.parametrize(
    ("held", "message"),
    [
        (ONE | {"view_a": GOOD["view_a"] / 1.0, "test_view_a": GOOD["test_view_a"] / 1.0}, "divide 0 … 255 by 255"),
        (ONE | {"view_a": GOOD["view_a"][:, 0]}, "set data.layout_a=NHW for grey images, NCL for signals"),
        (ONE | {"view_a": np.moveaxis(GOOD["view_a"], 1, -1)}, "set data.layout_a=NHWC if channels come last"),
        (ONE | {"view_a": np.full((12, 5), 0.5)}, "is 0.5 everywhere, so there is nothing to see"),
        (ONE | {"labels": np.arange(12) % 3 * 2}, "no example of class 1; number without gaps"),
        (ONE | {"labels": np.arange(12) % 3 + 1}, "starts at 1; number the classes from 0 on"),
        (ONE | {"view_a": np.eye(12, dtype=np.uint8)}, "holds 0 and 1 alone, in uint8, where white is 255"),
        (without("view_a"), "view_a of .*mine.npz is missing"),
        (without("labels"), "labels of .*mine.npz is missing"),
        (without("test_labels"), "test_labels of .* is missing"),
        (without("test_view_b"), "test_view_b of .* is missing"),
        (without("view_b"), "view_b of .* is missing"),
        (without("test_view_a", "test_view_b", "test_labels"), "add test arrays, or set data.split=0.2"),
        (ONE | {"view_c": np.zeros(3)}, "mine.npz holds 'view_c', which nothing reads; did you mean 'view_b'"),
        (ONE | {"view_a": np.array([object()] * 12)}, "cannot be read .*np.savez"),
        (ONE | {"view_a": np.full((12, 5), 1e300)}, r"values from 1e\+300 to 1e\+300 instead of \[0, 1\]"),
        (ONE | {"view_a": np.full((12, 5), np.inf)}, "values that are not finite"),
        (ONE | {"view_a": np.eye(12, dtype=np.longdouble)}, r"view_a of .* is float\d+ of shape .*32 or 64 bits"),
    ],
)  # fmt: skip
def test_what_is_said(tmp_path, held, message):
    assert re.search(message, line(tmp_path, held))


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04"])
def test_what_is_no_archive(tmp_path, content):
    (tmp_path / "mine.npz").write_bytes(content)
    assert "cannot be read" in refused(Arrays(path=str(tmp_path / "mine.npz"), root=str(tmp_path)).load)


def archive(path, **members):
    """Writes a good archive; `members` are its files, or what replaces them."""
    np.savez_compressed(path, **ONE)
    with zipfile.ZipFile(path) as held:
        files = {name: held.read(name) for name in held.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as held:
        for name, content in (files | members).items():
            held.writestr(name, content)


def header(words):
    """Returns an NPY file of version 1 with this header."""
    return b"\x93NUMPY\x01\x00" + len(words).to_bytes(2, "little") + words


@pytest.mark.parametrize(
    "words",
    [
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (8,",
        b"{'descr': (((",
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000000000,), }",
        b"\x00\xff",
    ],
)
def test_a_broken_header_is_one_line(tmp_path, words):
    archive(tmp_path / "mine.npz", **{"view_a.npy": header(words)})
    said = refused(Arrays(path=str(tmp_path / "mine.npz"), root=str(tmp_path)).load)
    assert "mine.npz cannot be read" in said


def test_a_member_that_is_no_array_is_one_line(tmp_path):
    archive(tmp_path / "mine.npz", view_b=b"text")
    said = refused(Arrays(path=str(tmp_path / "mine.npz"), root=str(tmp_path)).load)
    assert re.search("view_b of .* is no array", said)


@pytest.mark.parametrize(("at", "value"), [(6, 1), (8, 99)], ids=["encrypted", "compression"])
def test_a_member_of_another_kind_is_one_line(tmp_path, at, value):
    """The same fields stand before each member, and two bytes further on in the list at the end."""
    archive(tmp_path / "mine.npz")
    content = bytearray((tmp_path / "mine.npz").read_bytes())
    for sign, place in ((b"PK\x03\x04", at), (b"PK\x01\x02", at + 2)):
        content[content.index(sign) + place] = value
    (tmp_path / "mine.npz").write_bytes(content)
    assert "mine.npz cannot be read" in refused(Arrays(path=str(tmp_path / "mine.npz"), root=str(tmp_path)).load)


@FEW
@given(st.integers(0, 10**6), st.integers(0, 255))
def test_a_changed_byte_is_one_line_or_no_matter(place, value):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.npz"
        np.savez_compressed(path, **ONE)
        content = bytearray(path.read_bytes())
        content[place % len(content)] = value
        path.write_bytes(content)
        made, said = Arrays(path=str(path), root=folder), "mine.npz"
        try:
            made.load()
        except DataError as error:
            said = str(error)
        assert re.fullmatch(".*mine.npz.*", said)


def test_where_there_is_no_archive(tmp_path):
    assert "path is not set; give data.path=mine.npz" in refused(Arrays().resolved)
    nowhere = tmp_path / "nowhere.npz"
    said = refused(Arrays(path=str(nowhere), root=str(tmp_path)).resolved)
    assert said == f"data=arrays: there is no {nowhere}; set data.path to it", "named once"
    assert r"there is no mi\x00ne (embedded null" in refused(Arrays(path="mi\0ne", root=str(tmp_path)).resolved)
    assert "is no file" in refused(Arrays(path=str(tmp_path), root=str(tmp_path)).resolved)
    np.save(tmp_path / "one.npy", GOOD["view_a"])
    assert "one array without a name" in refused(Arrays(path=str(tmp_path / "one.npy"), root=str(tmp_path)).resolved)


@pytest.mark.parametrize(
    ("layout", "axes"),
    [("NHWC", (0, 2, 3, 1)), ("NLC", (0, 2, 1)), ("NHW", (0, 1, 2)), ("NCL", (0, 1, 2)), ("NF", (0, 1))],
)
def test_axes_may_be_said(tmp_path, layout, axes):
    """In the order of the suite it is the same array, transposed or with a channel."""
    image = GOOD["view_a"] if len(axes) == 4 else GOOD["view_a"][:, 0] if len(axes) == 3 else GOOD["view_a"][:, 0, 0]
    other = {"view_a": image.transpose(axes), "labels": GOOD["labels"]}
    view = spec(tmp_path, other, layout_a=layout, split=0.3).load().train.views[0]
    channel = layout in ("NHW", "NF")
    expected = image[:, None] if channel else image
    assert view.shape[1:] == expected.shape[1:]
    assert {row.tobytes() for row in view.numpy()} <= {row.tobytes() for row in expected}


@pytest.mark.parametrize("layout", ["NCL", "NHW"])
def test_axes_that_cannot_be(tmp_path, layout):
    assert f"which data.layout_a={layout} cannot be" in line(tmp_path, ONE, layout_a=layout)
    with pytest.raises(SpecError, match=r"^data=arrays: layout_a=CHW: .*did you mean"):
        Arrays(layout_a="CHW")


def test_a_share_is_split_off(tmp_path):
    whole = {"view_a": np.arange(60, dtype=np.uint8)[:, None], "labels": np.arange(60) % 3}
    data = spec(tmp_path, whole, split=0.25).load()
    assert data.test.labels.bincount().tolist() == [5, 5, 5]
    seen = torch.cat([data.train.views[0], data.test.views[0]]).flatten()
    assert seen.sort().values.tolist() == list(range(60))
    assert not torch.equal(spec(tmp_path, whole, split=0.25, seed=1).load().test.views[0], data.test.views[0])
    assert "leave split out" in line(tmp_path, ONE, split=0.25)


def test_images_are_resized_and_signals_are_not(tmp_path):
    held = dict(GOOD)
    for name, count in (("view_a", 12), ("test_view_a", 6)):
        held[name] = np.zeros((count, 3, 8, 10), dtype=np.uint8)
        held[name][..., 1:9] = 200
    data = spec(tmp_path, held, resolution=4).load()
    assert data.view_shapes == ((3, 4, 4), (1, 5))
    assert (data.train.views[0] == 200).all(), "the middle square"
    floats = held | {name: (held[name] / 255).astype(np.float32) for name in ("view_a", "test_view_a")}
    assert spec(tmp_path, floats, resolution=4).load().train.views[0].unique().tolist() == pytest.approx([200 / 255])


def test_names_and_labels(tmp_path):
    data = spec(tmp_path, GOOD | {"classes": np.array(["cat", "dog", "cow"])}).load()
    assert data.classes == ("cat", "dog", "cow")
    assert data.label == "mine (3×8×8 and 1×5), 12 examples"
    assert spec(tmp_path, ONE, label="Mine").load().label == "Mine (3×8×8), 12 examples"


def test_another_file_under_a_fingerprint_is_refused(tmp_path):
    before = spec(tmp_path, ONE).resolved()
    assert before.resolved() == before
    changed = ONE | {"labels": np.arange(12)[::-1] % 3}
    assert f"not {before.fingerprint}" in line(tmp_path, changed, fingerprint=before.fingerprint)
    moved = (tmp_path / "mine.npz").rename(tmp_path / "moved.npz")
    assert identity(Arrays(path=str(moved), root=str(tmp_path)).resolved()) != identity(before)
    assert identity(Arrays(fingerprint=before.fingerprint)) == identity(before), "composed without the file"


def test_arrays_are_read_once_to_be_known(tmp_path, monkeypatch):
    monkeypatch.setattr(content, "SETTLED_SECONDS", -60.0)
    made, reads, real = spec(tmp_path, ONE), [], Arrays._read
    monkeypatch.setattr(Arrays, "_read", lambda self: reads.append(1) or real(self))
    assert made.resolved() == made.resolved()
    assert len(reads) == 1
    assert load(made) is load(made)
    assert len(reads) == 2
