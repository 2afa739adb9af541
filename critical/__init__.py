"""Critical learning periods in deep networks: deficits, timelines, forks, Fisher traces, verdicts.

`critical` knows tensors. It never imports `experiments`, hydra or wandb and works alone in a
notebook or in any other training loop. Import it before torch: it chooses the CPU's instructions
(`critical.core.instructions`).
"""

from critical.core import instructions

instructions.pin()

__version__ = "0.1.0"
