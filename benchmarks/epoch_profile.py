"""Where the time of a training epoch goes: python benchmarks/epoch_profile.py [--width 8] [--epochs 9].

Trains All-CNN on glyphs through the suite's own loop (`critical.training.loop.Trainer`), one thread, fp32,
channels last, with blur, and times the calls that the loop makes. Prints each part's share of the process
time of an epoch (medians over epochs, the first two left out), and ends with status 1 when forward,
backward and update together fall below the share that is asked for. A minute on a laptop.
"""

from __future__ import annotations

import critical  # isort: skip  # noqa: F401  Before torch: it chooses the CPU's instructions.

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import torch
from torch.nn import functional

from critical.core import environment
from critical.core.arithmetic import Arithmetic
from critical.data import Glyphs, Split
from critical.deficits import Blur
from critical.models import AllCNN
from critical.training.augmentation import Augmentation
from critical.training.loop import Trainer
from critical.training.optimizers import SGD
from critical.training.runs import RunSpec
from critical.training.schedules import Constant
from critical.training.timeline import Timeline, Window

LEARNING = ("forward", "backward", "update")
PARTS = ("fetching", "augmentation", "deficit", *LEARNING, "bookkeeping")
WARM_UP = 2

Spent = dict[str, float]


def timed(part: str, spent: Spent, call: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the call with its process time added to `spent[part]`."""

    def wrapped(*arguments: Any, **named: Any) -> Any:
        start = time.process_time()
        try:
            return call(*arguments, **named)
        finally:
            spent[part] += time.process_time() - start

    return wrapped


@contextmanager
def instrumented(trainer: Trainer) -> Iterator[Spent]:
    """Times the parts of `trainer.train_epoch` in a block; yields the seconds of each, which grow.

    Forward is network, layout and loss; update is the optimiser's step and the clearing of gradients;
    what is not timed (batch order, sums, the loop itself) is bookkeeping.
    """
    spent: Spent = defaultdict(float)
    optimizer = trainer.state.optimizer
    calls: list[tuple[Any, str, str]] = [
        (Split, "batch", "fetching"),
        (Augmentation, "apply", "augmentation"),
        (Blur, "apply", "deficit"),
        (Arithmetic, "place", "forward"),
        (trainer._network, "forward", "forward"),
        (functional, "cross_entropy", "forward"),
        (torch.Tensor, "backward", "backward"),
        (optimizer, "zero_grad", "update"),
        (optimizer, "step", "update"),
    ]
    with ExitStack() as stack:
        for owner, name, part in calls:
            original = getattr(owner, name)
            stack.enter_context(mock.patch.object(owner, name, timed(part, spent, original)))
        yield spent


def run_spec(options: argparse.Namespace) -> RunSpec:
    """Returns the run that is profiled: a setting like that of the quick profile."""
    return RunSpec(
        data=Glyphs(resolution=options.resolution, train_size=options.images, test_size=100),
        model=AllCNN(width=options.width),
        optimizer=SGD(batch_size=options.batch),
        augmentation=Augmentation(shift=2, flip=False),
        schedule=Constant(rate=0.05),
        timeline=Timeline(options.epochs, (Window(0, options.epochs, Blur(factor=4)),)),
    )


def profile(spec: RunSpec) -> list[Spent]:
    """Trains the run and returns the seconds of each part, and `total`, for each epoch after warm-up."""
    epochs = []
    with spec.arithmetic.applied():
        trainer = Trainer(spec)
        for number, epoch_spec in enumerate(spec.epoch_specs):
            with instrumented(trainer) as spent:
                start = time.process_time()
                trainer.train_epoch(epoch_spec)
                total = time.process_time() - start
            if number >= WARM_UP:
                epochs.append({**spent, "total": total, "bookkeeping": total - sum(spent.values())})
    return epochs


def shares(epochs: list[Spent]) -> Spent:
    """Returns the median share of each part over the epochs, in percent."""
    return {
        part: 100 * statistics.median(epoch.get(part, 0.0) / epoch["total"] for epoch in epochs)
        for part in PARTS
    }


def main() -> None:
    """Profiles, prints a table, and judges it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--width", type=int, default=8, help="maps of the first layers")
    parser.add_argument("--resolution", type=int, default=16, help="side of the images in pixels")
    parser.add_argument("--images", type=int, default=1200, help="training images")
    parser.add_argument("--batch", type=int, default=48, help="images a batch")
    parser.add_argument("--epochs", type=int, default=9, help=f"epochs, the first {WARM_UP} are warm-up")
    parser.add_argument("--at-least", type=float, default=85.0, help="percent that learning has to take")
    options = parser.parse_args()
    if options.epochs <= WARM_UP:
        parser.error(f"--epochs {options.epochs}: at least {WARM_UP + 1}, the first {WARM_UP} are warm-up")
    epochs = profile(run_spec(options))
    found = shares(epochs)
    print(f"{environment.machine()}; torch {torch.__version__}, 1 thread")
    print(
        f"All-CNN width {options.width}, {options.images:,} glyphs of {options.resolution}×"
        f"{options.resolution}, batch {options.batch}, blur: "
        f"{statistics.median(epoch['total'] for epoch in epochs):.2f} s an epoch\n"
    )
    print("| part | share of an epoch |\n| --- | ---: |")
    for part in PARTS:
        print(f"| {part} | {found[part]:.1f} % |")
    learning = 100 * statistics.median(
        sum(epoch[part] for part in LEARNING) / epoch["total"] for epoch in epochs
    )
    print(f"| **forward, backward, update** | **{learning:.1f} %** |")
    if learning < options.at_least:
        raise SystemExit(f"error: learning takes {learning:.1f} % of an epoch, below {options.at_least:g} %")


if __name__ == "__main__":
    main()
