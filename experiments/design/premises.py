"""Premises: what has to hold so that a claim says anything."""

from __future__ import annotations

from critical.core.batch import VIEWS
from critical.inference.arms import Arm, Within
from critical.inference.claims import Claim
from experiments.design.contrasts import WindowArms
from experiments.design.sources import OURS


def learns(claim_id: str, arm: Arm, classes: int, who: str, short: str) -> Claim:
    """Returns the premise that a clean network, `who` as sentences begin, ends above halfway from chance to 100 %."""
    half = 50 * (1 + 1 / classes)
    above = Within((arm,), lambda held: float(held[0] - half), "accuracy")
    sentence = f"{who} learns the task without a deficit: it ends above {half:g} %, halfway from chance."
    return Claim(claim_id, OURS, above, "greater", sentence, short=short)


def at_chance(claim_id: str, arm: Arm, classes: int, who: str, short: str) -> Claim:
    """Returns the premise that neither view of a pair tells the class: what is decoded of each is chance on average.

    `arm` is a clean one that `Decoding` measures, `who` its name at the beginning of a sentence.
    """
    decoded = tuple(arm[f"decoding_{view}"] for view in VIEWS)
    beyond = Within(decoded, lambda held: float(held.mean() - 100 / classes), "readout")
    sentence = f"{who} tells no more than chance, {100 / classes:g} %, from one view beside random partners."
    return Claim(claim_id, OURS, beyond, "not greater", sentence, short=short)


def views_are_learnt(claim_id: str, window: WindowArms, classes: int, when: str, short: str) -> Claim:
    """Returns the premise that labels are told from dissociated views, halfway from chance to whole pairs or better.

    The dose-matched arm of the window has views that belong together; `when` stands behind "the dissociation".
    """
    told = tuple(arm["accuracy_deficient"] for arm in (window.deficit, window.dose_matched))
    beyond = Within(told, lambda held: float(held[0] - (100 / classes + held[1]) / 2), "accuracy")
    sentence = (f"At the end of the dissociation{when} either view's label is told from views that do not belong "
                "together, at least halfway from chance to what is told from whole pairs.")  # fmt: skip
    return Claim(claim_id, OURS, beyond, "greater", sentence, short=short)
