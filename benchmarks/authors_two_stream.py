"""A training step and data handling beside the authors': python benchmarks/authors_two_stream.py --checkout PATH.

`--rounds 5 --images 2000` are the defaults.

PATH is a checkout of github.com/mjkleinman/CriticalPeriodMultiView (Kleinman, Achille and Soatto, CVPR 2023). Their
files are imported, not changed and not copied. All is fp32 on the CPU, so two things are replaced while they run:
`Tensor.cuda`, which their network calls in every forward pass, does nothing; and torchvision's CIFAR-10, which their
data set inherits from, holds random pixels of CIFAR's shape, so nothing is read or downloaded.

- Training step: forward, cross-entropy, backward and SGD of Split-ResNet-18 at width 1, on the same batch of two
  views of 3×32×32. First the script asserts that the networks are the same: as many parameters and, with the same
  weights, the same logits. Theirs gets normalised images, which their loader makes; ours normalises in the step, and
  lays images and weights out as the suite does (`Arithmetic`).
- Data handling: an epoch of augmented halves of images. Theirs: their loader, in the process and with the 3 workers
  that their main program takes (it starts them in every epoch). Ours: `Split.batch`, augmentation, `Dataset.present`.

The sides take turns, so a machine that slows down slows both. Prints a Markdown table; a ratio is theirs ÷ ours in the
same round, above 1: ours is cheaper. *CPU* is the process time of all threads and workers; *wall* means something
only on a quiet machine, and so does every line of several threads. The default takes ten minutes on two slow cores;
`--batch 32 --rounds 3` is a quick look.
"""

from __future__ import annotations

import critical  # isort: skip  # noqa: F401  Before torch: it chooses the CPU's instructions.

import argparse
import importlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy
import torch
import torchvision
from torch import nn
from torch.nn import functional

from critical.core import environment
from critical.core.arithmetic import Arithmetic
from critical.core.randomness import generator
from critical.data import Dataset, Split
from critical.data.views import TwoHalves
from critical.models import SplitResNet18
from critical.training.augmentation import Augmentation
from critical.training.optimizers import SGD

CLASSES, SIDE, WIDTH_PIXELS = 10, 32, 16
WORKERS = (0, 3)

Work = Callable[[], None]


@dataclass(frozen=True)
class Taken:
    """CPU and wall time of one piece of work, in seconds."""

    cpu: float
    wall: float


def measured(work: Work) -> Taken:
    """Does the work and returns its time, with that of the worker processes that it waited for."""

    def cpu() -> float:
        return time.process_time() + os.times().children_user + os.times().children_system

    start, wall = cpu(), time.perf_counter()
    work()
    return Taken(cpu() - start, time.perf_counter() - wall)


def in_turn(theirs: Work, ours: Work, rounds: int) -> list[tuple[Taken, Taken]]:
    """Times both in every round, now one and now the other first, after one round for warming up."""
    for work in (theirs, ours):
        work()
    found = []
    for number in range(rounds):
        if number % 2:
            mine, other = measured(ours), measured(theirs)
        else:
            other, mine = measured(theirs), measured(ours)
        found.append((other, mine))
    return found


def line(what: str, found: Sequence[tuple[Taken, Taken]], images: int) -> str:
    """Returns a row of the table: CPU milliseconds an image, medians, and the ratios of the rounds."""
    theirs, ours = (1000 / images * statistics.median(one[side].cpu for one in found) for side in (0, 1))
    cpu = ratio([one.cpu / other.cpu for one, other in found])
    wall = ratio([one.wall / other.wall for one, other in found])
    return f"| {what} | {theirs:.4g} | {ours:.4g} | {cpu} | {wall} |"


def ratio(values: Sequence[float]) -> str:
    """Returns median and quartiles."""
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{statistics.median(values):.3g} ({low:.3g} to {high:.3g})"


def noise(images: int) -> Dataset:
    """Returns random pixels of CIFAR's shape, in halves; nothing can be learnt from them."""
    draws = generator(0, "benchmark")
    pixels = torch.randint(0, 256, (images, 3, SIDE, SIDE), generator=draws, dtype=torch.uint8)
    split = Split((pixels,), torch.randint(0, CLASSES, (images,), generator=draws))
    return Dataset(split, split, tuple(map(str, range(CLASSES))), "random pixels", TwoHalves(WIDTH_PIXELS))


def training_step(network: nn.Module, inputs: Callable[[], Sequence[torch.Tensor]], labels: torch.Tensor) -> Work:
    """Returns a step of SGD; the logits are what the network returns, or the first thing of it."""
    optimizer = SGD().build(network.parameters())
    optimizer.param_groups[0]["lr"] = 0.001  # random labels: at a larger rate the loss need not stay finite
    network.train()

    def step() -> None:
        found = network(*inputs())
        logits = found[0] if isinstance(found, tuple) else found
        optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(logits, labels).backward()
        optimizer.step()

    return step


def both_steps(models: Any, dataset: Dataset, batch: int) -> tuple[Work, Work, int]:
    """Returns a step of either side on the same images, and the number of parameters.

    Args:
        models: The authors' module of networks.
        dataset: Images in halves; the first `batch` of them are trained on.
        batch: Images a step.
    """
    shown = dataset.batch(dataset.train, torch.arange(batch))
    theirs = models.SResNet18(n_classes=CLASSES)
    ours = SplitResNet18().build(dataset.view_shapes, CLASSES, 0, dataset.view_means, dataset.view_stds)
    counts = [sum(weight.numel() for weight in network.parameters()) for network in (theirs, ours)]
    assert counts[0] == counts[1], f"theirs has {counts[0]:,} parameters, ours {counts[1]:,}"
    with torch.no_grad():
        # Both declare their layers in the order in which data pass them.
        for to, weight in zip(ours.parameters(), theirs.parameters(), strict=True):
            to.copy_(weight)
    streams = (ours.stream_a, ours.stream_b)
    normalised = [stream.get_submodule("normalise")(view) for stream, view in zip(streams, shown.views, strict=True)]
    arithmetic = Arithmetic()
    arithmetic.prepare(ours)
    with torch.no_grad():
        few = [view[:8] for view in normalised]
        torch.testing.assert_close(
            ours(*arithmetic.place(tuple(view[:8] for view in shown.views))), theirs(*few)[0], rtol=1e-3, atol=1e-3
        )
    return (
        training_step(theirs, lambda: normalised, shown.labels),
        training_step(ours, lambda: arithmetic.place(shown.inputs), shown.labels),
        counts[0],
    )


def their_epoch(cifar_data: Any, dataset: Dataset, batch: int, workers: int) -> Work:
    """Returns an epoch of their loader over these images, augmented."""
    pixels = numpy.ascontiguousarray(dataset.train.views[0].permute(0, 2, 3, 1).numpy())
    labels = dataset.train.labels.tolist()

    def hold(self: Any, root: str, train: bool = True, **rest: Any) -> None:
        self.data, self.targets, self.train, self.target_transform = pixels, labels, train, None

    with mock.patch.object(torchvision.datasets.CIFAR10, "__init__", hold):
        loader, _ = cifar_data.get_cifar_loaders_s(
            workers=workers, batch_size=batch, augment=True, view_size=WIDTH_PIXELS
        )

    def epoch() -> None:
        assert sum(len(labels) for _, _, labels in loader) == len(dataset.train)

    return epoch


def our_epoch(dataset: Dataset, batch: int) -> Work:
    """Returns an epoch of the suite's batches over these images, as `Trainer` makes them before deficits."""
    augmentation = Augmentation()

    def epoch() -> None:
        draws, seen = generator(0, "augmentation", 0), 0
        for index in torch.randperm(len(dataset.train), generator=generator(0, "batch order", 0)).split(batch):
            seen += len(dataset.present(augmentation.apply(dataset.train.batch(index), draws)))
        assert seen == len(dataset.train)

    return epoch


def commit_of(checkout: Path) -> str:
    """Returns the commit of the authors' checkout; `unknown` where it is no repository."""
    asked = ["git", "-C", str(checkout), "rev-parse", "--short=12", "HEAD"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def main() -> None:
    """Times both sides and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--checkout", type=Path, required=True, help="the authors' repository")
    parser.add_argument("--rounds", type=int, default=5, help="times each side is timed")
    parser.add_argument("--images", type=int, default=2000, help="images of an epoch of data handling")
    parser.add_argument("--batch", type=int, default=128, help="images a batch")
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2], help="thread counts of the training step")
    options = parser.parse_args()
    if options.rounds < 2:
        parser.error(f"--rounds {options.rounds}: at least 2, quartiles need them")
    if options.images < options.batch:
        parser.error(f"--images {options.images}: at least one batch, {options.batch}")
    if not all((options.checkout / name).is_file() for name in ("models.py", "cifar_data.py")):
        parser.error(f"--checkout {options.checkout}: no models.py and cifar_data.py; give the authors' repository")
    # Their modules find each other, and workers find them, on the path.
    sys.path.insert(0, str(options.checkout.resolve()))
    models, cifar_data = (importlib.import_module(name) for name in ("models", "cifar_data"))
    dataset = noise(options.images)
    versions = ", ".join(f"{name} {environment.versions()[name]}" for name in ("python", "torch", "torchvision"))
    print(f"{environment.machine()}; {versions}; theirs at {commit_of(options.checkout)}")
    with mock.patch.object(torch.Tensor, "cuda", lambda tensor, *_, **__: tensor):
        theirs, ours, parameters = both_steps(models, dataset, options.batch)
        print(
            f"Split-ResNet-18 with {parameters:,} parameters on both sides and the same logits; batch "
            f"{options.batch}, {options.rounds} rounds; {options.images:,} images an epoch of data handling; fp32\n"
        )
        print("| what | theirs, ms an image | ours, ms an image | ratio, CPU | ratio, wall |", flush=True)
        print("| --- | ---: | ---: | ---: | ---: |", flush=True)
        for threads in options.threads:
            with Arithmetic(threads=threads).applied():
                found = in_turn(theirs, ours, options.rounds)
            print(line(f"training step, threads: {threads}", found, options.batch), flush=True)
    with Arithmetic().applied():
        for workers in WORKERS:
            theirs, ours = their_epoch(cifar_data, dataset, options.batch, workers), our_epoch(dataset, options.batch)
            found = in_turn(theirs, ours, options.rounds)
            print(line(f"data handling, their workers: {workers}", found, options.images), flush=True)


if __name__ == "__main__":
    main()
