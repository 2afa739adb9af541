"""Where output goes: to a terminal, to somewhere else, or nowhere."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys

SPELT = {
    **{"−": "-", "–": "-", "±": "+-", "×": "x", "·": ".", "…": "...", "→": "->", "≤": "<=", "≥": ">=", "²": "^2"},
    **{"✓": "+", "✗": "x", "≈": "~", "↺": "<"},
    **dict(zip("▁▂▃▄▅▆▇█", "_.:-=+*#", strict=True)),
}
"""What stands for signs that an encoding lacks; a minus must not be lost. `?` for all others."""


def on_terminal() -> bool:
    """Returns whether standard output is a terminal; it may be closed."""
    return sys.stdout is not None and sys.stdout.isatty()


def open_streams() -> None:
    """Makes standard output and error take what is printed.

    Where they are closed (`>&-`) they are opened to nowhere, for this process and its children: otherwise the next file
    that is opened would get their number. Signs that their encoding lacks are spelt in others.
    """
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            setattr(sys, name, open(number, "w", closefd=False))  # noqa: SIM115  As long as the process lives.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="spelt")


def _spell(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return "".join(SPELT.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


codecs.register_error("spelt", _spell)


def output_is_gone(error: OSError) -> bool:
    """Returns whether standard output could not be written: nobody reads any more (`| head`), or the disk is full."""
    return isinstance(error, BrokenPipeError) or (error.errno == errno.ENOSPC and error.filename is None)


def end_output(error: OSError) -> int:
    """Lets go what is left of standard output, and says why unless a reader has gone; returns the exit status."""
    # The interpreter flushes once more at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        print(f"error: standard output cannot be written: {os.strerror(error.errno or 0)}", file=sys.stderr)
    return 1
