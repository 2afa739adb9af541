"""Pictures that are committed: few bytes, and what they were made of written into them."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

COLOURS = 128
KEY = "made of"


def small(png: bytes, source: str) -> bytes:
    """Returns a PNG with as few colours as a drawing needs, which takes a third of the bytes.

    Args:
        png: The picture.
        source: What it was made of, in a word such as a hash; `made_of` reads it again.
    """
    told, content = PngInfo(), io.BytesIO()
    told.add_text(KEY, source)
    few = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(content, format="png", optimize=True, pnginfo=told)
    return content.getvalue()


def made_of(path: Path) -> str:
    """Returns what a picture says it was made of; nothing where it is not there, or does not say."""
    if not path.is_file():
        return ""
    with Image.open(path) as picture:
        return str(picture.info.get(KEY, ""))
