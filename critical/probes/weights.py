"""Probes of the weights: other quantities called Fisher, moments of the gradient, and filters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from critical.core.batch import Batch
from critical.core.randomness import derived_seed, generator
from critical.core.spec import SpecError
from critical.measures.filters import high_frequency_share
from critical.measures.fisher import NOISES, empirical_fisher_trace, squared_mean_gradient, trace_of_fisher
from critical.measures.fisher_gradients import undisturbed
from critical.measures.gradient_moments import gradient_moments
from critical.models.transformer import Dense
from critical.probes.base import Probe, ProbeContext
from critical.probes.standard import by_pathway, images_of_fisher


@dataclass(frozen=True)
class FisherVariants(Probe):
    """What gets mixed up with the trace of the Fisher information, or may be behind it.

    All are measured on the images of the probe `fisher` with the same settings, through the deficits that acted.

    Attributes:
        samples: Images a measurement.
        chunk: Images a batch: the squared mean gradient depends on it.
        noise: As for `fisher`, for the trace in relative weights.
    """

    name: ClassVar[str] = "fisher_variants"
    samples: int = 160
    chunk: int = 32
    noise: str = "signs"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.chunk < 1 or self.samples < self.chunk or self.noise not in NOISES:
            raise SpecError(f"probe {self.name}: samples={self.samples}, chunk={self.chunk}, noise={self.noise}; chunk "
                            f"is at least 1, samples at least chunk, noise one of {', '.join(NOISES)}")  # fmt: skip

    def measure(self, context: ProbeContext) -> dict[str, Any]:
        """Returns five quantities.

        `empirical_fisher_trace` and `squared_mean_gradient` (of batches of `chunk`) take the labels that were seen; see
        `critical.measures.fisher`. `fisher_trace_relative` is the trace of the Fisher information where the weights of
        each layer are measured in units of their norm, and `fisher_trace_relative/<layer>` its parts: a layer before a
        batch normalisation does the same at half its weights, and its plain trace is four times as large then.
        `uncertainty` is the mean of 1 − Σ p², which the trace is proportional to where logits stay as steep.
        `fixed_loss` is the cross-entropy (nats) of these images and the labels that were seen, at the very weights of
        the trace: `train_loss` is a mean over an epoch in which they move, of images that are augmented.

        Of a network of two streams also `fisher_trace_relative_pathway/<a, b, trunk>`.
        """
        batches, draws = images_of_fisher(context, self.samples, self.chunk)
        pairs = [(context.arithmetic.place(batch.inputs), batch.labels) for batch in batches]
        # A batch of another size has another squared mean gradient.
        whole = [pair for pair in pairs if len(pair[1]) == len(pairs[0][1])]
        trace = trace_of_fisher(context.model, [inputs for inputs, _ in pairs], generator=draws, noise=self.noise)
        norms = _squared_norms(context.model)
        relative = {layer: norms[layer] * value for layer, value in trace.layers.items()}
        return {
            "empirical_fisher_trace": empirical_fisher_trace(context.model, pairs).total,
            "squared_mean_gradient": squared_mean_gradient(context.model, whole).total,
            **_answers(context, pairs),
            "fisher_trace_relative": sum(relative.values()),
            **{f"fisher_trace_relative/{layer}": value for layer, value in relative.items()},
            **by_pathway(context.model, relative, "fisher_trace_relative_pathway"),
        }


def _squared_norms(model: nn.Module) -> dict[str, float]:
    """Returns the squared norm of each module's own trainable parameters, by the names of `LayerSums.layers`."""
    return {
        layer or "(root)": sum(
            parameter.detach().double().square().sum().item()
            for parameter in module.parameters(recurse=False) if parameter.requires_grad
        )
        for layer, module in model.named_modules()
    }  # fmt: skip


def _answers(context: ProbeContext, pairs: list[tuple[tuple[torch.Tensor, ...], torch.Tensor]]) -> dict[str, float]:
    with undisturbed(context.model), torch.no_grad():
        logits = torch.cat([context.model(*inputs).float() for inputs, _ in pairs])
    labels = torch.cat([labels for _, labels in pairs])
    return {
        "uncertainty": float((1 - logits.softmax(1).square().sum(1)).mean()),
        "fixed_loss": float(functional.cross_entropy(logits, labels)),
    }


@dataclass(frozen=True)
class Gradients(Probe):
    """Norms of the mean and of the standard deviation of the gradient over the batches of an epoch.

    The weights stand still at the end of the epoch, and the batches part all training images once, seen through the
    deficits that acted, without augmentation. Layers are in training mode, so that batch normalisation takes the
    statistics of a batch, as in a step of the training; what it stores of them is put back. The loss is the mean over
    the batch, without weight decay.

    Attributes:
        batch_size: Images a batch; the deviation falls with its root. What is left over counts in no batch.
    """

    name: ClassVar[str] = "gradients"
    batch_size: int = 128

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch_size < 2:
            raise SpecError(f"probe {self.name}: batch_size={self.batch_size}; at least 2")

    def measure(self, context: ProbeContext) -> dict[str, Any]:
        """Returns `gradient_mean` and `gradient_deviation`, in nats per unit of the weights."""
        count = len(context.dataset.train.labels)
        if count < 2 * self.batch_size:
            raise SpecError(
                f"probe {self.name}: batch_size={self.batch_size} of {count} images; two batches are needed"
            )
        with undisturbed(context.model):
            # The generators that layers such as dropout draw from are put back too.
            torch.manual_seed(derived_seed(context.seed, "gradients", context.epoch))
            context.model.train()
            found = gradient_moments(self._gradients(context, self._batches(context)))
        return {"gradient_mean": found.mean, "gradient_deviation": found.deviation}

    def _gradients(self, context: ProbeContext, batches: Iterable[Batch]) -> Iterator[tuple[torch.Tensor | None, ...]]:
        parameters = [parameter for parameter in context.model.parameters() if parameter.requires_grad]
        for batch in batches:
            with context.arithmetic.autocast():
                logits = context.model(*context.arithmetic.place(batch.inputs)).float()
                loss = functional.cross_entropy(logits, batch.labels)
            yield torch.autograd.grad(loss, parameters, allow_unused=True)

    def _batches(self, context: ProbeContext, trained: bool = True) -> Iterator[Batch]:
        """Gives batches of all training images, or of all test images; the latter in one where they are fewer."""
        split = context.dataset.train if trained else context.dataset.test
        count = len(split.labels)
        size = min(self.batch_size, count)
        order = torch.randperm(count, generator=generator(context.seed, "gradients", context.epoch))
        for index in order[: count - count % size].to(split.labels.device).split(size):
            batch = context.dataset.batch(split, index)
            if not trained:
                # Noise that is fixed per image must not repeat a training image's: test images follow them.
                batch = replace(batch, index=batch.index + len(context.dataset.train.labels))
            for deficit in context.deficits:
                batch = deficit.apply(batch, seed=context.seed, epoch=context.epoch - 1)
            yield batch


@dataclass(frozen=True)
class Filters(Probe):
    """The filters of the first convolution.

    Attributes:
        shown: How many of them are written down; the share is that of all.
    """

    name: ClassVar[str] = "filters"
    shown: int = 8

    def measure(self, context: ProbeContext) -> dict[str, Any]:
        """Returns `filter_high_frequency_share` (see `critical.measures.filters`), and the first filters.

        Those are `filter/<number>/<channel>_<row>_<column>`, in parts of the largest weight of their filter: three
        digits, for a picture.

        Raises:
            SpecError: The network has no convolution of images.
        """
        # Linear maps of tokens are convolutions here, too, but none of images.
        convolutions = (held for held in context.model.modules() if isinstance(held, nn.Conv2d))
        first = next((held for held in convolutions if not isinstance(held, Dense)), None)
        if first is None:
            raise SpecError("probe filters: the network has no convolution; choose another, such as model=all_cnn")
        weights = first.weight.detach().float().cpu()
        row: dict[str, Any] = {"filter_high_frequency_share": high_frequency_share(weights)}
        for number, one in enumerate(weights[: self.shown]):
            scaled = one / one.abs().max().clamp(min=torch.finfo(one.dtype).tiny)
            for place in torch.cartesian_prod(*(torch.arange(side) for side in one.shape)).tolist():
                name = f"filter/{number:02}/{'_'.join(map(str, place))}"
                row[name] = round(float(scaled[tuple(place)]), 3)
        return row
