"""What the deficits of a figure's runs did, where the runs that they are compared with are among them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from critical.core.spec import SpecError
from critical.deficits import NoDeficit, SplitHeads
from critical.training.runs import RunSpec
from experiments.design.effects import window_arms


def effects(specs: Iterable[RunSpec], accuracy: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Returns what the deficits of some runs cost, where their references are among them.

    The references are those of `experiments.design.effects.window_arms`, and the same runs whatever they are called.

    Args:
        specs: The runs.
        accuracy: By run id, percent; NaN where a run failed.

    Returns:
        By the id of a run with a deficit: `cost`, dose-matched − deficit, and `harm`, fresh − deficit, in points.
    """
    specs, found = list(specs), {}
    ends = {spec.keys[-1]: accuracy.get(spec.run_id, math.nan) for spec in specs}
    for spec in specs:
        # A choice of heads is what a deficit of one view is compared with.
        if all(isinstance(window.deficit, (NoDeficit, SplitHeads)) for window in spec.timeline.windows):
            continue
        try:
            arms = window_arms(spec)
        except SpecError:
            # It ends at the removal, so that nothing recovers.
            continue
        pairs = {"cost": arms.dose_matched, "harm": arms.fresh}
        differences = {
            name: ends.get(arm.of_seed(spec.seed).keys[-1], math.nan) - ends[spec.keys[-1]]
            for name, arm in pairs.items()
        }
        if kept := {name: value for name, value in differences.items() if math.isfinite(value)}:
            found[spec.run_id] = kept
    return found
