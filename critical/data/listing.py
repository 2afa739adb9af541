"""What an image folder holds: every image with its class, and a word on what is left out.

The rule is that of torchvision's ImageFolder: a folder a class, sorted; images in nested and linked folders too; what
counts is the ending of the name. Where following it would train on something else than what was meant (a class without
images, a link that leads nowhere, two names that look the same), one line names the place instead.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from critical.data.cache import one_line
from critical.data.images import DataError

EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""What counts as an image, in lower case: torchvision's list."""

OTHER_IMAGES = (".gif", ".jfif", ".jpe", ".jp2", ".avif", ".heic", ".heif", ".tga", ".pbm", ".pnm", ".dib", ".svg")
"""Images that are not read, so that they are not left out without a word."""

PARTS = ("train", "test")


class File(NamedTuple):
    """An image, as the listing knows it.

    Attributes:
        part: `train` or `test`.
        kind: The class.
        path: Relative to the folder, with forward slashes.
        size: In bytes.
        state: Device, inode, time of the last change of content and of the entry (ns): other content, other state.
    """

    part: str
    kind: str
    path: str
    size: int
    state: tuple[int, int, int, int]


@dataclass(frozen=True)
class Listing:
    """The images of a folder, sorted by path, and what was left out: one line, empty where nothing was."""

    files: tuple[File, ...]
    left_out: str


@dataclass
class _Walk:
    """One listing in the making."""

    where: str  # beginning of its messages
    root: Path
    left_out: list[str] = field(default_factory=list)

    def refuse(self, path: str, what: str) -> DataError:
        return DataError(f"{self.where}: {shown(self.root / path)} {what}")

    def entries(self, inside: str) -> list[os.DirEntry[str]]:
        """Returns what lies in a folder, sorted; refuses links that lead nowhere."""
        with os.scandir(self.root / inside) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            if entry.is_symlink() and not os.path.exists(entry.path):
                path = _joined(inside, entry.name)
                raise self.refuse(path, "is a link that leads nowhere; mend it or remove it")
        return entries

    def images(self, inside: str, part: str, kind: str, above: tuple[tuple[int, int], ...] = ()) -> Iterator[File]:
        """Yields the images below a folder, in nested and linked folders too."""
        held = os.stat(self.root / inside)
        here = (held.st_dev, held.st_ino)
        if here in above:
            raise self.refuse(inside, "is a link to a folder that it lies in; remove it")
        for entry in self.entries(inside):
            path = _joined(inside, entry.name)
            if _hidden(entry.name):
                self.left_out += list(self._hidden_images(entry, path))
            elif entry.is_dir():
                yield from self.images(path, part, kind, (*above, here))
            elif entry.name.lower().endswith(EXTENSIONS):
                if not entry.is_file():
                    raise self.refuse(path, "is no regular file; remove it")
                stat = entry.stat()
                state = (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns)
                yield File(part, kind, path, stat.st_size, state)
            elif entry.name.lower().endswith(OTHER_IMAGES):
                self.left_out.append(path)

    def _hidden_images(self, entry: os.DirEntry[str], path: str) -> Iterator[str]:
        names = [entry.name]
        if entry.is_dir():
            names = [name for _, _, files in os.walk(entry.path) for name in files]
        yield from (path for name in names if name.lower().endswith(EXTENSIONS))

    def part(self, part: str, inside: str) -> list[File]:
        """Returns the images of all classes of a part."""
        found = []
        for entry in self.entries(inside):
            path = _joined(inside, entry.name)
            if _hidden(entry.name):
                self.left_out += list(self._hidden_images(entry, path))
            elif entry.is_dir():
                images = list(self.images(path, part, entry.name))
                if not images:
                    raise self.refuse(path, f"has no images; add some or remove it (looked for {' '.join(EXTENSIONS)})")
                found += images
            elif entry.name.lower().endswith((*EXTENSIONS, *OTHER_IMAGES)):
                self.left_out.append(path)
        if not found:
            wanted = " ".join(EXTENSIONS)
            place = shown(self.root / inside)
            raise DataError(f"{self.where}: no images below {place}; looked for {wanted} in a folder a class")
        return found

    def word(self) -> str:
        """Returns what is said of the images that were left out."""
        if not self.left_out:
            return ""
        count = len(self.left_out)
        images = "1 image" if count == 1 else f"{count:,} images"
        return (
            f"{self.where}: left out {images} of {shown(self.root)} (hidden, in no class, or of a format that is not "
            f"read): {', '.join(shown(path) for path in self.left_out[:3])}{', …' * (count > 3)}"
        )


def listed(root: Path, where: str, parts: bool = True) -> Listing:
    """Lists the images of a folder.

    Args:
        root: The folder.
        where: Beginning of messages: `data=folder`.
        parts: Whether it holds `train` and `test`. If not, all images are listed as `train`: those below `train` if
            there is such a folder, else those of the classes that lie in `root` itself.

    Raises:
        DataError: Something is missing, cannot be read or would not be what it seems; one line that names it.
    """
    try:
        return _listed(root, where, parts)
    except OSError as error:
        place = shown(error.filename or root)
        raise DataError(f"{where}: {place} cannot be read ({one_line(error)}); mend its rights or remove it") from error


def _listed(root: Path, where: str, parts: bool) -> Listing:
    walk = _Walk(where, root)
    if parts:
        for part in PARTS:
            if not (root / part).is_dir():
                split = "; or set data.split=0.2 to test on a share of the images" if part == "test" else ""
                raise DataError(
                    f"{where}: there is no folder {shown(root / part)}; path must hold train/<class>/ and "
                    f"test/<class>/{split}"
                )
        files = [file for part in PARTS for file in walk.part(part, part)]
    else:
        if not root.is_dir():
            raise DataError(f"{where}: there is no folder {shown(root)}; path must hold a folder a class")
        if (root / "test").is_dir():
            raise DataError(f"{where}: {shown(root / 'test')} is there, so leave split out (null), or remove it")
        files = walk.part("train", "train" if (root / "train").is_dir() else "")
    kinds = {part: {file.kind for file in files if file.part == part} for part in PARTS}
    _check_names(walk, kinds["train"] | kinds["test"])
    for part, other in (PARTS, PARTS[::-1]) if parts else ():
        if lonely := sorted(kinds[part] - kinds[other]):
            raise walk.refuse(f"{part}/{lonely[0]}", f"has no images in {other}; add some or remove it")
    return Listing(tuple(sorted(files, key=lambda file: file.path)), walk.word())


def _check_names(walk: _Walk, kinds: set[str]) -> None:
    """Refuses names of classes that cannot be printed, and two that look the same."""
    seen: dict[str, str] = {}
    for kind in sorted(kinds):
        if shown(kind) != kind:
            name = shown(kind)
            raise DataError(f"{walk.where}: the class {name} has a name that cannot be printed; rename its folder")
        before = seen.setdefault(unicodedata.normalize("NFC", kind), kind)
        if before != kind:
            raise DataError(
                f"{walk.where}: two classes are called {kind} in different encodings ({before!a} and "
                f"{kind!a}); rename one or move its images"
            )


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _joined(inside: str, name: str) -> str:
    return f"{inside}/{name}" if inside else name


def shown(path: Path | str) -> str:
    """Returns a path as one printable line; bytes that cannot be printed are escaped."""
    text = str(path).encode("utf-8", "backslashreplace").decode()
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
