"""Fisher information of each pathway under a blur of one view, and what such a blur does by its onset."""

from collections.abc import Mapping

from critical.inference.arms import Arm
from critical.inference.claims import Claim
from critical.inference.correlation import more_correlated, rank_correlation
from critical.plots.of_arms import ByColumn
from critical.plots.panel import Look, Value, role
from critical.plots.panels import Series, contrasts
from critical.plots.style import OTHER_COLOURS
from experiments.design.contrasts import LEARNS_BESIDE
from experiments.design.figure import Design, Figure
from experiments.design.lines import over
from experiments.design.measuring import after_every_epoch
from experiments.design.pathways import CLEAN, RELATIVE, RELATIVE_CLEAN, SEEING, SEEN, Pathways, ratio_claims, traced
from experiments.design.premises import learns
from experiments.design.protocol import CONTINUE, RESTART, RESTART_AT_ONSET, Protocol, age, cost, damage
from experiments.design.sources import CVPR2023, ICLR2019, JUMP, OURS
from experiments.design.two_streams import DECODING, DEPRIVED

LOOKS = {"a": Look("pathway a", OTHER_COLOURS[2]), "b": Look("pathway b", OTHER_COLOURS[0]),
         "trunk": Look("trunk", OTHER_COLOURS[3], "--")}  # fmt: skip


def design(protocol: Protocol, parameters: Pathways) -> Design:
    """Sets pathway b against pathway a, and what windows do against its trace in a clean run at their onset."""
    end, onsets, classes = parameters.removal, parameters.onsets, protocol.facts.classes
    blurred, again = (traced(protocol).window(0, end, how) for how in (CONTINUE, RESTART))
    clean_run = after_every_epoch(protocol).window(0, onsets[-1], CONTINUE).dose_matched
    windows = {onset: protocol.window(onset, parameters.length, RESTART_AT_ONSET) for onset in onsets}
    first, last, later = onsets[0], onsets[-1], [onset for onset in onsets if onset]
    effects = {"cost": over(windows, cost), "damage": over(windows, damage),
               "decoded": over(windows, lambda held: damage(held, DECODING))}  # fmt: skip
    at_later = {kind: [line[onset] for onset in later] for kind, line in effects.items()}
    of_b, whole = ([clean_run.log(f"{column}@{onset}") for onset in later]
                   for column in (f"{SEEN}{DEPRIVED}", "fisher_trace"))  # fmt: skip
    said = {"cost": f"what a window of blurred view {DEPRIVED} costs",
            "damage": f"the damage of a window of blurred view {DEPRIVED} to the network",
            "decoded": f"its damage to what is decoded from view {DEPRIVED} alone"}  # fmt: skip

    there = {"cost": "pathways.closes", "damage": "pathways.damages", "decoded": "pathways.damages_decoded"}
    windowed = tuple(f"pathways.from_{onset}_learns" for onset in (first, last))
    ratios, sides = ratio_claims(blurred, again, end)
    claims = [
        learns("pathways.clean_learns", blurred.dose_matched, classes, "The clean network, rate decaying,",
               "clean run learns (decaying)"),
        learns("pathways.restarted_learns", again.dose_matched, classes, "The clean network, rate restarted,",
               "clean run learns (restarted)"),
        *(learns(f"pathways.from_{onset}_learns", windows[onset].dose_matched, classes,
                 f"The clean network of the window from epoch {onset} on", f"clean run learns (window from {onset})")
          for onset in (first, last)),
        *ratios,
        *sides,
        Claim("pathways.closes", CVPR2023, age(windows[first], windows[last]), "greater",
              f"At equal rates a blur of view {DEPRIVED} costs more from epoch {first} on than from epoch {last} on.",
              requires=windowed, differs=f"The paper varies the removal. {JUMP}",
              short="early costs more (equal rates)"),
        *(Claim(there[kind], OURS, effects[kind][first], "greater",
                f"At equal rates a blur of view {DEPRIVED} from epoch {first} on leaves less of {what} than a network "
                "that skips the window has.", requires=windowed[:1], short=short)
          for kind, what, short in (("damage", "the network's accuracy", "early blur: network damaged"), (
              "decoded", f"what it decodes from view {DEPRIVED} alone", "early blur: decoded, damage"))),
        *(Claim(f"pathways.follows_{kind}", ICLR2019 if kind == "cost" else OURS,
                rank_correlation(at_later[kind], of_b), "greater",
                f"Over onsets, {words} follows the trace of pathway {DEPRIVED} of a clean run there (rank "
                "correlation).", requires=(*windowed, there[kind]), short=f"{kind}: follows the trace of b",
                differs=f"The paper has one stream and a decaying rate. {JUMP}" if kind == "cost" else "")
          for kind, words in said.items()),
        *(Claim(f"pathways.beyond_clock_{kind}", OURS, more_correlated(at_later[kind], of_b, later), "greater",
                f"The trace of pathway {DEPRIVED} tells more of {words} than the epoch by itself.",
                requires=(f"pathways.follows_{kind}",), short=f"{kind}: b tells beyond a clock")
          for kind, words in said.items()),
        Claim("pathways.beyond_whole", OURS, more_correlated(at_later["cost"], of_b, whole), "greater",
              f"The trace of pathway {DEPRIVED} tells more of {said['cost']} than that of the whole network.",
              requires=("pathways.follows_cost",), short="cost: b tells beyond the whole"),
    ]  # fmt: skip

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
                      [(role("dose_matched", "cost"), effects["cost"]),
                       (role("skip", "damage", "--", "s"), effects["damage"])], "accuracy")],
            [by_onset("what is decoded from view b", "lost beside skipped windows (points)",
                      [(role("skip", "damage", "--", "s"), effects["decoded"])], "readout"),
             by_onset("traces of the clean run", "logarithm of the trace",
                      [(LOOKS["b"], dict(zip(later, of_b, strict=True))),
                       (role("clean", "whole\nnetwork"), dict(zip(later, whole, strict=True)))])],
            [contrasts(claims, "correlation", title="does it tell what windows do?", xlabel="rank correlation"), None],
        ],
        claims=claims,
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
