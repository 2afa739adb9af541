"""What a blurred view costs split networks of one, two and three blocks, at a constant rate (figure 5, centre)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from critical.inference.arms import Contrast, Within
from critical.inference.claims import Claim
from critical.inference.effects import SMALLEST
from critical.models import SplitAllCNN
from critical.plots.panel import Value, role, shades
from critical.plots.panels import Series, contrasts
from experiments.design.figure import Design, Figure
from experiments.design.parameters import ManyRemovals, ascending, at_least, positive
from experiments.design.premises import learns
from experiments.design.protocol import Protocol, WindowArms, cost, harm
from experiments.design.schedules import CONSTANT
from experiments.design.sources import CVPR2023, OURS
from experiments.design.two_streams import DEPRIVED

SAME, EQUAL = "same width", "equal parameters"
FRESH, DOSE_MATCHED = "fresh", "dose_matched"
LOSES = {FRESH: "loses", DOSE_MATCHED: "costs"}
"""What a share lost beside a reference requires of the deeper network."""


@dataclass(frozen=True)
class Blocks(ManyRemovals):
    """Parameters.

    Attributes:
        blocks: Numbers of blocks of a stream; ascending, two at least. Widths follow from the one in the middle.
        width: Maps of the first layer where all networks have one width.
        constant_rate: The learning rate.
        recovery: Clean epochs after the removal.
    """

    blocks: tuple[int, ...]
    width: int
    constant_rate: float
    recovery: int

    def __post_init__(self) -> None:
        super().__post_init__()
        ascending(1, 2, blocks=self.blocks)
        at_least(1, width=self.width, recovery=self.recovery)
        positive(constant_rate=self.constant_rate)

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns the paper's numbers of blocks, the profile's width, and a rate chosen by clean runs in `quick`."""
        model = protocol.parts.model
        width = model.width if isinstance(model, SplitAllCNN) else SplitAllCNN.width
        return {**ManyRemovals.defaults(protocol), "blocks": (1, 2, 3), "width": width, "constant_rate": 0.02,
                "recovery": protocol.recovery}  # fmt: skip


def networks(parameters: Blocks, classes: int) -> dict[tuple[str, int], SplitAllCNN]:
    """Returns the networks, by what they have in common with the middle one, and number of blocks.

    Raises:
        SpecError: No width gives as many parameters to 10 %.
    """
    same = {blocks: SplitAllCNN(width=parameters.width, blocks=blocks) for blocks in parameters.blocks}
    middle = parameters.blocks[len(parameters.blocks) // 2]
    sized = {blocks: same[middle].of_size(blocks, classes) for blocks in same if blocks != middle}
    equal = {(EQUAL, blocks): sized.get(blocks, same[middle]) for blocks in same}
    return {(SAME, blocks): model for blocks, model in same.items()} | equal


def kept(window: WindowArms, reference: str) -> Within:
    """Returns the accuracy after the deficit as a share of that of a reference."""
    parts = (Contrast({window.deficit["accuracy"]: 1.0}), Contrast({getattr(window, reference)["accuracy"]: 1.0}))
    return Within(parts, lambda held: float(held[0] / held[1]), "relative")


def more_lost(deep: WindowArms, shallow: WindowArms, reference: str) -> Within:
    """Returns by how much more the deep network loses of the reference's accuracy, as a share of it."""
    parts = (*kept(deep, reference).parts, *kept(shallow, reference).parts)
    return Within(parts, lambda held: float(held[2] / held[3] - held[0] / held[1]), "relative")


def design(protocol: Protocol, parameters: Blocks) -> Design:
    """Sets windows [0, removal) for networks of each depth, at one width and at equal numbers of parameters."""
    ends, depths, budget = parameters.removals, parameters.blocks, parameters.recovery
    last, shallow, deep, classes = ends[-1], depths[0], depths[-1], protocol.facts.classes
    held: dict[tuple[str, int], dict[int, WindowArms]] = {}
    for key, model in networks(parameters, classes).items():
        of_size = protocol.variant(f"blocks {model.blocks}, width {model.width}", model=model,
                                   rate=parameters.constant_rate)  # fmt: skip
        held[key] = {end: of_size.window(0, end, CONSTANT, budget) for end in ends}
    late = {key: of_end[last] for key, of_end in held.items()}
    compared = {"shallow": (SAME, shallow), "deep": (SAME, deep), "wide": (EQUAL, shallow), "thin": (EQUAL, deep)}
    called = {"wide": "shallow, wide", "thin": "deep, thin"}
    until = f"A blur of view {DEPRIVED} until epoch {last}"
    more = f"networks of {deep} blocks more of their accuracy than those of {shallow}"
    equal = "at equal numbers of parameters"

    def learnt(*which: str) -> tuple[str, ...]:
        return tuple(f"split_depth.{one}_learns" for one in which)

    def needs(kind: str, loses: str) -> tuple[str, ...]:
        """Returns what a comparison requires: that both networks learn, and that the deeper one loses something."""
        deeper, other = ("deep", "shallow") if kind == SAME else ("thin", "wide")
        return *learnt(other, deeper), f"split_depth.{deeper}_{loses}"

    def compare(key: str, source: str, kind: str, reference: str, sentence: str, short: str, **rest: Any) -> Claim:
        return Claim(f"split_depth.{key}", source, more_lost(late[kind, deep], late[kind, shallow], reference),
                     "greater", sentence, short=short, requires=needs(kind, LOSES[reference]), **rest)  # fmt: skip

    claims = [
        *(learns(f"split_depth.{who}_learns", late[key].fresh, classes,
                 f"The {called.get(who, who)} network, trained without a window,",
                 f"{called.get(who, who)}: clean runs learn")
          for who, key in compared.items()),
        Claim("split_depth.deep_loses", CVPR2023, harm(late[SAME, deep]), "greater",
              f"{until} leaves networks of {deep} blocks below those without it.", requires=learnt("deep"),
              short="deep: ends below without blur"),
        Claim("split_depth.thin_loses", OURS, harm(late[EQUAL, deep]), "greater",
              f"{until} leaves networks of {deep} blocks below those without it, {equal}.", requires=learnt("thin"),
              short="deep, thin: below without blur"),
        *(Claim(f"split_depth.{who}_costs", OURS, cost(late[kind, deep]), "greater",
                f"{until} costs networks of {deep} blocks accuracy beside as many clean epochs, {size}.",
                requires=learnt(who), short=f"{called.get(who, who)}: blur costs accuracy")
          for who, kind, size in (("deep", SAME, "of the same width"), ("thin", EQUAL, equal))),
        compare("deeper", CVPR2023, SAME, FRESH, f"{until} costs {more}, of the same width.",
                "deeper loses a larger share", differs="Relative to the removal at 0, which the paper does not say."),
        compare("deeper_equal", OURS, EQUAL, FRESH, f"{until} costs {more}, {equal}, too: it is depth, not size.",
                "deeper, equal size: larger share"),
        compare("deeper_dose", OURS, SAME, DOSE_MATCHED,
                f"{until} costs {more}, of the same width, beside as many clean epochs.",
                "deeper: of clean epochs instead"),
        compare("deeper_equal_dose", OURS, EQUAL, DOSE_MATCHED,
                f"{until} costs {more}, {equal}, beside as many clean epochs.", "deeper, equal size: of clean"),
        Claim("split_depth.deeper_points", OURS, harm(late[SAME, deep]) - harm(late[SAME, shallow]), "greater",
              f"{until} damages them more in points, too, of the same width: it is not the level that they start from.",
              requires=needs(SAME, "loses"), short="deeper loses more points"),
        Claim("split_depth.deeper_equal_points", OURS, harm(late[EQUAL, deep]) - harm(late[EQUAL, shallow]), "greater",
              f"{until} damages them more in points, {equal}.", requires=needs(EQUAL, "loses"),
              short="deeper, equal size: more points"),
    ]  # fmt: skip

    def removal(kind: str, reference: str, ylabel: str) -> Series:
        looks = shades([f"{depth} block{'s' * (depth > 1)}" for depth in depths])
        lines = [(look, {end: kept(window, reference) for end, window in held[kind, depth].items()})
                 for look, depth in zip(looks, depths, strict=True)]  # fmt: skip
        return Series(title=kind, xlabel="epoch of removal", ylabel=ylabel, lines=lines)

    def accuracy(kind: str) -> Series:
        roles = {DOSE_MATCHED: "clean epochs\ninstead", FRESH: "without\na window", "deficit": f"blur until\n{last}"}
        lines: list[tuple[Any, dict[int, Value]]] = [
            (role(arm, words), {depth: getattr(late[kind, depth], arm) for depth in depths})
            for arm, words in roles.items()
        ]
        return Series(title=kind, xlabel="blocks of a stream", ylabel="final test accuracy (%)", lines=lines)

    beside = {FRESH: "accuracy, as a share of that without blur",
              DOSE_MATCHED: "as a share of clean epochs instead"}  # fmt: skip
    differences = [claim for claim in claims if "deeper" in claim.id]
    words = {"title": f"{deep} blocks − {shallow} block{'s' * (shallow > 1)}"}
    return Design(
        panels=[
            *([removal(kind, reference, beside[reference]) for kind in (SAME, EQUAL)] for reference in beside),
            [accuracy(SAME), accuracy(EQUAL)],
            [contrasts(differences, unit, xlabel=xlabel, **words)
             for unit, xlabel in (("relative", "difference of the shares lost"),
                                  ("accuracy", "difference of the points lost"))],
        ],
        claims=claims,
        panel_inches=(3.6, (2.5, 2.5, 2.5, 2.6)),
        leading=("split_depth.deeper", "split_depth.deeper_equal"),
        note=f"The rate is {parameters.constant_rate:g} throughout, so that removals differ in no rate. A difference "
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
