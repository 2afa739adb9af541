"""From the bytes of an image file to RGB: every mode that Pillow opens is scaled, flattened or refused by name."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from critical.data.cache import one_line
from critical.data.images import DataError

_PLAIN = ("1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV")
_ALPHA = ("LA", "PA", "La", "RGBA", "RGBa")
_SIXTEEN = ("I;16", "I;16L", "I;16B", "I;16N")
_ORIENTATION = 0x0112


def rgb(content: bytes, path: str, background: float, where: str) -> Any:
    """Decodes an image file.

    Grey becomes three equal channels; 16 bits a pixel become 8 by division by 257, so white stays white; what is
    transparent shows the background. Rotated and mirrored as its EXIF orientation says: as people see it. Colour
    profiles are not looked at.

    Args:
        content: The file's bytes.
        path: Of the file, for messages.
        background: Grey of the background, in [0, 1].
        where: Beginning of messages.

    Returns:
        A Pillow image of mode RGB.

    Raises:
        DataError: It cannot be decoded, has several pages, or pixels whose range is unknown.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as opened:
            frames = getattr(opened, "n_frames", 1)
            opened.load()
            refused = _refused(opened, frames)
            image = None if refused else _turned(_coloured(opened, background), opened)
    # Pillow raises SyntaxError for a broken PNG, errors of its own for bombs, and of any type for odd headers.
    except Exception as error:
        raise DataError(f"{where}: {path} cannot be decoded ({one_line(error)}); replace or remove it") from error
    if refused:
        raise DataError(f"{where}: {path} {refused}; convert it to 8 bits a channel, one picture a file")
    return image


def plain(content: bytes) -> bool:
    """Returns whether a file was read the same before version 2 of fingerprints, when modes were only converted."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as opened:
        several = getattr(opened, "n_frames", 1) > 1
        turned = opened.format != "TIFF" and opened.getexif().get(_ORIENTATION, 1) != 1
        return opened.mode in _PLAIN and "transparency" not in opened.info and not several and not turned


def _refused(image: Any, frames: int) -> str:
    """Returns why an image cannot be read, or nothing."""
    # Of a phone's MPO the first picture is the photograph.
    if frames > 1 and image.format != "MPO":
        return f"holds {frames} pictures"
    if image.mode == "I" and image.format in ("PPM", "PNG"):  # 16 bits in 32
        return ""
    if image.mode in _SIXTEEN:
        return "has 16 bits a pixel and a transparent grey" if "transparency" in image.info else ""
    if image.mode in (*_PLAIN, *_ALPHA):
        return ""
    return f"has pixels of Pillow's mode {image.mode}, whose range is not known"


def _coloured(image: Any, background: float) -> Any:
    """Returns an image in RGB."""
    from PIL import Image

    if image.mode in ("I", *_SIXTEEN):
        # A TIFF may use fewer bits than it stores, and says so.
        bits = image.tag_v2.get(258, (16,))[0] if image.format == "TIFF" else 16
        grey = np.rint(np.asarray(image, dtype=np.float64) * (255 / (2**bits - 1)))
        return Image.fromarray(grey.clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in _ALPHA or "transparency" in image.info:
        straight = image.convert("LA") if image.mode == "La" else image
        level = round(background * 255)
        ground = Image.new("RGBA", image.size, (level, level, level, 255))
        ground.alpha_composite(straight.convert("RGBA"))
        return ground.convert("RGB")
    return image.convert("RGB")


def _turned(image: Any, opened: Any) -> Any:
    """Returns an image as the orientation of its file says; Pillow turns a TIFF itself, and drops the tag."""
    from PIL import Image

    methods = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    method = methods.get(opened.getexif().get(_ORIENTATION, 1))
    return image if method is None else image.transpose(method)


def squared(image: Any, side: int) -> Any:
    """Cuts the middle square out of an image and resizes it to `side` pixels, antialiased bilinear."""
    from PIL import Image

    if image.size == (side, side):
        return image
    width, height = image.size
    edge = min(width, height)
    left, top = (width - edge) // 2, (height - edge) // 2
    # Cut first: the filter of a resized box would see what lies beyond it.
    image = image.crop((left, top, left + edge, top + edge))
    return image.resize((side, side), Image.Resampling.BILINEAR)
