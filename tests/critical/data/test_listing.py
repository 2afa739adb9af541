"""What a listing could add, drop or merge follows torchvision's ImageFolder, or is one line that names it."""

import os
import re
import shutil
import tempfile
import unicodedata
from pathlib import Path

import pytest
from folders import make_tree, refused
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.datasets import ImageFolder

from critical.data.listing import EXTENSIONS, PARTS, listed, shown

FEW = settings(max_examples=40, deadline=None)
NAMES = st.text(
    st.sampled_from(["a", "b", "Z", "0", " ", "-", "_", ".", "é", "ß", "日", "\n", "\t"]), min_size=1, max_size=4
).filter(lambda name: not name.startswith("."))
ENDINGS = st.sampled_from([*EXTENSIONS, ".PNG", ".Jpg", ".txt", ".gif", ""])
FILES = st.tuples(
    st.sampled_from(PARTS), NAMES, st.lists(NAMES, max_size=2), st.tuples(NAMES, ENDINGS).map("".join)
).map(lambda found: Path(found[0], found[1], *found[2], found[3]))
"""Paths such as train/a/b/0.png; what matters is the names, so the files hold nothing."""
HIDDEN = st.tuples(
    st.sampled_from(PARTS), st.sampled_from(["", "a", "a/b"]), st.sampled_from([".x.png", "._0.png", ".c/0.png", ".c/n",
                                                                                "__MACOSX/a/._0.png", ".DS_Store"])
).map(lambda found: Path(*found))  # fmt: skip


def made(root: Path, paths) -> None:
    """Writes empty files; those whose place is taken by a folder or a file are left out."""
    for path in sorted(paths):
        try:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).touch()
        except OSError:
            continue


def of_torchvision(root: Path) -> dict[str, list[tuple[str, str]]]:
    """(class, path) of each image in ImageFolder's order."""
    folders = {part: ImageFolder(root / part) for part in PARTS}
    return {part: [(folder.classes[label], path) for path, label in folder.samples] for part, folder in folders.items()}


@FEW
@given(st.lists(FILES, min_size=1, max_size=12))
def test_a_listing_is_that_of_imagefolder_or_one_line(paths):
    # Every class in both parts, or next to nothing would be listed.
    paths = {Path(part, *path.parts[1:]) for path in paths for part in PARTS}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        made(root, paths)
        try:
            expected = of_torchvision(root)
        except FileNotFoundError:
            expected = None  # a class without images
        if expected is None or any(shown(kind) != kind for kind, _ in expected["train"]):
            assert re.search("has no images|no images below|no folder|cannot be printed", line(root))
            return
        found = listed(root, "data=folder")
        for part in PARTS:
            ours = [(file.kind, str(root / file.path)) for file in found.files if file.part == part]
            assert sorted(ours) == sorted(expected[part])
        assert {file.kind for file in found.files} == {kind for kind, _ in expected["train"]}
        if any(str(path).lower().endswith(".gif") for path in paths if (root / path).is_file()):
            assert "left out" in found.left_out
        assert len(found.left_out.splitlines()) <= 1


@FEW
@given(st.lists(HIDDEN, min_size=1, max_size=6, unique=True))
def test_hidden_files_change_no_listing_and_their_images_are_said(paths):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        made(root, [Path(part, kind, "b", "0.png") for part in PARTS for kind in "ab"])
        before = listed(root, "data=folder")
        made(root, paths)
        after = listed(root, "data=folder")
        assert after.files == before.files
        count = sum(path.suffix == ".png" for path in paths)
        assert before.left_out == ""
        assert bool(after.left_out) == bool(count)
        if count:
            assert f"left out {count} image" in after.left_out


@pytest.fixture
def tree(tmp_path):
    return make_tree(tmp_path / "pets")


def line(tree, parts=True):
    return refused(lambda: listed(tree, "data=folder", parts))


def paths(tree):
    return [file.path for file in listed(tree, "data=folder").files]


def test_folders_that_are_not_there(tree):
    assert str(tree / "nowhere" / "train") in line(tree / "nowhere")
    assert str(tree / "nowhere") in line(tree / "nowhere", parts=False)
    assert "there is no folder" in line(tree / "train" / "cat" / "0.png", parts=False)


def test_a_class_without_images_is_named(tree):
    (tree / "test" / "cow").mkdir()
    assert "test/cow has no images; add some or remove it" in line(tree)
    (tree / "test" / "cow" / "notes.txt").write_text("")
    assert "test/cow has no images" in line(tree)
    shutil.rmtree(tree / "test")
    (tree / "test").mkdir()
    assert "no images below" in line(tree)


@pytest.mark.parametrize(("part", "other"), [PARTS, PARTS[::-1]])
def test_a_class_in_one_part_only_is_named(tree, part, other):
    shutil.copytree(tree / part / "cat", tree / part / "cow")
    assert f"{part}/cow has no images in {other}; add some or remove it" in line(tree)


def test_linked_and_nested_folders_are_followed_as_imagefolder_does(tree):
    (tree / "test" / "dog").rename(tree.parent / "elsewhere")
    (tree / "test" / "dog").symlink_to(tree.parent / "elsewhere")
    (tree / "train" / "cat" / "more").mkdir()
    (tree / "train" / "cat" / "1.png").rename(tree / "train" / "cat" / "more" / "1.png")
    (tree / "train" / "cat" / "linked").symlink_to(tree.parent / "elsewhere")
    expected = of_torchvision(tree)
    assert sorted(str(tree / path) for path in paths(tree)) == sorted(
        path for part in PARTS for _, path in expected[part]
    )
    assert len(paths(tree)) == 12


def test_a_link_into_itself_is_named(tree):
    (tree / "train" / "cat" / "again").symlink_to(tree / "train")
    assert "is a link to a folder that it lies in" in line(tree)


@pytest.mark.parametrize("place", ["train/gone", "train/cat/gone.png", "train/cat/gone"])
def test_a_link_that_leads_nowhere_is_named(tree, place):
    (tree / place).symlink_to(tree / "not there")
    assert f"{place} is a link that leads nowhere" in line(tree)


def test_what_is_no_regular_file_is_named(tree):
    os.mkfifo(tree / "train" / "cat" / "pipe.png")
    assert "train/cat/pipe.png is no regular file" in line(tree)


def test_a_folder_that_cannot_be_read_is_named(tree, monkeypatch):
    locked, scandir = str(tree / "train" / "dog"), os.scandir

    def refusing(path):
        if str(path) == locked:
            raise PermissionError(13, "Permission denied", locked)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert "train/dog cannot be read (PermissionError" in line(tree)


def test_two_classes_that_look_the_same_are_named(tree):
    for part in PARTS:
        for kind, form in (("cat", "NFC"), ("dog", "NFD")):
            (tree / part / kind).rename(tree / part / unicodedata.normalize(form, "café"))
    assert r"two classes are called café in different encodings ('cafe\u0301' and 'caf\xe9')" in line(tree)


def test_a_class_in_another_encoding_in_either_part_is_named(tree):
    for part, form in zip(PARTS, ("NFC", "NFD"), strict=True):
        (tree / part / "cat").rename(tree / part / unicodedata.normalize(form, "café"))
    assert "different encodings" in line(tree)


def test_names_that_are_not_utf8(tree):
    os.rename(tree / "train" / "cat" / "0.png", os.fsencode(tree / "train" / "cat") + b"/\xff.png")
    assert len(paths(tree)) == 10
    for part in PARTS:
        os.rename(tree / part / "cat", os.fsencode(tree / part) + b"/\xe9")
    assert r"the class \udce9 has a name that cannot be printed" in line(tree)


def test_images_in_no_class_and_of_other_formats_are_said(tree):
    (tree / "train" / "stray.png").touch()
    (tree / "test" / "cat" / "moving.GIF").touch()
    found = listed(tree, "data=folder")
    assert len(found.files) == 10
    assert found.left_out.startswith("data=folder: left out 2 images of ")
    assert "stray.png" in found.left_out
    assert "moving.GIF" in found.left_out


def test_a_path_is_shown_in_one_line():
    assert shown("a\nb\udcffc é") == "a\\nb\\udcffc é"
