"""Unlike modalities, one of them cut off early or late: is the one-sided use of the other lasting?"""

from critical.core.batch import VIEWS
from critical.plots.panel import Look
from critical.plots.panels import Dots
from experiments.design.contrasts import LEARNS_BESIDE
from experiments.design.figure import Design, Figure
from experiments.design.modalities import COLOURS, Modalities, by_onset, in_ids, modality_names
from experiments.design.modality_claims import cut_off_claims, hard_and_easy
from experiments.design.protocol import Protocol, cost
from experiments.design.two_streams import reading_untrained


def design(protocol: Protocol, parameters: Modalities) -> Design:
    """Sets each modality's absence, early and late at equal rates, against clean networks."""
    early, late = parameters.onsets
    windows, moments = by_onset(protocol, parameters), {early: "early", late: "late"}
    names = modality_names(protocol)

    def panel(column: str, unit: str, title: str) -> Dots:
        rows = [(Look(f"no {names[view]}, {moments[onset]}", COLOURS[view]), cost(held, column.format(view)))
                for (view, onset), held in windows.items()]  # fmt: skip
        return Dots(title=title, xlabel="points lost", rows=rows, unit=unit)

    classes = protocol.facts.classes
    claims = [claim for view in VIEWS for claim in cut_off_claims(view, names[view], parameters, windows, classes)]
    claims += hard_and_easy(parameters.easy, {view: windows[view, early] for view in VIEWS}, names)
    return Design(
        panels=[
            [panel("accuracy", "accuracy", "accuracy with both modalities"),
             panel("decoding_{}", "readout", "accuracy with the absent one alone")],
            [panel("probe_maps_{}", "readout", "linear probe of its stream"),
             panel("use_{}", "readout", "use: what exchanging it costs")],
        ],
        claims=claims,
        leading=tuple(f"modality.{in_ids(names['a'])}_early{what}" for what in ("", "_impaired")),
        panel_inches=(3.8, 2.0),
        arms=[arm for view in VIEWS for arm in (
            *(windows[view, onset].dose_matched for onset in parameters.onsets),
            *(windows[view, onset].deficit for onset in parameters.onsets),
            reading_untrained(windows[view, early].fresh),
        )],
        note="Lost is what clean epochs instead of the absence give more; in the shaded region it is too little to "
        f"matter. Windows have {parameters.length} epochs from epoch {early} or {late} on. The rate starts again at "
        "the onset and at the removal, so it is the same at any age. Part of an early cost is the clean epochs that "
        f"were missed; damage is told beside a fresh network, of the early window alone. {LEARNS_BESIDE}",
    )  # fmt: skip


FIGURE = Figure(
    name="multimodal/modality_dropout",
    title="One of two modalities cut off",
    question="Is an early absence of one modality lasting, more than a late one at the same rates?",
    parameters=Modalities,
    design=design,
    deviations=("No paper shows this; the claims carry those of Kleinman et al. over to unlike modalities.",),
    family="modalities",
)
