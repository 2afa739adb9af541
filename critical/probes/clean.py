"""Probes that measure on images as they are, whatever deficits acted: what differs then is the weights.

At a removal weights and images change together. On clean images before and after it, the weights alone do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from critical.probes.base import ProbeContext
from critical.probes.standard import Fisher
from critical.probes.weights import FisherVariants, Gradients


@dataclass(frozen=True)
class FisherClean(Fisher):
    """The probe `fisher` on the same images and labels without deficits; `fisher_trace_clean`, … are its columns."""

    name: ClassVar[str] = "fisher_clean"

    def measure(self, context: ProbeContext) -> dict[str, Any]:
        """Returns the columns of `fisher`, each with `_clean` behind its name, before that of a layer."""
        return _named_clean(super().measure(replace(context, deficits=())))


@dataclass(frozen=True)
class FisherVariantsClean(FisherVariants):
    """The probe `fisher_variants` on the same images and labels without deficits."""

    name: ClassVar[str] = "fisher_variants_clean"

    def measure(self, context: ProbeContext) -> dict[str, Any]:
        """Returns the columns of `fisher_variants`, named as those of `fisher_clean` are."""
        return _named_clean(super().measure(replace(context, deficits=())))


@dataclass(frozen=True)
class GradientsClean(Gradients):
    """The probe `gradients` in the same batches without deficits, of images or of labels."""

    name: ClassVar[str] = "gradients_clean"

    def measure(self, context: ProbeContext) -> dict[str, Any]:
        """Returns `gradient_mean_clean` and `gradient_deviation_clean`."""
        return _named_clean(super().measure(replace(context, deficits=())))


def _named_clean(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the columns under other names: `fisher_trace/conv1` is `fisher_trace_clean/conv1`."""
    parted = {column: column.partition("/") for column in columns}
    return {f"{name}_clean{slash}{layer}": columns[column] for column, (name, slash, layer) in parted.items()}
