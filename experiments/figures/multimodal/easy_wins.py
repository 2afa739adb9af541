"""Which of two modalities does a network use, and which loses by its absence? The noise of either is varied."""

from collections.abc import Callable

from critical.core.batch import VIEWS
from critical.inference.arms import Contrast
from critical.inference.claims import Claim
from critical.plots.panel import Look, Value
from critical.plots.panels import Series
from experiments.design.figure import Design, Figure
from experiments.design.modalities import COLOURS, MODALITIES, Cut, Hardness, by_noise, signal_loses_more
from experiments.design.premises import learns
from experiments.design.protocol import Protocol
from experiments.design.sources import OURS


def design(protocol: Protocol, parameters: Hardness) -> Design:
    """Sets settings in which the image is easy against those in which the signal is, each with windows of absence."""
    image, signal = by_noise(protocol, parameters)
    base, noisy, clear = image[min(image)], image[max(image)], signal[min(signal)]
    ends = {"base": (base, "as the data are", "as they are"), "image": (noisy, "with a noisy image", "noisy image"),
            "signal": (clear, "with a clear signal", "clear signal")}  # fmt: skip
    classes, needs = protocol.facts.classes, ("easy.base_learns", "easy.image_learns", "easy.signal_learns")
    cut_off = f"cut off in the first {parameters.length} epochs"

    def stream(held: Cut) -> Contrast:
        return held.lost("b", "probe_maps") - held.lost("a", "probe_maps")

    claims = [
        *(learns(f"easy.{name}_learns", held.clean("accuracy").arm, classes, f"The network {words}",
                 f"{brief}: the network learns") for name, (held, words, brief) in ends.items()),
        Claim("easy.image_easier", OURS, base.easier(), "greater",
              "As the data are, the image is the easy one: a probe reads more from its stream in clean networks.",
              requires=("easy.base_learns",), short="as they are: image is easier"),
        Claim("easy.signal_easier", OURS, -1.0 * clear.easier(), "greater",
              "With a clear signal, that is the easy one: a probe reads more from its stream in clean networks.",
              requires=("easy.signal_learns",), short="clear signal: signal is easier"),
        Claim("easy.used_image", OURS, base.preference() - noisy.preference(), "greater",
              "The noisier the image, the less a clean network uses it, and the more the signal.", requires=needs,
              short="noisy image is used less"),
        Claim("easy.used_signal", OURS, base.preference() - clear.preference(), "greater",
              "The noisier the signal, the less a clean network uses it, and the more the image.", requires=needs,
              short="noisy signal is used less"),
        Claim("easy.hard_loses", OURS, signal_loses_more((1.0, base)), "greater",
              f"Where the image is the easy one, the signal loses the larger share of its use when {cut_off}.",
              requires=("easy.image_easier",), short="easy image: signal loses more"),
        Claim("easy.reversed", OURS, signal_loses_more((-1.0, clear)), "greater",
              f"Where the signal is the easy one, the image loses the larger share of its use when {cut_off}.",
              requires=("easy.signal_easier",), short="easy signal: image loses more"),
        Claim("easy.image_noise", OURS, signal_loses_more((1.0, base), (-1.0, noisy)), "greater",
              "The noisier the image, the larger the share of its use that it loses, compared with the signal.",
              requires=needs, short="noisy image loses more"),
        Claim("easy.signal_noise", OURS, signal_loses_more((1.0, base), (-1.0, clear)), "greater",
              "The noisier the signal, the larger the share of its use that it loses, compared with the image.",
              requires=needs, short="noisy signal loses more"),
        Claim("easy.image_noise_stream", OURS, stream(base) - stream(noisy), "greater",
              "The noisier the image, the more its absence impairs its stream, compared with the signal's.",
              requires=needs, short="noisy image: stream impaired more"),
        Claim("easy.signal_noise_stream", OURS, stream(base) - stream(clear), "greater",
              "The noisier the signal, the more its absence impairs its stream, compared with the image's.",
              requires=needs, short="noisy signal: stream impaired more"),
    ]  # fmt: skip

    def row(what: str, value: Callable[[Cut, str], Value], zero: bool = True) -> list[Series]:
        return [
            Series(title=f"more noise in the {varied}", xlabel=f"noise of the {varied}", ylabel=what, zero=zero,
                   lines=[(Look(MODALITIES[view], COLOURS[view]),
                           {noise: value(held, view) for noise, held in settings.items()}) for view in VIEWS])
            for varied, settings in (("image", image), ("signal", signal))
        ]  # fmt: skip

    return Design(
        panels=[
            row("use by clean networks (points)", lambda held, view: held.clean(f"use_{view}")),
            row("share of its use lost when cut off", lambda held, view: held.share_lost(view)),
            row("lost to a probe of its stream (points)", lambda held, view: held.lost(view, "probe_maps")),
        ],
        claims=claims,
        leading=("easy.hard_loses", "easy.reversed"),
        panel_inches=(3.8, 2.2),
        note=f"Each modality is absent in the first {parameters.length} epochs, or clean epochs stand instead, and all "
        "networks recover with both. The use of a modality is the accuracy that is lost when it is exchanged for "
        "another example's. Lost is what clean epochs give more.",
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
