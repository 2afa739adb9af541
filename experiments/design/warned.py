"""Warnings of the suite's own as a person reads them: one line, without the code that gave them."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from critical.data import DataWarning


@contextlib.contextmanager
def plain_warnings() -> Iterator[None]:
    """Inside, warnings about data are printed as `warning: …`; all others as always."""
    usual = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any, **rest: Any) -> None:
        if issubclass(category, DataWarning):
            print(f"warning: {message}", file=sys.stderr)
        else:
            usual(message, category, *where, **rest)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = usual
