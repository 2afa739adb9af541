"""Unlike modalities, one of them cut off at several ages, at equal rates and at high and low ones."""

from collections.abc import Callable

from critical.core.batch import VIEWS
from critical.inference.arms import Contrast
from critical.inference.claims import Claim
from critical.inference.effects import SMALLEST
from critical.plots.panel import Look, role
from critical.plots.panels import Series
from experiments.design.figure import Design, Figure
from experiments.design.modalities import (
    COLOURS,
    HIGH,
    LONGER,
    LOWER,
    MODALITIES,
    SETTLED,
    ModalityAges,
    by_onset,
    by_rate,
)
from experiments.design.premises import learns
from experiments.design.protocol import Protocol, WindowArms, age, cost, damage
from experiments.design.rates import LOW
from experiments.design.sources import CVPR2023, JUMP, OURS, PAWLAK2025

Between = Callable[[WindowArms, str], Contrast]
LOOKS = {
    HIGH: role("deficit", "high rate"),
    SETTLED: role("deficit", "high, settled", "--", "s"),
    LOWER: role("dose_matched", "low rate"),
    LONGER: role("dose_matched", "low, longer", ":", "D"),
}


def design(protocol: Protocol, parameters: ModalityAges) -> Design:
    """Sets each modality's absence against clean networks, by age at equal rates, and by age and rate."""
    first, last, late = parameters.onsets[0], parameters.onsets[-1], parameters.late
    ages, cells, claims = by_onset(protocol, parameters), by_rate(protocol, parameters), []
    costs = {(view, kind, at): cost(held, f"decoding_{view}") for (view, kind, at), held in cells.items()}

    def aged(view: str, kind: str, column: str = "decoding") -> Contrast:
        return age(cells[view, kind, 0], cells[view, kind, late], f"{column}_{view}")

    def rate(view: str, low: str) -> Contrast:
        return 0.5 * sum((costs[view, HIGH, at] - costs[view, low, at] for at in (0, late)), Contrast({}))

    for view in VIEWS:
        name, begin = MODALITIES[view], f"ages.{MODALITIES[view]}_"
        early, old = ages[view, first], ages[view, last]
        needs = ("ages.learns",)
        claims += [
            Claim(f"{begin}older", CVPR2023, age(early, old, f"decoding_{view}"), "greater",
                  f"The network loses more of the {name} where that is cut off early than from epoch {last} on, at the "
                  "same rates.", differs=JUMP, short=f"{name}: early loses more", requires=needs),
            Claim(f"{begin}older_stream", OURS, age(early, old, f"probe_maps_{view}"), "greater",
                  f"The stream of the {name} loses more early than from epoch {last} on, too: a probe reads less.",
                  differs=JUMP, short=f"{name}: early impairs more", requires=needs),
            Claim(f"{begin}older_damage", OURS, damage(early, f"decoding_{view}") - damage(old, f"decoding_{view}"),
                  "greater", f"The damage to the {name} is larger early, too: against networks that skip the window.",
                  differs=JUMP, short=f"{name}: early does more damage", requires=needs),
            Claim(f"{begin}late", OURS, cost(old, f"decoding_{view}"), "not greater",
                  f"From epoch {last} on the absence of the {name} costs nothing of it.",
                  requires=(f"{begin}older",), short=f"{name}: late costs nothing"),
            Claim(f"{begin}high", CVPR2023, aged(view, HIGH), "greater",
                  f"At one constant high rate an early absence of the {name} costs more of it than one at {late}.",
                  short=f"{name}: early more, high rate", requires=needs),
            Claim(f"{begin}settled", OURS, aged(view, SETTLED), "greater",
                  f"An early absence of the {name} costs more where both windows begin settled at that rate, too, "
                  f"after {parameters.settle} clean epochs.", short=f"{name}: early more, settled", requires=needs),
            Claim(f"{begin}settled_stream", OURS, aged(view, SETTLED, "probe_maps"), "greater",
                  f"It impairs the stream of the {name} more, too, where both windows begin settled.",
                  short=f"{name}: stream more, settled", requires=needs),
            Claim(f"{begin}low", OURS, aged(view, LOWER), "greater",
                  f"At one constant low rate an early absence of the {name} costs more of it, too.",
                  short=f"{name}: early more, low rate", requires=needs),
            Claim(f"{begin}rate", PAWLAK2025, rate(view, LOWER), "greater",
                  f"At equal age the absence of the {name} costs more of it at the high rate than at the low one.",
                  short=f"{name}: high rate costs more", requires=needs),
            Claim(f"{begin}dose", OURS, rate(view, LONGER), "greater",
                  f"The high rate costs more of the {name} where the low one lasts as much longer as it is lower, too.",
                  requires=(f"{begin}rate",), short=f"{name}: high rate, equal dose"),
        ]  # fmt: skip

    def by_age(title: str, column: str, unit: str, what: str, contrast: Between = cost) -> Series:
        lines = [(Look(MODALITIES[view], COLOURS[view]),
                  {onset: contrast(held, column.format(view)) for (one, onset), held in ages.items() if one == view})
                 for view in VIEWS]  # fmt: skip
        return Series(title=title, xlabel="epoch from which it is cut off", ylabel=what, lines=lines, zero=True,
                      reach=SMALLEST[unit].effect)  # fmt: skip

    def crossed(view: str) -> Series:
        lines = [(look, {at: costs[view, kind, at] for at in (0, late)}) for kind, look in LOOKS.items()]
        return Series(title=f"{MODALITIES[view]} cut off: age or rate?", xlabel="age at the window (epochs)",
                      ylabel=f"lost with the {MODALITIES[view]} alone (points)", lines=lines, zero=True,
                      reach=SMALLEST["readout"].effect)  # fmt: skip

    premise = learns("ages.learns", ages["a", first].dose_matched, protocol.facts.classes, "The network",
                     "the network learns")  # fmt: skip
    return Design(
        panels=[
            [by_age("what the network tells from it", "decoding_{}", "readout", "lost with it alone (points)"),
             by_age("what its stream holds", "probe_maps_{}", "readout", "lost to a linear probe (points)")],
            [crossed("a"), crossed("b")],
            [by_age("both modalities", "accuracy", "accuracy", "test accuracy lost (points)"),
             by_age("damage to what it tells", "decoding_{}", "readout", "lost against no window (points)", damage)],
        ],
        claims=[premise, *claims],
        leading=("ages.image_older", "ages.image_settled", "ages.image_rate"),
        panel_inches=(3.8, 2.3),
        note="Lost is what clean epochs instead of the absence give more, damage what networks have more for which the "
        "window is left out; in the shaded region it is too little to matter. Windows have "
        f"{parameters.length} epochs. By age the rate starts again at the onset and at the removal. High is "
        f"{protocol.rate:g}, low {LOW:g} of it, constant in the window; 'longer' windows have "
        f"{round(parameters.length / LOW)} epochs; 'settled' ones begin after {parameters.settle} clean epochs at "
        "their rate.",
    )  # fmt: skip


FIGURE = Figure(
    name="multimodal/modality_age",
    title="One of two modalities cut off, by age and rate",
    question="Does the absence of a modality do more because the network is young, or because the rate is high?",
    parameters=ModalityAges,
    design=design,
    deviations=(
        "No paper shows this; claims about age carry those of Kleinman et al. over to unlike modalities, that about "
        "the rate one of Pawlak 2025.",
    ),
    family="modalities",
)
