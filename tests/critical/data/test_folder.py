"""A folder's images are what is read, and its identity is that of its content."""

import hashlib
import os
import shutil
import warnings

import numpy as np
import pytest
import torch
from folders import folder_spec, image, make_tree, refused
from PIL import Image

from critical.core.spec import SpecError, identity
from critical.data import Folder, FolderAndTable, Halves, base, content, folder, load


@pytest.fixture
def tree(tmp_path):
    return make_tree(tmp_path / "pets", train=5)


@pytest.fixture
def settled(monkeypatch):
    """States are relied upon at once, as those of files that have lain there for a while."""
    monkeypatch.setattr(content, "SETTLED_SECONDS", -60.0)


@pytest.fixture
def read(monkeypatch):
    """Paths of the files whose content was read."""
    paths, real = [], content.read
    monkeypatch.setattr(content, "read", lambda path, where: paths.append(path) or real(path, where))
    return paths


def test_folder_round_trip(tree):
    data = load(folder_spec(tree))
    assert data.train.views[0].shape == (10, 3, 12, 12)
    assert data.test.views[0].shape == (4, 3, 12, 12)
    assert data.classes == ("cat", "dog")
    assert data.label == "pets 12×12, 10 images"
    for split in (data.train, data.test):
        assert torch.equal(split.views[0][:, 0, 0, 0], split.labels.to(torch.uint8) * 255)
    pixels = np.array(Image.open(tree / "train" / "dog" / "3.png")).transpose(2, 0, 1)
    assert np.array_equal(data.train.views[0][8].numpy(), pixels)


def test_folder_is_decoded_once(tree, monkeypatch):
    first = folder_spec(tree).load()
    monkeypatch.setattr(Folder, "_image", None)
    again = folder_spec(tree, label="Pets").load()
    assert torch.equal(first.train.views[0], again.train.views[0])
    assert again.label == "Pets 12×12, 10 images"


def test_the_identity_is_that_of_the_content(tree):
    before = folder_spec(tree).resolved()
    assert before.fingerprint.startswith("sha256-")
    assert len(before.fingerprint) == len("sha256-") + 16
    assert before.resolved() == before
    moved = tree.rename(tree.with_name("moved"))
    copied = shutil.copytree(moved, tree.with_name("copied"), copy_function=shutil.copyfile)
    assert identity(folder_spec(moved).resolved()) == identity(folder_spec(copied).resolved()) == identity(before)
    (moved / "train" / "cat" / "0.png").rename(moved / "train" / "cat" / "9.png")
    after = folder_spec(moved).resolved()
    assert after.fingerprint != before.fingerprint
    message = refused(folder_spec(moved, fingerprint=before.fingerprint).resolved)
    assert before.fingerprint in message
    assert len(load(folder_spec(moved)).train) == 10


def test_images_of_the_same_names_and_sizes_are_other_data(tmp_path):
    """BMPs of one shape have one size: the second folder must not get the pixels, nor the runs, of the first."""
    specs = {}
    for shade in (40, 200):
        for part, kind in ((part, kind) for part in ("train", "test") for kind in "ab"):
            image(tmp_path / f"{shade}" / part / kind / "0.bmp", np.full((4, 4, 3), shade, dtype=np.uint8))
        specs[shade] = folder_spec(tmp_path / f"{shade}", label="same").resolved()
        assert (load(specs[shade]).train.views[0] == shade).all()
    assert identity(specs[40]) != identity(specs[200])


@pytest.mark.parametrize("how", ["in place", "replaced", "time restored"])
def test_a_change_that_keeps_the_size_is_noticed(tmp_path, settled, how):
    shades = {part: image(tmp_path / "t" / part / kind / "0.bmp", np.zeros((4, 4, 3), dtype=np.uint8))
              for part in ("train", "test") for kind in "ab"}  # fmt: skip
    before = folder_spec(tmp_path / "t").resolved()
    path, stat = shades["train"], shades["train"].stat()
    other = image(tmp_path / "other.bmp", np.full((4, 4, 3), 90, dtype=np.uint8))
    if how == "replaced":
        other.replace(path)
    else:
        path.write_bytes(other.read_bytes())
    if how == "time restored":
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size
    assert folder_spec(tmp_path / "t").resolved().fingerprint != before.fingerprint
    assert 90 in load(folder_spec(tmp_path / "t")).train.views[0]


def test_files_are_read_once(tree, settled, read):
    first = folder_spec(tree).resolved()
    assert len(read) == 14
    folder_spec(tree).load()
    assert len(read) == 14 + 15, "decoded, the first twice: for its size"
    base._source.cache_clear()
    assert folder_spec(tree).load().label == "pets 12×12, 10 images"
    assert folder_spec(tree).resolved() == first
    assert len(read) == 29
    (tree / "test" / "cat" / "0.png").touch()
    assert folder_spec(tree).resolved() == first
    assert len(read) == 29 + 14


def test_a_state_that_is_seconds_old_is_not_relied_upon(tree, read):
    for times in (1, 2):
        folder_spec(tree).resolved()
        assert len(read) == 14 * times


@pytest.mark.parametrize("damage", ["", "[]", '{"state": 1}', "\x00"])
def test_a_damaged_note_is_taken_anew(tree, settled, damage):
    first = folder_spec(tree).resolved()
    (note,) = (tree.parent / "root" / "cache" / "fingerprints").iterdir()
    held = note.read_text()
    note.write_text(damage)
    assert folder_spec(tree).resolved() == first
    assert note.read_text() == held


def test_a_root_that_cannot_be_written_is_said(tree, settled):
    (tree.parent / "file").write_text("")
    with pytest.warns(UserWarning, match=r"cannot write .*read anew by every command; set data\.root"):
        Folder(path=str(tree), root=str(tree.parent / "file")).resolved()


def test_a_folder_that_changes_while_it_is_decoded_is_refused(tree, monkeypatch):
    spec, real = folder_spec(tree), Folder._image

    def changed(self, file):
        if file.path == "train/cat/1.png":
            image(tree / file.path, np.zeros((12, 12, 3), dtype=np.uint8))
        return real(self, file)

    monkeypatch.setattr(Folder, "_image", changed)
    assert "was changed while it was read; run the command again" in refused(spec.load)
    assert not list((tree.parent / "root" / "cache").glob("*.npz"))


def before_version_2(tree):
    paths = sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*.png"))
    lines = "\n".join(f"{path}\t{(tree / path).stat().st_size}" for path in paths)
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def test_an_older_fingerprint_stays_the_identity_of_its_folder(tree):
    spec = folder_spec(tree, fingerprint=before_version_2(tree))
    assert spec.resolved() == spec
    assert torch.equal(load(spec).train.views[0], load(folder_spec(tree)).train.views[0])
    (tree / "train" / "cat" / "0.png").write_bytes(b"longer" * 1000)
    assert "not " + spec.fingerprint in refused(spec.resolved)


def test_an_older_fingerprint_does_not_stand_for_pixels_that_were_read_otherwise(tree):
    image(tree / "train" / "cat" / "0.png", np.full((12, 12), 60_000, dtype=np.uint16))
    message = refused(folder_spec(tree, fingerprint=before_version_2(tree)).resolved)
    assert "train/cat/0.png was read otherwise" in message


def test_a_fingerprint_alone_composes_without_the_folder():
    """What is drawn of runs made elsewhere asks for no data."""
    for given in ("0123456789abcdef", "sha256-0123456789abcdef"):
        spec = Folder(label="pets", fingerprint=given)
        assert identity(spec) == identity(Folder(path="/anywhere", root="/else", label="pets", fingerprint=given))
    assert identity(Folder(label="pets", fingerprint="0123456789abcdef")) == "077b0ab227cb466f"


def test_folder_of_several_sizes_needs_a_resolution(tree):
    wide = np.zeros((12, 24, 3), dtype=np.uint8)
    wide[:, 6:18] = 200
    image(tree / "test" / "dog" / "0.png", wide)
    assert refused(folder_spec(tree).load).endswith("12×24 test/dog/0.png); set resolution")
    data = folder_spec(tree, resolution=6).load()
    assert data.test.views[0].shape == (4, 3, 6, 6)
    assert (data.test.views[0][2] == 200).all(), "the middle square"


def test_broken_image_is_named(tree):
    path = tree / "train" / "cat" / "1.png"
    path.write_bytes(path.read_bytes()[:100])
    assert "train/cat/1.png cannot be decoded" in refused(folder_spec(tree).load)


@pytest.mark.parametrize("nested", [False, True], ids=["classes at the top", "in train"])
def test_a_share_is_split_off_where_there_is_no_part_for_testing(tree, nested):
    shutil.rmtree(tree / "test")
    assert "or set data.split=0.2" in refused(folder_spec(tree).resolved)
    if not nested:
        for kind in ("cat", "dog"):
            (tree / "train" / kind).rename(tree / kind)
        (tree / "train").rmdir()
    data = load(folder_spec(tree, split=0.4))
    assert data.train.labels.bincount().tolist() == [3, 3]
    assert data.test.labels.bincount().tolist() == [2, 2]
    images = torch.cat([data.train.views[0], data.test.views[0]])
    assert len(images.flatten(1).unique(dim=0)) == 10
    assert torch.equal(load(folder_spec(tree, split=0.4)).test.views[0], data.test.views[0])
    other = load(folder_spec(tree, split=0.4, seed=1))
    assert not torch.equal(other.test.views[0], data.test.views[0])
    assert len({identity(folder_spec(tree, **settings).resolved())
                for settings in ({"split": 0.4}, {"split": 0.2}, {"split": 0.4, "seed": 1})}) == 3  # fmt: skip


def test_a_split_of_a_folder_with_a_part_for_testing_is_refused(tree):
    assert "test is there, so leave split out" in refused(folder_spec(tree, split=0.2).resolved)
    with pytest.raises(SpecError, match=r"^data=folder: split=1\.5: "):
        Folder(split=1.5)


def test_a_class_of_one_image_cannot_be_split(tmp_path):
    for kind in "ab":
        image(tmp_path / "t" / kind / "0.png")
    assert "class 0 has one example" in refused(folder_spec(tmp_path / "t", split=0.2).load)


def test_halves_of_a_folder_have_its_fingerprint(tree):
    spec = Halves(source="folder", path=str(tree), root=str(tree.parent / "root"), width_pixels=6).resolved()
    assert spec.fingerprint == folder_spec(tree).resolved().fingerprint


def test_what_is_left_out_is_said_once(tree):
    folder._say_once.cache_clear()
    image(tree / "train" / ".ipynb_checkpoints" / "0.png")
    with pytest.warns(UserWarning, match="left out 1 image of .*pets .*ipynb_checkpoints"):
        assert load(folder_spec(tree)).classes == ("cat", "dog")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        folder_spec(tree).resolved()


def test_what_changed_after_it_was_resolved_is_not_read_under_the_old_name(tree, tmp_path):
    """A worker resolves a spec once, and reads it later without looking for the folder again."""
    spec = folder_spec(tree).resolved()
    table = tmp_path / "features.csv"
    table.write_text("file,age\n" + "".join(f"{path.relative_to(tree)},{n}\n" for n, path in
                                           enumerate(sorted(tree.rglob("*.png")))))  # fmt: skip
    both = FolderAndTable(path=str(tree), table=str(table), root=str(tmp_path / "root")).resolved()
    assert len(spec.full().train) == len(both.full().train) == 10
    table.write_text(table.read_text().replace(",0\n", ",99\n"))
    assert "what it holds has changed" in refused(both.full)
    shutil.copy(tree / "train/dog/1.png", tree / "train/dog/2.png")
    assert "what it holds has changed" in refused(spec.full)
