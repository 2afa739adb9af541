"""Blurs of several strengths, windows in which they follow each other, and what is claimed of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from critical.core.spec import SpecError
from critical.deficits import Blur
from critical.deficits.images import shrunk_side
from critical.inference.arms import Arm, Contrast
from critical.inference.claims import Claim
from critical.inference.correlation import mean_rank_correlation
from experiments.design.parameters import Parameters, ascending, spaced
from experiments.design.protocol import Protocol, WindowArms, cost, harm
from experiments.design.sources import ACUITY2025, JANG2021, OURS, VOGELSANG2018


@dataclass(frozen=True)
class Blurs(Parameters):
    """What a profile may set.

    Attributes:
        lengths: Epochs of the windows, all from epoch 0 on; the longest has an epoch at least for each blur.
        shrinks: Factors by which the sides of images are shrunk before they are enlarged again; at least three,
            so that two can change places before the last blur of vision that sharpens.
    """

    lengths: tuple[int, ...]
    shrinks: tuple[int, ...] = (2, 3, 4, 8)

    def __post_init__(self) -> None:
        ascending(1, lengths=self.lengths)
        ascending(2, 3, shrinks=self.shrinks)

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns evenly spaced windows up to the longest one."""
        return {"lengths": spaced(protocol.longest_window, protocol.points)}

    @property
    def sharpening(self) -> tuple[int, ...]:
        """The factors in the order in which vision sharpens."""
        return self.shrinks[::-1]

    @property
    def shuffled(self) -> tuple[int, ...]:
        """The others in the opposite order: both courses end on the same blur, which alone would tell them apart."""
        return (*self.shrinks[1:], self.shrinks[0])

    def blurs(self, protocol: Protocol) -> dict[int, Blur]:
        """Returns the blurs by factor.

        Raises:
            SpecError: The images are too small for these factors.
        """
        shrinks, side = self.shrinks, protocol.side
        sizes = {shrink: shrunk_side(side, shrink) for shrink in shrinks}
        if shrinks[-1] > side or len(set(sizes.values())) < len(sizes):
            raise SpecError(f"shrinks={list(shrinks)}: of {side} pixels they leave {list(sizes.values())}; give "
                            f"factors up to {side} that leave different numbers")  # fmt: skip
        return {shrink: Blur(size=size) for shrink, size in sizes.items()}


def course(protocol: Protocol, parameters: Blurs, order: tuple[int, ...], words: str) -> WindowArms:
    """Returns the longest window, in which blurs follow each other; each has as many epochs as in any order.

    Raises:
        SpecError: The window has no epoch for each of them.
    """
    lengths, blurs = parameters.lengths, parameters.blurs(protocol)
    if lengths[-1] < len(blurs):
        raise SpecError(f"lengths={list(lengths)}: the longest has no epoch for each of the blurs that follow "
                        f"each other, shrinks={list(blurs)}")  # fmt: skip
    bounds = [lengths[-1] * step // len(blurs) for step in range(len(blurs) + 1)]
    epochs = {shrink: end - start for shrink, (start, end) in zip(parameters.sharpening, pairwise(bounds), strict=True)}
    return protocol.window(0, lengths[-1], deficit=[(blurs[one], epochs[one]) for one in order], blur=words)


def blur_claims(
    parameters: Blurs,
    cells: Mapping[tuple[int, int], WindowArms],
    clean: Arm,
    sharpening: WindowArms,
    shuffled: WindowArms,
) -> list[Claim]:
    """Returns what is claimed of blur by its strength and length, and of the order in which strengths follow.

    Args:
        parameters: Lengths and strengths.
        cells: The windows by their length and the factor by which sides are shrunk.
        clean: As many clean epochs instead of the longest window.
        sharpening: The longest window, in which vision sharpens.
        shuffled: The same blurs in another order.
    """
    lengths, shrinks = parameters.lengths, parameters.shrinks
    last, weak, strong = lengths[-1], shrinks[0], shrinks[-1]
    mild, severe = cells[last, weak], cells[last, strong]
    until, blurred, noisy = f"until epoch {last}", "accuracy_blurred", "accuracy_noisy"
    mild_said, sees = f"Blur to 1/{weak} of the side {until}", "on blurred test images"

    def gain(held: WindowArms, column: str, than: Arm = clean) -> Contrast:
        return held.deficit[column] - than[column]

    premise = ("blur_map.blind",)
    return [
        Claim("blur_map.blind", OURS, clean - clean[blurred], "greater",
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
    ]  # fmt: skip
