"""The pictures of figures: one's own beside their tables, and those of committed tables, drawn where a page needs them.

A page has each figure as SVG for light and for dark screens, and one's own as PNG too; files are made small on the way
to it. What was drawn from the same table, record and code is not drawn again.
"""

from __future__ import annotations

import functools
import hashlib
import io
import multiprocessing
import re
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from PIL import Image

from critical.core.cores import cores
from critical.core.files import write_atomically
from critical.core.spec import SpecError
from critical.plots import style, svg
from experiments.design.figure import Design
from experiments.output import tables
from experiments.output.drawing import draw
from experiments.output.headline import picture_title
from experiments.output.records import REFERENCE, FigureRecord, read_record
from experiments.output.tables import Tables

ENDINGS = {"svg": "svg", "dark": "dark.svg", "png": "png"}
"""What a page has of a figure. A PDF lies beside one's own pictures alone: a page is to stay small."""
PAGE_DOTS = 120
"""Dots per inch of a PNG on a page."""
COLOURS = 64
CODE = (
    "critical/plots", "critical/inference", "critical/measures/depth.py", "experiments/design", "experiments/figures",
    "conf", *(f"experiments/output/{name}.py" for name in ("drawing", "headline", "pictures", "report_text", "tables",
                                                           "words")),
)  # fmt: skip
"""What a picture depends on besides its table."""
_SIZE = re.compile(r'width="([\d.]+)pt" height="([\d.]+)pt"')
_ROOT = Path(__file__).resolve().parents[2]


def path(folder: Path, figure: str, kind: str) -> Path:
    """Returns where a picture lies: `svg` (light), `dark` or `png`."""
    return folder / f"{figure}.{ENDINGS[kind]}"


def write(design: Design, collected: Tables, record: FigureRecord, folder: Path) -> None:
    """Draws a figure, light and dark, and writes PNG, PDF and SVG.

    Args:
        design: What is shown.
        collected: Its tables.
        record: Says what the title says.
        folder: Where the files go.
    """
    title = picture_title(record.verdicts, record.leading, record.title)
    with style.style():
        saved = style.save(draw(design, collected, title), folder, record.figure)
    write_atomically(path(folder, record.figure, "dark"), style.darkened(saved.svg.read_bytes()))


@dataclass(frozen=True)
class Order:
    """A committed figure that a page needs.

    Attributes:
        results: The folder of tables, figures and reports.
        name: The name of the committed results.
        figure: The figure.
        folder: Where its pictures go.
        png: Whether PNG and PDF are wanted besides, which takes twice as long.
    """

    results: Path
    name: str
    figure: str
    folder: Path
    png: bool = False

    @property
    def stamp(self) -> Path:
        """The file that says from what the pictures were drawn."""
        return self.folder / f"{self.figure}.drawn"

    @property
    def source(self) -> str:
        """A hash of what they are drawn from."""
        held = self.results / REFERENCE / self.name
        content = [*(one for one in tables.paths(held, self.figure) if one.exists()), held / f"{self.figure}.json"]
        told = hashlib.sha256((_code() + matplotlib.__version__).encode())
        for one in content:
            told.update(hashlib.sha256(one.read_bytes()).digest())
        return told.hexdigest()[:32]

    @property
    def lacking(self) -> bool:
        """Whether it is to be drawn."""
        kinds = ("svg", "dark", "png") if self.png else ("svg", "dark")
        there = self.stamp.is_file() and all(path(self.folder, self.figure, kind).is_file() for kind in kinds)
        return not (there and self.stamp.read_text(encoding="utf-8") == self.source)


def draw_order(order: Order) -> None:
    """Composes a committed figure again and draws it for a page.

    Raises:
        SpecError: It cannot be drawn from its table; names the figure.
    """
    # Not needed by those who only read pages: this imports every figure.
    from experiments.output.composing import of_record

    record = read_record(order.results, order.name, order.figure, REFERENCE)
    if record is None:
        raise ValueError(f"{order.figure} has no record among the committed results of {order.name}")
    collected = tables.read_shown(order.results / REFERENCE / order.name, order.figure, record.seeds)
    try:
        draw_for_page(order, of_record(record).design, collected, record)
    except SpecError as error:
        raise SpecError(f"{order.name}, {order.figure}: {error}") from error


def draw_for_page(order: Order, design: Design, collected: Tables, record: FigureRecord) -> None:
    """Draws a committed figure whose design is at hand for a page."""
    title = picture_title(record.verdicts, record.leading, record.title)
    target = path(order.folder, order.figure, "svg")
    with style.style():
        made = draw(design, collected, title)
        if order.png:
            style.save(made, order.folder, order.figure)
        else:
            style.save_svg(made, target)
    light = target.read_bytes()
    write_atomically(target, svg.smaller(light))
    write_atomically(path(order.folder, order.figure, "dark"), svg.smaller(style.darkened(light)))
    write_atomically(order.stamp, order.source.encode())


def draw_lacking(orders: Iterable[Order], jobs: int | None = None) -> int:
    """Draws committed figures that are not drawn yet, in several processes where there are several.

    Args:
        orders: The figures.
        jobs: Processes; as many as there are cores when left out.

    Returns:
        How many were drawn.
    """
    # The slowest first, so that none is left alone at the end.
    lacking = sorted((order for order in orders if order.lacking), key=_size, reverse=True)
    jobs = min(len(lacking), jobs or cores())
    if jobs < 2:
        for order in lacking:
            draw_order(order)
        return len(lacking)
    # A fork has imported torch already, which takes as long as drawing four figures.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        list(pool.map(draw_order, lacking))
    return len(lacking)


def _size(order: Order) -> int:
    held = order.results / REFERENCE / order.name
    return sum(one.stat().st_size for one in tables.paths(held, order.figure) if one.exists())


def copy(drawn: Path, figure: str, folder: Path) -> None:
    """Copies one's own pictures to a page, made small; what is not there is left out.

    What was copied from the same pictures is not made small again: a page is written anew after each of its figures.

    Raises:
        SpecError: A file is no picture.
    """
    found = {kind: _read(source) for kind in ENDINGS if (source := path(drawn, figure, kind)).is_file()}
    told = hashlib.sha256((_code() + "one's own").encode())
    for kind, content in found.items():
        told.update(kind.encode() + hashlib.sha256(content).digest())
    stamp, copied = folder / f"{figure}.drawn", told.hexdigest()[:32]
    there = {kind for kind in ENDINGS if path(folder, figure, kind).is_file()}
    if there == set(found) and stamp.is_file() and stamp.read_text(encoding="utf-8") == copied:
        return
    # Whose pictures these are has changed.
    stamp.unlink(missing_ok=True)
    for kind in ENDINGS:
        if kind in found:
            write_atomically(path(folder, figure, kind), _smaller(path(drawn, figure, kind), found[kind]))
        else:
            path(folder, figure, kind).unlink(missing_ok=True)
    write_atomically(stamp, copied.encode())


def _read(source: Path) -> bytes:
    try:
        return source.read_bytes()
    except OSError as error:
        raise SpecError(f"{source} cannot be read ({error.strerror or error}); make the figure again") from error


def _smaller(source: Path, content: bytes) -> bytes:
    try:
        if source.suffix == ".png":
            return smaller_png(content, PAGE_DOTS / (2 * style.DOTS_PER_INCH))
        small = svg.smaller(content)
    except ValueError as error:
        raise SpecError(f"{source} is no whole picture; make the figure again") from error
    if not _SIZE.search(small[:2000].decode(errors="replace")) or not small.rstrip().endswith(b"</svg>"):
        raise SpecError(f"{source} is no whole picture; make the figure again")
    return small


def smaller_png(content: bytes, scale: float) -> bytes:
    """Returns a PNG scaled, and with a palette.

    Raises:
        ValueError: It is no picture.
    """
    try:
        with Image.open(io.BytesIO(content)) as opened:
            image = opened.convert("RGB")
    except (OSError, SyntaxError) as error:
        raise ValueError("it is no PNG picture; make the figure again") from error
    if scale != 1:
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    written = io.BytesIO()
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    return written.getvalue()


def size(drawn: Path) -> tuple[int, int]:
    """Returns width and height of an SVG of matplotlib in pixels of a page.

    Raises:
        ValueError: It says none.
    """
    with drawn.open(encoding="utf-8", errors="replace") as file:
        head = file.read(1000)
    found = _SIZE.search(head)
    if found is None:
        raise ValueError(f"{drawn} is no picture of matplotlib; make the figure again")
    return round(float(found[1]) * 4 / 3), round(float(found[2]) * 4 / 3)


@functools.cache
def _code() -> str:
    told = hashlib.sha256()
    for folder in CODE:
        held = _ROOT / folder
        for one in sorted(held.rglob("*")) if held.is_dir() else (held,):
            if one.suffix in (".py", ".yaml"):
                told.update(one.read_bytes())
    return told.hexdigest()
