"""What makes small networks fast on CUDA, where a step is two hundred kernels of some microseconds each.

Starting a kernel costs the CPU more than the kernel takes. So the images of several batches are gathered and augmented
at once, and a step is recorded in the epoch's second batch as a CUDA graph, which the batches after it replay. Neither
changes a number: an image is augmented by itself, and a graph holds the kernels that the step would start.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import fields

import torch

from critical.core.batch import Batch
from critical.data import Split
from critical.training.augmentation import Augmentation
from critical.training.metrics import EpochMetrics

BATCHES_AT_ONCE = 16
"""On CUDA; on a CPU, whose caches hold one batch, one."""


def augmented(
    split: Split, order: torch.Tensor, size: int, augmentation: Augmentation, draws: torch.Generator
) -> Iterator[Batch]:
    """Yields the batches of an epoch, augmented; a last one of a single example is left out.

    Args:
        split: The examples.
        order: Their order, int64 (N,), on the CPU.
        size: Examples a batch.
        augmentation: It draws for one batch after another, however many are made at once.
        draws: Generator of the augmentation.
    """
    device = split.labels.device
    at_once = _together(device)
    for index in order.to(device).split(size * at_once):
        if at_once == 1:
            if len(index) > 1:
                yield augmentation.apply(split.batch(index), draws)
            continue
        drawn = [augmentation.draw(len(part), draws) for part in index.split(size) if len(part) > 1]
        count = sum(len(mirrored) for _, mirrored in drawn)
        if not count:
            continue
        offsets, mirrored = (torch.cat(parts, dim=-1) for parts in zip(*drawn, strict=True))
        block = augmentation.moved(split.batch(index[:count]), offsets, mirrored)
        for start in range(0, count, size):
            yield _mapped(lambda held, start=start: held[start : start + size], block)  # type: ignore[misc]


class Steps:
    """The steps of one epoch.

    Args:
        step: Trains a step: (its number, its batch).
        metrics: What it adds to.
        graphs: Whether steps are replayed; they must be alike then, whatever their number.
    """

    def __init__(self, step: Callable[[int, Batch], None], metrics: EpochMetrics, graphs: bool) -> None:
        self._step, self._metrics, self._graphs = step, metrics, graphs
        self._size = 0
        self._held: Batch
        self._graph: torch.cuda.CUDAGraph | None = None

    @contextlib.contextmanager
    def stream(self) -> Iterator[None]:
        """Inside, steps go through a stream of their own: a graph cannot be recorded on the default one."""
        if not self._graphs:
            yield
            return
        stream = _stream()
        stream.wait_stream(torch.cuda.current_stream())
        try:
            with torch.cuda.stream(stream):
                yield
        finally:
            torch.cuda.current_stream().wait_stream(stream)

    def __call__(self, number: int, batch: Batch) -> None:
        """Trains a step."""
        if number == 0:
            self._size = len(batch)
        # The first step makes what the others find: momentum, cuDNN's workspaces.
        if not self._graphs or number == 0 or len(batch) != self._size:
            self._step(number, batch)
            return
        if self._graph is None:
            self._held = _mapped(torch.clone, batch)
            self._graph = torch.cuda.CUDAGraph()
            # In the memory of the graph before it, which is replayed no more: `torch.cuda.graph` would empty caches.
            self._graph.capture_begin(pool=_LAST[0].pool() if _LAST else None)
            # Nothing is computed here, and the metrics count the examples of the first replay.
            self._step(number, self._held)
            self._graph.capture_end()
            _LAST[:] = [self._graph]
        else:
            for held, new in zip(_tensors(self._held), _tensors(batch), strict=True):
                held.copy_(new)
            self._metrics.seen += len(batch)
        self._graph.replay()


_LAST: list[torch.cuda.CUDAGraph] = []
"""The last graph of this process."""


@functools.cache
def _stream() -> torch.cuda.Stream:
    """Returns the stream of this process for steps: the memory of a stream is its own."""
    return torch.cuda.Stream()


def _together(device: torch.device) -> int:
    return BATCHES_AT_ONCE if device.type == "cuda" else 1


def _tensors(batch: Batch) -> list[torch.Tensor]:
    return [*batch.views, *(held for held in (batch.labels, batch.index, batch.head) if held is not None)]


def _mapped(function: Callable[[torch.Tensor], torch.Tensor], batch: Batch) -> Batch:
    """Applies a function to every tensor of a batch."""
    held = {field.name: getattr(batch, field.name) for field in fields(batch)}
    changed = {name: function(value) for name, value in held.items() if isinstance(value, torch.Tensor)}
    return Batch(**{**held, **changed, "views": tuple(map(function, batch.views))})
