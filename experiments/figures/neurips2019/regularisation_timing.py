"""When does regularisation matter? Switched off at an epoch, on at it, or in a window (Golatkar et al. 2019)."""

from critical.inference.claims import Claim
from critical.plots.panel import Look, role
from critical.plots.panels import Series
from critical.plots.style import OTHER_COLOURS
from experiments.design.figure import Design, Figure
from experiments.design.protocol import Protocol
from experiments.design.sources import NEURIPS2019, OURS
from experiments.design.timing import Regularised, Timing, dose_length, regularised

RECENT = "The late window is nearer to the end, which no window of one length in one total can avoid."


def design(protocol: Protocol, parameters: Timing) -> Design:
    """Sets each regulariser alone, at all times, against itself at some and against none."""
    kinds = {held.name: regularised(protocol, parameters, held) for held in parameters.regularisers}
    dose = dose_length(protocol, parameters)
    claims = [claim for kind, held in kinds.items() for claim in _claims(kind, held, parameters, dose)]
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


def _claims(kind: str, held: Regularised, parameters: Timing, dose: int) -> list[Claim]:
    words, which, phase, length = _words(kind), f"timing.{kind}", parameters.phase, parameters.switches[0]
    name, helps, last, (first, late) = words.capitalize(), (f"{which}_helps",), max(held.window), held.same_rate
    (_, half), benefit = held.halves, held.always - held.never
    return [
        Claim(*helps, OURS, benefit, "greater",
              f"{name} in all epochs ends above none: there is something to time.",
              short=f"{words}: helps throughout"),
        # What is kept of the benefit less what is lost; and what is missed of it less what is had.
        Claim(f"{which}_removed", NEURIPS2019, 2 * (held.until[phase] - held.never) - benefit, "greater",
              f"{name} removed at epoch {phase}, after the first phase, keeps more of its benefit than it loses.",
              requires=helps, short=f"{words}: removal costs little"),
        Claim(f"{which}_late", NEURIPS2019, benefit - 2 * (held.since[phase] - held.never), "greater",
              f"{name} from epoch {phase} on, after the first phase alone, gives less than half of its benefit.",
              requires=helps, short=f"{words}: late helps little"),
        Claim(f"{which}_window", NEURIPS2019, held.window[0] - held.window[last], "greater",
              f"{name} for {length} epochs helps more from epoch 0 than from epoch {last} on.", requires=helps,
              short=f"{words}: early window better"),
        Claim(f"{which}_dose_helps", OURS, held.halves[0] - held.steady, "greater",
              f"{name} in the first {dose} epochs ends above none where the rate is constant.", requires=helps,
              short=f"{words}: early dose helps"),
        Claim(f"{which}_dose", OURS, held.halves[0] - held.halves[half], "greater",
              f"{name} in the first {dose} epochs ends above {words} in as many from epoch {half} on where the rate is "
              "the same.", requires=(f"{which}_dose_helps",), differs=RECENT, short=f"{words}: early of equal doses"),
        Claim(f"{which}_rates_helps", OURS, held.same_rate[first] - held.steady, "greater",
              f"{name} for the first {length} epochs of a constant rate helps.", requires=helps,
              short=f"{words}: first epochs help"),
        Claim(f"{which}_rates", OURS, held.same_rate[first] - held.same_rate[late], "greater",
              f"{name} for {length} epochs helps more from epoch {first} than from epoch {late} on where the rate is "
              "the same.", requires=(f"{which}_rates_helps",), differs=RECENT,
              short=f"{words}: early at equal rates"),
    ]  # fmt: skip


def _panels(words: str, held: Regularised, parameters: Timing) -> list[Series]:
    gains = {onset: arm - held.never for onset, arm in held.window.items()}
    steady = {onset: arm - held.steady for onset, arm in held.same_rate.items()}
    return [
        Series(title=words, xlabel="epoch of the switch", ylabel="final test accuracy (%)",
               lines=[(Look("on until\nthis epoch", OTHER_COLOURS[4]), held.until),
                      (Look("on from this\nepoch", OTHER_COLOURS[1], "--", "s"), held.since)],
               levels=[(role("clean", "never"), held.never), (role("fresh", "always"), held.always)]),
        Series(title=f"{words} for {parameters.switches[0]} epochs", xlabel="first epoch of the window",
               ylabel="with − without (points)", unit="accuracy",
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
        "The constant rate is ours, and with it equal doses: as many regularised epochs early and late, at equal "
        "summed rates. 'Little' is less than half of what the regulariser gives in all epochs. At a constant rate, "
        "too, weight decay changes the effective rate of layers before batch normalisation, through their norm.",
        "The strengths are ours, chosen by networks that are regularised throughout.",
    ),
)
