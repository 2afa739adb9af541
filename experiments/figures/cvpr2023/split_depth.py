"""What a blurred view costs split networks of one, two and three blocks, at a constant rate (figure 5, centre)."""

from critical.inference.effects import SMALLEST
from critical.plots.panel import shades
from critical.plots.panels import Series, contrasts
from experiments.design.depth_claims import kept, of_blocks
from experiments.design.depths import EQUAL, SAME, Blocks, split_networks
from experiments.design.figure import Design, Figure
from experiments.design.lines import of_arms, over
from experiments.design.protocol import DOSE_MATCHED, FRESH, Protocol, WindowArms
from experiments.design.schedules import CONSTANT


def design(protocol: Protocol, parameters: Blocks) -> Design:
    """Sets windows [0, removal) for networks of each depth, at one width and at equal numbers of parameters."""
    ends, depths, budget = parameters.removals, parameters.blocks, parameters.recovery
    last, shallow, deep, classes = ends[-1], depths[0], depths[-1], protocol.facts.classes
    held: dict[tuple[str, int], dict[int, WindowArms]] = {}
    for key, model in split_networks(parameters, classes).items():
        of_size = protocol.variant(f"blocks {model.blocks}, width {model.width}", model=model,
                                   rate=parameters.constant_rate)  # fmt: skip
        held[key] = {end: of_size.window(0, end, CONSTANT, budget) for end in ends}
    late = {key: of_end[last] for key, of_end in held.items()}
    claims = of_blocks(late, depths, last, classes)

    def removal(kind: str, reference: str, ylabel: str) -> Series:
        looks = shades([f"{depth} block{'s' * (depth > 1)}" for depth in depths])
        lines = [(look, over(held[kind, depth], lambda window: kept(window, reference)))
                 for look, depth in zip(looks, depths, strict=True)]  # fmt: skip
        return Series(title=kind, xlabel="epoch of removal", ylabel=ylabel, lines=lines)

    def accuracy(kind: str) -> Series:
        names = {DOSE_MATCHED: "clean epochs\ninstead", FRESH: "without\na window", "deficit": f"blur\nuntil {last}"}
        return Series(title=kind, xlabel="blocks of a stream", ylabel="final test accuracy (%)",
                      lines=of_arms({depth: late[kind, depth] for depth in depths}, names))  # fmt: skip

    beside = {FRESH: "accuracy, as a share of that without blur",
              DOSE_MATCHED: "as a share of clean epochs instead"}  # fmt: skip
    differences = [claim for claim in claims if "deeper" in claim.id]
    return Design(
        panels=[
            *([removal(kind, reference, beside[reference]) for kind in (SAME, EQUAL)] for reference in beside),
            [accuracy(SAME), accuracy(EQUAL)],
            [contrasts(differences, unit, title=f"{deep} blocks − {shallow} block{'s' * (shallow > 1)}", xlabel=xlabel)
             for unit, xlabel in (("relative", "difference of the shares lost"),
                                  ("accuracy", "difference of the points lost"))],
        ],
        claims=claims,
        panel_inches=(3.6, (2.5, 2.5, 2.5, 2.6)),
        leading=("split_depth.deeper", "split_depth.deeper_equal"),
        note=f"The rate is {parameters.constant_rate:g} throughout, so that removals differ in no rate. A network that "
        "still learns gains from blurred epochs, too, and stands above 1 beside one without them. A difference "
        f"of shares below {SMALLEST['relative'].effect:g} is too small to matter.",
    )  # fmt: skip


FIGURE = Figure(
    name="cvpr2023/split_depth",
    title="What a blurred view costs deeper networks",
    question="Does a blur of one view cost a deeper network a larger share of its accuracy, at one constant rate?",
    parameters=Blocks,
    design=design,
    deviations=(
        "Networks of equal numbers of parameters and as many clean epochs instead are not in the paper.",
        "A block more is a stride more in these networks, so that depth and coarser maps go together.",
        "The paper's rate of 0.001 is that of profile `paper`; smaller profiles have few steps, and a rate at which "
        "clean networks learn.",
    ),
    family="two_streams",
)
