"""What a clean run is claimed to tell of windows of a deficit: each detector, and beside it a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from critical.inference.arms import Contrast
from critical.inference.claims import Claim
from experiments.design.closing import (
    GROWTH,
    SLOPE,
    ClosingArms,
    Detector,
    falls_with_age,
    growths,
    open_less_closed,
    slope_before,
    slope_epochs,
)
from experiments.design.contrasts import WindowArms, age, cost, damage
from experiments.design.sources import CRITICALFL2023, ICLR2019, JUMP, OURS

OTHERS_ROUNDS = (
    "A round is an epoch here, of one network; the norm is that of the mean gradient of all training images at resting "
    "weights, not of the gradients that clients trained with."
)
"""What parts the gradient's norm from CriticalFL's."""
CLOSES = ("closure.closes",)
"""The premise: there is a window that closes."""


def detectors(arms: ClosingArms, onsets: Sequence[int]) -> dict[str, Detector]:
    """Returns the detectors by their word in ids: what is read from a clean run at each onset."""
    clean = arms.clean
    traces = {epoch: clean.log(f"fisher_trace@{epoch}") for epoch in slope_epochs(onsets)}
    norms = [clean[f"gradient_mean@{epoch}"] for epoch in range(1, onsets[-1] + 1)]
    return {
        "trace": Detector("the trace of the Fisher information", ICLR2019, [traces[onset] for onset in onsets],
                          differs=JUMP),
        "slope": Detector(f"the slope of its logarithm over {SLOPE} epochs", OURS,
                          [slope_before(traces, onset) for onset in onsets]),
        "cosine": Detector("the cosine of the gradients of training and test images", OURS,
                           [clean[f"gradient_cosine@{onset}"] for onset in onsets]),
        "barrier": Detector("the barrier between two children", OURS,
                            [arms.children[onset]["barrier"] for onset in onsets]),
        "norm": Detector("the growth of the gradient's norm", CRITICALFL2023, norms, growths(onsets), OTHERS_ROUNDS),
    }  # fmt: skip


def told(windows: Mapping[int, WindowArms], held: Mapping[str, Detector], name: str) -> list[Claim]:
    """Returns what detectors and a clock are claimed to tell of windows.

    Args:
        windows: By onset.
        held: The detectors by their word in ids.
        name: The deficit.
    """
    onsets, costs, damages = list(windows), *_effects(windows)
    first, last = onsets[0], onsets[-1]
    return [
        Claim(*CLOSES, ICLR2019, age(windows[first], windows[last]), "greater",
              f"At equal rates a window at epoch {first} costs more than at epoch {last}: there is one that closes.",
              differs=JUMP, short="early costs more (equal rates)"),
        *(Claim(f"closure.{key}", one.source, one.follows(costs), "greater",
                f"What a window of {name} costs follows {one.words} of a clean run where it begins (rank "
                "correlation).", requires=CLOSES, differs=one.differs, short=f"{key} tells the cost")
          for key, one in held.items()),
        Claim("closure.rule", CRITICALFL2023, open_less_closed(costs, held["norm"].measured, onsets), "greater",
              f"Windows cost more that begin while the mean of the gradient's norm grows by {GROWTH:.0%} or more.",
              requires=CLOSES, differs=OTHERS_ROUNDS, short="gradient-norm rule tells the cost"),
        Claim("closure.clock", OURS, falls_with_age(costs, onsets), "greater",
              f"What a window of {name} costs falls with its epoch: a clock alone would tell (rank correlation).",
              requires=CLOSES, short="clock tells the cost"),
        *(Claim(f"closure.{key}_damage", OURS, one.follows(damages), "greater",
                f"Damage by {name}, beside runs that leave the window out, follows {one.words} (rank correlation).",
                requires=CLOSES, short=f"{key} tells the damage") for key, one in held.items()),
        Claim("closure.clock_damage", OURS, falls_with_age(damages, onsets), "greater",
              f"Damage by {name} falls with its epoch: a clock alone would tell (rank correlation).",
              requires=CLOSES, short="clock tells the damage"),
    ]  # fmt: skip


def beyond_clock(windows: Mapping[int, WindowArms], held: Mapping[str, Detector], name: str) -> list[Claim]:
    """Returns the claims that detectors tell more than a clock does; see `told`."""
    onsets, costs, damages = list(windows), *_effects(windows)
    return [
        Claim(f"closure.{key}{suffix}_beyond_clock", OURS, one.beyond_clock(effects, onsets), "greater",
              f"What {effect} follows {one.words} more closely than the epoch itself (difference of rank "
              "correlations).",
              requires=(f"closure.{key}{suffix}",), short=f"{key} tells {short} beyond clock")
        for effects, suffix, effect, short in (
            (costs, "", f"a window of {name} costs", "cost"),
            (damages, "_damage", f"{name} damages, beside runs that leave the window out,", "damage"))
        for key, one in held.items()
    ]  # fmt: skip


def _effects(windows: Mapping[int, WindowArms]) -> tuple[list[Contrast], list[Contrast]]:
    """Returns what each window costs, and what it damages."""
    return [cost(held) for held in windows.values()], [damage(held) for held in windows.values()]
