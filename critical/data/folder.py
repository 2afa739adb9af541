"""Any folder of images: `train/<class>/…` and `test/<class>/…`, as torchvision's ImageFolder reads them."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch

from critical.core.spec import execution
from critical.data.base import DataSpec
from critical.data.cache import cached, one_line
from critical.data.images import DataError, Dataset, Split

EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""What counts as an image, in lower case."""

_TASK = 250  # files a task: one file is decoded in less time than a task takes to hand over


class _File(NamedTuple):
    split: str
    kind: str  # the class
    path: str  # relative to the folder, with forward slashes
    size: int  # bytes


@dataclass(frozen=True, kw_only=True)
class Folder(DataSpec):
    """A folder of images, decoded once to RGB and cached under `root`.

    Where the folder lies cannot change a result, what it holds does: the identity has a fingerprint of the
    names and sizes of the files, filled in by `resolved()`. (A file changed in place to one of equal size
    goes unnoticed: reading every byte before every run would cost more than it saves.)

    Attributes:
        path: The folder; holds `train` and `test`, each with a folder for every class.
        label: What tables and figures call the data; the folder's own name when empty.
        fingerprint: Of the content, 16 hexadecimal digits; filled in when empty, checked when given.
        resolution: With it, the middle square is cut out and resized to this many pixels a side; without it
            all images must have one size.
    """

    name: ClassVar[str] = "folder"

    path: str = execution("")
    label: str = ""
    fingerprint: str = ""

    def resolved(self) -> DataSpec:
        """Returns the spec with the fingerprint of what the folder holds now.

        Raises:
            DataError: No such folder, no images, a class without training images, or another fingerprint.
        """
        found = _fingerprint(self._files())
        if self.fingerprint not in ("", found):
            raise DataError(
                f"data=folder: {self.path} has fingerprint {found}, not {self.fingerprint}: its files have "
                "changed; restore them, or leave the fingerprint out to start anew"
            )
        return replace(self, fingerprint=found)

    def full(self, draw: int = 0) -> Dataset:
        """Returns the decoded images, from the cache if they are there."""
        data = cached(self.root, f"folder-{self.fingerprint}-{self.resolution or 'full'}", self._decode)
        return replace(data, label=self.label or Path(self.path).resolve().name)

    def _files(self) -> list[_File]:
        """Lists the images, sorted by name."""
        if not self.path:
            raise DataError(
                "data=folder: path is not set; give a folder with train/<class>/ and test/<class>/"
            )
        classes: dict[str, set[str]] = {}
        files = []
        for split in ("train", "test"):
            top = Path(self.path) / split
            if not top.is_dir():
                raise DataError(
                    f"data=folder: there is no folder {top}; path must hold train/<class>/ and test/<class>/"
                )
            kinds = sorted(entry.name for entry in os.scandir(top) if entry.is_dir())
            found = [file for kind in kinds for file in _images_below(Path(self.path), split, kind)]
            if not found:
                wanted = " ".join(EXTENSIONS)
                raise DataError(
                    f"data=folder: no images below {top}; looked for {wanted} in a folder a class"
                )
            classes[split] = {file.kind for file in found}
            files.extend(found)
        strangers = sorted(classes["test"] - classes["train"])
        if strangers:
            raise DataError(
                f"data=folder: {self.path}/test/{strangers[0]} has no images in train; add some or remove it"
            )
        return sorted(files, key=lambda file: file.path)

    def _decode(self) -> Dataset:
        files = self._files()
        classes = sorted({file.kind for file in files})
        # Both splits at once, so that one check finds images of another size wherever they are.
        files.sort(key=lambda file: file.split, reverse=True)
        labels = torch.tensor([classes.index(file.kind) for file in files], dtype=torch.int64)
        every = Split((self._images(files),), labels)
        count = sum(file.split == "train" for file in files)
        train, test = torch.arange(len(files)).tensor_split([count])
        return Dataset(every.take(train), every.take(test), tuple(classes), "")

    def _images(self, files: list[_File]) -> torch.Tensor:
        """Decodes files to uint8 (N, 3, H, W). Threads: Pillow's decoders release the interpreter lock."""
        first = self._image(files[0])
        result = np.empty((len(files), *first.shape), dtype=np.uint8)

        def place(start: int) -> None:
            for position, file in enumerate(files[start : start + _TASK], start):
                image = self._image(file)
                if image.shape != first.shape:
                    raise DataError(
                        f"data=folder: the images in {self.path} differ in size ({_size(first)} "
                        f"{files[0].path}, {_size(image)} {file.path}); set resolution"
                    )
                result[position] = image

        with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
            futures = [pool.submit(place, start) for start in range(0, len(files), _TASK)]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return torch.from_numpy(result)

    def _image(self, file: _File) -> np.ndarray:
        from PIL import Image

        path = Path(self.path) / file.path
        try:
            with Image.open(path) as opened:
                image: Any = opened.convert("RGB")
        # Pillow raises SyntaxError for a broken PNG, and an error of its own for a decompression bomb.
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise DataError(
                f"data=folder: {path} cannot be decoded ({one_line(error)}); replace or remove it"
            ) from error
        side = self.resolution
        if side is not None and image.size != (side, side):
            width, height = image.size
            edge = min(width, height)
            left, top = (width - edge) // 2, (height - edge) // 2
            # Cut first: the filter of a resized box would see what lies beyond it.
            image = image.crop((left, top, left + edge, top + edge))
            image = image.resize((side, side), Image.Resampling.BILINEAR)
        return np.array(image, dtype=np.uint8).transpose(2, 0, 1)


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]}×{image.shape[2]}"


def _images_below(root: Path, split: str, kind: str) -> list[_File]:
    """Lists the images of one class, in nested folders too."""
    found = []
    for folder, _, _ in os.walk(root / split / kind):
        inside = Path(folder).relative_to(root).as_posix()
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.lower().endswith(EXTENSIONS) and entry.is_file():
                    found.append(_File(split, kind, f"{inside}/{entry.name}", entry.stat().st_size))
    return found


def _fingerprint(files: list[_File]) -> str:
    lines = "\n".join(f"{file.path}\t{file.size}" for file in files)
    return hashlib.sha256(lines.encode(errors="surrogateescape")).hexdigest()[:16]
