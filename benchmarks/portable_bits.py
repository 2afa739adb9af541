"""Which bits this machine computes, and what portable ones cost: python benchmarks/portable_bits.py [--rounds 15].

Prints a hash for each kind of operation and for the weights of small trained networks, with `portable` and with
`native` instructions (`critical.core.instructions`), so that the output of two machines can be compared line by line.
`--as haswell zen2 zen3` adds columns of processes that believe to run on these processors, without AVX-512 (Linux on
an Intel processor that lets CPUID fault, and a C compiler: `benchmarks/other_cpu.c`). Then a Markdown table: the
process time of a training step with portable instructions as a ratio to native ones, median and quartiles over rounds;
two processes take turns, so a machine that slows down slows both. Three minutes on a laptop.
"""

import critical  # isort: skip  # Before torch: it chooses the CPU's instructions.

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.linalg
import torch
from tables import ratio, write
from torch import nn
from torch.nn import functional

from critical.core import environment, instructions
from critical.core.arithmetic import Arithmetic
from critical.core.randomness import generator
from critical.data import Dataset, Digits, Split
from critical.models import MLP, AllCNN, ModelSpec
from critical.training.augmentation import Augmentation
from critical.training.loop import Trainer
from critical.training.optimizers import SGD
from critical.training.runs import RunSpec
from critical.training.schedules import Constant
from critical.training.timeline import Timeline

SHAPES: dict[str, tuple[ModelSpec, int, int]] = {
    "All-CNN width 8, 16×16, batch 40": (AllCNN(width=8), 16, 40),
    "All-CNN width 16, 16×16, batch 128": (AllCNN(width=16), 16, 128),
    "MLP 2500-2000 on 28×28, batch 128": (MLP(widths=(2500, 2000)), 28, 128),
}
"""Network, side of the images in pixels, and examples a step."""
STEPS = 6
HIDDEN = "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512DQ,-AVX512BW,-AVX512CD"


def digest(*values: Any) -> str:
    """Returns eight hexadecimal digits of tensors or arrays."""
    found = hashlib.sha256()
    for value in values:
        held = value.detach().contiguous().numpy() if isinstance(value, torch.Tensor) else value
        found.update(np.ascontiguousarray(held).tobytes())
    return found.hexdigest()[:8]


def operations() -> Iterator[tuple[str, str]]:
    """Yields names of kinds of operation, and the hash of what they give."""
    draws = generator(0, "bits")

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=draws)

    def layer(module: nn.Module, inputs: torch.Tensor) -> str:
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(normal(*parameter.shape))
        inputs.requires_grad_()
        outputs = module(inputs)
        outputs.backward(normal(*outputs.shape))
        return digest(outputs, inputs.grad, *(parameter.grad for parameter in module.parameters()))

    values = normal(10_007).abs() + 0.1
    yield "torch: draws", digest(values)
    yield "torch: exp, erf", digest(values.exp(), values.erf())
    yield "torch: tanh, sin, log, sigmoid", digest(values.tanh(), values.sin(), values.log(), values.sigmoid())
    square = values[:10_000].view(100, 100)
    yield "torch: sums, norms", digest(values.sum(), values.std(), values.norm(), square.mean(0), square.mean(1))
    yield "torch: softmax", digest(normal(64, 333).softmax(1), normal(128, 10).log_softmax(1))
    for rows, given, units in ((40, 64, 10), (128, 784, 2500), (7, 33, 5)):
        yield f"torch: linear {given} → {units}, batch {rows}", layer(nn.Linear(given, units), normal(rows, given))
    yield "torch: attention", digest(functional.scaled_dot_product_attention(*normal(3, 8, 4, 65, 16)))
    yield "torch: double matrices, svd", digest(*torch.linalg.svd(normal(60, 40).double() @ normal(40, 50).double()))
    for given, maps, size, side in ((1, 16, 3, 16), (3, 8, 3, 16), (16, 32, 3, 8), (96, 96, 3, 16), (8, 10, 1, 8)):
        convolution = nn.Conv2d(given, maps, size, padding=size // 2).to(memory_format=torch.channels_last)
        inputs = normal(40, given, side, side).contiguous(memory_format=torch.channels_last)
        yield f"torch: convolution {given} → {maps}, {size}×{size}", layer(convolution, inputs)
    yield "torch: batch normalisation", layer(nn.BatchNorm2d(16), normal(40, 16, 16, 16))
    numbers = np.random.default_rng(0).standard_normal((200, 300))
    yield "NumPy: exp, log, powers", digest(np.exp(numbers), np.log(np.abs(numbers)), np.abs(numbers) ** 0.37)
    yield "NumPy: sums", digest(numbers.sum(), numbers.mean(1), numbers.std(0))
    yield "NumPy: matrix products", digest(numbers @ numbers.T, numbers.astype("f") @ numbers.T.astype("f"))
    yield "SciPy: svd", digest(scipy.linalg.svd(numbers)[1])


def trainer(shape: str) -> Trainer:
    """Returns a trainer on random pixels; nothing can be learnt from them, and a step costs the same."""
    model, side, batch = SHAPES[shape]
    draws = generator(0, "benchmark")
    images = torch.randint(0, 256, (STEPS * batch, 1, side, side), generator=draws, dtype=torch.uint8)
    split = Split((images,), torch.randint(0, 10, (STEPS * batch,), generator=draws))
    spec = RunSpec(
        data=Digits(),  # only a name here: the trainer is handed its data
        model=model,
        optimizer=SGD(batch_size=batch),
        augmentation=Augmentation(shift=0, flip=False),
        schedule=Constant(rate=0.01),
        timeline=Timeline(1),
        arithmetic=Arithmetic(),
    )
    return Trainer(spec, Dataset(split, split, tuple(map(str, range(10))), "random pixels"))


def bits() -> dict[str, str]:
    """Returns all hashes of this process."""
    with Arithmetic().applied():
        found = dict(operations())
        for shape in SHAPES:
            one = trainer(shape)
            one.train_epoch(one.spec.epoch_specs[0])
            found[f"weights after {STEPS} steps: {shape}"] = digest(*one.state.model.state_dict().values())
    return found


def answer() -> None:
    """Trains an epoch of the shape named in each line of standard input, and prints its process time in seconds."""
    with Arithmetic().applied():
        trainers = {shape: trainer(shape) for shape in SHAPES}
        for line in sys.stdin:
            one, start = trainers[line.strip()], time.process_time()
            one.train_epoch(one.spec.epoch_specs[0])
            print(time.process_time() - start, flush=True)


def environments(processors: Sequence[str], folder: Path) -> dict[str, dict[str, str]]:
    """Returns the environments of the processes whose bits are compared, by the name of the column."""
    kinds = instructions.KINDS if instructions.possible() else ("native",)
    found = {kind: instructions.variables(kind) for kind in kinds}
    if processors:
        library, source = folder / "other_cpu.so", Path(__file__).with_name("other_cpu.c")
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
        for name in processors:
            other = {"LD_PRELOAD": str(library), "OTHER_CPU": name, "GLIBC_TUNABLES": HIDDEN}
            found |= {f"{kind}, {name}": instructions.variables(kind) | other for kind in kinds}
    return found


def child(mode: str, variables: dict[str, str], **options: Any) -> Any:
    """Starts this script as another process; returns it."""
    command = [sys.executable, __file__, "--child", mode]
    return subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True, **options)


def compare(columns: dict[str, dict[str, str]]) -> None:
    """Prints the hashes of all columns, and which agree with `portable` here."""
    found = {name: json.loads(child("bits", variables).communicate()[0]) for name, variables in columns.items()}
    first = next(iter(found))
    print(f"| operation | {' | '.join(found)} |\n| --- |{' --- |' * len(found)}")
    for operation in found[first]:
        print(f"| {operation} | {' | '.join(one[operation] for one in found.values())} |")
    for name, one in found.items():
        differing = [operation for operation in one if one[operation] != found[first][operation]]
        print(f"{name}: {'all as' if not differing else f'{len(differing)} of {len(one)} unlike'} {first}")


def time_steps(rounds: int, path: Path | None) -> None:
    """Prints what portable instructions cost a step, and writes it as CSV where a path is given."""
    open_pipe = {"stdin": subprocess.PIPE}
    workers = {kind: child("time", instructions.variables(kind), **open_pipe) for kind in instructions.KINDS}

    def epoch(kind: str, shape: str) -> float:
        print(shape, file=workers[kind].stdin, flush=True)
        return float(workers[kind].stdout.readline())

    print("\n| shape | portable, ratio to native | ms a step, native |\n| --- | ---: | ---: |")
    rows = {}
    for shape in SHAPES:
        times: dict[str, list[float]] = {kind: [] for kind in workers}
        for number in range(rounds + 1):
            for kind in workers:
                taken = epoch(kind, shape)
                if number:  # kernels are chosen and memory is taken in the first
                    times[kind].append(taken)
        ratios = [one / other for one, other in zip(times["portable"], times["native"], strict=True)]
        rows[shape] = ratios, 1000 * statistics.median(times["native"]) / STEPS
        print(f"| {shape} | {ratio(ratios)} | {rows[shape][1]:.1f} |", flush=True)
    for worker in workers.values():
        worker.communicate()
    if path is not None:
        write(path, f"a training step with portable instructions beside native ones, {rounds} rounds, 1 thread", rows)


def main() -> None:
    """Compares bits, then times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="times each shape is timed; 0: not at all")
    parser.add_argument("--as", dest="processors", nargs="*", default=[], choices=["haswell", "zen2", "zen3"],
                        help="processors that further processes believe to run on")  # fmt: skip
    parser.add_argument("--csv", type=Path, help="write the times to this file too")
    parser.add_argument("--child", choices=["bits", "time"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    children: dict[str, Callable[[], None]] = {"bits": lambda: print(json.dumps(bits())), "time": answer}
    if options.child:
        return children[options.child]()
    if options.rounds == 1:
        parser.error("--rounds 1: at least 2, quartiles need them")
    versions = ", ".join(f"{name} {environment.versions()[name]}" for name in ("python", "torch", "numpy"))
    print(f"{environment.machine()}; {versions}; critical {critical.__version__}; load {os.getloadavg()[0]:.1f}\n")
    with tempfile.TemporaryDirectory() as folder:
        compare(environments(options.processors, Path(folder)))
    if options.rounds and instructions.possible():
        time_steps(options.rounds, options.csv)
    return None


if __name__ == "__main__":
    main()
