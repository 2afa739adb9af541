"""The arms of a window, and the contrasts between them."""

from __future__ import annotations

from dataclasses import dataclass

from critical.inference.arms import Arm, Contrast

LEARNS_BESIDE = (
    "Damage is the network's: in the window it still learns from the other view, as a network without those epochs "
    "does not. Where damage is negative that was worth more; it does not say that the deficit helped its view."
)
"""What figures of a deficit of one view say of their damage, or harm, in accuracy."""


@dataclass(frozen=True)
class WindowArms:
    """The arms of one window; `experiments.design.protocol` says what they are."""

    deficit: Arm
    dose_matched: Arm
    fresh: Arm
    from_scratch: Arm
    skip: Arm

    @property
    def arms(self) -> tuple[Arm, Arm, Arm, Arm, Arm]:
        """All five."""
        return self.deficit, self.dose_matched, self.fresh, self.from_scratch, self.skip


def harm(window: WindowArms, column: str = "accuracy") -> Contrast:
    """Returns fresh − deficit: the damage that was done, where the window begins at epoch 0.

    Beside a later window the fresh network lacks the clean epochs before it as well. It also lacks what a view that is
    spared teaches in the window (`LEARNS_BESIDE`).
    """
    return window.fresh[column] - window.deficit[column]


def cost(window: WindowArms, column: str = "accuracy") -> Contrast:
    """Returns dose-matched − deficit."""
    return window.dose_matched[column] - window.deficit[column]


def opportunity(window: WindowArms, column: str = "accuracy") -> Contrast:
    """Returns dose-matched − fresh: what the clean epochs would have given, and those before a later window gave."""
    return window.dose_matched[column] - window.fresh[column]


def damage(window: WindowArms, column: str = "accuracy") -> Contrast:
    """Returns skip − deficit: the damage that was done at any onset; at epoch 0 it is `harm`.

    As there, a view that is spared counts, too.
    """
    return window.skip[column] - window.deficit[column]


def missed(window: WindowArms, column: str = "accuracy") -> Contrast:
    """Returns dose-matched − skip: what clean epochs in the window's place give."""
    return window.dose_matched[column] - window.skip[column]


def error_ratio(window: WindowArms) -> Contrast:
    """Returns the logarithm of how many times the error after as many clean epochs the error after the deficit is."""
    return window.deficit.log("error") - window.dose_matched.log("error")


def age(early: WindowArms, late: WindowArms, column: str = "accuracy") -> Contrast:
    """Returns the cost of the early window − that of the late one; says something about age at equal rates alone."""
    return cost(early, column) - cost(late, column)
