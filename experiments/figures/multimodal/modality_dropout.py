"""Unlike modalities, one of them cut off early or late: is the one-sided use of the other lasting?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from critical.core.batch import VIEWS
from critical.core.spec import SpecError
from critical.deficits import ViewDropout
from critical.inference.claims import Claim
from critical.plots.panel import Look
from critical.plots.panels import Dots
from experiments.design.contrasts import LEARNS_BESIDE
from experiments.design.figure import Design, Figure
from experiments.design.modalities import COLOURS, MODALITIES
from experiments.design.parameters import Onsets, spaced
from experiments.design.protocol import RESTART_AT_ONSET, SCHEDULE_WORDS, Protocol, age, cost, harm
from experiments.design.sources import CVPR2023, JUMP, OURS
from experiments.design.two_streams import reading_untrained, stream_claims, untrained


@dataclass(frozen=True)
class Modalities(Onsets):
    """Parameters; onsets are those of the early and of the late window in which a modality is absent.

    Attributes:
        easy: The view that alone tells more in a clean run on calibration seeds, `a` or `b`.
    """

    easy: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.onsets) != 2:
            raise SpecError(f"onsets={list(self.onsets)}: an early and a late one are wanted")
        if self.easy not in VIEWS:
            raise SpecError(f"easy={self.easy}: one of {', '.join(VIEWS)}")

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns windows of the shortest length, at the beginning and after the longest window."""
        steps = spaced(protocol.longest_window, protocol.points)
        return {"length": steps[0], "onsets": (0, steps[-1]), "easy": "a"}


def design(protocol: Protocol, parameters: Modalities) -> Design:
    """Sets each modality's absence, early and late at equal rates, against clean networks."""
    early, late = parameters.onsets
    hard = next(view for view in VIEWS if view != parameters.easy)
    windows = {
        (view, onset): protocol.window(onset, parameters.length, RESTART_AT_ONSET, deficit=ViewDropout(view=view))
        for view in VIEWS
        for onset in parameters.onsets
    }

    moments = {early: "early", late: "late"}

    def panel(column: str, unit: str, title: str) -> Dots:
        rows = [(Look(f"no {MODALITIES[view]}, {moments[onset]}", COLOURS[view]), cost(held, column.format(view)))
                for (view, onset), held in windows.items()]  # fmt: skip
        return Dots(title=title, xlabel="points lost", rows=rows, unit=unit)

    rates, claims = SCHEDULE_WORDS[RESTART_AT_ONSET], []
    for view in VIEWS:
        name, first = MODALITIES[view], windows[view, early]
        what = f"The absence of the {name} in the first {parameters.length} epochs"
        claims += [
            *stream_claims(f"modality.{name}_", CVPR2023, first, view, what, rates, f"{name} cut off",
                           places=False, floor=untrained(first.fresh, f"probe_maps_{view}"),
                           classes=protocol.facts.classes),
            Claim(f"modality.{name}_early", CVPR2023, age(first, windows[view, late], f"decoding_{view}"), "greater",
                  f"The absence of the {name} costs the network more of it early than in a late window of the same "
                  "rates.", differs=JUMP, short=f"{name} cut off: early costs more"),
            Claim(f"modality.{name}_early_impaired", OURS, age(first, windows[view, late], f"probe_maps_{view}"),
                  "greater", f"The absence of the {name} costs its stream more early than in a late window of the same "
                  "rates: a linear probe reads less.", differs=JUMP, short=f"{name} stream: early costs more"),
            Claim(f"modality.{name}_decoded_harm", OURS, harm(first, f"decoding_{view}"), "greater",
                  f"{what} leaves less that the network tells from the {name} alone than a fresh network does.",
                  short=f"{name} cut off: damage, decoded"),
            Claim(f"modality.{name}_impaired_harm", OURS, harm(first, f"probe_maps_{view}"), "greater",
                  f"{what} leaves less for a linear probe in its stream than a fresh network has there.",
                  short=f"{name} cut off: damage, stream"),
            Claim(f"modality.{name}_cost", OURS, cost(first), "greater", f"{what} costs accuracy from both.",
                  short=f"{name} cut off: costs accuracy"),
        ]  # fmt: skip
    both = {view: windows[view, early] for view in VIEWS}
    lost = {view: both[view].dose_matched[f"use_{view}"] - both[view].deficit[f"use_{view}"] for view in VIEWS}
    claims += [
        Claim("modality.hard_matters", OURS, lost[hard] - lost[parameters.easy], "greater",
              f"The harder one ({MODALITIES[hard]}) loses more of its use than the easier one when it is cut off.",
              short="harder one loses more of its use"),
        *(Claim(f"modality.{which}", OURS, harm(both[view]), "greater",
                f"A network without the {MODALITIES[view]} in its first epochs ends below a fresh one.",
                short=f"no {MODALITIES[view]}: below a fresh network")
          for which, view in (("harm", hard), ("easy_harm", parameters.easy))),
    ]  # fmt: skip
    return Design(
        panels=[
            [panel("accuracy", "accuracy", "accuracy with both modalities"),
             panel("decoding_{}", "readout", "accuracy with the absent one alone")],
            [panel("probe_maps_{}", "readout", "linear probe of its stream"),
             panel("use_{}", "readout", "use: what exchanging it costs")],
        ],
        claims=claims,
        leading=("modality.image_early", "modality.image_early_impaired"),
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
