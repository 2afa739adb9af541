"""Which view do units listen to? Relative source variance after a blurred view (figures 4, 9 to 12)."""

from critical.inference.claims import Claim
from critical.measures.information import BINS
from critical.plots.panel import Look, role
from critical.plots.panels import Series
from critical.plots.style import OTHER_COLOURS
from critical.plots.views import ByView, Preferences
from experiments.design.figure import Design, Figure
from experiments.design.parameters import ManyRemovals
from experiments.design.premises import learns
from experiments.design.protocol import CONTINUE, RESTART, SCHEDULE_TITLES, SCHEDULE_WORDS, Protocol, cost
from experiments.design.sources import CVPR2023, OURS
from experiments.design.two_streams import DEPRIVED


def design(protocol: Protocol, parameters: ManyRemovals) -> Design:
    """Sets the blurred view under both schedules against clean networks."""
    ends, last = parameters.removals, parameters.removals[-1]
    windows = {how: {end: protocol.window(0, end, how) for end in ends} for how in (RESTART, CONTINUE)}

    def histogram(how: str, title: str) -> Preferences:
        held = windows[how][last]
        return Preferences(
            title=title, xlabel="which view moves a unit",
            ylabel=f"share of units (blur until epoch {last})", prefix="rsv_histogram/", bins=BINS,
            lines=[(role("dose_matched", "clean epochs instead"), held.dose_matched),
                   (role("deficit", f"after a blur of view {DEPRIVED}"), held.deficit)],
        )  # fmt: skip

    preferred = Series(
        title="the later the blur is removed", xlabel=f"epoch until which view {DEPRIVED} is blurred",
        ylabel="mean over units (0: both, 1: only view a)", unit="share",
        lines=[
            (role(arm, label, *looks), {end: getattr(held, arm)["rsv_mean"] for end, held in windows[how].items()})
            for how, brief, looks in ((CONTINUE, "decaying", ("--", "s")), (RESTART, "restarted", ("-", "o")))
            for arm, label in (("deficit", f"blur, rate\n{brief}"), ("dose_matched", "clean" if how == RESTART else ""))
        ],
    )  # fmt: skip
    information = ByView(
        title=SCHEDULE_TITLES[RESTART], ylabel="usable information (bits)", column="information_",
        windows=[(role("deficit", f"view {DEPRIVED} is blurred"), 0, last)],
        arm=windows[RESTART][last].deficit,
        views={"a": Look("view a", OTHER_COLOURS[2]),
               DEPRIVED: Look(f"view {DEPRIVED},\nonce blurred", OTHER_COLOURS[0])},
    )  # fmt: skip
    claims = []
    for how, source, brief in ((CONTINUE, CVPR2023, "decaying"), (RESTART, OURS, "restarted")):
        held, words, clean = windows[how][last], SCHEDULE_WORDS[how], f"rsv.{how}_learns"
        claims += [
            learns(clean, held.dose_matched, protocol.facts.classes, f"The clean network, rate {brief},",
                   f"{brief}: clean network learns"),
            Claim(f"rsv.one_sided_{how}", source, -1.0 * cost(held, "rsv_mean"), "greater",
                  f"After a blur of view {DEPRIVED} until epoch {last} units listen to a: mean RSV rises ({words}).",
                  requires=(clean,), short=f"{brief}: units prefer view a"),
            Claim(f"rsv.polarised_{how}", source, -1.0 * cost(held, "rsv_polarised"), "greater",
                  f"More units than after clean epochs have |RSV| > 0.5 ({words}).",
                  requires=(clean,), short=f"{brief}: more one-sided units"),
            Claim(f"rsv.information_{how}", source, cost(held, f"information_{DEPRIVED}"), "greater",
                  f"Less usable information is left in the once blurred view than after clean epochs ({words}).",
                  requires=(clean,), short=f"{brief}: less information left"),
        ]  # fmt: skip
    return Design(
        panels=[
            [histogram(CONTINUE, f"{SCHEDULE_TITLES[CONTINUE]} (published)"), preferred],
            [histogram(RESTART, SCHEDULE_TITLES[RESTART]), information],
        ],
        claims=claims,
        columns=("rsv_histogram/",),
        leading=tuple(f"rsv.one_sided_{how}" for how in (CONTINUE, RESTART)),
        arms=[arm for held in windows.values() for pair in held.values() for arm in (pair.dose_matched, pair.deficit)],
        panel_inches=(3.7, 2.7),
        note="Which view moves a unit is its relative source variance, +1 where only view a does and −1 where only "
        "view b does; units that neither moves are left out.",
    )  # fmt: skip


FIGURE = Figure(
    name="cvpr2023/rsv_blur",
    title="Which view units listen to",
    question="After an early blur of one view, do units listen to the other one, and is the view's information lost?",
    parameters=ManyRemovals,
    design=design,
    deviations=(
        "The sign is that of the paper's definition (+1: only view a matters); its plots carry the opposite one.",
        "Each view is decoded with random partners; the paper zeroes the other view in training and in the test.",
        "Clean networks with as many epochs and the restarted rate are not in the paper.",
    ),
    family="two_streams",
)
