"""The removal curve of other networks and other optimisation (Achille et al. 2019)."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from critical.core.spec import SpecError
from critical.data import Glyphs, Mnist
from critical.deficits import Blur
from critical.inference.arms import Contrast
from critical.inference.claims import Claim
from critical.inference.effects import SMALLEST
from critical.models import MLP, ResNet18
from critical.plots.panel import Look, role
from critical.plots.panels import Dots, Series, contrasts
from critical.plots.style import arm_colour
from critical.training.optimizers import Adam
from experiments.design.figure import Design, Figure
from experiments.design.parameters import Removals, positive, spaced, within
from experiments.design.premises import learns
from experiments.design.protocol import CONTINUE, RESTART, SCHEDULE_TITLES, Protocol, WindowArms, cost
from experiments.design.sources import ICLR2019, OURS

HEAVY = 4
"""The larger weight decay, as a multiple of the profile's."""
NAMES = {
    "all_cnn": "All-CNN", "resnet": "ResNet-18", "fully_connected": "fully connected", "constant": "constant rate",
    "adam": "Adam", "no_decay": "no weight decay", "heavy_decay": f"weight decay × {HEAVY}", "layer": "layer norm",
    "group": "group norm", "none": "no norm",
}  # fmt: skip
SHAPE = "The paper says that weight decay shifts the shape of the curve; the direction at the last removal is ours."
OF_PAPER = ("all_cnn", "resnet", "fully_connected", "constant", "adam", "no_decay", "heavy_decay")


@dataclass(frozen=True)
class Architectures(Removals):
    """Parameters.

    Attributes:
        resnet_width: Factor of the maps of ResNet-18.
        widths: Units of the layers of the fully connected network.
        mnist: Whether it learns MNIST, under a blur by 4, a weight decay of 1e-4 and no augmentation; else the
            profile's data, glyphs with more contrast.
        fully_connected_rate: Its learning rate.
        fully_connected_decay: Factor of its rate per epoch.
        constant_rate: The rate that does not decay.
        adam_rate: Of Adam.
        plain_rate: Of the network without normalisation; that of the others where they learn at it.
    """

    resnet_width: float
    widths: tuple[int, ...]
    mnist: bool
    fully_connected_rate: float
    fully_connected_decay: float
    constant_rate: float
    adam_rate: float
    plain_rate: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.widths:
            raise SpecError("widths=[]: at least one layer is wanted")
        positive(resnet_width=self.resnet_width, fully_connected_rate=self.fully_connected_rate,
                 constant_rate=self.constant_rate, adam_rate=self.adam_rate, plain_rate=self.plain_rate)  # fmt: skip
        within(1e-6, 1, fully_connected_decay=self.fully_connected_decay)

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns the shortest and the longest removal, small networks, and rates chosen by clean runs in `quick`."""
        steps = spaced(protocol.longest_window, max(2, protocol.points))
        return {
            "removals": (steps[0], steps[-1]), "resnet_width": 0.125, "widths": (250, 200, 150, 100, 50),
            "mnist": False, "fully_connected_rate": 0.02, "fully_connected_decay": protocol.decay,
            "constant_rate": 0.02, "adam_rate": 0.003, "plain_rate": protocol.rate,
        }  # fmt: skip


def variants(protocol: Protocol, chosen: Architectures) -> dict[str, Protocol]:
    """Returns a protocol for each of `NAMES`."""
    parts, size = protocol.parts, protocol.parts.optimizer.batch_size
    flat: dict[str, Any] = {"model": MLP(chosen.widths), "rate": chosen.fully_connected_rate,
                            "decay": chosen.fully_connected_decay}  # fmt: skip
    if chosen.mnist:
        flat |= {"data": Mnist(root=parts.data.root, subset=parts.data.subset),
                 "augmentation": {"shift": 0, "flip": False}, "optimizer": {"weight_decay": 1e-4}}  # fmt: skip
    elif isinstance(parts.data, Glyphs):
        flat |= {"data": {"contrast": 0.9, "noise": 0.05}}
    settings: dict[str, dict[str, Any]] = {
        "all_cnn": {},
        "resnet": {"model": ResNet18(chosen.resnet_width)},
        "fully_connected": flat,
        "constant": {"rate": chosen.constant_rate, "decay": 1.0},
        # Weight decay is a part of the gradient here, which Adam rescales for each weight: it would not decay them.
        "adam": {"rate": chosen.adam_rate, "optimizer": Adam(batch_size=size, weight_decay=0.0)},
        "no_decay": {"optimizer": {"weight_decay": 0.0}},
        "heavy_decay": {"optimizer": {"weight_decay": HEAVY * parts.optimizer.weight_decay}},
        **{kind: {"model": {"normalization": kind}} for kind in ("layer", "group")},
        "none": {"model": {"normalization": "none"}, "rate": chosen.plain_rate},
    }
    made = {key: protocol.variant(NAMES[key], **given) for key, given in settings.items()}
    if chosen.mnist:
        made["fully_connected"] = dataclasses.replace(made["fully_connected"], deficit=Blur(factor=4))
    return made


def share(held: WindowArms) -> Contrast:
    """Returns how many times the deficit multiplies the error, as a logarithm."""
    return held.deficit.log("error") - held.dose_matched.log("error")


def design(protocol: Protocol, parameters: Architectures) -> Design:
    """Sets windows [0, removal) for each network; the last one under a restarted rate, too."""
    ends, last, name = parameters.removals, parameters.removals[-1], protocol.deficit.name
    made = variants(protocol, parameters)
    curve = {key: {end: held.window(0, end, CONTINUE) for end in ends} for key, held in made.items()}
    late = {key: held[last] for key, held in curve.items()}
    fair = {key: held.window(0, last, RESTART) for key, held in made.items()}
    until = f"{name.capitalize()} until epoch {last}"
    claims = [
        learns(f"networks.{key}_learns", late[key].dose_matched, protocol.facts.classes, f"The network '{NAMES[key]}'",
               f"{NAMES[key]}: clean runs learn")
        for key in made
    ]  # fmt: skip
    claims += [
        learns(f"networks.{key}_restarted_learns", fair[key].dose_matched, protocol.facts.classes,
               f"The network '{NAMES[key]}', rate restarted,", f"{NAMES[key]}: restarted runs learn")
        for key in ("all_cnn", "layer", "group")
    ]  # fmt: skip
    claims += [
        Claim(f"networks.{key}", ICLR2019 if key in OF_PAPER else OURS, cost(late[key]), "greater",
              f"{until} costs accuracy under the published protocol: {NAMES[key]}.",
              short=f"{NAMES[key]}: costs accuracy", requires=(f"networks.{key}_learns",))
        for key in made
    ]  # fmt: skip
    claims += [
        Claim("networks.all_cnn_restarted", OURS, cost(fair["all_cnn"]), "greater",
              f"{until} costs accuracy when the rate restarts: {NAMES['all_cnn']}.",
              short="All-CNN: costs when restarted", requires=("networks.all_cnn_restarted_learns",)),
        Claim("networks.decay_matters", ICLR2019, cost(late["heavy_decay"]) - cost(late["no_decay"]), "greater",
              f"{until} costs more under a weight decay {HEAVY} times as strong than under none (rate decaying).",
              short="weight decay raises the cost", differs=SHAPE,
              requires=("networks.heavy_decay_learns", "networks.no_decay_learns")),
    ]  # fmt: skip
    for how, held, again in (("decaying", late, ""), ("restarted", fair, "_restarted")):
        for kind in ("layer", "group"):
            needs = (f"networks.all_cnn{again}", f"networks.all_cnn{again}_learns", f"networks.{kind}{again}_learns")
            claims += [
                Claim(f"networks.{kind}_{how}", OURS, cost(held["all_cnn"]) - cost(held[kind]), "not greater",
                      f"{until} costs no less with {NAMES[kind]} instead of batch normalisation: it is not the running "
                      f"statistics (rate {how}).", requires=needs, short=f"{NAMES[kind]} saves none ({how})"),
                Claim(f"networks.{kind}_share_{how}", OURS, share(held["all_cnn"]) - share(held[kind]), "not greater",
                      f"With {NAMES[kind]} it multiplies the error no less than with batch normalisation, either "
                      f"(rate {how}).", requires=needs, short=f"{NAMES[kind]}: errors too ({how})"),
            ]  # fmt: skip

    def of(key: str) -> Series:
        lines = [(role("dose_matched", "clean instead"), {end: curve[key][end].dose_matched for end in ends}),
                 (role("deficit", made[key].deficit.name), {end: curve[key][end].deficit for end in ends})]
        return Series(title=NAMES[key], xlabel="epoch of removal", ylabel="final test accuracy (%)", lines=lines,
                      levels=[(role("fresh", "from scratch"), late[key].from_scratch)])  # fmt: skip

    grey = arm_colour("clean")
    costs = [
        Dots(title=SCHEDULE_TITLES[how], xlabel=f"cost until epoch {last} (points)", names="above",
             rows=[(Look(NAMES[key], grey), cost(held[key])) for key in made], reach=SMALLEST["accuracy"].effect)
        for how, held in ((CONTINUE, late), (RESTART, fair))
    ]  # fmt: skip
    controls = [claim for claim in claims if isinstance(claim.contrast, Contrast) and claim.direction == "not greater"]
    asks = contrasts(controls, "accuracy", title="batch norm costs more", xlabel="points")
    errors = contrasts(controls, "error", title="… as a share of errors", xlabel="logarithm of the ratio")
    keys = list(made)
    return Design(
        panels=[*([of(key) for key in keys[place : place + 2]] for place in range(0, len(keys), 2)), [*costs],
                [asks, errors]],
        claims=claims, panel_inches=(3.4, (*[2.2] * ((len(keys) + 1) // 2), 3.6, 2.2)),
        leading=("networks.resnet", "networks.fully_connected", "networks.layer_decaying"),
    )  # fmt: skip


FIGURE = Figure(
    name="iclr2019/architectures",
    title="Other networks, other optimisation",
    question="Does an early deficit leave a cost whatever the network, the optimiser and the normalisation?",
    parameters=Architectures,
    design=design,
    deviations=(
        "Layer, group and no normalisation, in All-CNN, are not in the paper. Without one, layers have biases, and "
        "weights begin as in He et al. 2015.",
        "ResNet-18 is the pre-activation one; the shape of the curves is shown, the claims are about the last removal.",
        "In small profiles the fully connected network is a tenth as wide, and its rate falls as that of the others; "
        "in quick it learns glyphs of more contrast instead of MNIST, in laptop 10,000 images of MNIST.",
        "Rates of the constant schedule and of Adam are ours; in paper that without normalisation, too. Adam goes "
        "without weight decay.",
    ),
)
