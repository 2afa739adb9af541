"""Does blur hurt or help? Its strength against the length of its window, and what is left of it in the network."""

from collections.abc import Callable

from critical.plots.panel import Look, Value, role
from critical.plots.panels import HeatMap, Series, contrasts
from critical.plots.style import OTHER_COLOURS
from critical.probes import Ladders
from experiments.design.blurs import Blurs, blur_claims, course
from experiments.design.figure import Design, Figure
from experiments.design.lines import over
from experiments.design.measuring import measuring
from experiments.design.protocol import Protocol, WindowArms, cost, harm


def design(protocol: Protocol, parameters: Blurs) -> Design:
    """Crosses strengths with lengths, and lets vision sharpen within the longest window, against a shuffled order."""
    lengths, shrinks = parameters.lengths, parameters.shrinks
    last, weak = lengths[-1], shrinks[0]
    ladders = Ladders(blurs=shrinks, every=0, recovery_every=0)
    seeing = measuring(protocol, ladders)
    clean = {length: seeing.window(0, length) for length in lengths}
    cells = {(length, shrink): seeing.window(0, length, deficit=blur, blur=f"to 1/{shrink}")
             for shrink, blur in parameters.blurs(protocol).items() for length in lengths}  # fmt: skip
    sharpening = course(seeing, parameters, parameters.sharpening, "sharpening")
    shuffled = course(seeing, parameters, parameters.shuffled, "shuffled")
    mild, instead = cells[last, weak], clean[last]
    claims = blur_claims(parameters, cells, instead.dose_matched, sharpening, shuffled)

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
