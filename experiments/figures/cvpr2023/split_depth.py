"""What a blurred view costs split networks of one, two and three blocks, at a constant rate (figure 5, centre)."""

from typing import Any

from critical.inference.arms import Within
from critical.inference.claims import Claim
from critical.inference.effects import SMALLEST
from critical.plots.panel import shades
from critical.plots.panels import Series, contrasts
from experiments.design.contrasts import opportunity
from experiments.design.depths import EQUAL, NAMES, PAIRS, SAME, Blocks, compared, deeper, split_networks
from experiments.design.figure import Design, Figure
from experiments.design.lines import of_arms, over
from experiments.design.premises import learns
from experiments.design.protocol import DOSE_MATCHED, FRESH, Protocol, WindowArms, cost, harm
from experiments.design.schedules import CONSTANT
from experiments.design.sources import CVPR2023, OURS
from experiments.design.two_streams import DEPRIVED

LOSES = {FRESH: "loses", DOSE_MATCHED: "costs"}
"""What a share lost beside a reference requires of the deeper network."""
GAINS = {SAME: "split_depth.gains_alike", EQUAL: "split_depth.gains_alike_equal"}
"""The premise of all comparisons: who still learns gains from blurred epochs, too, and from clean ones yet more."""


def kept(window: WindowArms, reference: str) -> Within:
    """Returns the accuracy after the deficit as a share of that of a reference."""
    return Within((window.deficit, getattr(window, reference)), lambda held: float(held[0] / held[1]), "relative")


def more_lost(deep: WindowArms, shallow: WindowArms, reference: str) -> Within:
    """Returns by how much more the deep network loses of the reference's accuracy, as a share of it."""
    parts = (*kept(deep, reference).parts, *kept(shallow, reference).parts)
    return Within(parts, lambda held: float(held[2] / held[3] - held[0] / held[1]), "relative")


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
    until = f"A blur of view {DEPRIVED} until epoch {last}"
    more = f"networks of {deep} blocks more of their accuracy than those of {shallow}"
    equal = "at equal numbers of parameters"

    def learnt(*which: str) -> tuple[str, ...]:
        return tuple(f"split_depth.{one}_learns" for one in which)

    def needs(kind: str, reference: str) -> tuple[str, ...]:
        """Returns what a comparison requires: that both learn, and as fast, and that the deeper one loses something."""
        return *learnt(*PAIRS[kind]), f"split_depth.{PAIRS[kind][-1]}_{LOSES[reference]}", GAINS[kind]

    def compare(key: str, source: str, kind: str, reference: str, sentence: str, short: str, **rest: Any) -> Claim:
        return Claim(f"split_depth.{key}", source, more_lost(late[kind, deep], late[kind, shallow], reference),
                     "greater", sentence, short=short, requires=needs(kind, reference), **rest)  # fmt: skip

    claims = [
        *(learns(f"split_depth.{who}_learns", late[key].fresh, classes,
                 f"The {NAMES[who]} network, trained without a window,", f"{NAMES[who]}: clean runs learn")
          for who, key in compared(depths).items()),
        Claim("split_depth.deep_loses", CVPR2023, harm(late[SAME, deep]), "greater",
              f"{until} leaves networks of {deep} blocks below those without it.", requires=learnt("deep"),
              short="deep: ends below without blur"),
        Claim("split_depth.thin_loses", OURS, harm(late[EQUAL, deep]), "greater",
              f"{until} leaves networks of {deep} blocks below those without it, {equal}.", requires=learnt("thin"),
              short="deep, thin: below without blur"),
        *(Claim(f"split_depth.{who}_costs", OURS, cost(late[kind, deep]), "greater",
                f"{until} costs networks of {deep} blocks accuracy beside as many clean epochs, {size}.",
                requires=learnt(who), short=f"{NAMES[who]}: blur costs accuracy")
          for who, kind, size in (("deep", SAME, "of the same width"), ("thin", EQUAL, equal))),
        *(Claim(GAINS[kind], OURS, deeper(late, kind, opportunity), "none",
                f"As many more clean epochs give networks of {shallow} and of {deep} blocks as much, {size}: neither "
                "has more left to learn.", requires=learnt(*PAIRS[kind]), short=f"{brief}epochs help both alike")
          for kind, size, brief in ((SAME, "of the same width", ""), (EQUAL, equal, "equal size: "))),
        compare("deeper", CVPR2023, SAME, FRESH, f"{until} costs {more}, of the same width.",
                "deeper loses a larger share", differs="Relative to the removal at 0, which the paper does not say."),
        compare("deeper_equal", OURS, EQUAL, FRESH, f"{until} costs {more}, {equal}, too: it is depth, not size.",
                "deeper, equal size: larger share"),
        compare("deeper_dose", OURS, SAME, DOSE_MATCHED,
                f"{until} costs {more}, of the same width, beside as many clean epochs.",
                "deeper: of clean epochs instead"),
        compare("deeper_equal_dose", OURS, EQUAL, DOSE_MATCHED,
                f"{until} costs {more}, {equal}, beside as many clean epochs.", "deeper, equal size: of clean"),
        Claim("split_depth.deeper_points", OURS, deeper(late, SAME, harm), "greater",
              f"{until} damages them more in points, too, of the same width: it is not the level that they start from.",
              requires=needs(SAME, FRESH), short="deeper loses more points"),
        Claim("split_depth.deeper_equal_points", OURS, deeper(late, EQUAL, harm), "greater",
              f"{until} damages them more in points, {equal}.", requires=needs(EQUAL, FRESH),
              short="deeper, equal size: more points"),
    ]  # fmt: skip

    def removal(kind: str, reference: str, ylabel: str) -> Series:
        looks = shades([f"{depth} block{'s' * (depth > 1)}" for depth in depths])
        lines = [(look, over(held[kind, depth], lambda window: kept(window, reference)))
                 for look, depth in zip(looks, depths, strict=True)]  # fmt: skip
        return Series(title=kind, xlabel="epoch of removal", ylabel=ylabel, lines=lines)

    def accuracy(kind: str) -> Series:
        names = {DOSE_MATCHED: "clean epochs\ninstead", FRESH: "without\na window", "deficit": f"blur until\n{last}"}
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
