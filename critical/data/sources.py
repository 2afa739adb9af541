"""Real data sets: scikit-learn's digits, CIFAR-10 and -100, MNIST, Fashion-MNIST.

The last four come through torchvision into `root`, are decoded once and cached there. What cannot be
had is an error of one line; there is never a stand-in.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import importlib.metadata
import pickle
import socket
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from critical.core.randomness import generator
from critical.core.spec import SpecError
from critical.data.base import DataSpec
from critical.data.cache import cache_path, cached, one_line
from critical.data.images import DataError, Dataset, Split, balanced_order, resized

DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package `dataset-fashion-mnist` puts the gzipped IDX files."""

DOWNLOAD_TIMEOUT = 15.0
"""Seconds without an answer after which a download has failed; torchvision would wait for ever."""
_offline = False


@dataclass(frozen=True, kw_only=True)
class Digits(DataSpec):
    """Scikit-learn's 1,797 handwritten digits: 1 channel, 8×8 unless a resolution is asked for, no download.

    Attributes:
        test_size: How many of them are test images, classes balanced; the others are for training.
        seed: Of the split.
    """

    name: ClassVar[str] = "digits"

    test_size: int = 360
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.test_size < 1797:
            raise SpecError(f"data=digits: test_size={self.test_size}: must lie in 1 … 1796")

    def full(self, draw: int = 0) -> Dataset:
        """Returns the split digits."""
        held = _digits()
        # Grey levels 0 … 16 become 0 … 255.
        images = torch.from_numpy(np.rint(held[:, :-1] * (255 / 16)).astype(np.uint8)).view(-1, 1, 8, 8)
        every = Split((resized(images, self.resolution),), torch.from_numpy(held[:, -1].astype(np.int64)))
        order = balanced_order(every.labels, generator(self.seed, "digits", "split"))
        train, test = every.take(order[self.test_size :]), every.take(order[: self.test_size])
        return Dataset(train, test, tuple("0123456789"), "digits")


def _digits() -> NDArray[np.float64]:
    """Returns the table of scikit-learn, (1797, 65): grey levels 0 to 16 of 8×8 pixels, and the label.

    Read from its file, since scikit-learn takes nearly as long to import as torch.
    """
    held = importlib.metadata.distribution("scikit-learn").locate_file("sklearn/datasets/data/digits.csv.gz")
    return np.loadtxt(str(held), delimiter=",")


@dataclass(frozen=True, kw_only=True)
class _Downloaded(DataSpec):
    """A data set of torchvision, downloaded into `root` and cached there at the resolution asked for."""

    title: ClassVar[str]
    torchvision_name: ClassVar[str]

    def _key(self) -> str:
        return f"{self.name}-{self.resolution or 'full'}"

    def resolved(self) -> DataSpec:
        """Returns the spec itself, after downloading and decoding what is not cached."""
        if not cache_path(self.root, self._key()).is_file():
            self.full()
        return self

    def full(self, draw: int = 0) -> Dataset:
        """Returns the decoded data, from the cache if they are there."""
        return cached(self.root, self._key(), self._decode)

    def _decode(self) -> Dataset:
        train, test = (
            Split((resized(images, self.resolution),), labels)
            for images, labels in (self._raw(train) for train in (True, False))
        )
        return Dataset(train, test, self._classes(), self.title)

    def _raw(self, train: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns images, uint8 (N, C, H, W), and labels, int64 (N,)."""
        held = self._torchvision(train)
        images = torch.as_tensor(held.data)
        images = images[:, None] if images.dim() == 3 else images.permute(0, 3, 1, 2).contiguous()
        return images, torch.as_tensor(held.targets, dtype=torch.int64)

    def _classes(self) -> tuple[str, ...]:
        return tuple(self._torchvision(train=False).classes)

    def _torchvision(self, train: bool) -> Any:
        from torchvision import datasets

        try:
            with _impatient():
                return getattr(datasets, self.torchvision_name)(self.root, train=train, download=not _offline)
        # HTTP and URL errors are OSErrors; torchvision itself raises RuntimeError for a wrong checksum.
        except (
            OSError,
            RuntimeError,
            ValueError,
            EOFError,
            http.client.HTTPException,
            tarfile.TarError,
            pickle.UnpicklingError,
        ) as error:
            raise DataError(
                f"data={self.name}: {self.title} is not in {self.root} and cannot be downloaded to it "
                f"({one_line(error)}); connect to the network once, or set data.root to the folder that "
                f"torchvision's {self.torchvision_name} was downloaded to"
            ) from error


@contextlib.contextmanager
def no_downloads() -> Iterator[None]:
    """Lets data that would have to be downloaded be missing, for a block."""
    global _offline
    before, _offline = _offline, True
    try:
        yield
    finally:
        _offline = before


@contextlib.contextmanager
def _impatient() -> Iterator[None]:
    """Gives every new connection a time limit: torchvision sets none."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


@dataclass(frozen=True, kw_only=True)
class Cifar10(_Downloaded):
    """CIFAR-10 (Krizhevsky 2009): 50,000 + 10,000 images, 3×32×32, ten classes; download of 170 MB."""

    name: ClassVar[str] = "cifar10"
    title: ClassVar[str] = "CIFAR-10"
    torchvision_name: ClassVar[str] = "CIFAR10"


@dataclass(frozen=True, kw_only=True)
class Cifar100(_Downloaded):
    """CIFAR-100 (Krizhevsky 2009): 50,000 + 10,000 images, 3×32×32, 100 classes; download of 170 MB."""

    name: ClassVar[str] = "cifar100"
    title: ClassVar[str] = "CIFAR-100"
    torchvision_name: ClassVar[str] = "CIFAR100"


@dataclass(frozen=True, kw_only=True)
class Mnist(_Downloaded):
    """MNIST (LeCun et al. 1998): 60,000 + 10,000 images, 1×28×28, ten classes; download of 12 MB."""

    name: ClassVar[str] = "mnist"
    title: ClassVar[str] = "MNIST"
    torchvision_name: ClassVar[str] = "MNIST"

    def _classes(self) -> tuple[str, ...]:
        return tuple("0123456789")


@dataclass(frozen=True, kw_only=True)
class FashionMnist(_Downloaded):
    """Fashion-MNIST (Xiao et al. 2017): 60,000 + 10,000 images, 1×28×28, ten classes.

    Read from Debian's package `dataset-fashion-mnist` when that is installed, else a download of 30 MB.
    """

    name: ClassVar[str] = "fashion_mnist"
    title: ClassVar[str] = "Fashion-MNIST"
    torchvision_name: ClassVar[str] = "FashionMNIST"

    def _raw(self, train: bool) -> tuple[torch.Tensor, torch.Tensor]:
        if not DEBIAN_FASHION_MNIST.is_dir():
            return super()._raw(train)
        part = "train" if train else "t10k"
        images = _read_idx(DEBIAN_FASHION_MNIST / f"{part}-images-idx3-ubyte.gz", dimensions=3)
        labels = _read_idx(DEBIAN_FASHION_MNIST / f"{part}-labels-idx1-ubyte.gz", dimensions=1)
        return images[:, None], labels.to(torch.int64)

    def _classes(self) -> tuple[str, ...]:
        from torchvision.datasets import FashionMNIST

        return tuple(FashionMNIST.classes)


def _read_idx(path: Path, dimensions: int) -> torch.Tensor:
    """Reads a gzipped IDX file of unsigned bytes (torchvision's reader takes only unpacked ones)."""
    try:
        content = gzip.decompress(path.read_bytes())
        if content[:4] != bytes((0, 0, 8, dimensions)):
            raise ValueError(f"not an IDX file of bytes in {dimensions} dimensions")
        shape = np.frombuffer(content, dtype=">u4", count=dimensions, offset=4).astype(int).tolist()
        values = np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * dimensions).reshape(shape)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(
            f"data=fashion_mnist: {path} cannot be read ({one_line(error)}); "
            "reinstall the package dataset-fashion-mnist, or remove it to download instead"
        ) from error
    return torch.from_numpy(values.copy())
