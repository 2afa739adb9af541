"""Two therapies of a view that was deprived early: the good view is patched for a while, or both in turn."""

from critical.inference.arms import Contrast
from critical.inference.claims import Claim
from critical.plots.panel import Look, role
from critical.plots.panels import Series
from critical.plots.style import OTHER_COLOURS
from experiments.design.figure import Design, Figure
from experiments.design.premises import learns
from experiments.design.protocol import Protocol
from experiments.design.sources import OURS
from experiments.design.therapies import (
    ALTERNATION,
    GOOD,
    OTHER_DECODING,
    OTHER_MAPS,
    OTHER_ORDER,
    PATCHING,
    UNTREATED,
    WRONG,
    Therapies,
    of_therapy,
    treated,
)
from experiments.design.two_streams import AVERAGED, DECODING, DEPRIVED, MAPS

LOOKS = {
    UNTREATED: role("deficit", "untreated"),
    PATCHING: Look("good view\npatched", OTHER_COLOURS[3], "-", "s"),
    ALTERNATION: Look("both in turn", OTHER_COLOURS[4], "-", "D"),
    WRONG: Look("poor view\npatched", OTHER_COLOURS[0], "--", "s"),
}


def design(protocol: Protocol, parameters: Therapies) -> Design:
    """Sets both therapies against as many clean epochs, after the deficit and in networks that never had one."""
    end, last = parameters.removal, parameters.lengths[-1]
    arms = {length: treated(protocol, end, length, orders=length == last) for length in parameters.lengths}
    held, half, deficit = arms[last], arms[parameters.half], protocol.deficit.name

    def at_equal_doses(column: str) -> Contrast:
        return half.gain(PATCHING, column) - held.gain(ALTERNATION, column)

    def panel(column: str, title: str, what: str) -> Series:
        lines = [
            (look, {length: one.deprived[kind][column] for length, one in arms.items()}) for kind, look in LOOKS.items()
        ]
        healthy = {length: one.healthy[UNTREATED][column] for length, one in arms.items()}
        return Series(title=title, xlabel="epochs of therapy", ylabel=what,
                      lines=[*lines, (role("dose_matched", "never deprived"), healthy)])  # fmt: skip

    claims = [
        learns("alternation.learns", held.healthy[UNTREATED], protocol.facts.classes, "The network",
               "the network learns"),
        Claim("alternation.poor", OURS, held.poorer(DECODING), "greater",
              f"After {deficit} of view {DEPRIVED} until epoch {end} and {last} clean epochs less is decoded from it.",
              requires=("alternation.learns",), short="untreated: poor view tells less"),
        Claim("alternation.poor_impaired", OURS, held.poorer(MAPS), "greater",
              f"Its stream is impaired, too: a probe reads less from it after {last} clean epochs.",
              requires=("alternation.learns",), short="untreated: poor stream impaired"),
        Claim("alternation.poor_impaired_averaged", OURS, held.poorer(AVERAGED), "greater",
              f"So are its maps averaged over places: a probe reads less from them after {last} clean epochs.",
              requires=("alternation.learns",), short="untreated: poor averages impaired"),
        *of_therapy(PATCHING, held, last),
        *of_therapy(ALTERNATION, held, last),
        Claim("alternation.wrong", OURS, held.gain(WRONG, DECODING), "not greater",
              f"Patching view {DEPRIVED} itself does not bring it back.",
              requires=("alternation.poor",), short="patching the poor view: no gain"),
        Claim("alternation.patch_or_turns", OURS, held.gain(PATCHING, DECODING, than=ALTERNATION),
              "greater", "In as many epochs patching gives the poor view, which is twice as often alone, more than "
              "patching both in turn.", requires=("alternation.patching_sees",), short="patch gives more than turns"),
        Claim("alternation.patch_or_turns_dose", OURS, at_equal_doses(DECODING), "greater",
              f"Patching for {parameters.half} epochs gives the poor view more than patching both in turn for {last} "
              "epochs, in which it is alone as often.", requires=("alternation.patch_or_turns",),
              short="patch gives more, equal doses"),
        Claim("alternation.turns_spare", OURS, held.gain(ALTERNATION, OTHER_DECODING, than=PATCHING), "greater",
              "Patching both in turn, half as often the good view, spares that what patching costs it.",
              requires=("alternation.patching_good_view",), short="turns spare the good view"),
        Claim("alternation.turns_spare_dose", OURS, -1.0 * at_equal_doses(OTHER_DECODING), "greater",
              f"Turns for {last} epochs spare the good view more than patching for {parameters.half}, in which it is "
              "absent as often.", requires=("alternation.turns_spare",), short="turns spare more, equal doses"),
        Claim("alternation.order", OURS, held.gain(ALTERNATION, DECODING, than=OTHER_ORDER), "none",
              "Which view has the last turn does not matter to what is decoded from the poor one.",
              requires=("alternation.alternation_sees",), short="order of turns does not matter"),
    ]  # fmt: skip
    return Design(
        panels=[
            [panel(DECODING, "the poor view", f"accuracy from view {DEPRIVED} alone (%)"),
             panel("accuracy", "both views", "test accuracy (%)")],
            [panel(MAPS, "the stream of the poor view", f"linear probe of stream {DEPRIVED} (%)"),
             panel(AVERAGED, "its averages over places", f"linear probe of averages {DEPRIVED} (%)")],
            [panel(OTHER_DECODING, "the good view", f"accuracy from view {GOOD} alone (%)"),
             panel(OTHER_MAPS, "the stream of the good view", f"linear probe of stream {GOOD} (%)")],
        ],
        claims=claims,
        leading=("alternation.patching_sees", "alternation.patching_mends_averaged", "alternation.patching_accuracy"),
        arms=[arm for one in arms.values() for arm in (*one.healthy.values(), *one.deprived.values())],
        panel_inches=(3.8, 2.5),
        note=f"View {DEPRIVED}, the poor one, has {deficit} until epoch {end}. Then views are patched, that is absent, "
        "for so many epochs, or nothing is ('untreated'), and all networks recover alike, with both views. The rate "
        "starts again at the removal and after the therapy.",
    )  # fmt: skip


FIGURE = Figure(
    name="multimodal/alternation",
    title="Therapies of a deprived view",
    question="Does patching the good view, or both views in turn, bring a view back that was deprived early?",
    parameters=Therapies,
    design=design,
    deviations=("No paper shows this; the therapies are those of amblyopia.",),
    family="two_streams",
)
