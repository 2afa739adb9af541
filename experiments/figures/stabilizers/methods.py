"""The methods that are compared: which field is their strength, when they act, and who proposed them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from critical.core.spec import SpecError, closest, from_settings
from critical.inference.claims import OURS
from critical.stabilizers import KINDS, StabilizerWindow
from experiments.design.protocol import Protocol
from experiments.design.sources import ASH2020, CVPR2023, ICML2021, KUMAR2023, NEURIPS2019, NEVEROVA2015, ZHANG2018

NONE = "none"
CONTROL_METHOD = "slow_trunk"
"""The control: it only lowers the learning rate behind the fusion."""


@dataclass(frozen=True)
class Method:
    """How a stabiliser is used against a deficit.

    Attributes:
        strength: The field that a grid varies.
        proposed: Who proposed it; empty for the control.
        short: Its name where there is little room, at most 18 characters.
        at_removal: Whether it acts once, before the first clean epoch, instead of during the window.
        whole: Whether the strength is a whole number.
        fixed: Other fields, where the defaults do not serve.
        claims: Who says that a deficit costs less with it.
    """

    strength: str
    proposed: str
    short: str
    at_removal: bool = False
    whole: bool = False
    fixed: Mapping[str, Any] = field(default_factory=dict)
    claims: str = OURS


METHODS = {
    "fisher_penalty": Method("weight", ICML2021, "Fisher penalty"),
    "cross_sensor_reconstruction": Method("weight", CVPR2023, "reconstruction", claims=CVPR2023),
    "modality_dropout": Method("probability", NEVEROVA2015, "modality dropout"),
    "shrink_and_perturb": Method("shrink", ASH2020, "shrink and perturb", at_removal=True),
    "l2_init": Method("weight", KUMAR2023, "L2 to the start"),
    "weight_decay": Method("weight", NEURIPS2019, "weight decay"),
    # Shifts alone: a mirrored letter is another one, and pictures that may be mirrored are so already.
    "augmentation": Method("shift", NEURIPS2019, "augmentation", whole=True, fixed={"flip": False}),
    "mixup": Method("alpha", ZHANG2018, "mixup"),
    CONTROL_METHOD: Method("factor", "", "slow trunk"),
}

WORDS = {
    NONE: "no method",
    CONTROL_METHOD: "slow trunk (control)",
    "fisher_penalty": "Fisher penalty",
    "cross_sensor_reconstruction": "cross-sensor reconstruction",
    "l2_init": "L2 to the initial weights",
}
"""How figures write a method, where it is not just its name with blanks."""


def words(method: str) -> str:
    """Returns the name of a method as figures write it."""
    return WORDS.get(method, method.replace("_", " "))


def strengths(protocol: Protocol, key: str) -> dict[str, Any]:
    """Returns for each stabiliser of the profile its `grid` or the strength in `use`.

    Raises:
        SpecError: An unknown stabiliser, one without that key, or no control among them.
    """
    found = {}
    for method, held in protocol.stabilizers.items():
        if method not in METHODS:
            raise SpecError(f"stabilizers: there is no '{method}'; {closest(method, METHODS)}")
        if unknown := sorted(set(held) - {"grid", "use"}):
            raise SpecError(f"stabilizers.{method}: there is no '{unknown[0]}'; grid (a list) and use (a strength)")
        if held.get(key) is None and key == "grid":
            raise SpecError(f"stabilizers.{method}: the list 'grid' of strengths to try is missing")
        grid, use = held.get("grid"), held.get("use")
        if grid is not None and not (isinstance(grid, list) and grid and all(map(_strength, grid))):
            raise SpecError(f"stabilizers.{method}.grid={grid!r}: a list of strengths is wanted, e.g. [0.01, 0.1]")
        if use is not None and not _strength(use):
            raise SpecError(f"stabilizers.{method}.use={use!r}: a strength is wanted, a number")
        # A stabiliser without `use` is too dear for this profile's comparison.
        if held.get(key) is not None:
            found[method] = held[key]
    if CONTROL_METHOD not in found:
        raise SpecError(f"stabilizers: the control, {CONTROL_METHOD}, is missing")
    return found


def _strength(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def windows(method: str, strength: float, removal: int) -> tuple[StabilizerWindow, ...]:
    """Returns the window of a method against a deficit in [0, removal); none for `none`."""
    if method == NONE:
        return ()
    used = METHODS[method]
    if used.whole and strength != int(strength):
        raise SpecError(f"stabilizers.{method}: takes a whole number of {used.strength}, not {strength:g}")
    value = int(strength) if used.whole else float(strength)
    made = from_settings(KINDS, {"name": method, used.strength: value, **used.fixed}, "stabilizer")
    if used.at_removal:
        return (StabilizerWindow(made, removal, removal + 1),)
    return (StabilizerWindow(made, 0, removal),)
