"""Probes: everything that is measured, called from the one loop after an epoch.

A probe is a spec with a `measure` method. It gets the network after an epoch and must leave it as
it found it (weights, buffers, mode, random state); the test of the loop compares runs with and
without probes bit for bit.
"""

from critical.probes.agreement import GradientCosine
from critical.probes.base import Probe, ProbeContext, evaluate
from critical.probes.clean import FisherClean, FisherVariantsClean, GradientsClean
from critical.probes.code_probe import CodeProbe
from critical.probes.ladders import Ladders
from critical.probes.standard import Accuracy, Fisher
from critical.probes.stream_probe import StreamProbe
from critical.probes.token_variance import TokenVariance
from critical.probes.two_views import Decoding, SourceVarianceProbe
from critical.probes.weights import Filters, FisherVariants, Gradients

KINDS: dict[str, type[Probe]] = {
    kind.name: kind
    for kind in (
        *(Accuracy, Fisher, Ladders, SourceVarianceProbe, Decoding, StreamProbe),
        *(FisherVariants, Gradients, GradientCosine, Filters, FisherClean, GradientsClean),
        *(CodeProbe, TokenVariance, FisherVariantsClean),
    )
}

__all__ = [
    "KINDS",
    "Accuracy",
    "CodeProbe",
    "Decoding",
    "Filters",
    "Fisher",
    "FisherClean",
    "FisherVariants",
    "FisherVariantsClean",
    "GradientCosine",
    "Gradients",
    "GradientsClean",
    "Ladders",
    "Probe",
    "ProbeContext",
    "SourceVarianceProbe",
    "StreamProbe",
    "TokenVariance",
    "evaluate",
]
