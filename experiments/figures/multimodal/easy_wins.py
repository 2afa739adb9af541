"""Which of two modalities does a network use, and which loses by its absence? The noise of either is varied."""

from collections.abc import Callable

from critical.core.batch import VIEWS
from critical.inference.claims import Claim
from critical.plots.panel import Look, Value
from critical.plots.panels import Series
from experiments.design.figure import Design, Figure
from experiments.design.hardness import ROLES, STREAM, Cut, Hardness, by_noise, of_losses
from experiments.design.modalities import COLOURS, modality_names
from experiments.design.premises import learns
from experiments.design.protocol import FRESH, Protocol
from experiments.design.sources import OURS


def design(protocol: Protocol, parameters: Hardness) -> Design:
    """Sets settings in which the image is easy against those in which the signal is, each with windows of absence."""
    names = modality_names(protocol)
    image, signal = by_noise(protocol, parameters)
    base, noisy, clear = image[min(image)], image[max(image)], signal[min(signal)]
    ends = {"base": (base, "as the data are", "as they are"), "image": (noisy, "with a noisy image", "noisy image"),
            "signal": (clear, "with a clear signal", "clear signal")}  # fmt: skip
    classes = protocol.facts.classes
    claims = [
        *(learns(f"easy.{name}_learns", held.clean("accuracy").arm, classes, f"The network {words}",
                 f"{brief}: the network learns") for name, (held, words, brief) in ends.items()),
        *(Claim(f"easy.{name}_{role}_to_lose", OURS, held.to_lose(role), "greater",
                f"{ROLES[role]} networks {words} have something of each modality to lose: use of it, and what a probe "
                "reads from its stream above chance.", requires=(f"easy.{name}_learns",),
                short=f"{brief}: {ROLES[role].lower()}, some to lose")
          for name, (held, words, brief) in ends.items() for role in ROLES),
        Claim("easy.image_easier", OURS, base.easier(), "greater",
              "As the data are, the image is the easy one: a probe reads more from a stream trained on it alone.",
              requires=("easy.base_learns",), short="as they are: image is easier"),
        Claim("easy.signal_easier", OURS, -1.0 * clear.easier(), "greater",
              "With a clear signal, that is the easy one: a probe reads more from a stream trained on it alone.",
              requires=("easy.signal_learns",), short="clear signal: signal is easier"),
        Claim("easy.used_image", OURS, base.preference() - noisy.preference(), "greater",
              "The noisier the image, the less a clean network uses it, and the more the signal.",
              requires=("easy.base_learns", "easy.image_learns"), short="noisy image is used less"),
        Claim("easy.used_signal", OURS, base.preference() - clear.preference(), "greater",
              "The noisier the signal, the less a clean network uses it, and the more the image.",
              requires=("easy.base_learns", "easy.signal_learns"), short="noisy signal is used less"),
        *(claim for role in ROLES for claim in of_losses(role, base, noisy, clear, parameters.length)),
    ]  # fmt: skip

    def row(what: str, value: Callable[[Cut, str], Value], zero: bool = True) -> list[Series]:
        return [
            Series(title=f"more noise in the {varied}", xlabel=f"noise of the {varied}", ylabel=what, zero=zero,
                   lines=[(Look(names[view], COLOURS[view]),
                           {noise: value(held, view) for noise, held in settings.items()}) for view in VIEWS])
            for varied, settings in (("image", image), ("signal", signal))
        ]  # fmt: skip

    return Design(
        panels=[
            row("use by clean networks (points)", lambda held, view: held.clean(f"use_{view}")),
            row("share of its use lost, beside clean epochs", lambda held, view: held.share_lost(view)),
            row("share of its use lost, beside fresh networks", lambda held, view: held.share_lost(view, role=FRESH)),
            row("share of its stream lost, beside clean epochs", lambda held, view: held.share_lost(view, STREAM)),
        ],
        claims=claims,
        leading=("easy.reversed", "easy.reversed_damage"),
        at={f"{STREAM}_{view}": (parameters.length,) for view in VIEWS},
        panel_inches=(3.8, 2.2),
        note=f"Each modality is absent in the first {parameters.length} epochs, clean epochs stand instead, or none do "
        "('fresh'), and all networks recover with both. The use of a modality is the accuracy that is lost when it is "
        "exchanged for another example's. The loss of a stream is in what a linear probe reads from it above chance.",
    )  # fmt: skip


FIGURE = Figure(
    name="multimodal/easy_wins",
    title="Which modality wins",
    question="Does the harder one of two modalities lose more by an early absence, whichever that is?",
    parameters=Hardness,
    design=design,
    deviations=("No paper shows this. Noise is that of the data, in training and in the test.",),
    family="modalities",
)
