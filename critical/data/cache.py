"""Decoded images on disk, so that a data set is unpacked once a machine and not once a run."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import filelock
import numpy as np
import torch

from critical.core.files import replacing
from critical.data.images import DataError, Dataset, DataWarning, Split

_VERSION = 1  # of decoding and resizing; a change of either must not meet pictures made before


def cache_path(root: str, key: str) -> Path:
    """Returns where the decoded data of this key lie, whether or not they exist."""
    return Path(root) / "cache" / f"{key}-v{_VERSION}.npz"


def cached(root: str, key: str, make: Callable[[], Dataset]) -> Dataset:
    """Reads decoded data, or makes them and stores them for the next process.

    The file is an uncompressed NumPy archive, whose members carry checksums. A damaged one is made again,
    with a warning: it holds nothing that its source does not, and a damaged disk should not pass unnoticed.
    Processes that start together wait for the first of them.

    Args:
        root: Folder of all data.
        key: Names source and resolution.
        make: Produces the data when there is no usable file; its splits hold uint8 views.

    Returns:
        The data, on the CPU.

    Raises:
        DataError: The folder cannot be written, or what `make` raises.
    """
    path = cache_path(root, key)
    data = _read(path)
    if data is not None:
        return data
    lock = filelock.FileLock(path.with_suffix(".lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except (OSError, RuntimeError) as error:  # the latter by some versions of filelock, where a disk has no locks
        raise _unwritable(path, error) from error
    try:
        data = _read(path)
        if data is None:
            data = make()
            try:
                _write(path, data)
            except OSError as error:
                raise _unwritable(path, error) from error
        return data
    finally:
        lock.release()


def _unwritable(path: Path, error: Exception) -> DataError:
    return DataError(
        f"data: cannot write {path} ({one_line(error)}); make room, or set data.root to a folder you own"
    )


def one_line(error: BaseException) -> str:
    """Returns an error's type and message without line breaks."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _read(path: Path) -> Dataset | None:
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as held:
            train, test = (
                Split(
                    tuple(torch.from_numpy(held[f"{name}_view{view}"]) for view in range(int(held["views"]))),
                    torch.from_numpy(held[f"{name}_labels"]),
                )
                for name in ("train", "test")
            )
            return Dataset(train, test, tuple(str(name) for name in held["classes"]), str(held["label"]))
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        warnings.warn(f"cache {path} is damaged ({one_line(error)}); decoding again", DataWarning, stacklevel=3)
        return None


def _write(path: Path, data: Dataset) -> None:
    arrays = {
        "views": np.array(len(data.train.views)),
        "classes": np.array(data.classes),
        "label": np.array(data.label),
    }
    for name, split in (("train", data.train), ("test", data.test)):
        arrays |= {f"{name}_view{position}": view.numpy() for position, view in enumerate(split.views)}
        arrays[f"{name}_labels"] = split.labels.numpy()
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
