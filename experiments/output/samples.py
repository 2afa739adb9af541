"""Sample images for a record: what the network saw, clean and under each deficit of a figure, as small PNGs."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from PIL import Image, ImageDraw

from critical.core.batch import VIEWS, Batch
from critical.data import DataError, Dataset, load
from critical.deficits import Deficit, NoDeficit
from experiments.design.figure import Design
from experiments.design.protocol import Protocol

BYTES = 40_000
"""Most that the samples of a record take, as base64."""
COUNT = 5
"""Images in a row, each of another class; fewer where they would take more bytes."""
GAP = 2
SIGNAL_HEIGHT, SIGNAL_SCALE = 32, 2
GROUND, TRACE = 38, 225
"""Grey levels of a signal's picture and of its line."""


def samples(design: Design, protocol: Protocol) -> list[dict[str, Any]]:
    """Returns rows of sample images.

    Args:
        design: Whose deficits act.
        protocol: Its data are loaded.

    Returns:
        Mappings of `label` ("clean", "blur", …), `classes` (what the network is told), `views`: a mapping of `name`
        ("" for one view), `png` (base64, the images side by side), `width` and `height` for each view. Empty where the
        figure computes its table.
    """
    if design.table is not None:
        return []
    dataset = load(protocol.parts.data)
    acting: dict[str, tuple[Deficit, int]] = {}
    for arm in design.trained:
        for window in () if arm.run is None else arm.run.timeline.windows:
            if not isinstance(window.deficit, NoDeficit):
                acting.setdefault(words(window.deficit), (window.deficit, window.start))
    shown = seen(acting, dataset, COUNT)
    for count in range(COUNT, 0, -1):
        # Some of the batch, not a smaller batch: what takes other examples from it needs several.
        found = [_row(label, _first(batch, count), dataset) for label, batch in shown]
        if sum(len(view["png"]) for row in found for view in row["views"]) <= BYTES:
            return found
    return []


def samples_or(
    before: Callable[[], Sequence[Mapping[str, Any]]], design: Design, protocol: Protocol
) -> list[dict[str, Any]]:
    """Returns sample images; where the data are not here, those of the record that is made anew.

    Args:
        before: Reads them.
        design: As above.
        protocol: As above.
    """
    try:
        return samples(design, protocol)
    except DataError:
        return [dict(row) for row in before()]


def seen(acting: Mapping[str, tuple[Deficit, int]], dataset: Dataset, count: int) -> list[tuple[str, Batch]]:
    """Returns test images without and with each deficit, each of another class.

    Args:
        acting: By its words, a deficit and the epoch in which it begins.
        dataset: The data.
        count: How many images, at most one a class.
    """
    labels = dataset.test.labels
    first = [int((labels == label).nonzero()[0]) for label in labels.unique()[:count]]
    clean = dataset.batch(dataset.test, torch.tensor(first))
    shown = [("clean", clean)]
    for name, (deficit, start) in sorted(acting.items()):
        batch = deficit.apply(clean, seed=0, epoch=start)
        # What changes neither images nor labels, as a choice of heads does, would be the same row again.
        if not (torch.equal(batch.labels, clean.labels) and all(map(torch.equal, batch.views, clean.views))):
            shown.append((name, batch))
    return shown


def words(deficit: Deficit) -> str:
    """Returns what a deficit is called: "blur of view b"."""
    view = getattr(deficit, "view", None)
    return deficit.name.replace("_", " ") + (f" of view {view}" if view else "")


def _first(batch: Batch, count: int) -> Batch:
    return Batch(tuple(view[:count] for view in batch.views), batch.labels[:count], batch.index[:count])


def _row(label: str, batch: Batch, dataset: Dataset) -> dict[str, Any]:
    several = len(batch.views) > 1
    views = [
        {"name": VIEWS[number] if several else "", **_encoded(sheet(view))} for number, view in enumerate(batch.views)
    ]
    return {"label": label, "classes": [dataset.classes[int(told)] for told in batch.labels], "views": views}


def sheet(images: torch.Tensor) -> Image.Image:
    """Returns images (N, C, H, W), or signals (N, C, L), in [0, 1] side by side."""
    shown = [_signal(image) if image.dim() == 2 else _pixels(image) for image in images]
    height, width = shown[0].height, sum(one.width for one in shown) + GAP * (len(shown) - 1)
    whole, left = Image.new("RGBA", (width, height)), 0
    for one in shown:
        whole.paste(one, (left, 0))
        left += one.width + GAP
    return whole


def _encoded(whole: Image.Image) -> dict[str, Any]:
    content = io.BytesIO()
    # 64 colours are enough for pictures of this size, and a third of the bytes.
    whole.quantize(64, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(content, "PNG", optimize=True)
    return {"png": base64.b64encode(content.getvalue()).decode(), "width": whole.width, "height": whole.height}


def _pixels(image: torch.Tensor) -> Image.Image:
    levels = (image.clamp(0, 1) * 255).round().to(torch.uint8)
    colours = levels.expand(3, -1, -1) if len(levels) == 1 else levels[:3]
    return Image.fromarray(colours.permute(1, 2, 0).contiguous().numpy()).convert("RGBA")


def _signal(signal: torch.Tensor) -> Image.Image:
    """Draws a signal (C, L) as a line a channel."""
    drawn = Image.new("RGB", (SIGNAL_SCALE * signal.shape[-1], SIGNAL_HEIGHT), (GROUND,) * 3)
    for values in signal.tolist():
        points = [(SIGNAL_SCALE * place + 1, (SIGNAL_HEIGHT - 3) * (1 - min(1.0, max(0.0, value))) + 1)
                  for place, value in enumerate(values)]  # fmt: skip
        ImageDraw.Draw(drawn).line(points, fill=(TRACE,) * 3)
    return drawn.convert("RGBA")
