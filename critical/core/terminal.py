"""Where output goes: to a terminal, to somewhere else, or nowhere."""

from __future__ import annotations

import errno
import os
import sys


def on_terminal() -> bool:
    """Returns whether standard output is a terminal; it may be closed."""
    return sys.stdout is not None and sys.stdout.isatty()


def open_streams() -> None:
    """Opens standard output and error to nowhere where they are closed (`>&-`), for this process and its children.

    Otherwise the next file that is opened would get their number.
    """
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            setattr(sys, name, open(number, "w", closefd=False))  # noqa: SIM115  As long as the process lives.


def told_nobody(error: OSError) -> bool:
    """Returns whether standard output could not be written: nobody reads any more (`| head`), or the disk is full."""
    return isinstance(error, BrokenPipeError) or (error.errno == errno.ENOSPC and error.filename is None)


def end_output(error: OSError) -> int:
    """Lets go what is left of standard output, and says why unless a reader has gone; returns the exit status."""
    # The interpreter flushes once more at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        print(f"error: standard output cannot be written: {os.strerror(error.errno or 0)}", file=sys.stderr)
    return 1
