"""Image folders made in tests."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from critical.data import DataError, Folder


def image(path: Path, pixels=None, **saved):
    """Writes an image; grey noise of 4×4 that follows from its name, unless pixels are given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if pixels is None:
        pixels = np.random.default_rng(sum(map(ord, path.name))).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(path, **saved)
    return path


def make_tree(root: Path, train=3, test=2, kinds=("cat", "dog")) -> Path:
    """A folder of 12×12 images, red where they are dogs."""
    random = np.random.default_rng(0)
    for split, count in (("train", train), ("test", test)):
        for kind in kinds:
            for position in range(count):
                pixels = random.integers(0, 256, (12, 12, 3), dtype=np.uint8)
                pixels[..., 0] = 255 if kind == "dog" else 0
                image(root / split / kind / f"{position}.png", pixels)
    return root


def folder_spec(tree, **settings):
    return Folder(path=str(tree), root=str(tree.parent / "root"), **settings)


def refused(call) -> str:
    """The one line with which a call is refused."""
    with pytest.raises(DataError) as caught:
        call()
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    message.encode()  # can be printed
    assert message.startswith("data=")
    return message
