"""What makes small networks fast on CUDA, where a step is two hundred kernels of some microseconds each.

Starting a kernel costs the CPU more than the kernel takes. So the images of several batches are gathered and augmented
at once, and a step is recorded in the epoch's second batch as a CUDA graph, which the batches after it replay. Neither
changes a number: an image is augmented by itself, and a graph holds the kernels that the step would start.

What a graph holds is the step's kernels and nothing of Python. So each epoch records its own: the rate, the momentum
and the deficits of another epoch are never replayed, and deficits and augmentation, which draw for every batch, stay
outside. Dropout on the GPU draws on at each replay as it would in each step. A network that draws on the CPU would draw
once and for all; so where the first step of an epoch has drawn there, the epoch's steps are not replayed.
"""

from __future__ import annotations

import contextlib
import functools
import random
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import torch

from critical.core.batch import Batch
from critical.core.spec import SpecError
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
        draws: Generator of the augmentation, on the CPU.

    Yields:
        Batches of `size` examples, the last one smaller; views float32 in [0, 1], on the device of the split.
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
        graphs: Whether steps are replayed; they must be alike then, whatever their number. The first one tells whether
            they draw on the CPU; if they do, all are trained as without graphs.
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
        """Trains a step.

        Raises:
            SpecError: The step cannot be recorded, in one line that says what to do.
        """
        if number == 0:
            self._size = len(batch)
            before = _drawn_on_the_cpu() if self._graphs else ()
            # The first step makes what the others find: momentum, cuDNN's workspaces.
            self._step(number, batch)
            self._graphs = self._graphs and _drawn_on_the_cpu() == before
            return
        if not self._graphs or len(batch) != self._size:
            self._step(number, batch)
            return
        if self._graph is None:
            self._held = _mapped(torch.clone, batch)
            self._graph = self._recorded(number)
        else:
            for held, new in zip(_tensors(self._held), _tensors(batch), strict=True):
                held.copy_(new)
            self._metrics.seen += len(batch)
        self._graph.replay()

    def _recorded(self, number: int) -> torch.cuda.CUDAGraph:
        """Records the step on the batch that is held: nothing is computed, and the metrics count its examples."""
        graph = torch.cuda.CUDAGraph()
        # In the memory of the graph before it, which is replayed no more: `torch.cuda.graph` would empty caches.
        graph.capture_begin(pool=_LAST[0].pool() if _LAST else None)
        try:
            self._step(number, self._held)
            graph.capture_end()
        except RuntimeError as error:
            with contextlib.suppress(RuntimeError):
                graph.capture_end()
            if isinstance(error, torch.cuda.OutOfMemoryError):
                raise
            why = " ".join(str(error).split())[:200]
            raise SpecError(
                f"arithmetic.graphs=true: a step of the network cannot be recorded ({why}); set arithmetic.graphs=false"
            ) from error
        _LAST[:] = [graph]
        return graph


_LAST: list[torch.cuda.CUDAGraph] = []
"""The last graph of this process."""


@functools.cache
def _stream() -> torch.cuda.Stream:
    """Returns the stream of this process for steps: the memory of a stream is its own."""
    return torch.cuda.Stream()


def _drawn_on_the_cpu() -> tuple[object, ...]:
    """Returns what changes when torch, Python or NumPy draws on the CPU."""
    of_numpy: Any = np.random.get_state()
    _, words, *places = of_numpy
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), words.tobytes(), *places


def _together(device: torch.device) -> int:
    return BATCHES_AT_ONCE if device.type == "cuda" else 1


def _tensors(batch: Batch) -> list[torch.Tensor]:
    return [*batch.views, *(held for held in (batch.labels, batch.index, batch.head) if held is not None)]


def _mapped(function: Callable[[torch.Tensor], torch.Tensor], batch: Batch) -> Batch:
    """Applies a function to every tensor of a batch."""
    held = {field.name: getattr(batch, field.name) for field in fields(batch)}
    changed = {name: function(value) for name, value in held.items() if isinstance(value, torch.Tensor)}
    return Batch(**{**held, **changed, "views": tuple(map(function, batch.views))})
