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
from experiments.design.therapies import ALTERNATION, GOOD, PATCHING, UNTREATED, WRONG, Therapies, Treated, treated
from experiments.design.two_streams import DEPRIVED

LOOKS = {
    UNTREATED: role("deficit", "untreated"),
    PATCHING: Look("good view\npatched", OTHER_COLOURS[3], "-", "s"),
    ALTERNATION: Look("both in turn", OTHER_COLOURS[4], "-", "D"),
    WRONG: Look("poor view\npatched", OTHER_COLOURS[0], "--", "s"),
}
NAMES = {PATCHING: f"Patching view {GOOD}", ALTERNATION: "Patching both views in turn"}
BRIEF = {PATCHING: "patch", ALTERNATION: "turns"}
SEEN, STREAM = f"decoding_{DEPRIVED}", f"probe_maps_{DEPRIVED}"
OTHER_SEEN, OTHER_STREAM = f"decoding_{GOOD}", f"probe_maps_{GOOD}"


def of_therapy(kind: str, held: Treated, length: int) -> list[Claim]:
    """Returns what is claimed of a therapy: what it does to the poor view, to the good one, and to both."""
    what, brief = f"{NAMES[kind]} for {length} epochs", BRIEF[kind]
    ignored, impaired = ("alternation.poor",), ("alternation.poor_impaired",)

    def costs(column: str) -> Contrast:
        return -1.0 * held.gain(kind, column)

    return [
        Claim(f"alternation.{kind}_sees", OURS, held.gain(kind, SEEN), "greater",
              f"{what} lets the network decode more from the poor view than as many clean epochs.",
              requires=ignored, short=f"{brief}: poor view tells more"),
        Claim(f"alternation.{kind}_mends", OURS, held.gain(kind, STREAM), "greater",
              f"{what} mends the stream of the poor view: a linear probe reads more from it.",
              requires=impaired, short=f"{brief}: poor stream mended"),
        Claim(f"alternation.{kind}_heals", OURS, held.beyond(kind, SEEN), "greater",
              f"{what} gives the poor view more than it gives that view where it never was deprived.",
              requires=(f"alternation.{kind}_sees",), short=f"{brief}: more than healthy gain"),
        Claim(f"alternation.{kind}_back", OURS, held.poorer(SEEN, kind), "not greater",
              f"{what} brings the poor view back: no less is decoded from it than where it never was deprived.",
              requires=ignored, short=f"{brief}: poor view is back"),
        Claim(f"alternation.{kind}_stream_back", OURS, held.poorer(STREAM, kind), "not greater",
              f"{what} brings its stream back: a probe reads no less from it than where it never was deprived.",
              requires=impaired, short=f"{brief}: poor stream is back"),
        Claim(f"alternation.{kind}_good_view", OURS, costs(OTHER_SEEN), "greater",
              f"{what} costs the good view: less is decoded from it.", short=f"{brief}: good view tells less"),
        Claim(f"alternation.{kind}_good_stream", OURS, costs(OTHER_STREAM), "greater",
              f"{what} impairs the stream of the good view.", short=f"{brief}: good stream impaired"),
        Claim(f"alternation.{kind}_accuracy", OURS, held.gain(kind), "greater",
              f"{what} raises accuracy with both views.", short=f"{brief}: accuracy rises"),
    ]  # fmt: skip


def design(protocol: Protocol, parameters: Therapies) -> Design:
    """Sets both therapies against as many clean epochs, after the deficit and in networks that never had one."""
    end, last = parameters.removal, parameters.lengths[-1]
    arms = {length: treated(protocol, end, length) for length in parameters.lengths}
    held, deficit = arms[last], protocol.deficit.name

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
        Claim("alternation.poor", OURS, held.poorer(SEEN), "greater",
              f"After {deficit} of view {DEPRIVED} until epoch {end} and {last} clean epochs less is decoded from it.",
              requires=("alternation.learns",), short="untreated: poor view tells less"),
        Claim("alternation.poor_impaired", OURS, held.poorer(STREAM), "greater",
              f"Its stream is impaired, too: a probe reads less from it after {last} clean epochs.",
              requires=("alternation.learns",), short="untreated: poor stream impaired"),
        *of_therapy(PATCHING, held, last),
        *of_therapy(ALTERNATION, held, last),
        Claim("alternation.wrong", OURS, held.gain(WRONG, SEEN), "not greater",
              f"Patching view {DEPRIVED} itself does not bring it back: one view at a time is not enough.",
              requires=("alternation.poor",), short="patching the poor view: no gain"),
        Claim("alternation.patch_or_turns", OURS, held.deprived[PATCHING][SEEN] - held.deprived[ALTERNATION][SEEN],
              "greater", "In as many epochs patching gives the poor view more than patching both in turn.",
              requires=("alternation.patching_sees",), short="patch gives more than turns"),
        Claim("alternation.turns_spare", OURS,
              held.deprived[ALTERNATION][OTHER_SEEN] - held.deprived[PATCHING][OTHER_SEEN], "greater",
              "Patching both in turn spares the good view what patching costs it.",
              requires=("alternation.patching_good_view",), short="turns spare the good view"),
    ]  # fmt: skip
    return Design(
        panels=[
            [panel(SEEN, "the poor view", f"accuracy from view {DEPRIVED} alone (%)"),
             panel(STREAM, "the stream of the poor view", f"linear probe of stream {DEPRIVED} (%)")],
            [panel(OTHER_SEEN, "the good view", f"accuracy from view {GOOD} alone (%)"),
             panel("accuracy", "both views", "test accuracy (%)")],
        ],
        claims=claims,
        leading=("alternation.patching_sees", "alternation.patching_mends"),
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
