"""What is claimed of the Fisher information of each pathway after a blur of one view, and of windows by their onset."""

from __future__ import annotations

from collections.abc import Mapping

from critical.inference.arms import Contrast, Term
from critical.inference.claims import Claim, Direction
from critical.inference.correlation import more_correlated, rank_correlation
from experiments.design.contrasts import WindowArms, age, cost, damage
from experiments.design.lines import over
from experiments.design.pathways import CLEAN, RELATIVE, RELATIVE_CLEAN, SEEING, SEEN
from experiments.design.premises import learns
from experiments.design.sources import CVPR2023, ICLR2019, JUMP, OURS
from experiments.design.two_streams import DECODING, DEPRIVED

_SIDES: tuple[tuple[str, Direction, str, str], ...] = (
    (DEPRIVED, "less", "smaller", "falls"), (SEEING, "greater", "larger", "rises"),
)  # fmt: skip
_WHEN = {
    "on_clean": "At the end of the blur, on clean images",
    "lasting": "After the recovery (rate decaying on)",
    "lasting_relative": "After the recovery, in weights relative to the norm of their layer",
    "restarted": "After the recovery (rate restarted)",
}
"""The moments at which the two sides are told apart, as sentences begin."""
_DOES = {
    "cost": ("pathways.closes", f"what a window of blurred view {DEPRIVED} costs"),
    "damage": ("pathways.damages", f"the damage of a window of blurred view {DEPRIVED} to the network"),
    "decoded": ("pathways.damages_decoded", f"its damage to what is decoded from view {DEPRIVED} alone"),
}
"""By what a window does, the claim that it does so early, and its words."""


def side(held: WindowArms, trace: str, pathway: str, at: str = "") -> Contrast:
    """Returns the logarithm of how many times a trace of a pathway after a blur is that after clean epochs instead.

    `at` is the end of the column, such as `@8` of what was measured after epoch 8.
    """
    column = f"{trace}{pathway}{at}"
    return held.deficit.log(column) - held.dose_matched.log(column)


def shift(held: WindowArms, trace: str, at: str = "") -> Contrast:
    """Returns the logarithm of how many times a blur multiplies the ratio of pathway b to pathway a; see `side`."""
    return side(held, trace, DEPRIVED, at) - side(held, trace, SEEING, at)


def clean_learn(
    blurred: WindowArms, again: WindowArms, windows: Mapping[int, WindowArms], classes: int
) -> list[Claim]:
    """Returns the premises that clean networks learn: beside a blur, and beside the first and the last window.

    Args:
        blurred: A blur from epoch 0 on, after which the rate decays on.
        again: The same blur, after which the rate is restarted.
        windows: By onset.
        classes: Number of classes of the data.
    """
    first, *_, last = windows
    return [
        learns("pathways.clean_learns", blurred.dose_matched, classes, "The clean network, rate decaying,",
               "clean run learns (decaying)"),
        learns("pathways.restarted_learns", again.dose_matched, classes, "The clean network, rate restarted,",
               "clean run learns (restarted)"),
        *(learns(f"pathways.from_{onset}_learns", windows[onset].dose_matched, classes,
                 f"The clean network of the window from epoch {onset} on", f"clean run learns (window from {onset})")
          for onset in (first, last)),
    ]  # fmt: skip


def ratio_claims(blurred: WindowArms, again: WindowArms, end: int) -> tuple[list[Claim], list[Claim]]:
    """Returns what is claimed of the ratio of the pathways, and of its two sides, which say which of them moved.

    Args:
        blurred: A blur until `end`, after which the rate decays on.
        again: The same blur, after which the rate is restarted.
        end: That epoch.
    """
    then, blur = f"@{end}", f"a blur of view {DEPRIVED} until epoch {end}"
    less = (f"the ratio of the trace of pathway {DEPRIVED} to that of pathway {SEEING} is smaller than after clean "
            "epochs instead")  # fmt: skip
    relative = "where changes of weights are measured in units of the norm of their layer"
    at_end, recovered = f"At the end of {blur}", f"After {blur} and a recovery"
    learns, on_clean = ("pathways.clean_learns",), ("pathways.on_clean",)
    asked = {
        "removal": (blurred, SEEN, then, f"{at_end} {less}, on the images that the network sees", learns, "as seen"),
        "on_clean": (blurred, CLEAN, then, f"{at_end} {less}, on clean images: it is the weights, and not that a "
                     "blurred view has less contrast", learns, "on clean images"),
        "on_clean_relative": (blurred, RELATIVE_CLEAN, then, f"{at_end} {less}, on clean images, {relative}", on_clean,
                              "clean, relative"),
        "lasting": (blurred, SEEN, "", f"{recovered} {less} (rate decaying on)", (*learns, *on_clean),
                    "after recovery"),
        "lasting_relative": (blurred, RELATIVE, "", f"After the recovery {less} {relative}", ("pathways.lasting",),
                             "relative weights"),
        "restarted": (again, SEEN, "", f"{recovered} {less} (rate restarted)",
                      ("pathways.restarted_learns", *on_clean), "after restart"),
    }  # fmt: skip
    claims = [
        Claim(f"pathways.{name}", OURS, shift(held, trace, at), "less", f"{sentence}.", requires=requires,
              short=f"ratio b/a falls, {brief}")
        for name, (held, trace, at, sentence, requires, brief) in asked.items()
    ]  # fmt: skip
    claims.append(Claim(
        "pathways.mends", OURS, shift(blurred, SEEN) - shift(blurred, CLEAN, then), "greater",
        "The recovery takes a part of that back (both times on clean images).", requires=on_clean,
        short="recovery takes a part back",
    ))  # fmt: skip
    sides = [
        Claim(f"pathways.{name}_of_{pathway}", OURS, side(held, trace, pathway, at), direction,
              f"{_WHEN[name]}, the trace of pathway {pathway} is {word} than after clean epochs instead.",
              requires=(f"pathways.{name}",), short=f"trace of {pathway} {moves}, {brief}")
        for name, (held, trace, at, *_, brief) in asked.items() if name in _WHEN
        for pathway, direction, word, moves in _SIDES
    ]  # fmt: skip
    return claims, sides


def effects_of(windows: Mapping[int, WindowArms]) -> dict[str, dict[int, Contrast]]:
    """Returns what windows of a blur do, by onset: their cost, damage, and that to what is decoded from its view."""
    return {"cost": over(windows, cost), "damage": over(windows, damage),
            "decoded": over(windows, lambda held: damage(held, DECODING))}  # fmt: skip


def window_claims(
    windows: Mapping[int, WindowArms], of_b: Mapping[int, Term], whole: Mapping[int, Term]
) -> list[Claim]:
    """Returns what is claimed of windows of a blur by their onset, and of what the trace of its pathway tells of them.

    Args:
        windows: By onset, at equal rates.
        of_b: The trace of its pathway in a clean run, at onsets above 0.
        whole: That of the whole network.
    """
    first, *_, last = windows
    later, trace, effects = list(of_b), list(of_b.values()), effects_of(windows)
    at_later = {kind: [line[onset] for onset in later] for kind, line in effects.items()}
    windowed = tuple(f"pathways.from_{onset}_learns" for onset in (first, last))
    return [
        Claim("pathways.closes", CVPR2023, age(windows[first], windows[last]), "greater",
              f"At equal rates a blur of view {DEPRIVED} costs more from epoch {first} on than from epoch {last} on.",
              requires=windowed, differs=f"The paper varies the removal. {JUMP}",
              short="early costs more (equal rates)"),
        *(Claim(_DOES[kind][0], OURS, effects[kind][first], "greater",
                f"At equal rates a blur of view {DEPRIVED} from epoch {first} on leaves less of {what} than a network "
                "that skips the window has.", requires=windowed[:1], short=short)
          for kind, what, short in (
              ("damage", "the network's accuracy", "early blur: network damaged"),
              ("decoded", f"what it decodes from view {DEPRIVED} alone", "early blur: decoded, damage"))),
        *(Claim(f"pathways.follows_{kind}", ICLR2019 if kind == "cost" else OURS,
                rank_correlation(at_later[kind], trace), "greater",
                f"Over onsets, {words} follows the trace of pathway {DEPRIVED} of a clean run there (rank "
                "correlation).", requires=(*windowed, there), short=f"{kind}: follows the trace of b",
                differs=f"The paper has one stream and a decaying rate. {JUMP}" if kind == "cost" else "")
          for kind, (there, words) in _DOES.items()),
        *(Claim(f"pathways.beyond_clock_{kind}", OURS, more_correlated(at_later[kind], trace, later), "greater",
                f"The trace of pathway {DEPRIVED} tells more of {words} than the epoch by itself.",
                requires=(f"pathways.follows_{kind}",), short=f"{kind}: b tells beyond a clock")
          for kind, (_, words) in _DOES.items()),
        Claim("pathways.beyond_whole", OURS, more_correlated(at_later["cost"], trace, list(whole.values())), "greater",
              f"The trace of pathway {DEPRIVED} tells more of {_DOES['cost'][1]} than that of the whole network.",
              requires=("pathways.follows_cost",), short="cost: b tells beyond the whole"),
    ]  # fmt: skip
