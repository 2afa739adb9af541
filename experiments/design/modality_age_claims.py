"""What is claimed of the absence of one of two unlike modalities, by age and rate."""

from __future__ import annotations

from collections.abc import Mapping

from critical.inference.claims import Claim
from critical.inference.effects import SMALLEST
from experiments.design.contrasts import WindowArms, age, cost, damage, error_ratio
from experiments.design.modalities import ModalityAges, in_ids, with_article
from experiments.design.rates import HIGH, HIGH_SETTLED, LONGER, LOW, LOWER, Crossed
from experiments.design.sources import JUMP_BESIDE_SETTLED, OURS, PAWLAK2025

FOLLOWS = "It follows from the paper, which restarts the rate after the deficit and has no windows at constant rates."
_BRIEF = {"older": "{}", "older_stream": "{} stream", "high": "{}, high rate", "settled": "{}, settled",
          "settled_stream": "settled {} stream", "low": "{}, low rate", "longer": "{}, longer",
          "longer_stream": "longer {} stream"}  # fmt: skip
_JUMPING = ("older", "high")
"""Where the late window begins with a jump of the rate."""


def age_claims(
    view: str,
    name: str,
    parameters: ModalityAges,
    ages: Mapping[tuple[str, int], WindowArms],
    constant: Crossed,
) -> list[Claim]:
    """Returns what is claimed of the absence of a modality: early and late, at high and low rates.

    Costs of windows of several ages are not enough: clean epochs give a young network more, so their lack costs it
    more. Damage, against networks that skip the window, stands beside each; and an early absence has to do some.
    """
    the, begin, late, last = with_article(name), f"ages.{in_ids(name)}_", parameters.late, parameters.onsets[-1]
    settle, longer = parameters.settle, round(parameters.length / LOW)
    seen, stream, learns = f"decoding_{view}", f"probe_maps_{view}", ("ages.learns",)
    least = f"{SMALLEST['readout'].effect:g}"

    def at(kind: str) -> tuple[WindowArms, WindowArms]:
        return constant.cells[kind, 0], constant.cells[kind, late]

    restarted, settled = (ages[view, parameters.onsets[0]], ages[view, last]), at(HIGH_SETTLED)
    claims = [
        Claim(f"{begin}older", OURS, age(*restarted, seen), "greater",
              f"The network loses more of {the} where that is cut off early than from epoch {last} on, at the "
              "same rates.", differs=JUMP_BESIDE_SETTLED, short=f"{name}: early loses more", requires=learns),
        Claim(f"{begin}older_stream", OURS, age(*restarted, stream), "greater",
              f"It costs the stream of {the} more early than from epoch {last} on, too: a probe reads less.",
              differs=JUMP_BESIDE_SETTLED, short=f"{name} stream: early costs more", requires=learns),
        Claim(f"{begin}late", OURS, cost(restarted[1], seen), "not greater",
              f"From epoch {last} on the absence of {the} costs little of it: less than {least} points.",
              requires=(f"{begin}older",), short=f"{name}: late costs little"),
        Claim(f"{begin}accuracy", OURS, age(*restarted), "greater",
              f"The absence of {the} costs accuracy with both modalities, too, and more early than from epoch "
              f"{last} on.", differs=JUMP_BESIDE_SETTLED, short=f"{name}: early costs accuracy", requires=learns),
        Claim(f"{begin}errs_less", OURS, error_ratio(restarted[0]), "less",
              f"With both modalities a network errs less where {the} was cut off in the first epochs than with "
              "clean epochs in their place.", short=f"{name}: errs less without it", requires=learns),
        Claim(f"{begin}high", OURS, age(*at(HIGH), seen), "greater",
              f"At one constant high rate an early absence of {the} costs more of it than one at {late}.",
              differs=JUMP_BESIDE_SETTLED, short=f"{name}: early more, high rate", requires=learns),
        Claim(f"{begin}settled", OURS, age(*settled, seen), "greater",
              f"Where windows begin settled at that rate the absence of {the} costs more of it from epoch "
              f"{settle} than from {late + settle} on.", short=f"{name}: early more, settled", requires=learns),
        Claim(f"{begin}settled_stream", OURS, age(*settled, stream), "greater",
              f"It costs the stream of {the} more, too, where both windows begin settled.",
              short=f"{name}: stream more, settled", requires=learns),
        Claim(f"{begin}low", OURS, age(*at(LOWER), seen), "greater",
              f"At one constant low rate an early absence of {the} costs more of it, too.",
              short=f"{name}: early more, low rate", requires=learns),
        Claim(f"{begin}rate", PAWLAK2025, constant.rates(late, column=seen), "greater",
              f"At equal age the absence of {the} costs more of it at the high rate than at the low one.",
              differs=f"{FOLLOWS} {JUMP_BESIDE_SETTLED}", short=f"{name}: high rate costs more", requires=learns),
        *(Claim(f"{begin}dose_{word}", OURS, cost(constant.cells[HIGH, at_age], seen)
                - cost(constant.cells[LONGER, at_age], seen), "greater",
                f"From epoch {at_age} on the absence of {the} costs more of it at the high rate than at the low "
                "one that lasts as much longer as it is lower.", differs=JUMP_BESIDE_SETTLED if at_age else "",
                short=f"{name}: rate, equal dose ({word})", requires=learns)
          for word, at_age in (("early", 0), ("late", late))),
    ]  # fmt: skip
    pairs = {"older": (restarted, seen), "older_stream": (restarted, stream), "high": (at(HIGH), seen),
             "settled": (settled, seen), "settled_stream": (settled, stream), "low": (at(LOWER), seen),
             "longer": (at(LONGER), seen), "longer_stream": (at(LONGER), stream)}  # fmt: skip
    where = {"older": "Where the rate starts again at the onset", "high": "At the constant high rate",
             "settled": "Where windows begin settled at the high rate", "low": "At the constant low rate",
             "longer": f"Where windows at the low rate have {longer} epochs"}  # fmt: skip
    for what, ((early, old), column) in pairs.items():
        kind, _, whole = what.partition("_")
        less = f"a probe reads less from the stream of {the}" if whole else (
            f"the network tells less from {the}")
        to = f"the stream of {the}" if whole else f"what the network tells from {the}"
        first, then = (settle, late + settle) if kind == "settled" else (0, last if kind == "older" else late)
        brief = _BRIEF[what].format(name)
        claims += [
            Claim(f"{begin}{what}_harmed", OURS, damage(early, column), "greater",
                  f"{where[kind]}, {less} after an absence from epoch {first} on than where those epochs are skipped.",
                  short=f"{brief}: any damage", requires=learns),
            Claim(f"{begin}{what}_damage", OURS, damage(early, column) - damage(old, column), "greater",
                  f"{where[kind]}, an absence from epoch {first} on does more damage to {to} than one from epoch "
                  f"{then} on.", differs=JUMP_BESIDE_SETTLED if kind in _JUMPING else "", short=f"{brief}: more damage",
                  requires=(f"{begin}{what}_harmed",)),
        ]  # fmt: skip
    return [
        *claims,
        Claim(f"{begin}age_or_rate", OURS, damage(at(LOWER)[0], seen) - damage(at(HIGH)[1], seen), "greater",
              f"An early absence at the low rate does more damage to what the network tells from {the} than one "
              f"from epoch {late} on at the high rate: between these ages and rates age does more.",
              differs=JUMP_BESIDE_SETTLED, short=f"{name}: age does more than rate", requires=(f"{begin}low_harmed",)),
        Claim(f"{begin}no_shock", OURS, damage(at(HIGH)[1], seen) - damage(settled[1], seen), "none",
              f"The jump to the high rate does not make the late absence of {the} do more or less: settled "
              "networks lose as much.", differs=f"Settled windows begin {settle} epochs later.",
              short=f"{name}: no shock by the jump", requires=learns),
    ]  # fmt: skip
