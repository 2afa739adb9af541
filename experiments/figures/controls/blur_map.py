"""Does blur hurt or help? Its strength against the length of its window, and what is left of it in the network."""

from collections.abc import Callable

from critical.inference.arms import Arm, Contrast
from critical.inference.claims import Claim
from critical.inference.correlation import mean_rank_correlation
from critical.plots.panel import Look, Value, role
from critical.plots.panels import HeatMap, Series, contrasts
from critical.plots.style import OTHER_COLOURS
from critical.probes import Ladders
from experiments.design.blurs import Blurs, course
from experiments.design.figure import Design, Figure
from experiments.design.lines import over
from experiments.design.measuring import measuring
from experiments.design.protocol import Protocol, WindowArms, cost, harm
from experiments.design.sources import ACUITY2025, JANG2021, OURS, VOGELSANG2018


def design(protocol: Protocol, parameters: Blurs) -> Design:
    """Crosses strengths with lengths, and lets vision sharpen within the longest window, against a shuffled order."""
    lengths, shrinks = parameters.lengths, parameters.shrinks
    last, weak, strong = lengths[-1], shrinks[0], shrinks[-1]
    ladders = Ladders(blurs=shrinks, every=0, recovery_every=0)
    seeing = measuring(protocol, ladders)
    clean = {length: seeing.window(0, length) for length in lengths}
    cells = {(length, shrink): seeing.window(0, length, deficit=blur, blur=f"to 1/{shrink}")
             for shrink, blur in parameters.blurs(protocol).items() for length in lengths}  # fmt: skip
    sharpening = course(seeing, parameters, parameters.sharpening, "sharpening")
    shuffled = course(seeing, parameters, parameters.shuffled, "shuffled")
    mild, severe, instead = cells[last, weak], cells[last, strong], clean[last]
    until, blurred, noisy = f"until epoch {last}", "accuracy_blurred", "accuracy_noisy"
    mild_said, sees = f"Blur to 1/{weak} of the side {until}", "on blurred test images"

    def gain(held: WindowArms, column: str, than: Arm = instead.dose_matched) -> Contrast:
        return held.deficit[column] - than[column]

    premise = ("blur_map.blind",)
    claims = (
        Claim("blur_map.blind", OURS, instead.dose_matched - instead.dose_matched[blurred], "greater",
              f"A network that never saw blur is worse {sees} than on clean ones.",
              short="clean networks lose by blur"),
        Claim("blur_map.lasting", VOGELSANG2018, gain(mild, blurred), "greater",
              f"{mild_said} leaves the network better {sees} than as many clean epochs.", requires=premise,
              short="early blur helps against blur"),
        Claim("blur_map.not_fewer", OURS, gain(mild, blurred, mild.fresh), "greater",
              f"{mild_said} leaves it better {sees} than a network of the same clean epochs alone.", requires=premise,
              short="and beyond a fresh network"),
        Claim("blur_map.fades", JANG2021,
              mild.deficit["accuracy_deficient"] - mild.deficit[f"accuracy_blur/{weak}"], "greater",
              "What was learnt of blurred images is lost in the clear ones after them: accuracy on these falls.",
              short="what blur taught is lost again"),
        Claim("blur_map.sharpening_blur", ACUITY2025, gain(sharpening, blurred), "greater",
              f"Vision that sharpens {until} leaves the network better {sees} than as many clean epochs.",
              requires=premise, short="sharpening helps against blur"),
        Claim("blur_map.sharpening_noise", ACUITY2025, gain(sharpening, noisy), "greater",
              f"Vision that sharpens {until} leaves the network better on noisy test images than as many clean epochs.",
              short="sharpening helps against noise"),
        Claim("blur_map.order_blur", ACUITY2025, gain(sharpening, blurred, shuffled.deficit), "greater",
              f"It is the order: sharpening leaves it better {sees} than the same blurs shuffled before the same last "
              "one.", requires=premise,
              short="sharpening beats shuffled (blur)"),
        Claim("blur_map.order_noise", ACUITY2025, gain(sharpening, noisy, shuffled.deficit), "greater",
              "Sharpening leaves it better on noisy test images than the same blurs shuffled.",
              short="sharpening beats shuffled (noise)"),
        Claim("blur_map.order_clean", OURS, gain(sharpening, "accuracy", shuffled.deficit), "greater",
              "Sharpening leaves it better on clean test images than the same blurs shuffled.",
              short="sharpening beats shuffled (clean)"),
        Claim("blur_map.mild_helps", OURS, -1.0 * harm(mild), "greater",
              f"{mild_said} helps: the network ends above a fresh one.", short="mild blur ends above fresh"),
        Claim("blur_map.mild_costs", OURS, cost(mild), "greater",
              f"{mild_said} gives less than as many clean epochs.", short="mild blur costs accuracy"),
        Claim("blur_map.severe_harms", OURS, harm(severe), "greater",
              f"Blur to 1/{strong} {until} leaves the network below a fresh one.", short="severe blur does damage"),
        Claim("blur_map.stronger", OURS, cost(severe) - cost(mild), "greater",
              f"Blur to 1/{strong} costs more than blur to 1/{weak} {until}.", short="severe blur costs more"),
        Claim("blur_map.learnt", OURS,
              mean_rank_correlation([([harm(cells[length, shrink]) for length in lengths],
                                      [cells[length, shrink].deficit["accuracy_deficient"] for length in lengths])
                                     for shrink in shrinks]), "less",
              "Over the lengths of one blur, damage is the smaller the better it was learnt (rank correlation, mean "
              "over strengths).",
              differs="Longer windows are learnt better and may do more damage, which works against the sentence.",
              short="damage falls with what was learnt"),
    )  # fmt: skip

    def heat(title: str, words: str, value: Callable[[WindowArms], Value], signed: bool = True) -> HeatMap:
        return HeatMap(title=title, xlabel="epochs of blur", ylabel=f"{words}, by factor", signed=signed,
                       cells=over(cells, value))  # fmt: skip

    shown = {
        role("dose_matched", "clean\ninstead"): instead.dose_matched,
        role("fresh", "fresh"): mild.fresh,
        role("deficit", f"blur\nto 1/{weak}"): mild.deficit,
        Look("sharpening", OTHER_COLOURS[4], "-", "D"): sharpening.deficit,
        Look("shuffled", OTHER_COLOURS[0], "--", "s"): shuffled.deficit,
    }

    def ladder(title: str, words: str, kind: str, rungs: tuple[float, ...]) -> Series:
        seen = {0: "accuracy", **{rung: f"accuracy_{kind}/{rung:g}" for rung in rungs}}
        return Series(title=title, xlabel=words, ylabel="final accuracy (%)", categories=True,
                      lines=[(look, {rung: arm[column] for rung, column in seen.items()})
                             for look, arm in shown.items()])  # fmt: skip

    return Design(
        panels=[
            [heat("what the blur costs", "points below clean epochs", cost),
             heat("what damage it does", "points below fresh", harm)],
            [heat("how well it was learnt", "accuracy on blurred images (%)",
                  lambda held: held.deficit["accuracy_deficient"], signed=False),
             contrasts(claims, "accuracy", title="does blur help?", xlabel="difference (points)")],
            [ladder("on blurred test images", "shrunk by this factor (0: clean)", "blur", ladders.blurs),
             ladder("on noisy test images", "s.d. of the noise (0: clean)", "noise", ladders.noises)],
        ],
        claims=claims,
        leading=("blur_map.lasting", "blur_map.mild_helps", "blur_map.severe_harms"),
        arms=[*(held.dose_matched for held in clean.values()), instead.fresh],
        columns=("accuracy_blur/", "accuracy_noise/"),
        panel_inches=(3.6, (2.3, 4.4, 2.6)),
        note="In the maps, rows are factors by which the sides of images are shrunk. The rate restarts at the removal. "
        f"'Sharpening' goes through blur to 1/{', 1/'.join(map(str, parameters.sharpening))} of the side in {last} "
        f"epochs; 'shuffled' has the same blurs as long, but to 1/{', 1/'.join(map(str, parameters.shuffled))}.",
    )  # fmt: skip


FIGURE = Figure(
    name="controls/blur_map",
    title="Strength and length of blur",
    question="Does early blur hurt or help, and does that hang on how well it can be learnt?",
    parameters=Blurs,
    design=design,
    deviations=(
        "The sources blur by Gaussian filters and test faces, objects or CIFAR-10-C; here test images are shrunk and "
        "enlarged again, or have Gaussian noise added.",
        "Clean epochs instead, fresh networks and the same blurs in another order are ours.",
    ),
)
