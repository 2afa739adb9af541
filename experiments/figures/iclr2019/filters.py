"""Filters of the first layer at the end, by the epoch of removal (Achille et al. 2019)."""

from critical.core.spec import SpecError
from critical.deficits import VerticalFlip
from critical.inference.arms import Arm, Contrast
from critical.inference.claims import Claim
from critical.models import MLP
from critical.plots.of_arms import Images
from critical.plots.panel import role
from critical.plots.panels import Series, contrasts
from critical.probes import Filters
from experiments.design.figure import Design, Figure
from experiments.design.lines import of_arms
from experiments.design.measuring import measuring
from experiments.design.parameters import Removals
from experiments.design.protocol import CONTINUE, RESTART, SCHEDULE_TITLES, Protocol
from experiments.design.sources import ICLR2019, OURS

SHARE = "filter_high_frequency_share"


def design(protocol: Protocol, parameters: Removals) -> Design:
    """Sets windows [0, removal) against clean and fresh networks, and a deficit that keeps the frequencies."""
    if isinstance(protocol.parts.model, MLP):
        raise SpecError("model=mlp: iclr2019/filters shows those of the first convolution, and it has none; choose "
                        "another, such as model=all_cnn")  # fmt: skip
    measured, name, ends = measuring(protocol, Filters(every=0)), protocol.deficit.name, parameters.removals
    first, last = ends[0], ends[-1]
    window = {how: {end: measured.window(0, end, how) for end in ends} for how in (CONTINUE, RESTART)}
    late, fair = window[CONTINUE][last], window[RESTART][last]
    flip = measured.window(0, last, CONTINUE, deficit=VerticalFlip()).deficit

    def finer(one: Arm, other: Arm, at: str = "") -> Contrast:
        return one[f"{SHARE}{at}"] - other[f"{SHARE}{at}"]

    claims = (
        Claim("filters.blurrier", ICLR2019, finer(late.deficit, late.dose_matched), "less",
              f"{name.capitalize()} until epoch {last} leaves filters with less of their power at high frequencies "
              "than those of a clean run (rate decaying).", short="filters end blurrier than clean"),
        Claim("filters.later", ICLR2019, finer(late.deficit, window[CONTINUE][first].deficit), "less",
              f"They are the blurrier the later the removal: after {last} epochs more than after {first}.",
              short="later removal, blurrier filters"),
        Claim("filters.at_removal", OURS, finer(late.deficit, late.dose_matched, f"@{last}"), "less",
              f"At the removal, filters that saw {name} are blurrier than those of the clean run.",
              short="blurrier at the removal"),
        Claim("filters.fresh", OURS, finer(late.deficit, late.fresh), "less",
              "They end blurrier than those of a network that was only trained as briefly, at the recovery's rates.",
              short="blurrier than fresh (decaying)"),
        Claim("filters.restart", OURS, finer(fair.deficit, fair.dose_matched), "less",
              "They end blurrier than those of a clean run where the rate restarts at the removal, too.",
              short="blurrier than clean (restarted)"),
        Claim("filters.flip", OURS, finer(flip, late.dose_matched), "none",
              "A vertical flip, which keeps all frequencies, leaves filters as fine as those of a clean run.",
              short="vertical flip blurs no filter"),
        Claim("filters.more_than_flip", OURS, finer(late.deficit, flip), "less",
              f"After {name} they are blurrier than after the flip.", short="blurrier than after the flip"),
    )  # fmt: skip

    def shares(how: str) -> Series:
        names = {"dose_matched": "clean epochs\ninstead", "fresh": "fresh", "deficit": f"{name} until\nthis epoch"}
        return Series(title=SCHEDULE_TITLES[how], xlabel="epoch of removal", ylabel="share of high frequencies (0–1)",
                      lines=of_arms(window[how], names, lambda arm: arm[SHARE]))  # fmt: skip

    rows = [(role("dose_matched", "clean"), late.dose_matched),
            *((role("deficit", f"until {end}"), window[CONTINUE][end].deficit) for end in ends)]  # fmt: skip
    return Design(
        panels=[
            [Images(title=f"filters at the end, after {name}", ylabel="each in its own scale; grey is 0", rows=rows,
                    xlabel="filters of the first layer of one network", prefix="filter/"),
             contrasts(claims, "share", title="blurrier filters?", xlabel="difference of shares")],
            [shares(how) for how in window],
        ],
        claims=claims,
        columns=("filter/",),
        at={SHARE: (last,)},
        panel_inches=(3.4, (3.2, 2.5)),
        leading=("filters.blurrier", "filters.fresh"),
        note="High are radial frequencies above half the Nyquist frequency; of white filters, such as untrained ones, "
        "0.80 of the power lies there.",
    )  # fmt: skip


FIGURE = Figure(
    name="iclr2019/filters",
    title="Filters of the first layer",
    question="Are the filters of the first layer blurrier the later a deficit is removed?",
    parameters=Removals,
    design=design,
    deviations=(
        "The paper shows filters and no number; the share of their power at high frequencies is ours.",
        "Fresh networks, the restarted rate and the flip are ours here.",
    ),
)
