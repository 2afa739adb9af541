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
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from PIL import Image

from critical.core.cores import cores
from critical.core.files import write_atomically
from critical.core.spec import SpecError
from critical.plots import style
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
CODE = ("critical/plots", "critical/inference", "experiments/design", "experiments/figures", "conf",
        *(f"experiments/output/{name}.py" for name in ("drawing", "headline", "pictures", "report_text")))  # fmt: skip
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
    """Composes a committed figure again and draws it for a page."""
    # Not needed by those who only read pages: this imports every figure.
    from experiments.output.composing import of_record

    record = read_record(order.results, order.name, order.figure, REFERENCE)
    if record is None:
        raise ValueError(f"{order.figure} has no record among the committed results of {order.name}")
    collected = tables.read_shown(order.results / REFERENCE / order.name, order.figure, record.seeds)
    draw_for_page(order, of_record(record).design, collected, record)


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
    write_atomically(target, smaller_svg(light))
    write_atomically(path(order.folder, order.figure, "dark"), smaller_svg(style.darkened(light)))
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

    Raises:
        SpecError: A file is no picture.
    """
    for kind in ENDINGS:
        source, target = path(drawn, figure, kind), path(folder, figure, kind)
        if not source.is_file():
            target.unlink(missing_ok=True)
            continue
        write_atomically(target, _smaller(source))
    # Whose pictures these are has changed.
    (folder / f"{figure}.drawn").unlink(missing_ok=True)


def _smaller(source: Path) -> bytes:
    try:
        content = source.read_bytes()
        if source.suffix == ".png":
            return smaller_png(content, PAGE_DOTS / (2 * style.DOTS_PER_INCH))
        small = smaller_svg(content)
    except OSError as error:
        raise SpecError(f"{source} cannot be read ({error.strerror or error}); make the figure again") from error
    except ValueError as error:
        raise SpecError(f"{source} is no whole picture; make the figure again") from error
    if not _SIZE.search(small[:2000].decode(errors="replace")) or not small.rstrip().endswith(b"</svg>"):
        raise SpecError(f"{source} is no whole picture; make the figure again")
    return small


def smaller_svg(content: bytes) -> bytes:
    """Returns an SVG of the style in a quarter fewer bytes, which looks the same.

    Numbers lose what is below a tenth of a pixel; metadata, names that nothing uses and space go; a letter is placed by
    `x` and `y` in place of a transformation.
    """
    text = content.decode()
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<!DOCTYPE[^>]*>", "", text, flags=re.DOTALL)
    text = re.sub(r"-?\d+\.\d{2,}", _shorter, text)
    used = set(re.findall(r"#([\w-]+)", text))
    text = re.sub(r' id="([\w.-]+)"', lambda found: found[0] if found[1] in used else "", text)
    text = text.replace("DejaVuSans-", "D").replace("xlink:href", "href")
    used = {name.replace("DejaVuSans-", "D") for name in used}
    text = re.sub(r'(<use href="#\w[\w-]*") transform="translate\((\S+) (\S+)\)"', _placed, text)
    text = re.sub(r' style="[^"]*"', lambda found: re.sub("([:;]) ", r"\1", found[0]), text)
    text = re.sub(r' d="[^"]*"', lambda found: re.sub(r"\s*([MLCQz])\s*", r"\1", found[0]), text)
    text = _with_classes(_with_short_names(text, used))
    return re.sub(r">\s+<", "><", re.sub(r"\s*\n\s*", " ", text)).encode()


def _with_short_names(text: str, used: set[str]) -> str:
    """Renames what clips and marks are called by."""
    ids = dict.fromkeys(name for name in re.findall(r' id="([\w.-]+)"', text) if name in used)
    short = {name: f"i{number}" for number, name in enumerate(ids)}
    return re.sub(r'(id="|#)([\w.-]+)', lambda found: found[1] + short.get(found[2], found[2]), text)


def _with_classes(text: str) -> str:
    """Says each style once, that occurs often."""
    counted = Counter(re.findall(r' style="([^"]*)"', text))
    named = {said: f"s{number}" for number, (said, times) in enumerate(counted.items()) if times > 2}

    def shorter(found: re.Match[str]) -> str:
        return f' class="{named[found[1]]}"' if found[1] in named else found[0]

    text = re.sub(r' style="([^"]*)"', shorter, text)
    rules = "".join(f".{name}{{{said}}}" for said, name in named.items())
    return text.replace("</style>", f"{rules}</style>", 1)


def _placed(found: re.Match[str]) -> str:
    across, down = found[2], found[3]
    return f'{found[1]} x="{across}"' + (f' y="{down}"' if down != "0" else "")


def _shorter(found: re.Match[str]) -> str:
    """Small numbers are factors, and keep four digits."""
    value = float(found[0])
    digits = 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") if abs(value) >= 1 else f"{value:.4g}"


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


def size(svg: Path) -> tuple[int, int]:
    """Returns width and height of an SVG of matplotlib in pixels of a page.

    Raises:
        ValueError: It says none.
    """
    with svg.open(encoding="utf-8", errors="replace") as file:
        head = file.read(1000)
    found = _SIZE.search(head)
    if found is None:
        raise ValueError(f"{svg} is no picture of matplotlib; make the figure again")
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
