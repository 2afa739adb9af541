"""Fisher information of each pathway under a blur of one view, and what such a blur does by its onset."""

from collections.abc import Mapping

from critical.inference.arms import Arm
from critical.plots.of_arms import ByColumn
from critical.plots.panel import Look, Value, role
from critical.plots.panels import Series, contrasts
from critical.plots.style import OTHER_COLOURS
from experiments.design.contrasts import LEARNS_BESIDE
from experiments.design.figure import Design, Figure
from experiments.design.measuring import after_every_epoch
from experiments.design.onsets import at_onsets
from experiments.design.pathway_claims import clean_learn, effects_of, ratio_claims, window_claims
from experiments.design.pathways import CLEAN, RELATIVE, RELATIVE_CLEAN, SEEING, SEEN, Pathways, trace_at, traced
from experiments.design.protocol import CONTINUE, RESTART, Protocol
from experiments.design.two_streams import DEPRIVED

LOOKS = {"a": Look("pathway a", OTHER_COLOURS[2]), "b": Look("pathway b", OTHER_COLOURS[0]),
         "trunk": Look("trunk", OTHER_COLOURS[3], "--")}  # fmt: skip


def design(protocol: Protocol, parameters: Pathways) -> Design:
    """Sets pathway b against pathway a, and what windows do against its trace in a clean run at their onset."""
    end, onsets, classes = parameters.removal, parameters.onsets, protocol.facts.classes
    blurred, again = (traced(protocol).window(0, end, how) for how in (CONTINUE, RESTART))
    clean_run = after_every_epoch(protocol).window(0, onsets[-1], CONTINUE).dose_matched
    windows, later = at_onsets(protocol, parameters), [onset for onset in onsets if onset]
    of_b, whole = (trace_at(clean_run, column, later) for column in (f"{SEEN}{DEPRIVED}", "fisher_trace"))
    effects, damaged = effects_of(windows), role("skip", "damage", "--", "s")
    told, (ratios, sides) = window_claims(windows, of_b, whole), ratio_claims(blurred, again, end)

    def traces(title: str, arm: Arm, columns: str) -> ByColumn:
        window = [] if arm == blurred.dose_matched else [(role("deficit", f"view {DEPRIVED} is blurred"), 0, end)]
        return ByColumn(title=title, ylabel="trace of the Fisher information", arm=arm, logarithmic=True,
                        windows=window, columns={f"{columns}{pathway}": look for pathway, look in LOOKS.items()})

    def by_onset(title: str, ylabel: str, lines: list[tuple[Look, Mapping[int, Value]]], unit: str = "") -> Series:
        return Series(title=title, ylabel=ylabel, xlabel="onset of the window (epoch)", lines=lines, unit=unit)

    return Design(
        panels=[
            [traces("clean", blurred.dose_matched, SEEN), traces(f"blur until epoch {end}", blurred.deficit, SEEN)],
            [contrasts(ratios, "trace", title="pathway b beside pathway a", xlabel="logarithm of the ratio of traces"),
             contrasts(sides, "trace", title="which of the two moved", xlabel="logarithm of the ratio to clean")],
            [traces("the blur, on clean images", blurred.deficit, CLEAN),
             by_onset("what a blur of view b does", "accuracy lost (points)",
                      [(role("dose_matched", "cost"), effects["cost"]), (damaged, effects["damage"])], "accuracy")],
            [by_onset("what is decoded from view b", "lost beside skipped windows (points)",
                      [(damaged, effects["decoded"])], "readout"),
             by_onset("traces of the clean run", "logarithm of the trace",
                      [(LOOKS["b"], of_b), (role("clean", "whole\nnetwork"), whole)])],
            [contrasts(told, "correlation", title="does it tell what windows do?", xlabel="rank correlation"), None],
        ],
        claims=[*clean_learn(blurred, again, windows, classes), *ratios, *sides, *told],
        columns=(SEEN, CLEAN, RELATIVE, RELATIVE_CLEAN),
        at={**{f"{trace}{view}": (end,) for trace in (CLEAN, RELATIVE_CLEAN) for view in (SEEING, DEPRIVED)},
            **{f"{SEEN}{view}": tuple(sorted({end, *later})) for view in (SEEING, DEPRIVED)},
            "fisher_trace": tuple(later)},
        panel_inches=(3.6, (2.5, 3.4, 2.5, 2.5, 3.4)),
        leading=("pathways.on_clean", "pathways.follows_cost", "pathways.beyond_clock_cost"),
        note=f"Windows have {parameters.length} epochs; the rate starts again at their onset and at the removal. A "
        "pathway counts with all its layers; at the removal images and weights change together. A ratio of b to a "
        f"falls where b does, and where a rises. {LEARNS_BESIDE}",
    )  # fmt: skip


FIGURE = Figure(
    name="cvpr2023/split_fisher",
    title="Information in each pathway",
    question="Does a blurred view leave its pathway less information, and does that pathway tell what a blur does?",
    parameters=Pathways,
    design=design,
    deviations=(
        "The trace of the Fisher information is a Monte Carlo estimate; the ICLR paper's is variational and of one "
        "stream. Claims are about the ratio of the two pathways, which does not depend on how sure the answers are.",
        "Clean images at the removal, relative weights, windows at equal rates and networks that skip the window are "
        "ours.",
    ),
    family="two_streams",
)
