"""What a figure measures besides what its profile says, and when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from critical.core.spec import SpecError
from critical.probes import Fisher, FisherClean, FisherVariants, FisherVariantsClean, Probe
from experiments.design.protocol import Protocol


def measuring(protocol: Protocol, *probes: Probe) -> Protocol:
    """Returns a protocol with further probes; one that it has already is replaced, in its place."""
    held = {probe.name: probe for probe in (*protocol.parts.probes, *probes)}
    return replace(protocol, parts=replace(protocol.parts, probes=tuple(held.values())))


def after_every_epoch(protocol: Protocol, kind: type[Probe] = Fisher) -> Protocol:
    """Returns a protocol that measures a kind after every epoch of windows, where it measures it at all.

    So are kinds derived from it, such as `FisherClean` from `Fisher`.
    """
    return measuring(protocol, *(replace(probe, every=1) for probe in protocol.parts.probes if isinstance(probe, kind)))


def refuse_one_batch(protocol: Protocol) -> None:
    """Refuses a batch size at which there are no two batches to take gradients over, before anything trains.

    Raises:
        SpecError: There are too few training images; nothing is refused where the settings do not say how many.
    """
    data, size = protocol.parts.data, protocol.parts.optimizer.batch_size
    count = getattr(data, "subset", None) or getattr(data, "train_size", None)
    if count is not None and count < 2 * size:
        raise SpecError(f"optimizer.batch_size={size}: the gradient is taken over two batches at least, and there are "
                        f"{count} training images; lower it")  # fmt: skip


def variants_of(protocol: Protocol, every: int = 0) -> FisherVariants:
    """Returns the probe of the variants on the very images of the protocol's probe of the trace, or as by default."""
    return FisherVariants(**_of_trace(protocol), every=every)


def clean_trace_of(protocol: Protocol) -> FisherClean:
    """Returns the probe of the trace on clean images at the removal and at the end, as the protocol's otherwise."""
    return FisherClean(**_of_trace(protocol), every=0)


def clean_variants_of(protocol: Protocol) -> FisherVariantsClean:
    """Returns the probe of the variants on clean images at the removal and at the end, as that of the trace there."""
    return FisherVariantsClean(**_of_trace(protocol), every=0)


def _of_trace(protocol: Protocol) -> dict[str, Any]:
    known = next((probe for probe in protocol.parts.probes if type(probe) is Fisher), Fisher())
    return {"samples": known.samples, "chunk": known.chunk, "noise": known.noise}
