"""Views that do not belong together, for several lengths: arms, and what is claimed of the source variance of units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from critical.inference.arms import Contrast
from critical.inference.claims import Claim
from critical.probes import SourceVarianceProbe
from experiments.design.measuring import measuring
from experiments.design.parameters import ManyRemovals, positive
from experiments.design.premises import learns, views_are_learnt
from experiments.design.protocol import CONTINUE, RESTART, SCHEDULE_WORDS, Protocol, WindowArms, cost
from experiments.design.sources import CVPR2023, OURS
from experiments.design.two_streams import deficits, sham

TWO_SIDED, DIP = "rsv_two_sided", "rsv_dip"
NUMBERS = {TWO_SIDED: "more units lie at both ends", DIP: "the dip is larger"}
"""The two numbers that two modes at ±1 have: units beyond ±0.5 on either side, and a gap between them."""
SHOWN = "The paper shows histograms and no number."
LOWER_RECOVERY = "Longer dissociations recover at lower rates; restarted ones stand beside them."


@dataclass(frozen=True)
class Dissociations(ManyRemovals):
    """Parameters.

    Views that do not belong together are learnt slowly. The paper gives their networks a rate of their own.

    Attributes:
        rate: Learning rate in epoch 0, and where it starts again.
        decay: Its factor each epoch.
    """

    rate: float
    decay: float

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(rate=self.rate, decay=self.decay)

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns evenly spaced removals up to the longest window, and the protocol's rate."""
        return {**ManyRemovals.defaults(protocol), "rate": protocol.rate, "decay": protocol.decay}


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


def of_dissociations(
    after: Mapping[str, Mapping[int, WindowArms]], bare: Mapping[str, WindowArms], classes: int
) -> list[Claim]:
    """Returns the claims.

    Args:
        after: The windows by schedule and end.
        bare: The longest window without what the protocol has besides, by the words for it; see `variants`.
        classes: Number of classes of the data.
    """
    first, *_, last = after[CONTINUE]
    late, fair, young = after[CONTINUE][last], after[RESTART][last], after[CONTINUE][first]
    ids = {name: name.replace(" ", "_") for name in bare}
    then, until = f"@{last}", f"a dissociation until epoch {last}"
    return [
        learns("dissociation.sham_learns", late.dose_matched, classes, "The sham, rate decaying,",
               "sham learns (decaying)"),
        learns("dissociation.restarted_learns", fair.dose_matched, classes, "The sham, rate restarted,",
               "sham learns (restarted)"),
        *(learns(f"dissociation.{ids[name]}_learns", held.dose_matched, classes, f"The sham, {name},",
                 f"sham learns ({name})") for name, held in bare.items()),
        views_are_learnt("dissociation.views_learns", late, classes, "", "dissociated views are learnt"),
        *(views_are_learnt(f"dissociation.{ids[name]}_views_learns", held, classes, f", with {name},",
                           f"views learnt, {name}") for name, held in bare.items()),
        *of_two_modes("removal", OURS, late, f"At the end of {until}", "at its end", "views", at=then),
        *of_two_modes("recovered", CVPR2023, late, f"After {until} and a recovery ({SCHEDULE_WORDS[CONTINUE]})",
                      "recovered", "views", "sham"),
        *of_length(after[CONTINUE], "longer", CVPR2023, CONTINUE, "recovered", "sham", f"{SHOWN} {LOWER_RECOVERY}"),
        *(claim for name, held in bare.items() for claim in
          of_two_modes(ids[name], CVPR2023, held, f"With {name}, after a recovery (rate decaying on),", name,
                       ids[name], f"{ids[name]}_views")),
        Claim("dissociation.not_young", OURS,
              late.deficit[f"{TWO_SIDED}{then}"] - young.dose_matched[f"{TWO_SIDED}@{first}"], "greater",
              f"At its end more units lie at both ends than in a network that whole pairs trained for {first} epochs: "
              "it is not that it learnt less.", requires=("dissociation.removal_two_sided",),
              short="at its end: not a young network"),
        *of_two_modes("restarted", OURS, fair, f"After {until} and a recovery ({SCHEDULE_WORDS[RESTART]})",
                      "restarted", "views", "restarted"),
        *of_length(after[RESTART], "restarted_longer", OURS, RESTART, "restarted", "restarted"),
        Claim("dissociation.mends", OURS, gain(late, f"{TWO_SIDED}{then}") - gain(late, TWO_SIDED), "greater",
              "The recovery takes a part of the units at both ends back.",
              requires=("dissociation.removal_two_sided",), short="recovery takes a part back"),
        Claim("dissociation.no_preference", OURS, gain(late, f"rsv_mean{then}"), "none",
              "At its end units as a whole prefer neither view.", requires=("dissociation.views_learns",),
              short="at its end: no view preferred"),
    ]  # fmt: skip
