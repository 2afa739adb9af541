"""When does regularisation matter? Switched off at an epoch, on at it, or in a window (Golatkar et al. 2019)."""

from critical.inference.claims import Claim
from critical.inference.effects import SMALLEST
from critical.plots.panel import Look, role
from critical.plots.panels import Series
from critical.plots.style import OTHER_COLOURS
from experiments.design.figure import Design, Figure
from experiments.design.protocol import Protocol
from experiments.design.sources import NEURIPS2019, OURS
from experiments.design.timing import Regularised, Timing, regularised

RECENT = "The late window is nearer to the end, which no window of one length in one total can avoid."


def design(protocol: Protocol, parameters: Timing) -> Design:
    """Sets each regulariser alone, at all times, against itself at some and against none."""
    kinds = {held.name: regularised(protocol, parameters, held) for held in parameters.regularisers}
    claims = [claim for kind, held in kinds.items() for claim in _claims(kind, held, parameters)]
    total = protocol.longest_window + protocol.recovery
    return Design(
        panels=[_panels(_words(kind), held, parameters) for kind, held in kinds.items()],
        claims=claims,
        panel_inches=(3.6, 2.6),
        leading=tuple(f"timing.{kind}_{what}" for kind in kinds for what in ("removed", "late")),
        note=f"Weight decay {parameters.weight_decay:g}, shifts of up to {parameters.shift} pixels"
        f"{' and flips' if parameters.flip else ''}, mixup with α = {parameters.alpha:g}. All networks are trained for "
        f"{total} epochs; the constant rate lasts until epoch {protocol.longest_window}, then it decays, too.",
    )  # fmt: skip


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _claims(kind: str, held: Regularised, parameters: Timing) -> list[Claim]:
    words, which, phase, length = _words(kind), f"timing.{kind}", parameters.phase, parameters.switches[0]
    name, helps, last, (first, late) = words.capitalize(), (f"{which}_helps",), max(held.window), held.same_rate
    return [
        Claim(*helps, OURS, held.always - held.never, "greater",
              f"{name} in all epochs ends above none: there is something to time.",
              short=f"{words}: helps throughout"),
        Claim(f"{which}_removed", NEURIPS2019, held.always - held.until[phase], "not greater",
              f"{name} removed at epoch {phase}, after the first phase, costs little.", requires=helps,
              short=f"{words}: removal costs little"),
        Claim(f"{which}_late", NEURIPS2019, held.since[phase] - held.never, "not greater",
              f"{name} from epoch {phase} on, after the first phase alone, does not help.", requires=helps,
              short=f"{words}: late does not help"),
        Claim(f"{which}_window", NEURIPS2019, held.window[0] - held.window[last], "greater",
              f"{name} for {length} epochs helps more from epoch 0 than from epoch {last} on.", requires=helps,
              short=f"{words}: early window better"),
        Claim(f"{which}_dose", OURS, held.until[phase] - held.late, "greater",
              f"{name} in the first {phase} epochs ends above {words} in as many at the end.", requires=helps,
              short=f"{words}: early of equal doses"),
        Claim(f"{which}_rates", OURS, held.same_rate[first] - held.same_rate[late], "greater",
              f"{name} for {length} epochs helps more from epoch {first} than from epoch {late} on where the rate is "
              "the same.", requires=helps, differs=RECENT, short=f"{words}: early at equal rates"),
    ]  # fmt: skip


def _panels(words: str, held: Regularised, parameters: Timing) -> list[Series]:
    gains = {onset: arm - held.never for onset, arm in held.window.items()}
    steady = {onset: arm - held.steady for onset, arm in held.same_rate.items()}
    return [
        Series(title=words, xlabel="epoch of the switch", ylabel="final test accuracy (%)",
               lines=[(Look("on until\nthis epoch", OTHER_COLOURS[4]), held.until),
                      (Look("on from this\nepoch", OTHER_COLOURS[1], "--", "s"), held.since)],
               levels=[(role("clean", "never"), held.never), (role("fresh", "always"), held.always)]),
        Series(title=f"{words} for {parameters.switches[0]} epochs", xlabel="first epoch of the window", zero=True,
               ylabel="with − without (points)", reach=SMALLEST["accuracy"].effect,
               lines=[(Look("rate\ndecaying", OTHER_COLOURS[0]), gains),
                      (Look("rate\nconstant", OTHER_COLOURS[3], "--", "s"), steady)]),
    ]  # fmt: skip


FIGURE = Figure(
    name="neurips2019/regularisation_timing",
    title="When regularisation matters",
    question="Does regularisation help in the first epochs alone, and is that their age or their learning rate?",
    parameters=Timing,
    design=design,
    deviations=(
        "Each regulariser acts alone: the optimiser's weight decay and the augmentation are off in all arms.",
        "Equal numbers of regularised epochs early and late, and the constant rate, are ours. At a constant rate, too, "
        "weight decay changes the effective rate of layers before batch normalisation, through their norm.",
        "The strengths are ours, chosen by networks that are regularised throughout.",
    ),
)
