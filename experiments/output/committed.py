"""The committed results, profile by profile: what the pages and pictures of the repository are made from."""

from __future__ import annotations

from pathlib import Path

from experiments.output.explained import PROFILES
from experiments.output.records import NO_RESULT, REFERENCE, FigureRecord, names, read_records


def committed(results: Path) -> dict[str, list[FigureRecord]]:
    """Reads the records of the committed tables by their name, those of small profiles first.

    Args:
        results: The folder that holds `reference/<name>/`.
    """
    held = {name: read_records(results, name, REFERENCE) for name in names(results, REFERENCE) if name != NO_RESULT}
    order = list(PROFILES)

    def size(name: str) -> tuple[int, str]:
        profile = held[name][0].profile
        return (order.index(profile) if profile in order else len(order)), name

    return {name: held[name] for name in sorted(held, key=size)}
