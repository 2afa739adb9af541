"""Critical learning periods in deep networks: deficits, timelines, forks, Fisher traces, verdicts.

`critical` knows tensors. It never imports `experiments`, hydra or wandb and works alone in a
notebook or in any other training loop. Import it before torch: it chooses the CPU's instructions
(`critical.core.instructions`). Its public names are those of `critical.api`: `from critical import Results, Blur`.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from critical.core import instructions

if TYPE_CHECKING:
    from critical.api import *  # noqa: F403

instructions.pin()

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Imports the public names, and torch with them, when the first is asked for."""
    # A package, such as critical.data, is imported by itself, and special names are asked for by tools.
    if name == "__all__" or not (name.startswith("_") or importlib.util.find_spec(f"{__name__}.{name}")):
        public = importlib.import_module("critical.api")
        if name == "__all__":
            return public.__all__
        if name in public.__all__:
            return getattr(public, name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *importlib.import_module("critical.api").__all__})
