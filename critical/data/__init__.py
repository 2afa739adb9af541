"""Data: images in memory, from a spec. `load(spec)` gives a `Dataset` of two `Split`s."""

from __future__ import annotations

from critical.data.arrays import Arrays
from critical.data.base import DataSpec, load
from critical.data.folder import Folder
from critical.data.glyphs import Glyphs
from critical.data.images import DataError, Dataset, DataWarning, Split
from critical.data.modalities import ImageAndSignal
from critical.data.motion import MovingGlyphs
from critical.data.multi_feature import MultiFeature
from critical.data.sources import Cifar10, Cifar100, Digits, FashionMnist, Mnist
from critical.data.table import FolderAndTable
from critical.data.views import Halves, TwoEyes

KINDS: dict[str, type[DataSpec]] = {
    kind.name: kind
    for kind in (
        Digits,
        Glyphs,
        Cifar10,
        Cifar100,
        Mnist,
        FashionMnist,
        Folder,
        Arrays,
        FolderAndTable,
        TwoEyes,
        Halves,
        ImageAndSignal,
        MultiFeature,
        MovingGlyphs,
    )
}
"""Every data set by its name in settings."""

__all__ = [
    "KINDS",
    "Arrays",
    "Cifar10",
    "Cifar100",
    "DataError",
    "DataSpec",
    "DataWarning",
    "Dataset",
    "Digits",
    "FashionMnist",
    "Folder",
    "FolderAndTable",
    "Glyphs",
    "Halves",
    "ImageAndSignal",
    "Mnist",
    "MovingGlyphs",
    "MultiFeature",
    "Split",
    "TwoEyes",
    "load",
]
