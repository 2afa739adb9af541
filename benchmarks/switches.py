"""Which switches pay on this machine: python benchmarks/switches.py [--device cpu] [--budget 20].

Precision, memory layout, compilation and threads, one changed at a time, for two shapes of run, through
the suite's own loop (`critical.training.loop.Trainer`). Prints a Markdown table: the time of a step as a ratio
to fp32, channels first, one thread (below 1: faster), median and quartiles over turns. Settings are timed
in turn, so a machine that slows down slows all of them. *Wall* is how long a run alone takes; *process* is
the CPU time of all its threads, which counts when the cores are filled with runs (on a GPU it says
nothing). `--compile` adds torch.compile, its warm-up named apart. Two minutes on a laptop.
"""

from __future__ import annotations

import critical  # isort: skip  # noqa: F401  Before torch: it chooses the CPU's instructions.

import argparse
import dataclasses
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from tables import ratio

from critical.core import environment
from critical.core.arithmetic import Arithmetic, available_device
from critical.data import Dataset, Glyphs, load
from critical.deficits import Blur
from critical.models import AllCNN
from critical.training.augmentation import Augmentation
from critical.training.loop import Trainer
from critical.training.optimizers import SGD
from critical.training.runs import RunSpec
from critical.training.schedules import Constant
from critical.training.timeline import Timeline, Window


@dataclass(frozen=True)
class Shape:
    """A size of run: width of All-CNN, resolution in pixels, images, batch size."""

    width: int
    resolution: int
    images: int
    batch: int

    def __str__(self) -> str:
        return f"width {self.width}, {self.images:,} × {self.resolution}², batch {self.batch}"

    def spec(self, arithmetic: Arithmetic) -> RunSpec:
        """Returns a blurred run of this shape, one epoch long."""
        return RunSpec(
            data=Glyphs(resolution=self.resolution, train_size=self.images, test_size=100),
            model=AllCNN(width=self.width),
            optimizer=SGD(batch_size=self.batch),
            augmentation=Augmentation(shift=2, flip=False),
            schedule=Constant(rate=0.05),
            timeline=Timeline(1, (Window(0, 1, Blur(factor=4)),)),
            arithmetic=arithmetic,
        )


SHAPES = (Shape(8, 16, 1200, 48), Shape(16, 16, 2000, 128))
PLAIN = "fp32, channels first"


def settings(device: str, threads: Sequence[int], compiled: bool) -> dict[str, Arithmetic]:
    """Returns the settings that are compared; the first, `PLAIN`, is what the others are divided by."""
    plain = Arithmetic(device=device, channels_last=False)
    last = dataclasses.replace(plain, channels_last=True)
    found = {PLAIN: plain, "fp32, channels last": last}
    if device != "mps":
        found["bf16, channels first"] = dataclasses.replace(plain, precision="bf16")
        found["bf16, channels last"] = dataclasses.replace(last, precision="bf16")
    if compiled:
        found["fp32, channels last, compiled"] = dataclasses.replace(last, compile=True)
    if device == "cpu":
        for count in threads:
            found[f"fp32, channels last, {count} threads"] = dataclasses.replace(last, threads=count)
    return found


def synchronize(device: str) -> None:
    """Waits for what the device has been told to do, so that clocks can be read."""
    if device != "cpu":
        getattr(torch, device).synchronize()


def epoch(trainer: Trainer) -> tuple[float, float]:
    """Trains one epoch; returns wall and process time, in seconds."""
    device = trainer.arithmetic.device
    with trainer.arithmetic.applied():
        synchronize(device)
        wall, process = time.perf_counter(), time.process_time()
        trainer.train_epoch(trainer.spec.epoch_specs[0])
        synchronize(device)
        return time.perf_counter() - wall, time.process_time() - process


def part_of(dataset: Dataset, batches: int, batch: int) -> Dataset:
    """Returns the first whole batches of the training images: all steps then have the same shape."""
    index = torch.arange(batches * batch)
    return dataclasses.replace(dataset, train=dataset.train.take(index))


def compare(shape: Shape, chosen: dict[str, Arithmetic], budget: float, turns: int) -> None:
    """Times the settings in turn and prints the table of one shape.

    Args:
        shape: Size of the run.
        chosen: Settings by name, `PLAIN` among them.
        budget: Seconds (wall) that one epoch may take; a slower setting runs on fewer batches.
        turns: How often each setting is timed, at least 2.
    """
    whole = load(shape.spec(chosen[PLAIN]).data)
    batches = shape.images // shape.batch
    trainers, sizes = {}, {}
    for name, arithmetic in chosen.items():
        # One batch first, for kernels that are chosen or compiled then; a second tells how slow it is.
        trainer = Trainer(shape.spec(arithmetic), part_of(whole, 1, shape.batch))
        start = time.perf_counter()
        epoch(trainer)
        warm_up = time.perf_counter() - start
        step = epoch(trainer)[0]
        sizes[name] = max(1, min(batches, int(budget / turns / step)))
        trainer.dataset = part_of(whole, sizes[name], shape.batch).to(arithmetic.device)
        trainers[name] = trainer
        if arithmetic.compile:
            print(f"compiling {shape}: {warm_up:.0f} s once", flush=True)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in chosen}
    for _ in range(turns):
        for name, trainer in trainers.items():
            wall, process = epoch(trainer)
            times[name].append((wall / sizes[name], process / sizes[name]))
    plain = 1000 * statistics.median(wall for wall, _ in times[PLAIN])
    print(f"\n**{shape}** ({plain:.1f} ms a step of {PLAIN}, 1 thread)\n")
    print("| setting | wall | process | batches × turns |\n| --- | ---: | ---: | ---: |")
    for name, taken in times.items():
        walls, processes = (
            [one[kind] / base[kind] for one, base in zip(taken, times[PLAIN], strict=True)] for kind in (0, 1)
        )
        print(f"| {name} | {ratio(walls)} | {ratio(processes)} | {sizes[name]} × {turns} |", flush=True)


def say_if_busy() -> None:
    """Warns where other programs hold the cores: threads that wait for each other then spin for ages."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > 0.5:
        print(
            f"NOTE: load average {load:.1f} before the start: other programs are running, so the rows of several "
            "threads and all wall times mean nothing here; run this on a quiet machine"
        )


def main() -> None:
    """Runs the comparison for both shapes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu, cuda, mps or auto")
    parser.add_argument("--threads", type=int, nargs="*", default=[2], help="thread counts to try beside 1")
    parser.add_argument("--turns", type=int, default=7, help="times each setting is timed")
    parser.add_argument(
        "--budget", type=float, default=10.0, help="seconds for a setting and shape, all turns"
    )
    parser.add_argument("--compile", action="store_true", help="torch.compile too (needs a C++ compiler)")
    options = parser.parse_args()
    if options.turns < 2:
        parser.error(f"--turns {options.turns}: at least 2, quartiles need them")
    device = available_device(options.device)
    print(f"{environment.machine()}; torch {torch.__version__}, {device}")
    say_if_busy()
    for shape in SHAPES:
        compare(shape, settings(device, options.threads, options.compile), options.budget, options.turns)


if __name__ == "__main__":
    main()
