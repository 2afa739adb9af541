import errno
import gzip
import socket
import time
import urllib.error

import filelock
import helpers
import numpy as np
import pytest
import torch
import torchvision
from sklearn.datasets import load_digits

from critical.data import KINDS, DataError, base, sources
from critical.data.cache import cache_path


def write_idx(path, values):
    header = bytes((0, 0, 8, values.ndim)) + b"".join(int(n).to_bytes(4, "big") for n in values.shape)
    path.write_bytes(gzip.compress(header + values.astype(np.uint8).tobytes()))


@pytest.fixture
def debian(tmp_path, monkeypatch):
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    random = np.random.default_rng(0)
    for part, count in (("train", 40), ("t10k", 20)):
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", random.integers(0, 256, (count, 28, 28)))
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", np.arange(count) % 10)
    monkeypatch.setattr(sources, "DEBIAN_FASHION_MNIST", folder)
    return folder


def fails_with(spec):
    with pytest.raises(DataError) as caught:
        spec.resolved()
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"data={spec.name}: ")
    return message


def test_fashion_mnist_of_debian(debian, tmp_path):
    data = KINDS["fashion_mnist"](root=str(tmp_path / "root")).load()
    assert data.train.views[0].shape == (40, 1, 28, 28)
    assert data.test.labels.tolist() == list(range(10)) * 2
    expected = np.random.default_rng(0).integers(0, 256, (40, 28, 28))
    assert np.array_equal(data.train.views[0][:, 0].numpy(), expected)
    assert data.classes[0] == "T-shirt/top"
    assert data.label == "Fashion-MNIST 28×28, 40 images"
    small = KINDS["fashion_mnist"](root=str(tmp_path / "root"), resolution=14, subset=20).load()
    assert small.train.views[0].shape == (20, 1, 14, 14)


def test_damaged_package_names_file_and_remedy(debian, tmp_path):
    path = debian / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:1000])
    message = fails_with(KINDS["fashion_mnist"](root=str(tmp_path / "root")))
    assert str(path) in message
    assert "reinstall" in message


def test_labels_in_place_of_images_are_noticed(debian, tmp_path):
    (debian / "t10k-labels-idx1-ubyte.gz").replace(debian / "t10k-images-idx3-ubyte.gz")
    assert "not an IDX file" in fails_with(KINDS["fashion_mnist"](root=str(tmp_path / "root")))


def test_cache_serves_the_second_time(debian, tmp_path):
    spec = KINDS["fashion_mnist"](root=str(tmp_path / "root"))
    first = spec.load()
    for path in debian.iterdir():
        path.unlink()
    again = spec.load()
    assert torch.equal(first.train.views[0], again.train.views[0])
    assert torch.equal(first.test.labels, again.test.labels)
    assert (first.classes, first.label) == (again.classes, again.label)


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "unknown"])
def test_damaged_cache_is_noticed_and_made_again(debian, tmp_path, damage):
    spec = KINDS["fashion_mnist"](root=str(tmp_path / "root"))
    first = spec.load()
    path = cache_path(spec.root, "fashion_mnist-full")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    unknown = helpers.with_an_unknown_compression(path.read_bytes())
    path.write_bytes({"flipped": content, "cut": content[:5000], "empty": b"", "unknown": unknown}[damage])
    base._source.cache_clear()  # as in the next process
    with pytest.warns(UserWarning, match="is damaged .*; decoding again") as caught:
        again = spec.load()
    assert "\n" not in str(caught[0].message)
    assert torch.equal(first.train.views[0], again.train.views[0])
    spec.load()  # pytest would not fail on a warning, so the file itself is compared
    assert path.read_bytes() != bytes(content)


def test_root_that_cannot_be_written(debian, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot write .*set data\.root") as caught:
        KINDS["fashion_mnist"](root=str(tmp_path / "file")).load()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [OSError(errno.ENOLCK, "No locks"), NotImplementedError("no flock\nhere")])
def test_a_disk_without_locks(debian, tmp_path, monkeypatch, error):
    def acquire(_):
        raise error

    monkeypatch.setattr(filelock.FileLock, "acquire", acquire)
    with pytest.raises(DataError, match=r"^data: cannot write .*; make room, or set data\.root") as caught:
        KINDS["fashion_mnist"](root=str(tmp_path / "root")).load()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("cifar10", "CIFAR10"), ("cifar100", "CIFAR100"), ("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")],
)
@pytest.mark.parametrize(
    "error",
    [
        urllib.error.URLError("no\nnetwork"),
        RuntimeError("File not found\n or corrupted."),
        EOFError("Compressed file ended"),
        TimeoutError("timed out"),
    ],
)
def test_failed_download_is_one_line(tmp_path, monkeypatch, name, kind, error):
    def download(root, train, download):
        assert socket.getdefaulttimeout() == sources.DOWNLOAD_TIMEOUT
        raise error

    monkeypatch.setattr(torchvision.datasets, kind, download)
    monkeypatch.setattr(sources, "DEBIAN_FASHION_MNIST", tmp_path / "not installed")
    message = fails_with(KINDS[name](root=str(tmp_path)))
    assert str(tmp_path) in message
    assert "connect to the network" in message
    assert socket.getdefaulttimeout() is None
    assert not list((tmp_path / "cache").glob("*.npz"))


def test_silent_server_is_given_up(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [url])
        monkeypatch.setattr(sources, "DOWNLOAD_TIMEOUT", 0.2)
        start = time.monotonic()
        assert "timed out" in fails_with(KINDS["mnist"](root=str(tmp_path)))
        assert time.monotonic() - start < 5


@pytest.mark.parametrize(("name", "shape"), [("cifar10", (6, 3, 32, 32)), ("mnist", (6, 1, 28, 28))])
def test_layout_of_torchvision_sets(tmp_path, monkeypatch, name, shape):
    images = np.random.default_rng(0).integers(0, 256, (6, shape[2], shape[3], shape[1]), dtype=np.uint8)

    class Held:
        classes = tuple("abcdefghij")

        def __init__(self, root, train, download):
            self.data = images if shape[1] == 3 else torch.from_numpy(images[..., 0])
            self.targets = [0, 1, 2, 3, 4, 5]

    monkeypatch.setattr(torchvision.datasets, {"cifar10": "CIFAR10", "mnist": "MNIST"}[name], Held)
    data = KINDS[name](root=str(tmp_path)).load()
    assert data.train.views[0].shape == shape
    assert np.array_equal(data.train.views[0].numpy(), images.transpose(0, 3, 1, 2))
    assert data.train.labels.tolist() == [0, 1, 2, 3, 4, 5]


def test_digits_are_those_of_scikit_learn():
    held = load_digits()
    table = sources._digits()
    assert np.array_equal(table[:, :-1], held.data)
    assert np.array_equal(table[:, -1], held.target)
