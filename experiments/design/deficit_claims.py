"""What is claimed of deficits of low and of high level: blur and noise beside flips, negatives and permuted labels."""

from __future__ import annotations

from collections.abc import Mapping

from critical.inference.arms import Contrast
from critical.inference.claims import Claim, Direction
from experiments.design.contrasts import WindowArms, cost, harm, opportunity
from experiments.design.sources import ICLR2019, OURS

FIXED = "One permutation, and one noise image an example, for good; those drawn anew stand beside them."


def deficit_claims(blur: str, last: int, late: Mapping[str, WindowArms], at: Mapping[str, WindowArms]) -> list[Claim]:
    """Returns what is claimed of deficits that act until one epoch.

    Args:
        blur: The profile's deficit, of low level: a key of the windows.
        last: That epoch.
        late: The windows [0, last) of the paper's deficits, under a decaying rate.
        at: Those of all deficits, under a restarted one.
    """
    brief = blur.partition("_")[0]
    until, room, costly = f"until epoch {last}", ("deficits.room",), ("deficits.blur",)
    flipped, permuted = f"Images upside down {until}", f"Labels permuted {until}"
    asked: list[tuple[str, str, Contrast, Direction, str, str, tuple[str, ...]]] = [
        ("blur", ICLR2019, cost(late[blur]), "greater",
         f"{blur.capitalize()} {until} costs accuracy (rate decaying).", f"{brief} is costly (decaying)", ()),
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
    # Nothing is left of a comparison where the profile's deficit is one of the others, and it costs what that does.
    same = ("noise",) if blur == "noise" else ()
    return [
        Claim(f"deficits.{name}", source, held, direction, sentence, short=short, requires=requires,
              differs=FIXED if source == ICLR2019 and ("noise" in name or name == "permutation") else "")
        for name, source, held, direction, sentence, short, requires in asked if held and name not in same
    ]  # fmt: skip
