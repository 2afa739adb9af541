"""Arrays of one's own in a NumPy archive: one view or two, of images, signals or features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch.nn import functional

from critical.core.batch import VIEWS
from critical.core.ranges import out_of_range
from critical.core.spec import SpecError, added, closest, execution
from critical.data import content
from critical.data.base import DataSpec
from critical.data.cache import one_line
from critical.data.images import DataError, Dataset, Split, resized
from critical.data.listing import shown
from critical.data.parting import check_share, parted

LAYOUTS = ("auto", "NCHW", "NHWC", "NHW", "NCL", "NLC", "NF")
"""What the axes of a view are: examples, channels, rows, columns, places of a signal, features."""

_REQUIRED = ("view_a", "labels")
_NAMES = ("view_a", "view_b", "labels", "test_view_a", "test_view_b", "test_labels", "classes")
_VIEW_TYPES = (np.uint8, np.float16, np.float32, np.float64)
_SAVE = "np.savez(path, view_a=…, labels=…)"
_FEW_CHANNELS = 4


@dataclass(frozen=True, kw_only=True)
class Arrays(DataSpec):
    """What a file of `np.savez` holds, as it is; nothing is scaled, shuffled or dropped.

    Its arrays are `view_a` and `labels`, and where there are two views `view_b`; `test_view_a`, … and `test_labels`,
    unless a share is `split` off; and `classes`, their names, if they have any. Views are uint8 in 0 … 255 or floats in
    [0, 1]: images (N, C, H, W), signals (N, C, L) or features (N, F), which are a signal of one channel. Labels are
    whole numbers from 0 on, (N,). What cannot be meant (other lengths, ranges or types, a class without examples,
    a view that is the same everywhere, axes that could be two things) is refused in one line.

    Attributes:
        path: The file. Cannot change a result; what it holds does.
        label: What figures call the data; the name of the file when empty. Likewise.
        layout_a: Axes of view a, where they do not follow from their number: NCHW, NHWC, NHW (grey images), NCL, NLC
            or NF.
        layout_b: Axes of view b, likewise.
        split: Share of each class that is for testing, in (0, 1), where the file has no test arrays.
        seed: Of that split.
        fingerprint: Of the arrays; filled in when empty, checked when given.
        resolution: Images are cut to the middle square and resized to it; signals stay as they are.
    """

    name: ClassVar[str] = "arrays"

    path: str = execution("")
    label: str = execution("")
    layout_a: str = "auto"
    layout_b: str = "auto"
    split: float | None = added(None, neutral=None)
    seed: int = added(0, neutral=0)
    fingerprint: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_share(self.split, "data=arrays")
        for field in ("layout_a", "layout_b"):
            if getattr(self, field) not in LAYOUTS:
                layout = getattr(self, field)
                raise SpecError(f"data=arrays: {field}={layout}: there is no such layout; {closest(layout, LAYOUTS)}")

    def resolved(self) -> DataSpec:
        """Returns the spec with the fingerprint of what the file holds now.

        Raises:
            DataError: No such file, one that cannot be read, or another fingerprint.
        """
        if not self.path:
            raise DataError(f"data=arrays: path is not set; give data.path=mine.npz, a file of {_SAVE}")
        place = Path(self.path)
        files = [content.one_file(place, "data=arrays")]
        found = content.remembered(self.root, place, files, lambda: self._fingerprint(self._read()))
        return replace(self, fingerprint=content.checked(self.fingerprint, found, self.path, "data=arrays"))

    def full(self, draw: int = 0) -> Dataset:
        """Returns the data.

        Raises:
            DataError: They cannot be; one line that says which array and why.
        """
        held = self._read()
        content.checked(self.fingerprint, self._fingerprint(held), self.path, "data=arrays")
        apart = [name for name in held if name.startswith("test_")]
        if apart and self.split is not None:
            raise self._refuse(apart[0], "is there, so leave split out (null), or save the file without it")
        if not apart and self.split is None:
            raise self._refuse("test_view_a", "is missing; add test arrays, or set data.split=0.2")
        names = ["view_a", *(["view_b"] if "view_b" in held else [])]
        missing = sorted({f"test_{name}" for name in (*names, "labels")} - set(apart)) if apart else []
        if missing or len(apart) > len(names) + 1:
            raise self._refuse((*missing, "view_b")[0], "is missing; training and testing need the same arrays")
        labels = self._labels(held, "labels")
        classes = self._classes(held, labels)
        train = Split(tuple(self._view(held, name, len(labels)) for name in names), labels)
        if apart:
            scored = self._labels(held, "test_labels", len(classes))
            test = Split(tuple(self._view(held, f"test_{name}", len(scored)) for name in names), scored)
            for name, first, second in zip(names, train.views, test.views, strict=True):
                if first.shape[1:] != second.shape[1:] or first.dtype != second.dtype:
                    raise self._refuse(f"test_{name}", f"is {_kind(second)}, {name} is {_kind(first)}; make them alike")
        else:
            first, last = parted(labels, self.split or 0.0, self.seed, "data=arrays")
            train, test = train.take(first), train.take(last)
        return Dataset(train, test, classes, self.label or Path(self.path).stem)

    def describe(self, train: Split, title: str) -> str:
        """Returns what figures print about the data."""
        views = " and ".join("×".join(map(str, view.shape[1:])) for view in train.views)
        return f"{title} ({views}), {len(train):,} examples"

    def _refuse(self, name: str, what: str) -> DataError:
        return DataError(f"data=arrays: {name} of {shown(self.path)} {what}")

    def _read(self) -> dict[str, np.ndarray]:
        """Reads the arrays, in native byte order."""
        try:
            with open(self.path, "rb") as file:
                held = np.load(file, allow_pickle=False)
                arrays = {name: held[name] for name in held} if isinstance(held, Mapping) else None
        except Exception as error:
            # Damage shows as whatever zipfile, zlib, tokenize or an absurd size in a header make of it.
            why = one_line(error)
            raise DataError(f"data=arrays: {shown(self.path)} cannot be read ({why}); save it by {_SAVE}") from error
        if arrays is None:
            raise DataError(f"data=arrays: {shown(self.path)} holds one array without a name; save it by {_SAVE}")
        for name, array in arrays.items():
            if name not in _NAMES:
                where = f"data=arrays: {shown(self.path)}"
                raise DataError(f"{where} holds '{shown(name)}', which nothing reads; {closest(name, _NAMES)}")
            if not isinstance(array, np.ndarray):
                raise self._refuse(name, f"is no array; save it by {_SAVE}")
        for name in _REQUIRED:
            if name not in arrays:
                raise self._refuse(name, f"is missing; save it by {_SAVE}")
        return {name: held.astype(held.dtype.newbyteorder("="), copy=False) for name, held in arrays.items()}

    def _fingerprint(self, held: Mapping[str, np.ndarray]) -> str:
        def parts() -> Iterator[bytes]:
            for name in sorted(held):
                kind, array = f"{name} {held[name].dtype.kind}{held[name].dtype.itemsize}", held[name]
                yield f"{kind} {array.shape}".encode()
                yield np.ascontiguousarray(array).tobytes()

        return content.fingerprint(parts())

    def _labels(self, held: Mapping[str, np.ndarray], name: str, known: int | None = None) -> torch.Tensor:
        """Checks labels; `known` is the number of classes where others than these say it."""
        array = held[name]
        if array.dtype.kind not in "iu" or array.ndim != 1:
            raise self._refuse(name, f"is {_kind(array)}; labels are whole numbers from 0 on, shape (N,)")
        if not len(array):
            raise self._refuse(name, "is empty")
        least, most = int(array.min()), int(array.max())
        if least < 0 or (known is None and least > 0):
            raise self._refuse(name, f"starts at {least}; number the classes from 0 on")
        if known is not None and most >= known:
            raise self._refuse(name, f"has class {most}, which no training example has")
        present = np.unique(array)
        if known is None and most >= len(present):
            gap = int((present != np.arange(len(present))).argmax())
            raise self._refuse(name, f"goes up to {most} and has no example of class {gap}; number without gaps")
        if known is None and most == 0:
            raise self._refuse(name, "has one class; at least 2 are needed")
        return torch.from_numpy(array.astype(np.int64))

    def _classes(self, held: Mapping[str, np.ndarray], labels: torch.Tensor) -> tuple[str, ...]:
        count = int(labels.max()) + 1
        if "classes" not in held:
            return tuple(map(str, range(count)))
        names = held["classes"]
        if names.dtype.kind != "U" or names.shape != (count,) or len(set(names.tolist())) < count:
            raise self._refuse("classes", f"is {_kind(names)}; give {count} different names, an array of text")
        return tuple(map(str, names))

    def _view(self, held: Mapping[str, np.ndarray], name: str, count: int) -> torch.Tensor:
        """Checks a view and brings its axes in order: (N, C, H, W) or (N, C, L)."""
        array = held[name]
        if array.dtype not in _VIEW_TYPES:
            wanted = "uint8 in 0 … 255 or floats (16, 32 or 64 bits) in [0, 1]"
            raise self._refuse(name, f"is {_kind(array)}; views are {wanted}")
        if array.ndim and len(array) != count:
            labels = "test_labels" if name.startswith("test_") else "labels"
            raise self._refuse(name, f"has {len(array):,} examples, {labels} {count:,}; give as many")
        if not array.size:
            raise self._refuse(name, f"is empty: {_kind(array)}")
        field = "layout_" + VIEWS["view_b" in name]
        view = torch.from_numpy(self._in_order(array, name, getattr(self, field), field))
        if view.is_floating_point():
            # Before they are made short: 1e300 would be infinite, and it is a matter of range.
            if wrong := out_of_range(view):
                raise self._refuse(name, f"has {wrong}")
            view = view.to(torch.float32)
        if view.amin() == view.amax():
            raise self._refuse(name, f"is {view.amin().item():g} everywhere, so there is nothing to see")
        if view.dtype == torch.uint8 and view.amax() == 1:
            raise self._refuse(name, "holds 0 and 1 alone, in uint8, where white is 255; multiply by 255")
        if self.resolution is None or view.dim() != 4:
            return view.contiguous()
        edge = min(view.shape[2:])
        top, left = ((side - edge) // 2 for side in view.shape[2:])
        return _resized(view[:, :, top : top + edge, left : left + edge], self.resolution)

    def _in_order(self, array: np.ndarray, name: str, layout: str, field: str) -> np.ndarray:
        shape = array.shape
        if layout == "auto":
            choice = f"set data.{field}=" + "{}"
            if len(shape) == 2:
                layout = "NF"
            elif len(shape) == 3 and shape[1] <= _FEW_CHANNELS:
                layout = "NCL"
            elif len(shape) == 3:
                raise self._refuse(name, f"is {shape}: {choice.format('NHW')} for grey images, NCL for signals")
            elif len(shape) == 4 and shape[1] > _FEW_CHANNELS >= shape[3]:
                raise self._refuse(name, f"is {shape}: {choice.format('NHWC')} if channels come last, else NCHW")
            elif len(shape) == 4:
                layout = "NCHW"
            else:
                raise self._refuse(name, f"is {shape}; images are (N, C, H, W), signals (N, C, L), features (N, F)")
        if len(layout) != len(shape):
            raise self._refuse(name, f"is {shape}, which data.{field}={layout} cannot be")
        if layout in ("NF", "NHW"):
            return array[:, None]
        return np.moveaxis(array, -1, 1) if layout in ("NHWC", "NLC") else array


def _kind(array: np.ndarray | torch.Tensor) -> str:
    return f"{str(array.dtype).removeprefix('torch.')} of shape {tuple(array.shape)}"


def _resized(images: torch.Tensor, side: int) -> torch.Tensor:
    if images.dtype == torch.uint8:
        return resized(images.contiguous(), side).contiguous()
    if tuple(images.shape[2:]) == (side, side):
        return images.contiguous()
    return functional.interpolate(images, size=(side, side), mode="bilinear", antialias=True).clamp_(0, 1)
