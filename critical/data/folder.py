"""Any folder of images: `train/<class>/…` and `test/<class>/…`, as torchvision's ImageFolder lists them."""

from __future__ import annotations

import functools
import hashlib
import multiprocessing
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from critical.core.spec import SpecError, added, execution
from critical.data import content, pixels
from critical.data.base import DataSpec
from critical.data.cache import cached
from critical.data.images import DataError, Dataset, DataWarning, Split
from critical.data.listing import File, listed, shown
from critical.data.parting import check_share, parted


@dataclass(frozen=True, kw_only=True)
class Folder(DataSpec):
    """A folder of images, decoded once to RGB and cached under `root`.

    Where the folder lies cannot change a result, what it holds does: the identity has a fingerprint of the names of
    the files and of every byte in them, filled in by `resolved()`. All files are read for it once, and again when a
    name, a size, an inode or a time of change differs (`critical.data.content`).

    Classes and files are those of torchvision's ImageFolder (a folder a class, sorted by name; nested and linked
    folders too; endings `critical.data.listing.EXTENSIONS`), with these differences. Hidden files and folders
    (`.ipynb_checkpoints`, `._1.png`) are left out with a warning, as are images in no class and of other formats. A
    class in one part only, an empty one, a link that leads nowhere or back, and what cannot be read are refused.

    Pixels become 8 bits a channel: 16-bit ones are divided by 257, transparent ones show the `background`, an EXIF
    orientation is applied (ImageFolder ignores it), and what has no known range is refused (`critical.data.pixels`).

    Attributes:
        path: The folder; holds `train` and `test`, each with a folder for every class.
        label: What tables and figures call the data; the folder's own name when empty.
        fingerprint: Of the content, `sha256-` and 16 hexadecimal digits; filled in when empty, checked when given. One
            of 16 digits alone, of names and sizes, is from before there were these; given, it stays the identity of
            a folder whose names and sizes are those and whose images were read the same then.
        split: For a folder with no part for testing: the share of each class that is taken for it, in (0, 1). The
            classes then lie in `path`, or in `path/train`.
        seed: Of that split.
        background: Grey behind transparent pixels, from 0 (black) to 1 (white).
        resolution: With it, the middle square is cut out and resized to this many pixels a side; without it
            all images must have one size.
    """

    name: ClassVar[str] = "folder"

    path: str = execution("")
    label: str = ""
    fingerprint: str = ""
    split: float | None = added(None, neutral=None)
    seed: int = added(0, neutral=0)
    background: float = added(1.0, neutral=1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_share(self.split, self._where)
        if not 0 <= self.background <= 1:
            raise SpecError(f"{self._where}: background={self.background}: a grey from 0 (black) to 1 (white)")

    @property
    def _where(self) -> str:
        return f"data={self.name}"

    def resolved(self) -> DataSpec:
        """Returns the spec with the fingerprint of what the folder holds now.

        Raises:
            DataError: No such folder, something in it that cannot be what it seems, or another fingerprint.
        """
        return replace(self, fingerprint=self._checked(self._files()))

    def full(self, draw: int = 0) -> Dataset:
        """Returns the decoded images, from the cache if they are there.

        Raises:
            DataError: As `resolved`: the folder may have changed since.
        """
        files = self._files()
        self._checked(files)
        data = self._decoded(files)
        if self.split is not None:
            train, test = self._positions(data)
            data = replace(data, train=data.train.take(train), test=data.train.take(test))
        return replace(data, label=self._title)

    @property
    def _title(self) -> str:
        return self.label or Path(self.path).resolve().name

    @property
    def _older(self) -> bool:
        """Whether the fingerprint is one of names and sizes."""
        return re.fullmatch("[0-9a-f]{16}", self.fingerprint) is not None

    def _checked(self, files: list[File]) -> str:
        """Returns the fingerprint, after making sure that the folder holds what it names."""
        if self._older:
            self._check_names_and_sizes(files)
            return self.fingerprint
        return content.checked(self.fingerprint, self._identity(files), self.path, self._where)

    def _positions(self, data: Dataset) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns which of all decoded examples train and which test."""
        if self.split is not None:
            return parted(data.train.labels, self.split, self.seed, self._where)
        train, test = torch.arange(len(data.train) + len(data.test)).tensor_split([len(data.train)])
        return train, test

    def _identity(self, files: list[File]) -> str:
        """Returns the fingerprint of all that is read."""
        return self._content(files)

    def _decoded(self, files: list[File]) -> Dataset:
        """Returns the images in the order of `in_order`, before any split."""
        found = self._content(files)
        shade = "" if self.background == 1 else f"-on-{self.background:g}"
        key = f"folder-{found}-{self.resolution or 'full'}{shade}"
        return cached(self.root, key, functools.partial(self._decode, files, found))

    def _files(self) -> list[File]:
        """Lists the images, sorted by path."""
        if not self.path:
            raise DataError(f"{self._where}: path is not set; give a folder with train/<class>/ and test/<class>/")
        found = listed(Path(self.path), self._where, parts=self.split is None)
        if found.left_out and multiprocessing.parent_process() is None:
            _say_once(found.left_out)
        return list(found.files)

    def _content(self, files: list[File]) -> str:
        place = Path(self.path)
        return content.remembered(self.root, place, files, lambda: content.of_folder(place, files, self._where))

    def _check_names_and_sizes(self, files: list[File]) -> None:
        """Refuses a fingerprint of names and sizes that is not the folder's, or meant other pixels."""
        lines = "\n".join(f"{file.path}\t{file.size}" for file in files)
        found = hashlib.sha256(lines.encode(errors="surrogateescape")).hexdigest()[:16]
        content.checked(self.fingerprint, found, self.path, self._where)
        for file in files:
            if not _plain(str(Path(self.path) / file.path), file.state):
                raise DataError(
                    f"{self._where}: {shown(self.path)}/{shown(file.path)} was read otherwise when fingerprints were "
                    f"16 digits ({self.fingerprint}); leave the fingerprint out to start anew"
                )

    def _decode(self, files: list[File], found: str) -> Dataset:
        classes = sorted({file.kind for file in files})
        files = in_order(files)
        labels = torch.tensor([classes.index(file.kind) for file in files], dtype=torch.int64)
        images, digests = self._images(files)
        by_path = dict(zip(files, digests, strict=True))
        if content.combined(sorted(files, key=_path), (by_path[file] for file in sorted(files, key=_path))) != found:
            raise DataError(f"{self._where}: {shown(self.path)} was changed while it was read; run the command again")
        count = sum(file.part == "train" for file in files)
        every, (train, test) = Split((images,), labels), torch.arange(len(files)).tensor_split([count])
        return Dataset(every.take(train), every.take(test), tuple(classes), "")

    def _images(self, files: list[File]) -> tuple[torch.Tensor, list[bytes]]:
        """Decodes files to uint8 (N, 3, H, W), with digests. Threads: Pillow releases the interpreter lock."""
        first, _ = self._image(files[0])
        result = np.empty((len(files), *first.shape), dtype=np.uint8)
        places = {file: place for place, file in enumerate(files)}

        def place(some: list[File]) -> list[bytes]:
            digests = []
            for file in some:
                image, digest = self._image(file)
                if image.shape != first.shape:
                    raise DataError(
                        f"{self._where}: the images in {shown(self.path)} differ in size ({_size(first)} "
                        f"{shown(files[0].path)}, {_size(image)} {shown(file.path)}); set resolution"
                    )
                result[places[file]] = image
                digests.append(digest)
            return digests

        return torch.from_numpy(result), content.in_threads(place, files)

    def _image(self, file: File) -> tuple[np.ndarray, bytes]:
        """Returns an image, uint8 (3, H, W), and the digest of its file."""
        path = Path(self.path) / file.path
        held = content.read(path, self._where)
        image = pixels.rgb(held, shown(path), self.background, self._where)
        if self.resolution is not None:
            image = pixels.squared(image, self.resolution)
        return np.array(image, dtype=np.uint8).transpose(2, 0, 1), content.digest(held)


def _path(file: File) -> str:
    return file.path


def in_order(files: Sequence[File]) -> list[File]:
    """Puts training images first; one check then finds images of another size wherever they are."""
    return sorted(files, key=lambda file: file.part, reverse=True)


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]}×{image.shape[2]}"


@functools.cache
def _plain(path: str, state: tuple[int, ...]) -> bool:
    return pixels.plain(Path(path).read_bytes())


@functools.cache
def _say_once(line: str) -> None:
    warnings.warn(line, DataWarning, stacklevel=2)


