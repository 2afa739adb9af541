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

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import torch
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional

from critical.batch import Batch
from critical.spec import SpecError

Views = tuple[torch.Tensor, ...]
Rows = Iterator[tuple[torch.Tensor, int]]  # squared sums (R, parameter tensors), weight of each of the R
METHODS = ("batch", "per_sample")
NOISES = ("labels", "signs")


@dataclass(frozen=True)
class LayerSums:
    """An estimated sum of squared derivatives, in total and per layer.

    Attributes:
        total: Sum over all trainable parameters, >= 0; NaN if the network's output is.
        standard_error: Of `total`, for the draw of images and labels together, the images taken as an
            independent sample of a population; NaN if there was a single chunk to judge by.
        layers: The sum of each module that owns trainable parameters itself (weight and bias together), in
            order of definition, keyed by its name in `named_modules()` (`"(root)"`: the model itself).
            A parameter shared by several modules counts for the first of them.
        layer_standard_errors: Likewise, same keys.
        samples: Number of images used.
    """

    total: float
    standard_error: float
    layers: dict[str, float]
    layer_standard_errors: dict[str, float]
    samples: int


class FisherTrace(LayerSums):
    """Quantity (a): trace of the Fisher information."""


class EmpiricalFisherTrace(LayerSums):
    """Quantity (b): trace of the empirical Fisher, with the labels of the data."""


class SquaredMeanGradient(LayerSums):
    """Quantity (c): squared norm of the mean gradient of a batch, with the labels of the data."""


Result = TypeVar("Result", bound=LayerSums)


@dataclass(frozen=True)
class FisherSettings:
    """How many images a measurement takes, and in chunks of how many; see `trace_of_fisher`.

    The defaults are chosen for the least standard error at under 10 % of an epoch of 4,000 images of 16×16
    (All-CNN of width 8 to 12, one CPU thread); `benchmarks/fisher_cost.py` prints the measurements.

    Attributes:
        samples: Images a measurement, at least 2 chunks of them (one tells no standard error).
        chunk: Images per gradient, >= 1.
        noise: `labels` or `signs`.
    """

    name: ClassVar[str] = "fisher"
    samples: int = 192
    chunk: int = 32
    noise: str = "signs"

    def __post_init__(self) -> None:
        if self.chunk < 1 or self.samples <= self.chunk:
            problem = f"fisher: samples={self.samples}, chunk={self.chunk}"
            raise SpecError(f"{problem}; chunk must be at least 1 and samples above it, for a standard error")
        if self.noise not in NOISES:
            raise SpecError(f"fisher.noise={self.noise}: one of {', '.join(NOISES)}")

    def measure(self, model: nn.Module, views: Views, generator: torch.Generator) -> FisherTrace:
        """Measures on `samples` of the images, drawn without replacement (all, if there are fewer).

        Args:
            model: Called as `model(*views)`; see `trace_of_fisher`.
            views: Tensors (N, ...) on the model's device.
            generator: On the CPU; draws the images, then the noise.

        Returns:
            The estimate.
        """
        chosen = torch.randperm(len(views[0]), generator=generator)[: self.samples].to(views[0].device)
        chunks = [tuple(view[part] for view in views) for part in chosen.split(self.chunk)]
        return trace_of_fisher(model, chunks, generator=generator, noise=self.noise)


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
            `critical.batch.Batch`, whose labels are ignored. `images.split(32)` is such an iterable.
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
    draw = _label_noise if noise == "labels" else _sign_noise

    def rows(network: _Network) -> Rows:
        for views in _inputs(batches):
            for part in zip(*(view.split(chunk or len(view)) for view in views), strict=True):
                logits = network.logits(part, differentiable=method == "batch")
                vectors = draw(_probabilities(logits), generator)
                if method == "batch":
                    yield network.squared_sum(logits, vectors) / len(logits), len(logits)
                else:
                    yield network.squares(part, vectors), 1

    return _mean(FisherTrace, model, rows)


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

    def rows(network: _Network) -> Rows:
        for views in _inputs(batches):
            p = _probabilities(network.logits(views, differentiable=False))
            classes = torch.eye(p.shape[1], dtype=p.dtype, device=p.device)
            weighted = [p[:, [c]] * network.squares(views, classes[c] - p) for c in range(p.shape[1])]
            yield torch.stack(weighted).sum(0), 1

    return _mean(FisherTrace, model, rows)


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

    def rows(network: _Network) -> Rows:
        for views, labels in _labelled(batches):
            p = _probabilities(network.logits(views, differentiable=False))
            yield network.squares(views, _score(p, labels)), 1

    return _mean(EmpiricalFisherTrace, model, rows)


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

    def rows(network: _Network) -> Rows:
        size = 0
        for views, labels in _labelled(batches):
            size = size or len(labels)
            if len(labels) != size:
                sizes = f"batches of {size} and of {len(labels)} examples"
                raise ValueError(f"{sizes}: the squared mean gradient depends on the size; drop the odd one")
            logits = network.logits(views, differentiable=True)
            yield network.squared_sum(logits, _score(_probabilities(logits), labels)) / size**2, size

    return _mean(SquaredMeanGradient, model, rows)


class _Network:
    """A model, its trainable parameters, and the layer each belongs to."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.parameters: list[nn.Parameter] = []
        self.layers: list[str] = []  # of each parameter
        self.places: dict[str, int] = {}  # every name of a parameter, and which one it is
        known: dict[int, int] = {}
        for layer, module in model.named_modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is None:
                raise ValueError(
                    f"layer {layer or '(root)'}: batch normalisation without running statistics makes the "
                    "examples of a batch depend on each other; use track_running_stats=True"
                )
            for name, parameter in module.named_parameters(layer, recurse=False, remove_duplicate=False):
                if not parameter.requires_grad:
                    continue
                if id(parameter) not in known:
                    known[id(parameter)] = len(self.parameters)
                    self.parameters.append(parameter)
                    self.layers.append(layer or "(root)")
                self.places[name] = known[id(parameter)]
        if not self.parameters:
            raise ValueError("no parameter of the model requires a gradient; call model.requires_grad_(True)")

    def logits(self, views: Views, differentiable: bool) -> torch.Tensor:
        """Returns the model's outputs once they are known to be logits (B, classes)."""
        with torch.set_grad_enabled(differentiable):
            logits = self.model(*views)
        if not isinstance(logits, torch.Tensor) or logits.ndim != 2 or len(logits) != len(views[0]):
            found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
            raise ValueError(
                f"the model returned {found} for {len(views[0])} examples; "
                "logits of shape (examples, classes) are needed"
            )
        if differentiable and not logits.requires_grad:
            raise ValueError("the logits depend on no trainable parameter; does the model detach them?")
        return logits

    def squared_sum(self, logits: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        """Returns ‖Σ_i J_iᵀ v_i‖² by parameter, shape (1, parameters), for vectors v_i (B, classes)."""
        gradients = torch.autograd.grad(logits, self.parameters, vectors.to(logits.dtype), allow_unused=True)
        zero = torch.zeros((), dtype=vectors.dtype, device=vectors.device)
        return torch.stack([zero if g is None else _squared_norm(g) for g in gradients])[None]

    def squares(self, views: Views, vectors: torch.Tensor) -> torch.Tensor:
        """Returns ‖J_iᵀ v_i‖² by example and parameter, shape (B, parameters)."""

        def projection(held: list[torch.Tensor], vector: torch.Tensor, *one: torch.Tensor) -> Any:
            named = {name: held[place] for name, place in self.places.items()}
            # With tie_weights=True a layer that is reachable by two names would keep the stand-ins for good.
            inputs = tuple(view[None] for view in one)
            logits = functional_call(self.model, named, inputs, tie_weights=False)
            return (logits[0] * vector).sum()

        def squared(vector: torch.Tensor, *one: torch.Tensor) -> torch.Tensor:
            return torch.stack([_squared_norm(gradient) for gradient in grad(projection)(held, vector, *one)])

        held = [parameter.detach() for parameter in self.parameters]
        return vmap(squared)(vectors, *views)


def _mean(kind: type[Result], model: nn.Module, rows: Callable[[_Network], Rows]) -> Result:
    """Averages rows of squared sums, weighted, over an undisturbed model, into totals and layers."""
    with _undisturbed(model):
        network = _Network(model)
        pieces = [(values.detach().cpu().double(), weight) for values, weight in rows(network)]
    if not pieces:
        raise ValueError("no batches to measure on; an iterator that was used up gives none")
    values = torch.cat([values for values, _ in pieces])
    weights = torch.tensor([float(weight) for values, weight in pieces for _ in values], dtype=torch.float64)
    samples, count = int(weights.sum()), len(weights)
    weights = weights / samples
    names = list(dict.fromkeys(network.layers))
    member = torch.tensor([[layer == name for name in names] for layer in network.layers])
    by_layer = values @ member.double()
    columns = torch.cat([by_layer.sum(1, keepdim=True), by_layer], dim=1)
    means = weights @ columns
    # Of a weighted mean of independent terms; for equal weights the usual s/√count.
    spread = weights.square() @ (columns - means).square()
    errors = (spread * count / (count - 1)).sqrt() if count > 1 else torch.full_like(means, math.nan)
    total, *layers = means.tolist()
    error, *layer_errors = errors.tolist()
    by_name, errors_by_name = (dict(zip(names, found, strict=True)) for found in (layers, layer_errors))
    return kind(total, error, by_name, errors_by_name, samples)


@contextlib.contextmanager
def _undisturbed(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside; modes, buffers and global random state restored on leaving."""
    modes = [(module, module.training) for module in model.modules()]
    buffers = [
        (module, name, buffer, buffer.clone())
        for module in model.modules()
        for name, buffer in module.named_buffers(recurse=False)
    ]
    devices = sorted({p.device.index or 0 for p in model.parameters() if p.device.type == "cuda"})
    with torch.random.fork_rng(devices=devices), torch.enable_grad():
        try:
            model.eval()
            yield
        finally:
            for module, mode in modes:
                module.training = mode
            for module, name, buffer, before in buffers:
                setattr(module, name, buffer)
                if not torch.equal(buffer, before):
                    with torch.no_grad():
                        buffer.copy_(before)


def _probabilities(logits: torch.Tensor) -> torch.Tensor:
    return _wide(logits.detach()).softmax(1)


def _label_noise(p: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    # One uniform an example, whatever the device, by inversion of the distribution function.
    uniforms = torch.rand(len(p), 1, generator=generator, dtype=torch.float64)
    cumulative = p.cpu().double().cumsum(1)
    drawn = torch.searchsorted(cumulative, uniforms * cumulative[:, -1:], right=True)
    return _score(p, drawn[:, 0].clamp(max=p.shape[1] - 1).to(p.device))


def _sign_noise(p: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    signs = torch.randint(0, 2, p.shape, generator=generator).to(p.device, p.dtype) * 2 - 1
    scaled = p.sqrt() * signs
    return scaled - p * scaled.sum(1, keepdim=True)


def _score(p: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Returns the derivative of log p(label) by the logits: onehot(label) − p."""
    return functional.one_hot(labels, p.shape[1]) - p


def _wide(values: torch.Tensor) -> torch.Tensor:
    return values if values.dtype in (torch.float32, torch.float64) else values.float()


def _squared_norm(values: torch.Tensor) -> torch.Tensor:
    return _wide(values).square().sum()


def _inputs(batches: Iterable[Any]) -> Iterator[Views]:
    """Yields the views of each batch."""
    if isinstance(batches, torch.Tensor):
        raise ValueError("batches is one tensor; pass several batches, such as images.split(32)")
    for batch in batches:
        yield _views(batch)


def _views(batch: Any) -> Views:
    views = batch.views if isinstance(batch, Batch) else batch
    views = (views,) if isinstance(views, torch.Tensor) else views
    if not isinstance(views, tuple) or not views or not all(isinstance(view, torch.Tensor) for view in views):
        raise ValueError(
            f"a batch of inputs is a tensor or a tuple of views, not {type(batch).__name__}; "
            "from a loader of pairs pass (images for images, labels in loader)"
        )
    if min(len(view) for view in views) == 0:
        raise ValueError("a batch is empty; leave it out")
    return views


def _labelled(batches: Iterable[Any]) -> Iterator[tuple[Views, torch.Tensor]]:
    """Yields the views and the labels of each batch."""
    if isinstance(batches, torch.Tensor):
        raise ValueError("batches is one tensor; pass pairs (images, labels)")
    for batch in batches:
        pair = (batch, batch.labels) if isinstance(batch, Batch) else batch
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not isinstance(pair[1], torch.Tensor):
            raise ValueError(f"a labelled batch is a pair (inputs, labels), not {type(batch).__name__}")
        views, labels = _views(pair[0]), pair[1]
        if labels.shape != (len(views[0]),) or labels.dtype != torch.int64:
            found = f"{tuple(labels.shape)} of {labels.dtype}"
            raise ValueError(f"labels are {found}; for {len(views[0])} examples: int64, one each")
        yield views, labels
