"""How many workers fill a GPU: python benchmarks/many_workers_gpu.py [profile] [workers,…] [overrides …].

As many processes as each number says train one run each of the profile's vision figures, another seed a process, and
measure the trace of the Fisher information after every epoch, as the figures do. Counted are the epochs that they
finish together in `SECONDS`, after one to warm up. Prints CSV: device, workers, epochs a second, CPU-seconds an epoch,
and whether the processes share the GPU through NVIDIA's multi-process service (MPS).
"""

from __future__ import annotations

import critical  # isort: skip  # noqa: F401  Before torch: it chooses the CPU's instructions.

import multiprocessing
import os
import sys
import time
from multiprocessing.synchronize import Barrier

import torch
from hydra import compose, initialize_config_dir

from critical.inference.claims import FIRST_CALIBRATION_SEED
from critical.training.loop import Trainer
from critical.training.runs import RunSpec
from experiments.design.config import CONF
from experiments.design.profile import protocol

SECONDS = float(os.environ.get("SECONDS_EACH", "10"))
PATIENCE = 120.0


def run_of(profile: str, overrides: list[str], seed: int) -> RunSpec:
    """Returns a run with a deficit."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        made = protocol(compose("figures", overrides=[f"profile={profile}", *overrides]), "vision")
    return made.window(0, made.longest_window).deficit.of_seed(seed)


def work(run: RunSpec, ready: Barrier, counts: multiprocessing.Queue[tuple[int, float, float]]) -> None:
    """Trains epochs of a run until the time is over; tells their number, and the wall and process time they took."""
    with run.arithmetic.applied():
        trainer, spec = Trainer(run), run.epoch_specs[0]
        fisher = [probe for probe in run.probes if probe.name == "fisher"]

        def epoch() -> None:
            trainer.train_epoch(spec)
            trainer.measure(spec, fisher)

        epoch()
        ready.wait(PATIENCE)
        start, cpu, count = time.monotonic(), time.process_time(), 0
        while time.monotonic() - start < SECONDS:
            epoch()
            count += 1
        counts.put((count, time.monotonic() - start, time.process_time() - cpu))


def main() -> None:
    """Prints a line for each number of workers."""
    profile, numbers, *overrides = (*sys.argv[1:], *("quick", "1,2")[len(sys.argv) - 1 :])
    context = multiprocessing.get_context("spawn")
    print("device,workers,epochs_per_second,cpu_seconds_per_epoch,mps", flush=True)
    for workers in map(int, numbers.split(",")):
        ready, counts = context.Barrier(workers), context.Queue()
        runs = [run_of(profile, overrides, FIRST_CALIBRATION_SEED + number) for number in range(workers)]
        crew = [context.Process(target=work, args=(run, ready, counts)) for run in runs]
        for process in crew:
            process.start()
        found = [counts.get(timeout=PATIENCE + SECONDS) for _ in crew]
        for process in crew:
            process.join()
        device = runs[0].arithmetic.device
        name = torch.cuda.get_device_name() if device == "cuda" else device
        rate = sum(count / wall for count, wall, _ in found)
        price = sum(cpu for *_, cpu in found) / sum(count for count, *_ in found)
        mps = "yes" if os.environ.get("CUDA_MPS_PIPE_DIRECTORY") else "no"
        print(f"{name},{workers},{rate:.2f},{price:.3f},{mps}", flush=True)


if __name__ == "__main__":
    main()
