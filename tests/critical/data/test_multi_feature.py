import numpy as np
import pytest
import torch

from critical.core.randomness import generator
from critical.core.spec import SpecError, identity
from critical.data import DataError, MultiFeature, load
from critical.data.multi_feature import FEATURES
from critical.training.augmentation import Augmentation

LABELS = np.repeat(np.arange(10), 200)


def fabricated(view: str) -> np.ndarray:
    """Rows that hold their class, their number, and noise; the last column never varies."""
    values = np.random.default_rng(FEATURES[view]).integers(0, 900, (2000, FEATURES[view])).astype(float)
    values[:, 0], values[:, 1], values[:, -1] = LABELS, np.arange(2000), 7
    return values


def as_csv(path, values, labels=LABELS):
    names = ",".join(str(column) for column in range(values.shape[1]))
    np.savetxt(path, np.column_stack((values, labels)), fmt="%d", delimiter=",", header=f"{names},0", comments="")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uci")
    np.savetxt(folder / "mfeat-mor", fabricated("mor"), fmt="  %d")
    as_csv(folder / "mfeat-zer.csv", fabricated("zer"))
    np.savetxt(folder / "mfeat-pix", fabricated("pix"), fmt="%d")
    return folder


@pytest.fixture
def folder(written, tmp_path):
    for path in written.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def spec(folder, **settings):
    return MultiFeature(path=str(folder), **{"view_a": "mor", "view_b": "zer"} | settings)


def fails_with(of):
    with pytest.raises(DataError) as caught:
        of.load()
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("data=multi_feature: ")
    return message


def test_both_formats_and_the_split(written):
    data = load(spec(written))
    assert data.view_shapes == ((1, 6), (1, 47))
    assert data.train.labels.bincount().tolist() == [150] * 10
    assert data.test.labels.bincount().tolist() == [50] * 10
    assert data.classes == tuple("0123456789")
    assert data.label == "UCI digits as mor and zer, 1,500 digits"
    seen = []
    for split in (data.train, data.test):
        assert [view.dtype for view in split.views] == [torch.float32] * 2
        for view in split.views:
            assert torch.allclose(view[:, 0, 0], split.labels / 9), "rows keep their labels"
        assert torch.allclose(split.views[0][:, 0, 1], split.views[1][:, 0, 1]), "both views of one digit"
        seen.append((split.views[0][:, 0, 1] * 1999).round())
    # Two clipped test digits at most share a value with another.
    assert len(set(torch.cat(seen).tolist())) >= 1990


def test_features_are_scaled_by_their_range_in_training(written):
    data = load(spec(written))
    for view in (0, 1):
        train, test = data.train.views[view][:, 0], data.test.views[view][:, 0]
        assert (train.amin(0) == 0).all()
        assert (train.amax(0)[:-1] == 1).all()
        assert not train[:, -1].any()
        assert not test[:, -1].any()
        assert test.min() >= 0
        assert test.max() <= 1
    number = data.train.views[0][:, 0, 1].double()
    assert number.sort().values.diff().min() * 2000 == pytest.approx(1, rel=0.02), "an affine map"


def test_pixels_are_an_image_that_augmentation_moves(written):
    data = load(spec(written, view_a="pix", view_b="mor", subset=20, test_subset=10))
    assert data.view_shapes == ((1, 16, 15), (1, 6))
    batch = data.batch(data.train, torch.arange(20))
    assert torch.allclose(batch.views[0][:, 0, 0, 0], batch.labels / 9)
    assert not batch.views[0][:, 0, -1, -1].any()
    moved = Augmentation(shift=2, flip=False).apply(batch, generator(0, "augmentation", 0))
    assert not torch.equal(moved.views[0], batch.views[0])
    assert torch.equal(moved.views[1], batch.views[1])


def test_the_seed_chooses_the_split(written):
    first, again, other = (spec(written, seed=seed).load() for seed in (0, 0, 1))
    assert torch.equal(first.test.views[1], again.test.views[1])
    assert not torch.equal(first.test.views[1], other.test.views[1])
    assert len(spec(written, test_share=0.1).load().test) == 200


def test_identity_is_of_the_content_and_not_of_the_place(folder, written):
    before = spec(folder).resolved()
    assert identity(before) == identity(spec(written).resolved())
    assert identity(before) != identity(spec(written, view_a="zer", view_b="mor").resolved())
    as_csv(folder / "mfeat-zer.csv", fabricated("zer") + 1)
    assert identity(spec(folder).resolved()) != identity(before)
    assert before.fingerprint in fails_with(spec(folder, fingerprint=before.fingerprint))


def test_a_missing_folder_or_file_says_what_to_download(written, tmp_path):
    for of in (MultiFeature(), spec(tmp_path / "nowhere"), spec(written, view_b="kar")):
        message = fails_with(of)
        assert "archive.ics.uci.edu" in message
        assert "data.path" in message
    assert "mfeat-kar" in message
    assert "path is not set" in fails_with(MultiFeature())


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_text("".join(path.open().readlines()[:99])), "98×48 numbers, not 2000×48 finite"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "UnicodeDecodeError"),
        (lambda path: path.write_text("a,b\nc,d\n"), "cannot be read"),
        (lambda path: as_csv(path, fabricated("zer"), LABELS[::-1]), "its last column"),
        (lambda path: path.write_text(path.read_text().replace(",7,0\n", ",nan,0\n", 1)), "finite"),
    ],
)
def test_damaged_files_are_noticed(folder, damage, words):
    path = folder / "mfeat-zer.csv"
    damage(path)
    message = fails_with(spec(folder))
    assert str(path) in message
    assert words in message


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"view_a": "pixels"}, "view_a=pixels"),
        ({"view_b": "fuo"}, "did you mean 'fou'"),
        ({"test_share": 0.0}, "test_share=0.0"),
        ({"test_share": 0.999}, "test_share=0.999"),
        ({"resolution": 16}, "resolution=16"),
    ],
)
def test_settings_that_cannot_be(settings, words):
    with pytest.raises(SpecError) as caught:
        MultiFeature(**settings)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
