"""Any torch `Dataset` as data of the suite: its examples are written to a file that `data=arrays` reads.

    .venv/bin/python examples/torch_dataset.py torchvision.datasets:CIFAR10 cifar.npz   # a class: root, train, download
    .venv/bin/python examples/torch_dataset.py my_module:make mine.npz          # returns (train, test)
    .venv/bin/python -m experiments.train data=arrays data.path=mine.npz deficit=blur deficit.end=10

An example is (image, label), or (first view, second view, label). Images are PIL images, or tensors and arrays:
uint8, or floats in [0, 1] (leave Normalize out: the networks normalise themselves). A transform that draws at random
is drawn once; shifts and flips belong into `augmentation=…`.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset
from torchvision.transforms.functional import pil_to_tensor

from critical.data import Arrays


def write(path: str, train: Any, test: Any) -> None:
    """Writes two map-style datasets to a file of arrays.

    Raises:
        ValueError: The examples differ in shape, or have more than two views.
    """
    held: dict[str, np.ndarray] = {}
    for part, dataset in (("", train), ("test_", test)):
        *views, labels = zip(*(dataset[place] for place in range(len(dataset))), strict=True)
        if len(views) not in (1, 2):
            raise ValueError(f"an example has {len(views)} views; one or two are wanted, and a label")
        for name, view in zip(("view_a", "view_b"), views, strict=False):
            arrays = [array(one) for one in view]
            if len(shapes := {one.shape for one in arrays}) > 1:
                raise ValueError(f"{part}{name}: the examples differ in shape ({sorted(shapes)[:2]}); resize them")
            held[part + name] = np.stack(arrays)
        held[f"{part}labels"] = np.array([int(label) for label in labels])
    if names := getattr(train, "classes", None):
        held["classes"] = np.array([str(name) for name in names])
    np.savez(path, **held)


def array(example: Any) -> np.ndarray:
    """Returns a view of one example, (C, H, W), (C, L) or (F,)."""
    if hasattr(example, "convert"):
        return pil_to_tensor(example).numpy()
    return torch.as_tensor(example).numpy()


def found(where: str, root: str) -> tuple[Dataset, Dataset]:
    """Returns the two parts that `module:name` stands for."""
    module, _, name = where.partition(":")
    made: Callable[..., Any] = getattr(importlib.import_module(module), name)
    if not isinstance(made, type):
        train, test = made()
        return train, test
    return made(root, train=True, download=True), made(root, train=False, download=True)


def main(given: Sequence[str] | None = None) -> None:
    """Writes the file, reads it as the suite will, and says how to train on it."""
    parser = argparse.ArgumentParser(description="a torch Dataset as data of the suite")
    parser.add_argument("dataset", help="module:class of torchvision's kind, or module:function → (train, test)")
    parser.add_argument("file", help="what to write, such as mine.npz")
    parser.add_argument("--root", default="data", help="folder of downloads")
    told = parser.parse_args(given)
    sys.path.insert(0, "")
    try:
        write(told.file, *found(told.dataset, told.root))
        data = Arrays(path=told.file, root=told.root).load()
    except ValueError as error:
        raise SystemExit(f"error: {error}") from error
    print(f"{told.file}: {data.label}, {len(data.classes)} classes, {len(data.test):,} for testing")
    print(f"{sys.executable} -m experiments.train data=arrays data.path={told.file}")


if __name__ == "__main__":
    main()
