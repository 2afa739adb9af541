"""Do units part into those of one view and those of the other? Source variance after a dissociation (figures 6, 13)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from critical.inference.arms import Contrast, Within
from critical.inference.claims import Claim
from critical.inference.effects import SMALLEST
from critical.measures.information import BINS
from critical.plots.panel import Look, role, shades
from critical.plots.panels import Series, contrasts
from critical.plots.style import OTHER_COLOURS
from critical.plots.views import Preferences
from critical.probes import SourceVarianceProbe
from experiments.design.figure import Design, Figure
from experiments.design.measuring import measuring
from experiments.design.parameters import ManyRemovals
from experiments.design.premises import learns
from experiments.design.protocol import CONTINUE, RESTART, SCHEDULE_WORDS, Protocol, WindowArms, cost
from experiments.design.sources import CVPR2023, OURS
from experiments.design.two_streams import deficits, sham

TWO_SIDED, DIP = "rsv_two_sided", "rsv_dip"
NUMBERS = {TWO_SIDED: "more units at both ends", DIP: "the dip is larger"}
"""The two numbers that two modes at ±1 have: units beyond ±0.5 on either side, and a gap between them."""
SHOWN = "The paper shows histograms and no number."
LOWER = "Longer dissociations recover at lower rates; restarted ones stand beside it."


def variants(protocol: Protocol) -> dict[str, Protocol]:
    """Returns the protocol without what it has of weight decay and augmentation, by its name."""
    parts, off = protocol.parts, {"shift": 0, "flip": False}
    acting: dict[str, Mapping[str, Any]] = {}
    if getattr(parts.optimizer, "weight_decay", 0):
        acting["no weight decay"] = {"optimizer": {"weight_decay": 0.0}}
    if any(getattr(parts.augmentation, field, False) for field in off):
        acting["no augmentation"] = {"augmentation": off}
    return {name: protocol.variant(name, **settings) for name, settings in acting.items()}


def told(held: NDArray[np.float64], chance: float) -> float:
    """Returns by how much what is told of dissociated views exceeds what is halfway from chance to whole ones."""
    dissociated, whole = held
    return float(dissociated - (chance + whole) / 2)


def design(protocol: Protocol, parameters: ManyRemovals) -> Design:
    """Sets dissociations of several lengths against views that belong together, with the same untrained head."""
    ends, dissociation, classes = parameters.removals, deficits(protocol)["dissociation"], protocol.facts.classes
    first, last = ends[0], ends[-1]
    known = (probe for probe in protocol.parts.probes if isinstance(probe, SourceVarianceProbe))
    protocol = measuring(protocol, replace(next(known, SourceVarianceProbe()), modes=True))

    def window(held: Protocol, end: int, how: str) -> WindowArms:
        return held.window(0, end, how, deficit=dissociation, sham=sham(dissociation))

    after = {how: {end: window(protocol, end, how) for end in ends} for how in (CONTINUE, RESTART)}
    late, fair, young = after[CONTINUE][last], after[RESTART][last], after[CONTINUE][first]
    bare = {name: window(held, last, CONTINUE) for name, held in variants(protocol).items()}
    ids = {name: name.replace(" ", "_") for name in bare}
    then, until = f"@{last}", f"a dissociation until epoch {last}"

    def more(held: WindowArms, column: str) -> Contrast:
        return -1.0 * cost(held, column)

    def pair(key: str, source: str, when: str, brief: str, held: WindowArms, at: str, *needs: str) -> list[Claim]:
        """Returns the claims about both numbers."""
        return [
            Claim(f"dissociation.{key}{column.removeprefix('rsv')}", source, more(held, f"{column}{at}"), "greater",
                  f"{when} {words} than where the views belonged together.",
                  differs=SHOWN if source == CVPR2023 else "",
                  requires=tuple(f"dissociation.{need}_learns" for need in needs),
                  short=f"{brief}: {'both sides' if column == TWO_SIDED else 'larger dip'}")
            for column, words in NUMBERS.items()
        ]  # fmt: skip

    def seen(key: str, held: WindowArms, when: str, short: str) -> Claim:
        """Returns the premise that the views are learnt though they do not belong together."""
        parts = tuple(Contrast({arm["accuracy_deficient"]: 1.0}) for arm in (held.deficit, held.dose_matched))
        halfway = Within(parts, lambda held: told(held, 100 / classes), "accuracy")
        return Claim(f"dissociation.{key}_learns", OURS, halfway, "greater",
                     f"At the end of the dissociation{when} either view's label is told from views that do not belong "
                     "together, at least halfway from chance to what is told from whole pairs.",
                     short=short)  # fmt: skip

    def grows(key: str, source: str, how: str, brief: str, sham: str, differs: str = "") -> list[Claim]:
        """Returns the claims that more units lie at both ends the longer it was, and beyond what the sham does."""
        long, short, words = after[how][last], after[how][first], SCHEDULE_WORDS[how]
        return [
            Claim(f"dissociation.{key}", source, long.deficit[TWO_SIDED] - short.deficit[TWO_SIDED], "greater",
                  f"After the recovery ({words}), more units lie at both ends the longer the dissociation was: {last} "
                  f"epochs against {first}.", differs=differs, short=f"{brief}: grows with length",
                  requires=("dissociation.views_learns", f"dissociation.{sham}_learns")),
            Claim(f"dissociation.{key}_than_sham", OURS, more(long, TWO_SIDED) - more(short, TWO_SIDED), "greater",
                  f"So they do ({words}) beyond what longer training does to views that belong together.",
                  requires=(f"dissociation.{key}",), short=f"{brief}: grows beyond sham"),
        ]  # fmt: skip

    claims = [
        learns("dissociation.sham_learns", late.dose_matched, classes, "The sham, rate decaying,",
               "sham learns (decaying)"),
        learns("dissociation.restarted_learns", fair.dose_matched, classes, "The sham, rate restarted,",
               "sham learns (restarted)"),
        *(learns(f"dissociation.{ids[name]}_learns", held.dose_matched, classes, f"The sham, {name},",
                 f"sham learns ({name})") for name, held in bare.items()),
        seen("views", late, "", "dissociated views are learnt"),
        *(seen(f"{ids[name]}_views", held, f", with {name},", f"views learnt, {name}") for name, held in bare.items()),
        *pair("removal", OURS, f"At the end of {until}", "at its end", late, then, "views"),
        *pair("recovered", CVPR2023, f"After {until} and a recovery ({SCHEDULE_WORDS[CONTINUE]})", "recovered", late,
              "", "views", "sham"),
        *grows("longer", CVPR2023, CONTINUE, "recovered", "sham", f"{SHOWN} {LOWER}"),
        *(claim for name, held in bare.items() for claim in
          pair(ids[name], CVPR2023, f"With {name}, after a recovery (rate decaying on),", name, held, "",
               ids[name], f"{ids[name]}_views")),
        Claim("dissociation.not_young", OURS,
              late.deficit[f"{TWO_SIDED}{then}"] - young.dose_matched[f"{TWO_SIDED}@{first}"], "greater",
              f"At its end more units lie at both ends than in a network that whole pairs trained for {first} epochs: "
              "it is not that it learnt less.", requires=("dissociation.removal_two_sided",),
              short="at its end: not a young network"),
        *pair("restarted", OURS, f"After {until} and a recovery ({SCHEDULE_WORDS[RESTART]})", "restarted", fair, "",
              "views", "restarted"),
        *grows("restarted_longer", OURS, RESTART, "restarted", "restarted"),
        Claim("dissociation.mends", OURS, more(late, f"{TWO_SIDED}{then}") - more(late, TWO_SIDED), "greater",
              "The recovery takes a part of the units at both ends back.",
              requires=("dissociation.removal_two_sided",), short="recovery takes a part back"),
        Claim("dissociation.no_preference", OURS, more(late, f"rsv_mean{then}"), "none",
              "At its end units as a whole prefer neither view.", requires=("dissociation.views_learns",),
              short="at its end: no view preferred"),
    ]  # fmt: skip

    def histogram(title: str, lines: list[tuple[Look, Any]], suffix: str = "") -> Preferences:
        return Preferences(title=title, xlabel="which view moves a unit", ylabel="share of units", lines=lines,
                           prefix="rsv_histogram/", suffix=suffix, bins=BINS)  # fmt: skip

    whole = role("dose_matched", "views that belong together")
    some = tuple(dict.fromkeys((first, ends[len(ends) // 2], last)))
    lengths = dict(zip(some, shades([f"dissociated for {end} epochs" for end in some]), strict=True))

    def by_length(column: str, title: str, ylabel: str) -> Series:
        recovered = {CONTINUE: role("deficit", "recovered,\ndecaying", "--", "s"),
                     RESTART: Look("recovered,\nrestarted", OTHER_COLOURS[0], ":", "D")}  # fmt: skip
        at_end = {arm: {end: getattr(held, arm)[f"{column}@{end}"] for end, held in after[CONTINUE].items()}
                  for arm in ("deficit", "dose_matched")}  # fmt: skip
        return Series(
            title=title, ylabel=ylabel, xlabel="epochs of dissociation", zero=True,
            lines=[(role("deficit", "at its end"), at_end["deficit"]),
                   *((look, {end: held.deficit[column] for end, held in after[how].items()})
                     for how, look in recovered.items()),
                   (role("dose_matched", "belonging\ntogether"), at_end["dose_matched"])],
        )  # fmt: skip

    return Design(
        panels=[
            [histogram(f"at the end, epoch {last}",
                       [(whole, late.dose_matched), (role("deficit", "dissociated views"), late.deficit)], then),
             histogram("recovered, rate decaying",
                       [(whole, late.dose_matched),
                        *((look, after[CONTINUE][end].deficit) for end, look in lengths.items())])],
            [by_length(TWO_SIDED, "units at both ends", "smaller share beyond ±0.5"),
             by_length(DIP, "a gap between them", "dip statistic")],
            [contrasts(claims, "share", title="more at both ends", xlabel="difference of shares"),
             contrasts(claims, "dip", title="less of one mode", xlabel="difference of dips")],
        ],
        claims=claims,
        columns=("rsv_histogram/",),
        at={**dict.fromkeys((TWO_SIDED, DIP), ends), "rsv_mean": (last,),
            **{f"rsv_histogram/{number:02}": (last,) for number in range(BINS)}},
        panel_inches=(3.6, (2.7, 2.6, 4.8)),
        leading=("dissociation.recovered_two_sided", "dissociation.removal_two_sided", "dissociation.restarted_dip"),
        note="Which view moves a unit is its relative source variance, +1 where only view a does and −1 where only "
        "view b does. Two modes at ±1 have many units beyond 0.5 on both sides, of which the smaller share is shown, "
        f"and a dip of half that share; {SMALLEST['dip'].effect:g} is too small to matter. Heads a and b are trained, "
        "and the head of both views is not, in either network until the recovery.",
    )  # fmt: skip


FIGURE = Figure(
    name="cvpr2023/rsv_dissociation",
    title="Units after dissociated views",
    question="Do dissociated views part the units into those of one view and those of the other, and does that last?",
    parameters=ManyRemovals,
    design=design,
    deviations=(
        "Its histograms are taken for those after the recovery, as its figure 4 says of its own; those at the end are "
        "ours.",
        "The paper shows histograms; the share beyond ±0.5 on both sides and the dip statistic are ours.",
        "Its reference is the network without a dissociation; here one whose views belong together and whose heads are "
        "trained alike, so that an untrained head is no explanation.",
        "The restarted rate and the network of few epochs are not in the paper. Its dissociated networks have a lower "
        "rate than those with a blurred view; here all have one.",
    ),
    family="two_streams",
)
