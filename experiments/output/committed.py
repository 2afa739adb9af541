"""The committed results, profile by profile: what the pages and pictures of the repository are made from."""

from __future__ import annotations

from pathlib import Path

from experiments.output.records import REFERENCE, FigureRecord, read_records
from experiments.output.report import PROFILES


def committed(results: Path) -> dict[str, list[FigureRecord]]:
    """Reads the records of the committed tables, a profile a key, the small profiles first; `smoke` says nothing.

    Args:
        results: The folder that holds `reference/<profile>/`.
    """
    there = {path.name for path in (results / REFERENCE).glob("*") if path.is_dir()} - {"smoke"}
    order = [name for name in PROFILES if name in there]
    found = {name: read_records(results, name, REFERENCE) for name in [*order, *sorted(there - set(order))]}
    return {name: records for name, records in found.items() if records}
