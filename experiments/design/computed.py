"""Arms and rows of figures that compute their table instead of training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from critical.inference.arms import Arm


def arm(label: str, **tags: Any) -> Arm:
    """Returns a computed arm, which is its label."""
    return Arm(None, {"label": label, **tags})


def row(arm: Arm, seed: int, **measured: Any) -> dict[str, Any]:
    """Returns a row of the table of runs: the tags of its arm, and what was found for a seed."""
    return {"arm_id": arm.id, **arm.tags, "seed": seed, **measured, "failure": ""}


def points(arm: Arm, seed: int, at: Iterable[float], **courses: Iterable[float]) -> pd.DataFrame:
    """Returns rows of the table of curves.

    Args:
        arm: The arm.
        seed: The seed.
        at: Values on the horizontal axis.
        **courses: By column, a value at each of them.
    """
    held: Mapping[str, Any] = {"epoch": list(at), **{name: list(course) for name, course in courses.items()}}
    return pd.DataFrame({"arm_id": arm.id, "label": str(arm), "seed": seed, **held})
