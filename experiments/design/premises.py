"""Premises: what has to hold so that a claim says anything."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from critical.core.batch import VIEWS
from critical.inference.arms import Arm, Contrast, Term, Within
from critical.inference.claims import Claim
from critical.inference.effects import unit_of
from experiments.design.sources import OURS


def learns(claim_id: str, arm: Arm, classes: int, who: str, short: str) -> Claim:
    """Returns the premise that a network learns: it ends above halfway from chance to 100 %.

    Args:
        claim_id: Id of the claim.
        arm: A clean arm.
        classes: Number of classes of its data.
        who: Its name, as the beginning of a sentence.
        short: The claim's short name.
    """
    term, half = Term(arm), 50 * (1 + 1 / classes)
    above = Within((Contrast({term: 1.0}),), functools.partial(_above, half=half), unit_of([term]))
    sentence = f"{who} learns the task without a deficit: it ends above {half:g} %, halfway from chance."
    return Claim(claim_id, OURS, above, "greater", sentence, short=short)


def at_chance(claim_id: str, arm: Arm, classes: int, who: str, short: str) -> Claim:
    """Returns the premise that neither view of a pair tells the class: what is decoded of each is chance on average.

    Args:
        claim_id: Id of the claim.
        arm: A clean arm that `Decoding` measures.
        classes: Number of classes of its data.
        who: Its name, as the beginning of a sentence.
        short: The claim's short name.
    """
    terms = [Term(arm, f"decoding_{view}") for view in VIEWS]
    parts = tuple(Contrast({term: 1.0}) for term in terms)
    beyond = Within(parts, functools.partial(_beyond, chance=100 / classes), unit_of(terms))
    sentence = f"{who} tells no more than chance, {100 / classes:g} %, from one view beside random partners."
    return Claim(claim_id, OURS, beyond, "not greater", sentence, short=short)


def _beyond(held: NDArray[np.float64], chance: float) -> float:
    return float(held.mean() - chance)


def _above(held: NDArray[np.float64], half: float) -> float:
    return float(held[0] - half)
