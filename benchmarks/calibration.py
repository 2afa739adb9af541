"""How hard and how dear a profile's clean runs are: python benchmarks/calibration.py [profile] [overrides …].

Trains the *fresh* arm of each family of figures of a profile (no deficit, a standard recovery) on calibration seeds,
which serve no claim, and prints final test accuracy, its spread and the CPU-seconds of an epoch; for two
views also what each tells alone. A profile's difficulty is chosen by this, never by a verdict. Ten seconds a
seed in `quick`.
"""

from __future__ import annotations

import critical  # isort: skip  # noqa: F401  Before torch: it chooses the CPU's instructions.

import statistics
import sys
import time

from hydra import compose, initialize_config_dir

from critical.core import environment
from critical.inference.claims import FIRST_CALIBRATION_SEED
from critical.training.loop import train
from experiments.__main__ import protocol
from experiments.design.config import CONF
from experiments.design.protocol import FRESH
from experiments.design.registry import FIGURES

SEEDS = range(FIRST_CALIBRATION_SEED, FIRST_CALIBRATION_SEED + 4)


def main() -> None:
    """Prints one line a family."""
    profile, *overrides = sys.argv[1:] or ["quick"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("figures", overrides=[f"profile={profile}", *overrides])
    for family in dict.fromkeys(figure.family for figure in FIGURES.values()):
        made = protocol(config, family)
        last, start, epochs = [], time.process_time(), 0
        for seed in SEEDS:
            rows = train(made.arm(seed, FRESH).spec)
            last.append(rows[-1])
            epochs += len(rows)
        price = (time.process_time() - start) / epochs
        said = []
        for words, column in (("accuracy", "test_accuracy"), ("view a", "decoding_a"), ("view b", "decoding_b")):
            values = [row[column] for row in last if column in row]
            if values:
                listed = ", ".join(f"{value:.1f}" for value in values)
                mean, spread = statistics.mean(values), statistics.stdev(values)
                said.append(f"{words} {listed} %, mean {mean:.1f}, s.d. {spread:.1f}")
        print(f"{profile}, {family}: {'; '.join(said)}; {price:.2f} CPU-seconds an epoch ({environment.machine()})")


if __name__ == "__main__":
    main()
