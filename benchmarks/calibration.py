"""How hard and how dear a profile's clean runs are: python benchmarks/calibration.py [profile] [overrides …].

Trains two arms of each family of figures of a profile on calibration seeds, which serve no claim, neither with a
deficit: *fresh* (a standard recovery) and *dose-matched* (as many clean epochs as the family's longest window, then
the recovery). Prints final test accuracy seed by seed and its spread, the training data included, since every seed
draws its own; for two views also what each tells alone; and the CPU-seconds of an epoch, probes included. A
profile's difficulty is chosen by this, never by a verdict. Half a minute a seed in `quick`.
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
from experiments.design.config import CONF
from experiments.design.profile import protocol
from experiments.design.registry import FIGURES

SEEDS = range(FIRST_CALIBRATION_SEED, FIRST_CALIBRATION_SEED + 8)
COLUMNS = {"accuracy": "test_accuracy", "view a": "decoding_a", "view b": "decoding_b"}


def main() -> None:
    """Prints some lines a family."""
    profile, *overrides = sys.argv[1:] or ["quick"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("figures", overrides=[f"profile={profile}", *overrides])
    for family in dict.fromkeys(figure.family for figure in FIGURES.values()):
        made = protocol(config, family)
        longest, recovery = made.longest_window, made.recovery
        window = made.window(0, longest)
        for arm, length in ((window.fresh, 0), (window.dose_matched, longest)):
            last, start, epochs = [], time.process_time(), 0
            for seed in SEEDS:
                rows = train(arm.of_seed(seed))
                last.append(rows[-1])
                epochs += len(rows)
            price = (time.process_time() - start) / epochs
            said = f"{arm.tags['role']} ({length} + {recovery} epochs), {price:.2f} CPU-seconds an epoch"
            print(f"{profile}, {family}, {said}:")
            for words, column in COLUMNS.items():
                values = [row[column] for row in last if column in row]
                if values:
                    listed = ", ".join(f"{value:.1f}" for value in values)
                    mean, spread = statistics.mean(values), statistics.stdev(values)
                    print(f"  {words} {listed} %; mean {mean:.1f}, s.d. {spread:.1f}", flush=True)
    print(environment.machine())


if __name__ == "__main__":
    main()
