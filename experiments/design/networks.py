"""Networks and optimisation other than those of a profile: parameters, and a protocol for each."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from critical.core.spec import SpecError
from critical.data import Glyphs, Mnist
from critical.deficits import Blur
from critical.models import MLP, ResNet18
from critical.training.optimizers import Adam
from experiments.design.parameters import TwoRemovals, positive, within
from experiments.design.protocol import Protocol

HEAVY = 4
"""The larger weight decay, as a multiple of the profile's."""
NAMES = {
    "all_cnn": "All-CNN", "resnet": "ResNet-18", "fully_connected": "fully connected", "constant": "constant rate",
    "adam": "Adam", "no_decay": "no weight decay", "heavy_decay": f"weight decay × {HEAVY}", "layer": "layer norm",
    "group": "group norm", "none": "no norm",
}  # fmt: skip
UNDER_ADAM = ("layer", "group")
"""What is trained by Adam, and compared with batch normalisation under Adam: by SGD it hardly learns clean images."""


@dataclass(frozen=True)
class Architectures(TwoRemovals):
    """What a profile may set.

    Attributes:
        resnet_width: Factor of the maps of ResNet-18.
        widths: Units of the layers of the fully connected network.
        mnist: Whether it learns MNIST, under a blur by 4, a weight decay of 1e-4 and no augmentation; else the
            profile's data, glyphs with more contrast.
        fully_connected_rate: Its learning rate.
        fully_connected_decay: Factor of its rate per epoch.
        constant_rate: The rate that does not decay.
        adam_rate: Of Adam, also with layer and group normalisation.
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
        return {
            **TwoRemovals.defaults(protocol), "resnet_width": 0.125, "widths": (250, 200, 150, 100, 50), "mnist": False,
            "fully_connected_rate": 0.02, "fully_connected_decay": protocol.decay,
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
    # Weight decay is a part of the gradient here, which Adam rescales for each weight: it would not decay them.
    adam = {"rate": chosen.adam_rate, "optimizer": Adam(batch_size=size, weight_decay=0.0)}
    settings: dict[str, dict[str, Any]] = {
        "all_cnn": {},
        "resnet": {"model": ResNet18(chosen.resnet_width)},
        "fully_connected": flat,
        "constant": {"rate": chosen.constant_rate, "decay": 1.0},
        "adam": adam,
        "no_decay": {"optimizer": {"weight_decay": 0.0}},
        "heavy_decay": {"optimizer": {"weight_decay": HEAVY * parts.optimizer.weight_decay}},
        **{kind: {"model": {"normalization": kind}, **adam} for kind in UNDER_ADAM},
        "none": {"model": {"normalization": "none"}, "rate": chosen.plain_rate},
    }
    made = {key: protocol.variant(NAMES[key], **given) for key, given in settings.items()}
    if chosen.mnist:
        made["fully_connected"] = dataclasses.replace(made["fully_connected"], deficit=Blur(factor=4))
    return made
