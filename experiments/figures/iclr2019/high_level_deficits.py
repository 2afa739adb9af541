"""The removal curve for deficits of low and of high level (Achille et al. 2019)."""

from typing import Any

from critical.deficits import Deficit, Inversion, LabelPermutation, Noise, Occlusion, VerticalFlip
from critical.plots.panel import Look, role
from critical.plots.panels import Dots, Series, contrasts
from critical.plots.style import OTHER_COLOURS
from experiments.design.deficit_claims import deficit_claims
from experiments.design.figure import Design, Figure
from experiments.design.lines import over
from experiments.design.parameters import Removals
from experiments.design.protocol import CONTINUE, RESTART, SCHEDULE_TITLES, Protocol, cost
from experiments.design.sources import OURS

AGAIN: dict[str, Any] = {"drawn": "drawn anew"}

LEADING = ("deficits.flip", "deficits.permutation", "deficits.blur_more_than_noise")
"""The claims that lead; of the last nothing is left where the profile's deficit is noise."""


def design(protocol: Protocol, parameters: Removals) -> Design:
    """Sets each deficit against the same clean networks, the rate restarted; at the last removal also decaying."""
    low, classes, ends = protocol.deficit, protocol.facts.classes, parameters.removals
    last, blur = ends[-1], low.name
    kinds: dict[str, tuple[Deficit, dict[str, Any], Look]] = {
        blur: (low, {}, role("deficit", blur)),
        "noise": (Noise(), {}, Look("noise", OTHER_COLOURS[5], marker="s")),
        "noise, anew": (Noise(resample=True), AGAIN, Look("noise, drawn anew", OTHER_COLOURS[5], ":", "s")),
        "occlusion": (Occlusion(), {}, Look("occlusion", OTHER_COLOURS[3], "--", "D")),
        "permutation": (LabelPermutation(classes=classes), {}, Look("labels permuted", OTHER_COLOURS[0], marker="^")),
        "permutation, anew": (LabelPermutation(classes=classes, resample=True), AGAIN,
                              Look("labels permuted anew", OTHER_COLOURS[0], ":", "^")),
        "inversion": (Inversion(), {}, Look("negatives", OTHER_COLOURS[1], "--", "v")),
        "flip": (VerticalFlip(), {}, Look("vertical flip", OTHER_COLOURS[2], marker="D")),
    }  # fmt: skip

    fair = {
        key: {end: protocol.window(0, end, RESTART, deficit=deficit, **tags) for end in ends}
        for key, (deficit, tags, _) in kinds.items()
    }
    published = (blur, "noise", "permutation", "flip")
    late = {key: protocol.window(0, last, CONTINUE, deficit=kinds[key][0]) for key in published}
    at = {key: held[last] for key, held in fair.items()}
    looks = {key: look for key, (_, _, look) in kinds.items()}
    claims = deficit_claims(blur, last, late, at)
    accuracy = Series(
        title=SCHEDULE_TITLES[RESTART], xlabel="epoch of removal", ylabel="final test accuracy (%)",
        lines=[(role("dose_matched", "clean instead"), over(fair[blur], lambda held: held.dose_matched)),
               *((looks[key], over(held, lambda one: one.deficit)) for key, held in fair.items())],
        levels=[(role("fresh", "fresh network"), at[blur].fresh)],
    )  # fmt: skip
    learnt = Dots(
        title="how well it was learnt", xlabel=f"accuracy on deficient test images, epoch {last} (%)",
        rows=[(looks[key], held.deficit["accuracy_deficient"]) for key, held in at.items()], zero=False, names="above",
    )  # fmt: skip
    decaying = Dots(
        title=f"{SCHEDULE_TITLES[CONTINUE]}:\nwhat the deficit until epoch {last} costs", xlabel="points",
        rows=[(looks[key], cost(held)) for key, held in late.items()], unit="accuracy", names="above",
    )  # fmt: skip
    ours = [claim for claim in claims if claim.source == OURS]
    asks = contrasts(ours, "accuracy", title="rate restarted: what is asked", xlabel="points")
    return Design(panels=[[accuracy, learnt], [decaying, asks]], claims=claims, panel_inches=(4.0, (4.2, 4.4)),
                  leading=tuple(claim.id for claim in claims if claim.id in LEADING))  # fmt: skip


FIGURE = Figure(
    name="iclr2019/high_level_deficits",
    title="Which deficits leave something",
    question="Do deficits that spare the low level of images cost anything in the end, and is noise worse than blur?",
    parameters=Removals,
    design=design,
    deviations=(
        "The paper shows blur, flip, permuted labels and noise under a decaying rate; that is trained for the last "
        "removal, and the curve under a restarted rate.",
        "Negatives, occlusion, and permutations and noise that are drawn anew in each epoch are not in the paper.",
    ),
)
