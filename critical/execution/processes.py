"""Worker processes that do without the script which starts them.

`multiprocessing` runs the main script again in each process that it spawns. A script without
`if __name__ == "__main__"` would start itself over there, and one that was read from standard input, or a notebook, is
not found. So a process imports the modules that it needs, and the script alone where what it is given is defined there.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import pickle
import sys
import traceback
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import Any

from critical.core import memory
from critical.core.files import REMEDIES, WriteError, remedy
from critical.core.memory import LackOfMemory
from critical.core.spec import SpecError

UNGUARDED = 86
"""What a process ends with whose script, run again for what it defines, starts processes itself."""
_MAIN = "__main__"


def pickled(value: Any) -> bytes:
    """Returns what is handed to a process.

    Raises:
        SpecError: It cannot be handed over, or holds something that a process would not find.
    """
    try:
        given = pickle.dumps(value)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise SpecError(f"workers: {error}; define it at the top level of a module, or train in this process with "
                        "critical.work(plan, store)") from error  # fmt: skip
    script = sys.modules[_MAIN]
    named = getattr(script, "__spec__", None) is not None or Path(getattr(script, "__file__", None) or "").is_file()
    if (names := of_script(given)) and not named:
        raise SpecError(
            f"workers: {', '.join(names)} is defined in a session or on standard input, where no process finds it; "
            "put it into a module (a file) and import it, or train in this process with critical.work(plan, store)"
        )
    return given


def of_script(given: bytes) -> list[str]:
    """Returns the names in a pickle that are defined in the script which was started."""
    if _MAIN.encode() not in given:
        return []
    found = _Names(io.BytesIO(given))
    found.load()
    return sorted(found.names)


class _Names(pickle.Unpickler):
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.names: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        if module == _MAIN:
            self.names.add(name)
        return super().find_class(module, name)


def start(process: BaseProcess, script: bool = False) -> None:
    """Starts a process.

    Args:
        process: The process, of the context `spawn`.
        script: Whether it imports the script.
    """
    with contextlib.nullcontext() if script else _without_script():
        process.start()


def end_if_imported() -> None:
    """Ends a process that runs a script again, for what it defines, where the script would start processes itself."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise SystemExit(UNGUARDED)


def ended(code: int | None, run: str, of_script: list[str]) -> str:
    """Returns in one line why a worker ended that could not say so itself; nothing where that is not known.

    Args:
        code: What it ended with.
        run: The run that it began last.
        of_script: What it needs of the script.
    """
    if code == UNGUARDED:
        return (
            f"the script starts over in every worker, which imports it for {', '.join(of_script)}: put what it does "
            'below if __name__ == "__main__":, or what it defines into a module of its own'
        )
    if code is None or code >= 0:
        return ""
    where = f" in run {run}" if run else ""
    why = f"often a lack of memory: {memory.REMEDY}"
    again = "run the same command again, it goes on where it stopped"
    return f"a worker was ended by signal {-code}{where} (9 is {why}); {again}"


def told(error: Exception, log: Path) -> str:
    """Returns in one line why a worker ends; where that is no matter of its surroundings, with a traceback in `log`."""
    if isinstance(error, (WriteError, LackOfMemory)):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.errno in REMEDIES:
        return f"a worker stopped: {error.filename or 'the system'}: {remedy(error)}"
    reason = f"a worker stopped: {' '.join(traceback.format_exception_only(error)[-1].split())}"
    # Where there is no room for it, the reason is told all the same.
    with contextlib.suppress(OSError):
        log.write_text(traceback.format_exc(), encoding="utf-8")
        reason += f" (traceback in {log})"
    return reason


@contextlib.contextmanager
def _without_script() -> Iterator[None]:
    """Hides the script from `multiprocessing`, which asks for it as a process starts."""
    script = sys.modules[_MAIN]
    sys.modules[_MAIN] = ModuleType(_MAIN)
    try:
        yield
    finally:
        sys.modules[_MAIN] = script
