"""From settings with several values to the points of a sweep."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from critical.core.spec import SpecError
from experiments.design.config import CONF


def expand(given: Sequence[str], folder: Path | None = None) -> list[list[str]]:
    """Expands overrides with several values into their product, the last one changing fastest.

    Args:
        given: Overrides in Hydra's notation for sweeps: `a=1,2`, `a=range(3)`, `a=choice(x,y)`, `a=glob(*)`.
        folder: Where further configurations lie.

    Raises:
        HydraException: An override that cannot be parsed, or has no list of values.
    """
    several = []
    with initialize_config_dir(str(CONF), version_base="1.3"):
        loader: Any = GlobalHydra.instance().config_loader()
        if folder:
            # As `--config-dir` does: a glob is to find what lies there.
            path = loader.get_search_path()
            path.append("command-line", f"file://{folder.resolve()}")
            loader.repository.initialize_sources(path)
        for override in OverridesParser.create(config_loader=loader).parse_overrides(list(given)):
            if override.is_sweep_override() and not override.is_discrete_sweep():
                raise HydraException(f"{override.input_line}: an interval has no list of values; give one, e.g. a=1,2")
            swept = override.is_sweep_override()
            values = override.sweep_string_iterator() if swept else [override.get_value_element_as_str()]
            points = [f"{override.get_key_element()}={value}" for value in values]
            if not points:
                raise SpecError(f"{override.input_line}: there is no such choice")
            several.append(points)
    return [list(point) for point in itertools.product(*several)]
