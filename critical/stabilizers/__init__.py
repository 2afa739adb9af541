"""Stabilisers: what is said to prevent a critical period, each with a window of its own."""

from critical.stabilizers.base import Acting, NoStabilizer, Situation, Stabilizer, StabilizerWindow, Step
from critical.stabilizers.fisher_penalty import FisherPenalty
from critical.stabilizers.inputs import ModalityDropout, WindowedAugmentation
from critical.stabilizers.masked_autoencoder import MaskedAutoencoder
from critical.stabilizers.mixup import Mixup
from critical.stabilizers.reconstruction import CrossSensorReconstruction
from critical.stabilizers.weights import L2Init, ShrinkAndPerturb, SlowTrunk, WeightDecay

KINDS: dict[str, type[Stabilizer]] = {
    kind.name: kind
    for kind in (
        NoStabilizer,
        FisherPenalty,
        CrossSensorReconstruction,
        ModalityDropout,
        ShrinkAndPerturb,
        WeightDecay,
        WindowedAugmentation,
        L2Init,
        SlowTrunk,
        Mixup,
        MaskedAutoencoder,
    )
}
"""Every stabiliser by its name in settings."""

__all__ = [
    "KINDS",
    "Acting",
    "CrossSensorReconstruction",
    "FisherPenalty",
    "L2Init",
    "MaskedAutoencoder",
    "Mixup",
    "ModalityDropout",
    "NoStabilizer",
    "ShrinkAndPerturb",
    "Situation",
    "SlowTrunk",
    "Stabilizer",
    "StabilizerWindow",
    "Step",
    "WeightDecay",
    "WindowedAugmentation",
]
