"""Trace of the Fisher information, and the two other quantities that get called so.

(a) *Fisher*: E_x E_{ŷ~p(y|x)} ‖∇ log p(ŷ|x)‖², labels drawn from the model: `trace_of_fisher`, and
    `exact_trace_of_fisher`, which sums over all classes. Plotted by Achille, Rovere, Soatto (ICLR 2019).
(b) *empirical Fisher*: the labels of the data instead of ŷ: `empirical_fisher_trace`.
(c) *squared norm of a batch's mean gradient*, labels of the data: `squared_mean_gradient`.

They differ by factors up to the batch size, so each has a result type of its own. All sums run over the
parameters that require a gradient, in nats² per squared unit of the parameters. Gradients come from
`torch.autograd.grad` or `torch.func`, with every layer in evaluation mode, and weights, `.grad`, buffers,
modes and global random state are afterwards what they were before.

Every gradient here is Jᵀv, with J the Jacobian of an example's logits and v a vector on the logits. For
∇ log p(y|x), v = onehot(y) − p. As E‖Jᵀv‖² = tr(Jᵀ E[vvᵀ] J), any v of mean 0 and covariance diag(p) − ppᵀ
has the same trace: that of drawn labels (`noise="labels"`), or v = √p∘ε − p⟨√p, ε⟩ with random signs ε
(`noise="signs"`). Once a network is sure of its answers, a drawn label is nearly always the likely one
(v ≈ 0) and seldom another (v large); signs do not vary so, and their estimate is several times sharper.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from critical.measures.fisher_gradients import (
    Gradients,
    LayerSums,
    Rows,
    averaged,
    inputs_of,
    label_noise,
    labelled,
    probabilities,
    score,
    sign_noise,
)

METHODS = ("batch", "per_sample")
NOISES = ("labels", "signs")


class FisherTrace(LayerSums):
    """Quantity (a): trace of the Fisher information."""


class EmpiricalFisherTrace(LayerSums):
    """Quantity (b): trace of the empirical Fisher, with the labels of the data."""


class SquaredMeanGradient(LayerSums):
    """Quantity (c): squared norm of the mean gradient of a batch, with the labels of the data."""


def trace_of_fisher(
    model: nn.Module,
    batches: Iterable[Any],
    *,
    generator: torch.Generator,
    chunk: int | None = None,
    method: str = "batch",
    noise: str = "labels",
) -> FisherTrace:
    """Estimates tr F = E_x E_{ŷ~p(y|x)} ‖∇ log p(ŷ|x)‖², without bias.

    `method="batch"` takes one gradient per chunk: with ḡ the mean over the B examples of a chunk of
    g_i = ∇ log p(ŷ_i|x_i), its value is B·‖ḡ‖² = (1/B) Σ_ij g_i·g_j. Given the images, the ŷ_i are
    independent and E g_i = ∇ Σ_y p(y|x_i) = 0, so the terms i ≠ j vanish in expectation and (1/B) Σ_i ‖g_i‖²
    is left. It needs drawn labels: with those of the data E g_i is not 0 and the value grows with B.

    *Choice of the chunk.* From N images the variance is (V + 2(B − 1) tr F²) / N, V being the variance of
    ‖g‖² over images and noise, so small chunks are better per image; but if a gradient costs
    c₀ + c₁·B seconds, variance × time is least at B² = (c₀/c₁)·(V/(2 tr F²) − 1), F being the mean over x.
    `benchmarks/fisher_cost.py` measures both sides of it.

    Args:
        model: Called as `model(*views)`; returns logits (B, classes) and treats examples independently.
        batches: Inputs on the model's device: each a tensor (B, ...), a tuple of views, or a
            `critical.core.batch.Batch`, whose labels are ignored. `images.split(32)` is such an iterable.
        generator: On the CPU, for the noise: the same draws whatever the device.
        chunk: Splits each batch into chunks of this many images; None takes batches as they come.
        method: `batch`, or `per_sample`: mean of ‖g_i‖² by `torch.func` (slower, needs memory for B
            gradients at once; the chunk then changes the memory only).
        noise: `labels` or `signs`: see the module's docstring. The expectation is the same.

    Returns:
        The estimate; `layers` sums to `total`.

    Raises:
        ValueError: Unknown method or noise, no batches, no trainable parameters, outputs that are not
            logits (B, classes), or batch normalisation without running statistics; one line.
    """
    if method not in METHODS:
        raise ValueError(f"method={method!r}: one of {', '.join(METHODS)}")
    if noise not in NOISES:
        raise ValueError(f"noise={noise!r}: one of {', '.join(NOISES)}")
    if chunk is not None and chunk < 1:
        raise ValueError(f"chunk={chunk}: at least 1")
    draw = label_noise if noise == "labels" else sign_noise

    def rows(network: Gradients) -> Rows:
        for views in inputs_of(batches):
            for part in zip(*(view.split(chunk or len(view)) for view in views), strict=True):
                logits = network.logits(part, differentiable=method == "batch")
                vectors = draw(probabilities(logits), generator)
                if method == "batch":
                    yield network.squared_sum(logits, vectors) / len(logits), len(logits)
                else:
                    yield network.squares(part, vectors), 1

    return averaged(FisherTrace, model, rows)


def exact_trace_of_fisher(model: nn.Module, batches: Iterable[Any]) -> FisherTrace:
    """Sums over the classes: tr F = E_x Σ_y p(y|x) ‖∇ log p(y|x)‖², for tests and small networks.

    Args:
        model: As for `trace_of_fisher`; must run under `torch.func.vmap`.
        batches: As for `trace_of_fisher`; a batch's gradients, one an image, are in memory at once.

    Returns:
        The trace on these images, free of label noise: its standard error is that of the draw of images.

    Raises:
        ValueError: As for `trace_of_fisher`.
    """

    def rows(network: Gradients) -> Rows:
        for views in inputs_of(batches):
            p = probabilities(network.logits(views, differentiable=False))
            classes = torch.eye(p.shape[1], dtype=p.dtype, device=p.device)
            weighted = [p[:, [c]] * network.squares(views, classes[c] - p) for c in range(p.shape[1])]
            yield torch.stack(weighted).sum(0), 1

    return averaged(FisherTrace, model, rows)


def empirical_fisher_trace(model: nn.Module, batches: Iterable[Any]) -> EmpiricalFisherTrace:
    """Measures E_(x,y) ‖∇ log p(y|x)‖² with the labels of the data: not the Fisher information.

    The two agree only where labels are distributed as the model says (Kunstner, Balles and Hennig,
    *Limitations of the Empirical Fisher Approximation*, NeurIPS 2019).

    Args:
        model: As for `exact_trace_of_fisher`.
        batches: Pairs (inputs, labels), inputs a tensor or a tuple of views, labels int64 (B,); or `Batch`es.

    Returns:
        The mean over the examples, from a gradient for each.

    Raises:
        ValueError: As for `trace_of_fisher`, or batches without labels; one line.
    """

    def rows(network: Gradients) -> Rows:
        for views, labels in labelled(batches):
            p = probabilities(network.logits(views, differentiable=False))
            yield network.squares(views, score(p, labels)), 1

    return averaged(EmpiricalFisherTrace, model, rows)


def squared_mean_gradient(model: nn.Module, batches: Iterable[Any]) -> SquaredMeanGradient:
    """Measures ‖∇ mean log p(y|x)‖² of a batch with the labels of the data, averaged over the batches.

    In expectation it is ‖∇L‖² plus 1/B times the trace of the gradient's covariance, so it depends on the
    batch size B; neither it nor B times it is a trace of the Fisher information.

    Args:
        model: As for `trace_of_fisher`.
        batches: As for `empirical_fisher_trace`, all of one size.

    Returns:
        The mean over the batches; its standard error is over batches too.

    Raises:
        ValueError: As for `empirical_fisher_trace`, or batches of several sizes; one line.
    """

    def rows(network: Gradients) -> Rows:
        size = 0
        for views, labels in labelled(batches):
            size = size or len(labels)
            if len(labels) != size:
                sizes = f"batches of {size} and of {len(labels)} examples"
                raise ValueError(f"{sizes}: the squared mean gradient depends on the size; drop the odd one")
            logits = network.logits(views, differentiable=True)
            yield network.squared_sum(logits, score(probabilities(logits), labels)) / size**2, size

    return averaged(SquaredMeanGradient, model, rows)
