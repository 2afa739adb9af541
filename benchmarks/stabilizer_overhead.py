"""What stabilisers cost a step on this machine: python benchmarks/stabilizer_overhead.py [--rounds 15].

Each kind trains the same small two-stream network (two views of random pixels) through the suite's own loop, one
thread. In a round every kind trains one epoch, in turn, so a machine that slows down slows all of them. Prints a
Markdown table: the process time of an epoch as a ratio to that of `none` in the same round (median and
quartiles), and in milliseconds a step. What is done once an epoch (a fresh network for shrink and perturb, the initial
one for L2 to it, decoders) is spread over its `--steps` steps. A minute on a laptop.
"""

from __future__ import annotations

import critical  # isort: skip  # noqa: F401  Before torch: it chooses the CPU's instructions.

import argparse
import statistics
import time
from pathlib import Path

import torch
from tables import ratio, write

from critical.core import environment
from critical.core.randomness import generator
from critical.data import Dataset, Digits, Split
from critical.models import SplitAllCNN
from critical.stabilizers import KINDS, FisherPenalty, Stabilizer, StabilizerWindow
from critical.training.augmentation import Augmentation
from critical.training.loop import Trainer
from critical.training.optimizers import SGD
from critical.training.runs import RunSpec
from critical.training.schedules import Constant
from critical.training.timeline import Timeline

CLASSES = 10


def chosen() -> dict[str, Stabilizer]:
    """Returns every kind with its default settings, `none` first, and the Fisher penalty in every step."""
    found = {name: kind() for name, kind in KINDS.items()}
    return {"none": found.pop("none"), **found, "fisher_penalty, every=1": FisherPenalty(every=1)}


def noise(examples: int, resolution: int) -> Dataset:
    """Returns two views of random pixels; nothing can be learnt from them, and a step costs the same."""
    draws = generator(0, "benchmark")
    size = (examples, 3, resolution, resolution)
    views = tuple(torch.randint(0, 256, size, generator=draws, dtype=torch.uint8) for _ in range(2))
    split = Split(views, torch.randint(0, CLASSES, (examples,), generator=draws))
    return Dataset(split, split, tuple(map(str, range(CLASSES))), "random pixels")


def trainer(stabilizer: Stabilizer, options: argparse.Namespace, dataset: Dataset) -> Trainer:
    """Returns a trainer of a run under one stabiliser."""
    spec = RunSpec(
        data=Digits(),  # only a name here: the trainer is handed its data
        model=SplitAllCNN(width=options.width),
        optimizer=SGD(batch_size=options.batch),
        augmentation=Augmentation(shift=0, flip=False),
        schedule=Constant(rate=0.001),
        timeline=Timeline(1),
        stabilizers=(StabilizerWindow(stabilizer),),
    )
    return Trainer(spec, dataset)


def epoch(one: Trainer) -> float:
    """Trains one epoch; returns its process time in seconds."""
    start = time.process_time()
    one.train_epoch(one.spec.epoch_specs[0])
    return time.process_time() - start


def main() -> None:
    """Times the stabilisers in turn and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="times each stabiliser is timed")
    parser.add_argument("--steps", type=int, default=20, help="steps an epoch")
    parser.add_argument("--width", type=int, default=8, help="maps of the first layer of each stream")
    parser.add_argument("--resolution", type=int, default=16, help="side of the views in pixels")
    parser.add_argument("--batch", type=int, default=64, help="examples a step")
    parser.add_argument("--csv", type=Path, help="write the table to this file too")
    options = parser.parse_args()
    if options.rounds < 2:
        parser.error(f"--rounds {options.rounds}: at least 2, quartiles need them")
    dataset = noise(options.steps * options.batch, options.resolution)
    times: dict[str, list[float]] = {}
    trainers = {name: trainer(stabilizer, options, dataset) for name, stabilizer in chosen().items()}
    with trainers["none"].arithmetic.applied():
        for one in trainers.values():
            epoch(one)  # kernels are chosen and memory is taken in the first
        for _ in range(options.rounds):
            for name, one in trainers.items():
                times.setdefault(name, []).append(epoch(one))
    print(f"{environment.machine()}; torch {torch.__version__}, 1 thread")
    setting = (
        f"split_all_cnn width {options.width}, two views of 3×{options.resolution}×{options.resolution}, batch "
        f"{options.batch}, {options.steps} steps an epoch, {options.rounds} rounds, 1 thread"
    )
    print(f"{setting}\n")
    rows = {}
    print("| stabiliser | time, ratio to none | ms a step |\n| --- | ---: | ---: |")
    for name, taken in times.items():
        ratios = [one / plain for one, plain in zip(taken, times["none"], strict=True)]
        rows[name] = ratios, 1000 * statistics.median(taken) / options.steps
        print(f"| {name} | {ratio(ratios)} | {rows[name][1]:.1f} |")
    if options.csv is not None:
        write(options.csv, setting, rows)


if __name__ == "__main__":
    main()
