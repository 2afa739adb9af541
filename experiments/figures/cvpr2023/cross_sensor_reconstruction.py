"""Has a network that redraws masked patches of two views a critical period, as one with labels? (Figures 7 and 8.)."""

from collections.abc import Mapping
from dataclasses import replace

from critical.data.motion import DIRECTIONS
from critical.inference.effects import unit_of
from critical.plots.panel import Look
from critical.plots.panels import Dots, Series
from critical.plots.style import OTHER_COLOURS, arm_colour
from experiments.design import objectives
from experiments.design.figure import Design, Figure
from experiments.design.objectives import ACROSS, APART, AUXILIARY, LABELS, LONG, NOISE, SLOW, FirstPhase, windows
from experiments.design.protocol import Protocol, WindowArms, cost, damage
from experiments.design.reconstruction_claims import controls, of_motion, of_the_paper, premises
from experiments.design.two_streams import reading_untrained

LOOKS = {
    LABELS: Look(LABELS, arm_colour("deficit")),
    ACROSS: Look(ACROSS, OTHER_COLOURS[4]),
    LONG: Look(LONG, OTHER_COLOURS[4], marker="s"),
    APART: Look(APART, OTHER_COLOURS[2]),
    AUXILIARY: Look(AUXILIARY, OTHER_COLOURS[1]),
    SLOW: Look(SLOW, OTHER_COLOURS[3]),
    NOISE: Look(NOISE, arm_colour("clean")),
}


def design(protocol: Protocol, parameters: FirstPhase) -> Design:
    """Sets windows of a dissociation under each objective against clean networks of as many steps."""
    protocol = objectives.measuring_ends(protocol, parameters)
    onsets, early = parameters.onsets, parameters.onsets[0]
    phase, standard = parameters.phase(early), protocol.recovery
    held = {key: windows(protocol, parameters, key, onsets) for key in (LABELS, ACROSS)}
    alone = {key: windows(protocol, parameters, key, (early,))[early] for key in (APART, AUXILIARY, SLOW)}
    equal = windows(protocol, parameters, ACROSS, (early,), budget=parameters.after + standard)[early]
    first = {LABELS: held[LABELS][early], ACROSS: held[ACROSS][early], LONG: equal, **alone}
    probe = f"probe_code@{phase}"
    claims = [*premises(first, protocol.facts.classes), *of_the_paper(held[LABELS], held[ACROSS]),
              *controls(first, probe, equal.fresh)]  # fmt: skip
    motion, pairs = None, "No data here need both views: either eye tells the class."
    if parameters.motion_pairs:
        shown = objectives.of_motion(protocol, parameters, early)
        claims += of_motion(shown, len(DIRECTIONS), early)
        motion = _costs(f"moving letters ({parameters.motion_pairs:,} pairs)", shown)
        pairs = "No frame of moving letters tells the direction, so labels of dissociated pairs are noise."

    def by_onset(of: str, title: str) -> Series:
        lines = [(LOOKS[key], {onset: cost(one) if of == "cost" else damage(one) for onset, one in held[key].items()})
                 for key in held]  # fmt: skip
        return Series(title=title, xlabel="first epoch of the dissociation", ylabel=f"{of} (points of accuracy)",
                      lines=lines, unit="accuracy")  # fmt: skip

    return Design(
        panels=[
            [by_onset("cost", "against clean epochs instead"), by_onset("damage", "against the window left out")],
            [_costs(f"dissociated from epoch {early} on", first), _levels(first)],
            [_costs("linear probe before the fine-tuning", {key: first[key] for key in (LABELS, ACROSS, APART)}, probe),
             motion],
        ],
        claims=claims, panel_inches=(3.8, (2.4, 6.0, 2.0)), arms=[reading_untrained(equal.fresh)],
        at={"probe_code": (phase, *parameters.ends), "test_accuracy_deficient": parameters.ends},
        leading=("reconstruction.supervised_cost", "reconstruction.costs_less", "reconstruction.costs_little"),
        note=f"An objective is trained in a first phase at a constant rate, then {standard} epochs of labels fine-tune "
        f"all weights; '{LONG}' has {parameters.after + standard}, as many as the network with labels has after the "
        f"window in both. The window has {parameters.length} epochs, and {parameters.after} clean ones of the first "
        f"phase follow it. In the shaded region differences are too small to matter. {pairs}",
    )  # fmt: skip


def _costs(title: str, shown: Mapping[str, WindowArms], column: str = "accuracy") -> Dots:
    """Returns a panel of what the window costs, a row an objective."""
    rows = [(LOOKS[key], cost(one, column)) for key, one in shown.items()]
    unit = unit_of(rows[0][1].terms)
    return Dots(title=title, xlabel="cost (points)", rows=rows, unit=unit, names="above")


def _levels(first: Mapping[str, WindowArms]) -> Dots:
    """Returns a panel of what networks end with."""
    rows = []
    for key in first:
        rows += [(replace(LOOKS[key], label=f"{key}, clean", colour=arm_colour("clean")), first[key].dose_matched),
                 (replace(LOOKS[key], label=f"{key}, dissociated"), first[key].deficit)]  # fmt: skip
    rows.append((Look("no first phase", arm_colour("fresh")), first[ACROSS].fresh))
    return Dots(title="what networks end with", xlabel="final test accuracy (%)", rows=rows, zero=False, names="above")


FIGURE = Figure(
    name="cvpr2023/cross_sensor_reconstruction",
    title="A masked auto-encoder of two views",
    question="Does a dissociation cost less of a network that redraws masked patches of both views before its labels?",
    parameters=FirstPhase,
    design=design,
    deviations=(
        "The paper trains MultiMAE on frames of videos for 800 epochs, its supervised network for 120; their windows "
        "have 200 and 20. Here the encoder is small, data are two eyes (moving letters too, where trained on), "
        "and either objective has as many steps before, in and after a window, at a constant rate.",
        "With labels, the heads of either view are trained in the first phase, on matching pairs outside the window. "
        "The head of both is trained in the fine-tuning, in all networks.",
        "Patches are shifted to mean 0 and divided by their standard deviation before they are redrawn.",
        "Redrawing each view by itself, the auxiliary loss, the slow trunk, the linear probe and networks that skip "
        "the window are ours, and so are random labels of moving letters. Either frame of these has one law whatever "
        "the direction, so that it tells nothing is by construction. Where they move by as many pixels as a patch has, "
        "as in laptop, a motion only exchanges patches of the letter.",
        "In quick the eyes are easy: clean networks end at different levels, the one with labels so high that "
        "an effect of interest would have to multiply its error. It shows the machinery; to decide is for laptop.",
    ),
    family="transformer",
)
