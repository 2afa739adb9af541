"""What the trace of the Fisher information costs, and how sharp it is for that.

    python benchmarks/fisher_cost.py [--width 8] [--epochs 15] [--share 0.07] [--wrong 0.2]

Trains All-CNN on 4,000 made-up images of 16×16 in 10 classes (a class is a pattern under noise; some
labels are wrong) with batches of 128 on one CPU thread. After the first and after the last epoch it
prints, for each method, noise and chunk, the time an image and the relative standard error with as many
images as fit the share of an epoch (from the spread over all 4,000 images). Then, for settings near the
default, cost and scatter of repeated measurements. Costs are medians of process time, relative to an
epoch of training steps that were timed in turn with them.
"""

from __future__ import annotations

import critical  # isort: skip  # noqa: F401  Before torch: it chooses the CPU's instructions.

import argparse
import copy
import math
import statistics
import time
from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional

from critical.core.randomness import generator
from critical.measures.fisher import NOISES, FisherTrace, trace_of_fisher
from critical.models import AllCNN
from critical.probes import Fisher

IMAGES, CLASSES, BATCH, PART = 4000, 10, 128, 1000
CHUNKS = (8, 16, 32, 64, 128)

Data = tuple[torch.Tensor, torch.Tensor]
Batches = Sequence[torch.Tensor]
Timed = tuple[list[FisherTrace], float]


def made_up_data(share_wrong: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns images (4000, 3, 16, 16) in [0, 1] and labels (4000,), a share of them drawn anew."""
    draws = generator(0, "benchmark data")
    patterns = torch.rand(CLASSES, 3, 16, 16, generator=draws)
    labels = torch.randint(CLASSES, (IMAGES,), generator=draws)
    images = 0.2 * patterns[labels] + 0.8 * torch.rand(IMAGES, 3, 16, 16, generator=draws)
    wrong = torch.rand(IMAGES, generator=draws) < share_wrong
    labels[wrong] = torch.randint(CLASSES, (int(wrong.sum()),), generator=draws)
    return images.contiguous(memory_format=torch.channels_last), labels


def train(model: nn.Module, optimizer: torch.optim.Optimizer, data: Data, batches: Batches) -> list[float]:
    """Trains on batches of these indices and returns the process time of each step, in seconds."""
    images, labels = data
    model.train()
    seconds = []
    for index in batches:
        start = time.process_time()
        optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(model(images[index]), labels[index]).backward()
        optimizer.step()
        seconds.append(time.process_time() - start)
    return seconds


def in_turn(model: nn.Module, data: Data, measure: Callable[[int], FisherTrace], count: int) -> Timed:
    """Measures `count` times, in turn with training steps of a copy.

    Returns:
        The estimates, and the median time of one as a share of an epoch of such steps.
    """
    spare = copy.deepcopy(model)
    optimizer = torch.optim.SGD(spare.parameters(), lr=1e-3)
    found, costs, steps = [], [], []
    for repetition in range(count):
        start = time.process_time()
        found.append(measure(repetition))
        costs.append(time.process_time() - start)
        order = torch.randperm(IMAGES, generator=generator(0, "turn", repetition))
        steps += train(spare, optimizer, data, order.split(BATCH)[:3])
    return found, statistics.median(costs) / (statistics.median(steps) * math.ceil(IMAGES / BATCH))


def table(model: nn.Module, data: Data, share: float) -> None:
    """Prints time and relative standard error of each method, noise and chunk."""
    images = data[0]
    print("    method   noise  chunk  images in the share      trace  rel. s.e. with them")
    for method, noise, chunk in [("batch", noise, chunk) for noise in NOISES for chunk in CHUNKS] + [
        ("per_sample", noise, 32) for noise in NOISES
    ]:

        def measure(number: int, method: str = method, noise: str = noise, chunk: int = chunk) -> FisherTrace:
            draws = generator(0, method, noise, chunk, number)
            parts = images[torch.randperm(IMAGES, generator=draws)[:PART]].split(chunk)
            return trace_of_fisher(model, parts, generator=draws, method=method, noise=noise)

        found, cost = in_turn(model, data, measure, IMAGES // PART)
        trace = statistics.mean(one.total for one in found)
        error = math.sqrt(statistics.mean(one.standard_error**2 for one in found))
        affordable = PART * share / cost
        relative = error * math.sqrt(PART / affordable) / trace
        print(
            f"{method:>10} {noise:>7} {chunk:>6} {affordable:>20.0f} {trace:>10.3g} {relative:>20.1%}",
            flush=True,
        )


def near_default(model: nn.Module, data: Data, repetitions: int = 40) -> None:
    """Prints what settings near the default cost and how repeated measurements scatter."""
    default = Fisher()
    sizes = {(default.samples, default.chunk), (128, 16), (128, 32), (160, 32), (192, 64), (256, 32)}
    for noise in NOISES:
        for samples, chunk in sorted(sizes):
            settings = Fisher(samples=samples, chunk=chunk, noise=noise)

            def measure(number: int, settings: Fisher = settings) -> FisherTrace:
                draws = generator(0, "repetition", number)
                images = data[0][torch.randperm(len(data[0]), generator=draws)[: settings.samples]]
                parts = images.split(settings.chunk)
                return trace_of_fisher(model, parts, generator=draws, noise=settings.noise)

            found, cost = in_turn(model, data, measure, repetitions)
            mean = statistics.mean(one.total for one in found)
            scatter = statistics.stdev(one.total for one in found) / mean
            claimed = math.sqrt(statistics.mean(one.standard_error**2 for one in found)) / mean
            print(
                f"samples={samples} chunk={chunk} noise={noise}: {cost:.1%} of an epoch, "
                f"scatter {scatter:.1%}, claimed {claimed:.1%}{'  (default)' if settings == default else ''}",
                flush=True,
            )


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--width", type=int, default=8, help="maps of the first layers")
    parser.add_argument("--epochs", type=int, default=15, help="the late epoch; the early one is 1")
    parser.add_argument("--share", type=float, default=0.07, help="share of an epoch that may be spent")
    parser.add_argument("--wrong", type=float, default=0.2, help="share of labels that are drawn at random")
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = made_up_data(options.wrong)
    model = AllCNN(width=options.width).build(((3, 16, 16),), CLASSES, seed=0, mean=(0.5,), std=(0.25,))
    model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    for number in range(1, options.epochs + 1):
        order = torch.randperm(IMAGES, generator=generator(0, "order", number))
        steps = train(model, optimizer, data, order.split(BATCH))
        if number in (1, options.epochs):
            with torch.no_grad():
                p = model.eval()(data[0]).softmax(1)
            right = (p.argmax(1) == data[1]).float().mean().item()
            print(
                f"\nwidth {options.width}, epoch {number}: {right:.1%} right, mean largest probability "
                f"{p.amax(1).mean().item():.3f}, an epoch takes {sum(steps):.2f} s"
            )
            table(model, data, options.share)
            near_default(model, data)


if __name__ == "__main__":
    main()
