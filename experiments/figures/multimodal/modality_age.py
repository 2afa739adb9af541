"""Unlike modalities, one of them cut off at several ages, at equal rates and at high and low ones."""

from critical.core.batch import VIEWS
from critical.plots.panel import Look
from critical.plots.panels import Series
from experiments.design.contrasts import LEARNS_BESIDE
from experiments.design.figure import Design, Figure
from experiments.design.modalities import COLOURS, ModalityAges, by_onset, by_rate, in_ids, modality_names, with_article
from experiments.design.modality_age_claims import age_claims
from experiments.design.premises import learns
from experiments.design.protocol import Protocol, cost, damage
from experiments.design.rates import HIGH, HIGH_SETTLED, LONGER, LOW, LOWER, Effect


def design(protocol: Protocol, parameters: ModalityAges) -> Design:
    """Sets each modality's absence against clean networks, by age at equal rates, and by age and rate."""
    first, ages, crossed = parameters.onsets[0], by_onset(protocol, parameters), by_rate(protocol, parameters)
    names = modality_names(protocol)
    claims = [claim for view in VIEWS for claim in age_claims(view, names[view], parameters, ages, crossed[view])]
    beside: dict[Effect, str] = {cost: "points lost beside clean epochs", damage: "points lost beside no window"}

    def by_age(title: str, column: str, unit: str, effect: Effect = cost) -> Series:
        lines = [(Look(names[view], COLOURS[view]),
                  {onset: effect(held, column.format(view)) for (one, onset), held in ages.items() if one == view})
                 for view in VIEWS]  # fmt: skip
        return Series(title=title, xlabel="epoch from which it is cut off", ylabel=beside[effect], lines=lines,
                      unit=unit)  # fmt: skip

    def by_rates(view: str, effect: Effect, what: str) -> Series:
        kinds = (HIGH, HIGH_SETTLED, LOWER, LONGER)
        return Series(title=f"{names[view]} cut off: {what}", xlabel="age at the window (epochs)", unit="readout",
                      ylabel=f"lost with {with_article(names[view])} alone (points)",
                      lines=crossed[view].lines(kinds, lambda held: effect(held, f"decoding_{view}")))  # fmt: skip

    premise = learns("ages.learns", ages["a", first].dose_matched, protocol.facts.classes, "The network",
                     "the network learns")  # fmt: skip
    return Design(
        panels=[
            [by_age("cost: accuracy with it alone", "decoding_{}", "readout"),
             by_age("cost: linear probe of its stream", "probe_maps_{}", "readout")],
            [by_rates(view, cost, "cost") for view in VIEWS],
            [by_rates(view, damage, "damage") for view in VIEWS],
            [by_age("cost: accuracy with both", "accuracy", "accuracy"),
             by_age("damage: accuracy with it alone", "decoding_{}", "readout", damage)],
        ],
        claims=[premise, *claims],
        leading=tuple(f"ages.{in_ids(names[view])}_age_or_rate" for view in VIEWS),
        panel_inches=(3.8, 2.3),
        note="Lost is what clean epochs instead of the absence give more, damage what networks have more for which the "
        f"window is left out; in the shaded region it is too little to matter. {LEARNS_BESIDE} Alone is beside the "
        "other modality of another example: less is told where the stream is worse, and where the network listens "
        f"more to the other. All is measured after {protocol.recovery} clean epochs; it may be a delay. Windows have "
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
        "No paper shows this; claims about age carry those of Kleinman et al. over to unlike modalities and to windows "
        "at equal rates, that about the rate one of Pawlak 2025.",
    ),
    family="modalities",
)
