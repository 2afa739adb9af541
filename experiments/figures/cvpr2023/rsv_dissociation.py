"""Do units part into those of one view and those of the other? Source variance after a dissociation (figures 6, 13)."""

from dataclasses import replace
from typing import Any

from critical.inference.effects import SMALLEST
from critical.measures.information import BINS
from critical.plots.panel import Look, role, shades
from critical.plots.panels import Series, contrasts
from critical.plots.style import OTHER_COLOURS
from critical.plots.views import Preferences
from experiments.design.dissociations import DIP, TWO_SIDED, Dissociations, dissociated, of_dissociations, variants
from experiments.design.figure import Design, Figure
from experiments.design.lines import over
from experiments.design.protocol import CONTINUE, RESTART, Protocol


def design(protocol: Protocol, parameters: Dissociations) -> Design:
    """Sets dissociations of several lengths against views that belong together, with the same untrained head."""
    ends, classes = parameters.removals, protocol.facts.classes
    first, last = ends[0], ends[-1]
    own = replace(protocol, rate=parameters.rate, decay=parameters.decay)
    after = {how: {end: dissociated(own, end, how) for end in ends} for how in (CONTINUE, RESTART)}
    bare = {name: dissociated(held, last, CONTINUE) for name, held in variants(own).items()}
    claims = of_dissociations(after, bare, classes)
    late = after[CONTINUE][last]

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
                   *((look, over(after[how], lambda held: held.deficit[column])) for how, look in recovered.items()),
                   (role("dose_matched", "belonging\ntogether"), at_end["dose_matched"])],
        )  # fmt: skip

    return Design(
        panels=[
            [histogram(f"at the end, epoch {last}",
                       [(whole, late.dose_matched), (role("deficit", "dissociated views"), late.deficit)], f"@{last}"),
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
    question="Do dissociated views split the units into those of one view and those of the other, and does that last?",
    parameters=Dissociations,
    design=design,
    deviations=(
        "Its histograms are taken for those after the recovery, as its figure 4 says of its own; those at the end are "
        "ours.",
        "The paper shows histograms; the share beyond ±0.5 on both sides and the dip statistic are ours.",
        "Its reference is the network without a dissociation; here one whose views belong together and whose heads are "
        "trained alike, so that an untrained head is no explanation.",
        "The restarted rate and the network of few epochs are not in the paper. Profiles `paper` and `quick` give "
        "dissociated networks a lower rate than those with a blurred view, as the paper does; elsewhere all have one.",
    ),
    family="two_streams",
)
