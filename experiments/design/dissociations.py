"""Views that do not belong together, for several lengths: arms, and what is claimed of the source variance of units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from critical.inference.arms import Contrast
from critical.inference.claims import Claim
from critical.probes import SourceVarianceProbe
from experiments.design.measuring import measuring
from experiments.design.protocol import SCHEDULE_WORDS, Protocol, WindowArms, cost
from experiments.design.sources import CVPR2023, OURS
from experiments.design.two_streams import deficits, sham

TWO_SIDED, DIP = "rsv_two_sided", "rsv_dip"
NUMBERS = {TWO_SIDED: "more units at both ends", DIP: "the dip is larger"}
"""The two numbers that two modes at ±1 have: units beyond ±0.5 on either side, and a gap between them."""
SHOWN = "The paper shows histograms and no number."


def dissociated(protocol: Protocol, end: int, how: str) -> WindowArms:
    """Returns the window [0, end); its dose-matched arm is a sham, whose views belong together.

    Numbers that two modes of units have are measured, too.
    """
    known = (probe for probe in protocol.parts.probes if isinstance(probe, SourceVarianceProbe))
    measured = measuring(protocol, replace(next(known, SourceVarianceProbe()), modes=True))
    acting = deficits(protocol)["dissociation"]
    return measured.window(0, end, how, deficit=acting, sham=sham(acting))


def variants(protocol: Protocol) -> dict[str, Protocol]:
    """Returns the protocol without what it has of weight decay and augmentation, by its name."""
    parts, off = protocol.parts, {"shift": 0, "flip": False}
    acting: dict[str, Mapping[str, Any]] = {}
    if getattr(parts.optimizer, "weight_decay", 0):
        acting["no weight decay"] = {"optimizer": {"weight_decay": 0.0}}
    if any(getattr(parts.augmentation, field, False) for field in off):
        acting["no augmentation"] = {"augmentation": off}
    return {name: protocol.variant(name, **settings) for name, settings in acting.items()}


def gain(held: WindowArms, column: str) -> Contrast:
    """Returns what a dissociation leaves more than its sham."""
    return -1.0 * cost(held, column)


def of_two_modes(
    key: str, source: str, held: WindowArms, when: str, brief: str, *needs: str, at: str = ""
) -> list[Claim]:
    """Returns the claims that both numbers of two modes are larger than after the sham.

    `key`, `when` and `brief` begin ids, sentences and short names; `at` ends the columns; `needs` say what learns.
    """
    return [
        Claim(f"dissociation.{key}{column.removeprefix('rsv')}", source, gain(held, f"{column}{at}"), "greater",
              f"{when} {words} than where the views belonged together.", differs=SHOWN if source == CVPR2023 else "",
              requires=tuple(f"dissociation.{need}_learns" for need in needs),
              short=f"{brief}: {'both sides' if column == TWO_SIDED else 'larger dip'}")
        for column, words in NUMBERS.items()
    ]  # fmt: skip


def of_length(
    after: Mapping[int, WindowArms], key: str, source: str, how: str, brief: str, learns: str, differs: str = ""
) -> list[Claim]:
    """Returns the claims that more units lie at both ends the longer it was, and beyond what the sham does.

    `after` has the windows by their ends, under the schedule `how`; `learns` is the premise on the sham.
    """
    (first, short), *_, (last, long) = after.items()
    words = SCHEDULE_WORDS[how]
    return [
        Claim(f"dissociation.{key}", source, long.deficit[TWO_SIDED] - short.deficit[TWO_SIDED], "greater",
              f"After the recovery ({words}), more units lie at both ends the longer the dissociation was: {last} "
              f"epochs against {first}.", differs=differs, short=f"{brief}: grows with length",
              requires=("dissociation.views_learns", f"dissociation.{learns}_learns")),
        Claim(f"dissociation.{key}_than_sham", OURS, gain(long, TWO_SIDED) - gain(short, TWO_SIDED), "greater",
              f"So they do ({words}) beyond what longer training does to views that belong together.",
              requires=(f"dissociation.{key}",), short=f"{brief}: grows beyond sham"),
    ]  # fmt: skip
