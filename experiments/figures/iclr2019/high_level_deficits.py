"""The removal curve for deficits of low and of high level (Achille et al. 2019)."""

from typing import Any

from critical.deficits import Deficit, Inversion, LabelPermutation, Noise, Occlusion, VerticalFlip
from critical.inference.arms import Contrast
from critical.inference.claims import Claim, Direction
from critical.plots.panel import Look, role
from critical.plots.panels import Dots, Series, contrasts
from critical.plots.style import OTHER_COLOURS
from experiments.design.figure import Design, Figure
from experiments.design.parameters import Removals
from experiments.design.protocol import CONTINUE, RESTART, SCHEDULE_TITLES, Protocol, cost, harm, opportunity
from experiments.design.sources import ICLR2019, OURS

FIXED = "One permutation, and one noise image an example, for good; those drawn anew stand beside them."
AGAIN: dict[str, Any] = {"drawn": "drawn anew"}


def design(protocol: Protocol, parameters: Removals) -> Design:
    """Sets each deficit against the same clean networks, the rate restarted; at the last removal also decaying."""
    low, classes, ends = protocol.deficit, protocol.facts.classes, parameters.removals
    last, blur, brief = ends[-1], low.name, low.name.partition("_")[0]
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
    until, room, costly = f"until epoch {last}", ("deficits.room",), ("deficits.blur",)
    flipped, permuted = f"Images upside down {until}", f"Labels permuted {until}"
    asked: list[tuple[str, str, Contrast, Direction, str, str, tuple[str, ...]]] = [
        ("blur", ICLR2019, cost(late[blur]), "greater",
         f"{blur.capitalize()} {until} costs accuracy (rate decaying).", f"{brief} costs accuracy (decaying)", ()),
        ("flip", ICLR2019, cost(late["flip"]), "not greater",
         f"{flipped} cost nothing in the end (rate decaying).", "flip costs nothing (decaying)", costly),
        ("permutation", ICLR2019, cost(late["permutation"]), "not greater",
         f"{permuted} cost nothing in the end (rate decaying).", "labels cost nothing (decaying)", costly),
        ("noise", ICLR2019, cost(late["noise"]), "greater",
         f"Noise instead of images {until} costs accuracy (rate decaying).", "noise costs accuracy (decaying)", ()),
        ("blur_more_than_noise", ICLR2019, cost(late[blur]) - cost(late["noise"]), "greater",
         f"{blur.capitalize()} {until} costs more than noise, which shows nothing at all (rate decaying).",
         f"{brief} > noise (decaying)", ()),
        ("room", OURS, opportunity(at[blur]), "greater",
         "There is something to lose: as many clean epochs before the recovery help (rate restarted).",
         "premise: clean epochs help", ()),
        ("flip_restart", OURS, cost(at["flip"]), "not greater",
         f"{flipped} cost nothing when the rate restarts.", "flip costs nothing (restarted)", room),
        ("permutation_restart", OURS, cost(at["permutation"]), "not greater",
         f"{permuted} cost nothing when the rate restarts.", "labels cost nothing (restarted)", room),
        ("inversion_restart", OURS, cost(at["inversion"]), "not greater",
         f"Negatives {until} cost nothing when the rate restarts.", "negatives cost nothing (restarted)", room),
        ("flip_teaches", OURS, harm(at["flip"]), "less",
         f"{flipped} teach what counts upright: the network ends above a fresh one.", "flip: above fresh", ()),
        ("permutation_teaches", OURS, harm(at["permutation"]), "less",
         f"{permuted} teach what counts later: the network ends above a fresh one.", "labels: above fresh", ()),
        ("noise_damage", OURS, harm(at["noise"]), "greater",
         f"Noise {until} is damage, not lost time alone: the network ends below a fresh one (rate restarted).",
         "noise: damage, below fresh", ()),
        ("blur_more_than_noise_restart", OURS, cost(at[blur]) - cost(at["noise"]), "greater",
         f"{blur.capitalize()} {until} costs more than noise when the rate restarts.",
         f"{brief} > noise (restarted)", ()),
        ("blur_more_than_occlusion", OURS, cost(at[blur]) - cost(at["occlusion"]), "greater",
         f"{blur.capitalize()} {until} costs more than occlusion, which leaves parts of images as they are.",
         f"{brief} > occlusion (restarted)", ()),
        ("noise_commitment", OURS, at["noise, anew"].deficit - at["noise"].deficit, "greater",
         "A network ends lower after noise that can be learnt by heart than after noise drawn anew.",
         "fixed noise: ends lower than anew", ("deficits.noise_damage",)),
        ("permutation_consistent", OURS, at["permutation"].deficit - at["permutation, anew"].deficit, "greater",
         "A network ends lower after labels permuted anew in each epoch than after one permutation for good.",
         "labels anew: lower than fixed ones", ()),
    ]  # fmt: skip
    claims = [
        Claim(f"deficits.{name}", source, held, direction, sentence, short=short, requires=requires,
              differs=FIXED if source == ICLR2019 and ("noise" in name or name == "permutation") else "")
        for name, source, held, direction, sentence, short, requires in asked if held
    ]  # fmt: skip
    accuracy = Series(
        title=SCHEDULE_TITLES[RESTART], xlabel="epoch of removal", ylabel="final test accuracy (%)",
        lines=[(role("dose_matched", "clean instead"), {end: fair[blur][end].dose_matched for end in ends}),
               *((looks[key], {end: held[end].deficit for end in ends}) for key, held in fair.items())],
        levels=[(role("fresh", "fresh network"), at[blur].fresh)],
    )  # fmt: skip
    learnt = Dots(
        title="how well it was learnt", xlabel=f"accuracy on deficient test images, epoch {last} (%)",
        rows=[(looks[key], held.deficit["accuracy_deficient"]) for key, held in at.items()], zero=False,
        names="above",
    )  # fmt: skip
    decaying = Dots(
        title=f"{SCHEDULE_TITLES[CONTINUE]}:\nwhat the deficit {until} costs", xlabel="points",
        rows=[(looks[key], cost(held)) for key, held in late.items()], unit="accuracy",
        names="above",
    )  # fmt: skip
    ours = [claim for claim in claims if claim.source == OURS]
    asks = contrasts(ours, "accuracy", title="rate restarted: what is asked", xlabel="points")
    return Design(panels=[[accuracy, learnt], [decaying, asks]], claims=claims, panel_inches=(4.0, (4.2, 4.4)),
                  leading=("deficits.flip", "deficits.permutation", "deficits.blur_more_than_noise"))  # fmt: skip


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
