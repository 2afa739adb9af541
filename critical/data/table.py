"""A folder of images and a table of features: the two views of an example, joined by the name of its file."""

from __future__ import annotations

import csv
import functools
import io
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import torch

from critical.core.spec import execution
from critical.data import content
from critical.data.cache import one_line
from critical.data.folder import Folder, in_order
from critical.data.images import DataError, Dataset, Split
from critical.data.listing import File, shown
from critical.data.parting import scaled


@dataclass(frozen=True, kw_only=True)
class FolderAndTable(Folder):
    """View a: an image of a folder, as `Folder` reads it. View b: the numbers in its row of a CSV file, (1, F).

    The file (UTF-8, commas, a first line of names) has one row an image, in any order; a column names it, by its path
    from the folder (`train/cat/1.png`) or by the name of the file where only one is called so. An image without a
    row, a row without an image and what is no number are refused. Each feature is mapped to [0, 1] by its least and
    greatest value in training; test examples are clipped to that. The other fields are those of `Folder`.

    Attributes:
        table: The CSV file. Where it lies cannot change a result; what it holds does.
        key: Name of the column with the images' names.
        columns: Names of the columns that are features, in their order; none: all but the key.
    """

    name: ClassVar[str] = "folder_and_table"

    table: str = execution("")
    key: str = "file"
    columns: tuple[str, ...] = ()

    def full(self, draw: int = 0) -> Dataset:
        """Returns the images and their features.

        Raises:
            DataError: Folder and table do not go together; one line that names row, column or image.
        """
        files = self._files()
        self._checked(files)
        data = self._decoded(files)
        train, test = self._positions(data)
        features = scaled(self._features(in_order(files)), train)
        if features.amin() == features.amax():
            raise DataError(f"{self._where}: {shown(self.table)} has the same features for all training images")
        images = torch.cat((data.train.views[0], data.test.views[0]))
        every = Split((images, features), torch.cat((data.train.labels, data.test.labels)))
        return replace(data, train=every.take(train), test=every.take(test), label=self._title)

    def describe(self, train: Split, title: str) -> str:
        """Returns what figures print about the data."""
        height, width = train.views[0].shape[-2:]
        return f"{title} {height}×{width} and {train.views[1].shape[-1]} features, {len(train):,} examples"

    @property
    def _older(self) -> bool:
        return False

    def _identity(self, files: list[File]) -> str:
        parts = (self._content(files).encode(), content.digest(self._read()))
        return content.fingerprint(parts)

    def _read(self) -> bytes:
        if not self.table:
            raise DataError(f"{self._where}: table is not set; give a CSV file with a row an image")
        return content.read(Path(self.table), self._where)

    def _refuse(self, what: str) -> DataError:
        return DataError(f"{self._where}: {shown(self.table)}: {what}")

    def _features(self, files: list[File]) -> torch.Tensor:
        """Returns the features of images in their order, float64 (N, F)."""
        try:
            rows = list(csv.reader(io.StringIO(self._read().decode("utf-8-sig"), newline=""), strict=True))
        except (UnicodeDecodeError, csv.Error) as error:
            raise self._refuse(f"cannot be read ({one_line(error)}); save it as CSV in UTF-8") from error
        names = rows[0] if rows else []
        for name in (self.key, *self.columns):
            if names.count(name) != 1:
                found = ", ".join(map(shown, names[:8])) or "nothing"
                count = f"{names.count(name)} columns are" if name in names else "no column is"
                raise self._refuse(f"{count} called '{shown(name)}'; its first line has {found}")
        wanted = list(self.columns) or [name for name in names if name != self.key]
        if not wanted or len(set(wanted)) < len(wanted):
            raise self._refuse("no features, or two of one name; separate columns by commas, name each by another name")
        place = names.index(self.key)
        columns = [names.index(name) for name in wanted]
        held: dict[File, list[float]] = {}
        called = _called(files)
        for number, row in enumerate(rows[1:], 2):
            if not row:
                continue
            if len(row) != len(names):
                raise self._refuse(f"line {number} has {len(row)} columns, the first line {len(names)}")
            file = self._image_of(row[place], called, number)
            if file in held:
                raise self._refuse(f"line {number} is the second one of {shown(file.path)}; keep one")
            held[file] = [self._number(row[column], names[column], number) for column in columns]
        for file in files:
            if file not in held:
                raise self._refuse(f"the image {shown(file.path)} has no line; add one or remove the image")
        return torch.tensor([held[file] for file in files], dtype=torch.float64)

    def _image_of(self, name: str, called: dict[str, list[File]], number: int) -> File:
        found = called.get(_plain(name), [])
        if len(found) != 1:
            what = f"{len(found)} images are called" if found else "there is no image"
            raise self._refuse(f"line {number}: {what} '{shown(name)}'; give the path from the folder: train/<class>/…")
        return found[0]

    def _number(self, text: str, column: str, number: int) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not abs(value) < float("inf"):
            raise self._refuse(f"line {number}, column {shown(column)}: '{shown(text)}' is no finite number")
        return value


def _called(files: list[File]) -> dict[str, list[File]]:
    """Returns the images by their paths, and by the names of their files."""
    found: dict[str, list[File]] = {}
    for file in files:
        for name in {_plain(file.path), _plain(file.path.rpartition("/")[2])}:
            found.setdefault(name, []).append(file)
    return found


# A table that was written on a Mac may spell é as two signs, or its files may.
_plain = functools.partial(unicodedata.normalize, "NFC")
