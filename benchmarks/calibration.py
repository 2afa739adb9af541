"""How hard and how dear a profile's clean run is: python benchmarks/calibration.py [profile] [overrides …].

Trains the *fresh* arm of a profile (no deficit, a standard recovery) on calibration seeds, which serve no
claim, and prints final test accuracy, its spread and the CPU-seconds of an epoch. A profile's difficulty is
chosen by this, never by a verdict. Ten seconds a seed in `quick`.
"""

from __future__ import annotations

import statistics
import sys
import time

from hydra import compose, initialize_config_dir

from critical import environment
from critical.claims import FIRST_CALIBRATION_SEED
from critical.training import train
from experiments.__main__ import protocol
from experiments.config import CONF
from experiments.protocol import FRESH

SEEDS = range(FIRST_CALIBRATION_SEED, FIRST_CALIBRATION_SEED + 4)


def main() -> None:
    """Prints one line."""
    profile, *overrides = sys.argv[1:] or ["quick"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        made = protocol(compose("figures", overrides=[f"profile={profile}", *overrides]))
    accuracies, start, epochs = [], time.process_time(), 0
    for seed in SEEDS:
        rows = train(made.arm(seed, FRESH).spec)
        accuracies.append(rows[-1]["test_accuracy"])
        epochs += len(rows)
    price = (time.process_time() - start) / epochs
    print(
        f"{profile}: {', '.join(f'{value:.1f}' for value in accuracies)} %, mean {statistics.mean(accuracies):.1f}, "
        f"s.d. {statistics.stdev(accuracies):.1f}; {price:.2f} CPU-seconds an epoch ({environment.machine()})"
    )


if __name__ == "__main__":
    main()
