"""Which view do units listen to? Relative source variance after a blurred view (figures 4, 9 to 12)."""

from critical.inference.claims import Claim
from critical.measures.information import BINS
from critical.plots.panel import Look, role
from critical.plots.panels import Curves, Histograms, Series
from critical.plots.style import OTHER_COLOURS
from experiments.design.figure import Design, Figure
from experiments.design.parameters import Removals
from experiments.design.protocol import CONTINUE, RESTART, SCHEDULE_WORDS, Protocol, cost
from experiments.design.sources import CVPR2023, OURS
from experiments.design.two_streams import DEPRIVED


def design(protocol: Protocol, parameters: Removals) -> Design:
    """Sets the blurred view under both schedules against clean networks."""
    ends, last = parameters.removals, parameters.removals[-1]
    windows = {how: {end: protocol.window(0, end, how) for end in ends} for how in (RESTART, CONTINUE)}

    def histogram(how: str, end: int) -> Histograms:
        held = windows[how][end]
        return Histograms(
            title=f"removed at {end}, {SCHEDULE_WORDS[how]}", xlabel="relative source variance",
            ylabel="share of units", prefix="rsv_histogram/", bins=BINS,
            lines=[(role("dose_matched", "clean epochs instead"), held.dose_matched),
                   (role("deficit", "after the blur"), held.deficit)],
        )  # fmt: skip

    def series(column: str, words: str) -> Series:
        lines = [
            (role(arm, f"{label}, {SCHEDULE_WORDS[how]}", line),
             {end: getattr(held, arm)[column] for end, held in windows[how].items()})
            for how, line in ((RESTART, "-"), (CONTINUE, "--"))
            for arm, label in (("dose_matched", "clean epochs instead"), ("deficit", "after the blur"))
        ]  # fmt: skip
        return Series(xlabel="epoch of removal", ylabel=words, lines=lines)

    blurred = windows[RESTART][last].deficit
    information = [
        Curves(title=f"{label}, {SCHEDULE_WORDS[RESTART]}", ylabel="usable information (bits)", column=column,
               marks=[last], lines=[(Look(label, colour), blurred)])
        for column, label, colour in (("information_a", "view a", OTHER_COLOURS[2]),
                                      (f"information_{DEPRIVED}", f"view {DEPRIVED} (blurred)", OTHER_COLOURS[0]))
    ]  # fmt: skip
    claims = []
    for how, source, brief in ((CONTINUE, CVPR2023, "decaying"), (RESTART, OURS, "restarted")):
        held, words = windows[how][last], SCHEDULE_WORDS[how]
        claims += [
            Claim(f"rsv.one_sided_{how}", source, -1.0 * cost(held, "rsv_mean"), "greater",
                  f"After a blur of view {DEPRIVED} until epoch {last} units listen to a: mean RSV rises ({words}).",
                  short=f"{brief}: units prefer view a"),
            Claim(f"rsv.polarised_{how}", source, -1.0 * cost(held, "rsv_polarised"), "greater",
                  f"More units than after clean epochs have |RSV| > 0.5 ({words}).",
                  short=f"{brief}: more one-sided units"),
            Claim(f"rsv.information_{how}", source, cost(held, f"information_{DEPRIVED}"), "greater",
                  f"Less usable information is left in the once blurred view than after clean epochs ({words}).",
                  short=f"{brief}: less information left"),
        ]  # fmt: skip
    return Design(
        panels=[
            [histogram(RESTART, end) for end in ends],
            [histogram(CONTINUE, end) for end in ends],
            [series("rsv_polarised", "share of units with |RSV| > 0.5"),
             series("rsv_mean", "mean RSV (+1: only view a)")],
            information,
        ],
        claims=claims,
        columns=("rsv_histogram/",),
        note="+1: only view a moves the unit; −1: only view b; units that neither moves are left out.",
    )  # fmt: skip


FIGURE = Figure(
    name="cvpr2023/rsv_blur",
    title="Which view units listen to",
    question="After an early blur of one view, do units listen to the other one, and is the view's information lost?",
    parameters=Removals,
    design=design,
    deviations=(
        "The sign is that of the paper's definition (+1: only view a matters); its plots carry the opposite one.",
        "Each view is decoded with random partners; the paper zeroes the other view in training and in the test.",
        "Clean networks with as many epochs and the restarted rate are not in the paper.",
    ),
    family="two_streams",
)
