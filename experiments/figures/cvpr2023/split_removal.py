"""Two streams, one of them deprived: accuracy and the deprived stream against the removal (figure 5)."""

from collections.abc import Callable

from critical.plots.panel import Look, Value
from critical.plots.panels import Series
from critical.plots.style import OTHER_COLOURS, arm_colour
from experiments.design.contrasts import WindowArms, cost
from experiments.design.deprived import BRIEF, stream_and_accuracy
from experiments.design.figure import Design, Figure
from experiments.design.lines import over
from experiments.design.parameters import SplitRemovals
from experiments.design.protocol import Protocol
from experiments.design.schedules import AUTHORS, CONTINUE, RESTART, SCHEDULE_TITLES
from experiments.design.two_streams import (
    DEPRIVED,
    MAPS,
    deficits,
    ignored,
    probe_lost,
    reading_untrained,
    sham,
    untrained,
    without,
)

COLOURS = {"blur": arm_colour("deficit"), "dropout": OTHER_COLOURS[4], "dissociation": OTHER_COLOURS[2]}


def design(protocol: Protocol, parameters: SplitRemovals) -> Design:
    """Sets three deficits of one view under two schedules against their references."""
    last, acting = parameters.removals[-1], deficits(protocol)
    windows = {
        (name, how): {end: protocol.window(0, end, how, deficit=deficit, sham=sham(deficit))
                      for end in (parameters.removals if name == "blur" else parameters.other_removals)}
        for name, deficit in acting.items() for how in (CONTINUE, RESTART)
    }  # fmt: skip
    late, authors = {key: held[last] for key, held in windows.items()}, protocol.window(0, last, AUTHORS)
    blur, fair = late["blur", CONTINUE], late["blur", RESTART]
    classes, floor = protocol.facts.classes, untrained(fair.fresh, MAPS)
    published = {CONTINUE: f"{SCHEDULE_TITLES[CONTINUE]} (published)", RESTART: SCHEDULE_TITLES[RESTART]}

    def panel(title: str, ylabel: str, how: str, lost: Callable[[WindowArms], Value], unit: str) -> Series:
        lines = [(Look(name, COLOURS[name]), over(windows[name, how], lost)) for name in acting]
        if unit == "share":
            # Of accuracy it would be no reference: without those epochs view a is not trained either.
            ends = parameters.removals if how == RESTART else (last,)
            missed = {end: without(windows["blur", how][end]) for end in ends}
            lines.append((Look("those epochs\nleft out", arm_colour("fresh"), ":", "s"), over(missed, lost)))
        return Series(
            title=title, ylabel=ylabel, xlabel=f"epoch until which view {DEPRIVED} is deprived", unit=unit,
            lines=lines,
        )  # fmt: skip

    def streams(how: str) -> list[Series]:
        return [
            panel(f"stream impaired, {BRIEF[how]}", f"lost to a probe of stream {DEPRIVED} (share)", how,
                  lambda held: probe_lost(held, MAPS, floor), "share"),
            panel(f"stream ignored, {BRIEF[how]}", "lost to the network beyond that (share)", how,
                  lambda held: ignored(held, DEPRIVED, floor, classes), "share"),
        ]  # fmt: skip

    claims = stream_and_accuracy(late, authors.deficit, last, floor, classes)
    return Design(
        panels=[[panel(title, "accuracy lost with both views (points)", how, cost, "accuracy")
                 for how, title in published.items()],
                *(streams(how) for how in published)],
        claims=claims,
        leading=("split.blur_loses", "split.blur_restart_impaired", "split.blur_restart_impaired_harm"),
        arms=[reading_untrained(fair.fresh), *(getattr(held, arm) for name in acting for how in (RESTART, CONTINUE)
              for arm in ("dose_matched", "deficit") for held in windows[name, how].values()),
              authors.deficit, blur.fresh],  # of the last nothing is said; a committed table has it
        note="Lost is what clean epochs instead of the deficit give more; in the shaded region it is too little to "
        "matter. The network tells from one view alone what it says beside random partners. What streams lose is a "
        "share of what they can lose: 1 leaves a probe what it reads from an untrained stream, and the network chance. "
        "The share that the network loses is the sum of what its stream lost to a probe (impaired) and the rest "
        "(ignored). Where those epochs are left out, the same is lost for want of training. The probe is a logistic "
        "regression on the maps that the fusion receives, fitted on examples on which no network was trained.",
        panel_inches=(3.8, 2.3),
    )  # fmt: skip


FIGURE = Figure(
    name="cvpr2023/split_removal",
    title="Two streams, one deprived",
    question="Is a stream whose view was deprived early impaired, or does the network only ignore it?",
    parameters=SplitRemovals,
    design=design,
    deviations=(
        "Fresh and dose-matched networks, the restarted rate, dropout of a view and the probe are not in the paper.",
        "A view is decoded with random partners instead of zeros, so training needs no zeroed views.",
        "Dissociation never pairs an image with itself, and the head belongs to the image whose label is asked; the "
        "published code draws head and target independently (deficit.variant=authors).",
    ),
    family="two_streams",
)
