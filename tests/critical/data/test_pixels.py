"""What each kind of image file becomes: white stays white, and what cannot be known is refused by name."""

import io
import struct

import numpy as np
import pytest
from folders import folder_spec, image, refused
from PIL import Image

from critical.core.spec import SpecError
from critical.data import Folder
from critical.data.pixels import plain, rgb

RAMP = np.linspace(0, 255, 16).round().astype(np.uint8).reshape(4, 4)
"""Grey levels 0, 17, … 255."""
TWO = {"save_all": True, "append_images": [Image.fromarray(RAMP.T)]}


def saved(picture, format="PNG", **options):
    held = io.BytesIO()
    picture.save(held, format, **options)
    return held.getvalue()


def decoded(content, background=1.0):
    return np.asarray(rgb(content, "0.png", background, "data=folder"))


def grey(content, **settings):
    pixels = decoded(content, **settings)
    assert pixels.ndim == 3
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0]


@pytest.mark.parametrize("format", ["PNG", "PPM", "TIFF"])
def test_sixteen_bits_are_scaled(format):
    content = saved(Image.fromarray(RAMP.astype(np.uint16) * 257), format)
    assert np.array_equal(grey(content), RAMP)
    assert not plain(content)


def test_a_tiff_of_twelve_bits_is_scaled_by_what_it_says():
    pixels = bytes.fromhex("000555aaafff")  # 0, 1365, 2730 and 4095
    tags = {256: 4, 257: 1, 258: 12, 259: 1, 262: 1, 273: 8, 278: 1, 279: len(pixels)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    head = struct.pack("<2sHI", b"II", 42, 8 + len(pixels))
    content = head + pixels + struct.pack("<H", len(tags)) + entries + bytes(4)
    assert grey(content).tolist() == [[0, 85, 170, 255]]


@pytest.mark.parametrize(
    ("mode", "format"),
    [("1", "PNG"), ("L", "PNG"), ("P", "PNG"), ("RGB", "BMP"), ("RGB", "TIFF"), ("L", "PPM"), ("RGB", "WEBP")],
)
def test_plain_modes_are_as_pillow_converts_them(mode, format):
    picture = Image.fromarray(np.dstack([RAMP, RAMP.T, 255 - RAMP])).convert(mode)
    content = saved(picture, format, **({"lossless": True} if format == "WEBP" else {}))
    assert np.array_equal(decoded(content), np.asarray(picture.convert("RGB")))
    assert plain(content)


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr"])
def test_colour_spaces_of_jpeg_and_tiff_become_rgb(mode):
    picture = Image.new("RGB", (8, 8), (200, 60, 30)).convert(mode)
    assert np.abs(decoded(saved(picture, "TIFF")).astype(int) - (200, 60, 30)).max() <= 2


@pytest.mark.parametrize("mode", ["RGBA", "LA", "colours with alpha", "palette", "key"])
@pytest.mark.parametrize(("background", "level"), [(1.0, 255), (0.0, 0), (0.5, 128)])
def test_transparent_pixels_show_the_background(mode, background, level):
    shown = np.full((4, 4), 51, dtype=np.uint8)
    alpha = np.where(np.arange(4) < 2, 255, 0).astype(np.uint8)[None].repeat(4, 0)
    whole = Image.fromarray(np.dstack([shown, shown, shown, alpha]))
    if mode in ("palette", "key"):
        picture = Image.fromarray(np.where(alpha > 0, 51, 0).astype(np.uint8))
        picture = picture.convert("P") if mode == "palette" else picture
        content = saved(picture, transparency=0)
    elif mode == "colours with alpha":
        content = saved(whole.quantize(4))
    else:
        content = saved(whole.convert(mode))
    assert np.array_equal(grey(content, background=background), np.where(alpha > 0, 51, level))
    assert not plain(content)


def test_half_transparent_pixels_are_mixed():
    content = saved(Image.new("RGBA", (2, 2), (100, 100, 100, 128)))
    assert abs(int(grey(content, background=0.0)[0, 0]) - 50) <= 1


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_the_orientation_of_exif_is_applied(format):
    pixels = np.zeros((8, 16, 3), dtype=np.uint8)
    pixels[:, :8] = 255  # the left half is white; turned clockwise it is the upper one
    exif = Image.Exif()
    exif[0x0112] = 6
    content = saved(Image.fromarray(pixels), format, exif=exif)
    found = decoded(content)
    assert found.shape == (16, 8, 3)
    assert found[:6].min() > 200
    assert found[10:].max() < 55
    assert plain(content) == (format == "TIFF")


@pytest.mark.parametrize(
    ("picture", "format", "options", "name"),
    [
        (Image.fromarray(RAMP.astype(np.float32)), "TIFF", {}, "mode F"),
        (Image.fromarray(RAMP.astype(np.int32)), "TIFF", {}, "mode I,"),
        (Image.new("LAB", (4, 4)), "TIFF", {}, "mode LAB"),
        (Image.fromarray(RAMP), "TIFF", TWO, "holds 2 pictures"),
        (Image.fromarray(RAMP), "PNG", TWO, "holds 2 pictures"),
        (Image.fromarray(RAMP.astype(np.uint16)), "PNG", {"transparency": 0}, "transparent grey"),
    ],
    ids=["floats", "32 bits", "lab", "pages", "animation", "transparent grey"],
)  # fmt: skip
def test_what_has_no_known_pixels_is_refused_by_name(picture, format, options, name):
    message = refused(lambda: decoded(saved(picture, format, **options)))
    assert "0.png" in message
    assert name in message


@pytest.mark.parametrize("content", [b"", b"no image", saved(Image.fromarray(RAMP))[:-30]])
def test_what_cannot_be_decoded_is_refused_by_name(content):
    assert "0.png cannot be decoded" in refused(lambda: decoded(content))


def test_sixteen_bits_are_learnt_from_as_eight_are(tmp_path):
    """The silent fault: all of them were white."""
    for bits in (8, 16):
        for part, kind in ((part, kind) for part in ("train", "test") for kind in "ab"):
            level = {"a": 60, "b": 180}[kind]
            pixels = np.full((4, 4), level, dtype=np.uint8)
            image(tmp_path / str(bits) / part / kind / "0.png", pixels if bits == 8 else pixels.astype(np.uint16) * 257)
    eight, sixteen = (folder_spec(tmp_path / str(bits)).load().train.views[0] for bits in (8, 16))
    assert eight.unique().tolist() == sixteen.unique().tolist() == [60, 180]


def test_backgrounds_are_other_data(tmp_path):
    for part, kind in ((part, kind) for part in ("train", "test") for kind in "ab"):
        image(tmp_path / "t" / part / kind / "0.png", Image.new("RGBA", (4, 4), (9, 9, 9, 0)))
    for background, level in ((1.0, 255), (0.0, 0)):
        assert folder_spec(tmp_path / "t", background=background).load().train.views[0].unique().tolist() == [level]
    with pytest.raises(SpecError, match=r"^data=folder: background=255"):
        Folder(background=255)
