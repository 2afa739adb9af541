"""Probes of two-stream networks: which view their units depend on, and what each view alone tells.

All is measured in evaluation mode on test examples without deficits, by the head `both`. Each stream runs once
an example; combinations of views run the trunk only (`network.code` and `network.classify`). Weights, modes,
buffers and random state are afterwards what they were before.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from critical.core.arithmetic import Arithmetic
from critical.core.batch import VIEWS, Batch, filled
from critical.core.randomness import generator
from critical.core.spec import SpecError, added
from critical.data.images import Split, balanced_order
from critical.measures.dip import dip
from critical.measures.fisher_gradients import undisturbed
from critical.measures.information import (
    BINS,
    decoded,
    fitted_temperature,
    log_mean_probability,
    relative_source_variance,
    source_variance,
)
from critical.probes.base import Probe, ProbeContext, held_apart
from critical.probes.partners import random_partners

Pair = tuple[torch.Tensor, torch.Tensor]


class TwoStreamNetwork:
    """The parts of a two-stream network as a probe calls them, with the arithmetic of the run.

    Args:
        network: Has `streams`, `code` and `classify`; see `critical.models.two_stream`.
        arithmetic: Precision and layout.
        batch_size: Examples a pass.

    Raises:
        SpecError: Another kind of network.
    """

    def __init__(self, network: Any, arithmetic: Arithmetic, batch_size: int = 500) -> None:
        if not all(callable(getattr(network, part, None)) for part in ("streams", "code", "classify")):
            raise SpecError(f"probe of two views: {type(network).__name__} is no two-stream network; use another model")
        self.network, self.arithmetic, self.batch_size = network, arithmetic, batch_size

    def streams(self, views: tuple[torch.Tensor, ...]) -> Pair:
        """Runs each stream on its view, (N, ...) each; returns what both hand to the fusion, (N, ...) each."""
        if len(views) != len(VIEWS):
            raise SpecError(f"probe of two views: the data has {len(views)}; use data of two views")
        parts = []
        for part in zip(*(view.split(self.batch_size) for view in views), strict=True):
            with self.arithmetic.autocast():
                parts.append(self.network.streams(*self.arithmetic.place(part)))
        from_a, from_b = zip(*parts, strict=True)
        return torch.cat(from_a), torch.cat(from_b)

    def codes(
        self, from_a: torch.Tensor, from_b: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor
    ) -> Iterator[torch.Tensor]:
        """Yields codes (B, U, ...) of the pairs f(a_i, b_j), i of `rows` and j of `columns`, int64 (N,) each."""
        for row, column in zip(rows.split(self.batch_size), columns.split(self.batch_size), strict=True):
            with self.arithmetic.autocast():
                yield self.network.code(*self.arithmetic.place((from_a[row], from_b[column])))

    def log_probabilities(
        self, from_a: torch.Tensor, from_b: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor
    ) -> torch.Tensor:
        """Returns log p(y|a_i, b_j), float32 (N, classes), for pairs as in `codes`."""
        logs = []
        for code in self.codes(from_a, from_b, rows, columns):
            with self.arithmetic.autocast():
                logits = self.network.classify(code)
            logs.append(logits.float().log_softmax(1))
        return torch.cat(logs)


def decode_with_partners(
    network: TwoStreamNetwork, from_a: torch.Tensor, from_b: torch.Tensor, partners: torch.Tensor
) -> Pair:
    """Pairs each view of an example with the other view of its partners.

    A row of partners is a permutation, so one pass of the trunk serves both views: f(a_i, b_j) is what a_i says
    with the foreign b_j and what b_j says with the foreign a_i.

    Args:
        network: The network.
        from_a: What stream a makes of the N examples, (N, ...).
        from_b: Likewise of view b.
        partners: int64 (P, N), from `random_partners`.

    Returns:
        Log-probabilities (P, N, classes): [p, i] of the first belongs to view a of example i with a foreign b; of
        the second to view b of example i with a foreign a.
    """
    partners = partners.to(from_a.device)
    rows = torch.arange(len(from_a), device=from_a.device)
    with_a = torch.stack([network.log_probabilities(from_a, from_b, rows, columns) for columns in partners])
    return with_a, torch.stack([logs[columns.argsort()] for logs, columns in zip(with_a, partners, strict=True)])


@contextlib.contextmanager
def _measuring(context: ProbeContext) -> Iterator[TwoStreamNetwork]:
    network = TwoStreamNetwork(context.model, context.arithmetic)
    with undisturbed(context.model), torch.no_grad():
        yield network


def _test_batch(context: ProbeContext, index: torch.Tensor) -> Batch:
    return context.dataset.batch(context.dataset.test, index.to(context.dataset.test.labels.device))


@dataclass(frozen=True)
class SourceVarianceProbe(Probe):
    """Relative source variance of the last layer before the classifier; see `critical.measures.information`.

    The grid combines both views of the same examples, drawn anew each epoch. *Price:* `examples` passes of the
    streams and `examples`² of the trunk.

    Attributes:
        examples: Test examples, each of which gives both views; all there are where those are fewer.
        pooled: Whether a unit is a channel averaged over its positions, which is what the classifier reads; or
            else a channel at one position, as in the authors' code. In a small network a unit at one position
            is silent for most examples, and the ratio of its two variances says little.
        modes: Whether it also says how far the values are from one mode.
    """

    name: ClassVar[str] = "source_variance"
    streams: ClassVar[int] = 2
    examples: int = 32
    pooled: bool = True
    modes: bool = added(False, neutral=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.examples < 2:
            raise SpecError(
                f"probe source_variance: examples={self.examples}; at least 2 are wanted (one has no variance)"
            )

    def measure(self, context: ProbeContext) -> dict[str, Any]:
        """Returns `rsv_mean`, shares `rsv_polarised` and `rsv_dead`, and `rsv_histogram/00` … `/19` (shares).

        With `modes` also `rsv_two_sided`, the smaller of the shares beyond 0.5 on either side, and `rsv_dip`
        (`critical.measures.dip`). All are NaN for a network whose activations are not finite.
        """
        draws = generator(context.seed, "source variance", context.epoch)
        batch = _test_batch(context, torch.randperm(len(context.dataset.test), generator=draws)[: self.examples])
        everyone = torch.arange(len(batch), device=batch.labels.device)
        rows, columns = everyone.repeat_interleave(len(batch)), everyone.repeat(len(batch))
        with _measuring(context) as network:
            codes = torch.cat(list(network.codes(*network.streams(batch.views), rows, columns)))
        # Units in the order (channel, position), whatever the memory layout.
        codes = codes.flatten(2).mean(2) if self.pooled and codes.dim() > 2 else codes.flatten(1)
        grid = codes.view(len(batch), len(batch), -1)
        names = ["rsv_mean", "rsv_polarised", "rsv_dead", *(f"rsv_histogram/{number:02}" for number in range(BINS))]
        names += ["rsv_two_sided", "rsv_dip"] if self.modes else []
        if not grid.isfinite().all():
            return dict.fromkeys(names, math.nan)
        found = source_variance(relative_source_variance(grid))
        modes = (found.two_sided, dip(found.values)) if self.modes else ()
        return dict(zip(names, (found.mean, found.polarised, found.dead, *found.histogram, *modes), strict=True))


@dataclass(frozen=True)
class Decoding(Probe):
    """What can be read off each view alone, in a network that was trained on both.

    A view is decoded alone by combining it with the other view of random other examples: the probabilities
    are averaged over the partners. That needs no training with absent views, other than the authors' way (the
    other view replaced by its mean, which they train with p = 0.1), which `absent` adds. Each readout has a
    temperature of its own, fitted on other examples, before its information is measured.

    *Price:* examples + temperature_examples passes of the streams and partners + 1 times as many of the trunk, with
    `absent` 2 times as many more. What the streams make of all the examples is held in memory.

    Attributes:
        partners: Other views that each view is combined with, drawn anew each epoch. The mean of few probabilities
            tells less than that of many: twice the default give 0.003 to 0.011 bits more on `two_eyes`.
        examples: Test examples: the first of a class-balanced order that the seed fixes; None, or more than
            there are: all of them.
        temperature_examples: Examples on which the temperature of each readout is fitted; see `held_apart`.
        absent: Also decode each view with the other one absent; only telling if training had such examples.
    """

    name: ClassVar[str] = "decoding"
    streams: ClassVar[int] = 2
    partners: int = 30
    examples: int | None = 500
    temperature_examples: int = 250
    absent: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        numbers = [self.temperature_examples, *(() if self.examples is None else (self.examples,))]
        if self.partners < 1 or min(numbers) <= self.partners:
            raise SpecError(
                f"probe decoding: partners={self.partners}, examples={self.examples}, temperature_examples="
                f"{self.temperature_examples}; partners are at least 1, both numbers of examples above partners"
            )

    def measure(self, context: ProbeContext) -> dict[str, Any]:
        """Returns the accuracy of each view alone, its use, and the usable information of both and of each.

        `decoding_a`, `decoding_b`: percent. `use_a`, `use_b`: percentage points of accuracy lost when that view is
        swapped with that of another example, averaged over the partners. `information_both`, `information_a`,
        `information_b`: bits. With `absent` also `decoding_absent_a` and so on: that view, the other one absent.
        """
        fitting, scored = held_apart(context, self.temperature_examples)
        order = balanced_order(scored.labels.cpu(), generator(context.seed, "decoding examples"))
        scored = scored.take(order[: self.examples].to(scored.labels.device))
        with _measuring(context) as network:
            draws = generator(context.seed, "decoding", context.epoch)
            readouts, alone = self._readouts(network, _whole(context, scored), draws)
            draws = generator(context.seed, "decoding temperature", context.epoch)
            others, _ = self._readouts(network, _whole(context, fitting), draws)
        temperatures = {what: fitted_temperature(logs, fitting.labels) for what, logs in others.items()}
        found = {what: decoded(logs, scored.labels, temperatures[what]) for what, logs in readouts.items()}
        row = {f"decoding_{view}": found[view].accuracy for view in VIEWS}
        # What view a says with a foreign b is right as often as the network is when its b is swapped.
        for swapped, logs in zip(VIEWS, reversed(alone), strict=True):
            right = (logs.argmax(2) == scored.labels).double().mean().item()
            row[f"use_{swapped}"] = found["both"].accuracy - 100.0 * right
        for what, one in found.items():
            if what.startswith("absent"):
                row[f"decoding_{what}"] = one.accuracy
            row[f"information_{what}"] = one.information
        return row

    def _readouts(
        self, network: TwoStreamNetwork, batch: Batch, draws: torch.Generator
    ) -> tuple[dict[str, torch.Tensor], Pair]:
        """Returns log-probabilities (N, classes) of `both`, `a`, `b` (`absent_a`, `absent_b`), and those by partner."""
        pair = network.streams(batch.views)
        everyone = torch.arange(len(batch), device=batch.labels.device)
        alone = decode_with_partners(network, *pair, random_partners(batch.labels, self.partners, draws))
        readouts = {"both": network.log_probabilities(*pair, everyone, everyone)}
        readouts |= {view: log_mean_probability(logs) for view, logs in zip(VIEWS, alone, strict=True)}
        return readouts | (_with_absent(network, batch, pair) if self.absent else {}), alone


def _whole(context: ProbeContext, split: Split) -> Batch:
    return context.dataset.batch(split, torch.arange(len(split), device=split.labels.device))


def _with_absent(network: TwoStreamNetwork, batch: Batch, pair: Pair) -> dict[str, torch.Tensor]:
    """Decodes view a with b filled with its mean, and view b with a filled; returns log-probabilities (N, classes)."""
    if batch.means is None:
        raise SpecError("probe decoding: absent=True needs the means of the views; take the batch from its dataset")
    means = tuple(filled(view[:1], values) for view, values in zip(batch.views, batch.means, strict=True))
    empty_a, empty_b = network.streams(means)
    everyone = torch.arange(len(batch), device=batch.labels.device)
    nobody = torch.zeros_like(everyone)
    return {
        "absent_a": network.log_probabilities(pair[0], empty_b, everyone, nobody),
        "absent_b": network.log_probabilities(empty_a, pair[1], nobody, everyone),
    }
