"""Does an encoder that was dissociated keep the views apart? Relative source variance by layer (figure 14)."""

from collections.abc import Mapping

from critical.core.spec import SpecError
from critical.inference.arms import Arm, Term
from critical.inference.claims import Claim
from critical.inference.effects import SMALLEST
from critical.measures.information import BINS
from critical.plots.panel import role
from critical.plots.panels import Series
from critical.plots.views import Preferences
from critical.probes import TokenVariance
from experiments.design.figure import Design, Figure
from experiments.design.measuring import measuring
from experiments.design.objectives import ACROSS, LABELS, FirstPhase, windows
from experiments.design.premises import learns
from experiments.design.protocol import Protocol, WindowArms, cost
from experiments.design.sources import CVPR2023, OURS

SHARE = "rsv_one_sided_layer"
NAMES = {ACROSS: "redrawing", LABELS: "labels"}


def design(protocol: Protocol, parameters: FirstPhase) -> Design:
    """Sets an early dissociation under both objectives against clean networks, before and after the fine-tuning."""
    for name in ("auxiliary", "slow", "motion_pairs"):
        if getattr(parameters, name) != getattr(FirstPhase, name):
            raise SpecError(f"{name}={getattr(parameters, name)}: cvpr2023/cross_sensor_reconstruction alone has arms "
                            "of it; leave it out")  # fmt: skip
    early, often = parameters.onsets[0], measuring(protocol, TokenVariance(every=parameters.ends[0]))
    end, phase = parameters.ends[0], parameters.phase(early)
    held = {key: windows(often, parameters, key, (early,))[early] for key in NAMES}
    # Checked with the windows: it is a transformer.
    layers = range(1 + getattr(protocol.parts.model, "layers", 0))
    last = f"{SHARE}{layers[-1]}"

    def by_layer(window: WindowArms, title: str) -> Series:
        def line(arm: Arm, at: str) -> Mapping[int, Term]:
            return {layer: arm[f"{SHARE}{layer}{at}"] for layer in layers}

        lines = [(role(kind, f"{words},\n{when}", *looks), line(arm, at))
                 for at, when, looks in (("", "fine-tuned", ("-", "o")), (f"@{phase}", "before", ("--", "s")),
                                         (f"@{end}", "window's end", (":", "^")))
                 for kind, words, arm in (("dose_matched", "clean", window.dose_matched),
                                          ("deficit", "dissociated", window.deficit))]  # fmt: skip
        return Series(title=title, xlabel="layer (0: the patches)", ylabel="share of one-sided units", lines=lines)

    def histogram(window: WindowArms, title: str) -> Preferences:
        return Preferences(
            title=title, xlabel="which view moves a unit", ylabel="share of units, last layer", prefix="rsv_tokens/",
            bins=BINS, names="middle", lines=[(role("dose_matched", "clean epochs instead"), window.dose_matched),
                              (role("deficit", "after a dissociation"), window.deficit)],
        )  # fmt: skip

    claims = [claim for key in NAMES for claim in _claims(key, held[key], (end, phase), last, protocol.facts.classes)]
    return Design(
        panels=[[by_layer(held[key], f"first phase: {key}"), histogram(held[key], "after the fine-tuning")]
                for key in held],
        claims=claims, columns=("rsv_tokens/",), at={f"{SHARE}{layer}": (end, phase) for layer in layers},
        panel_inches=(3.8, 2.9), leading=("tokens.redrawing_before", "tokens.redrawing_after"),
        note=f"The views are dissociated for {parameters.length} epochs from epoch {early} on, then come "
        f"{parameters.after} clean ones of the first phase and the fine-tuning with labels. A unit is a dimension of a "
        f"token; one-sided is one whose relative source variance is beyond ±0.5. Differences below "
        f"{SMALLEST['share'].effect:g} are too small to matter.",
    )  # fmt: skip


def _claims(key: str, window: WindowArms, epochs: tuple[int, int], last: str, classes: int) -> list[Claim]:
    """Returns the claims at the window's end, before and after the fine-tuning; each rests on the one before it."""
    id, who = f"tokens.{NAMES[key]}", f"First phase of {key}, "
    claims = [learns(f"{id}_learns", window.dose_matched, classes, f"The network of '{key}'", f"{key}: it learns")]
    moments = {"window": (f"@{epochs[0]}", "at the window's end", OURS),
               "before": (f"@{epochs[1]}", "still before the fine-tuning", CVPR2023),
               "after": ("", "still after the fine-tuning", CVPR2023)}  # fmt: skip
    before = claims[0].id
    for moment, (at, when, source) in moments.items():
        relates = window.dose_matched[f"{SHARE}0{at}"] - window.dose_matched[f"{last}{at}"]
        claims += [
            Claim(f"{id}_relates_{moment}", OURS, relates, "greater",
                  f"{who}{when.removeprefix('still ')}: a clean encoder mixes the views: fewer units are one-sided "
                  "in its last layer than in patches.", short=f"{key}: related, {moment}"),
            Claim(f"{id}_{moment}", source if key == ACROSS else OURS, -1.0 * cost(window, f"{last}{at}"), "greater",
                  f"{who}{when}: a dissociation has left more one-sided units in the last layer.",
                  short=f"{key}: one-sided, {moment}", requires=(before, f"{id}_relates_{moment}")),
        ]  # fmt: skip
        before = f"{id}_{moment}"
    return claims


FIGURE = Figure(
    name="cvpr2023/rsv_transformer",
    title="Which view tokens listen to",
    question="Does an early dissociation leave the views apart in an encoder, before and after its fine-tuning?",
    parameters=FirstPhase,
    design=design,
    deviations=(
        "The paper shows the encoder of a MultiMAE; here it is that of cvpr2023/cross_sensor_reconstruction. The "
        "network with labels, layers other than the last and clean networks with as many epochs are ours.",
        "Without attention every unit is one-sided, so a clean encoder is what a dissociated one is compared with.",
    ),
    family="transformer",
)
