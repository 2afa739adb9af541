"""Errors that say there is too little memory: of Python, of torch on a CPU, and of an accelerator."""

from __future__ import annotations

import errno
import sys

_WORDS = ("not enough memory", "can't allocate memory", "cannot allocate memory", "out of memory")
REMEDY = "try fewer jobs, or a smaller batch, network or data set"


class LackOfMemory(RuntimeError):
    """A run needs more memory than there is; the message is one line that names it and says what to do."""


def lacking(error: BaseException) -> bool:
    """Returns whether an error means that there is too little memory."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    torch = sys.modules.get("torch")
    if isinstance(error, MemoryError) or (torch is not None and isinstance(error, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _WORDS)


def said(where: str) -> str:
    """Returns one line on too little memory."""
    return f"{where}: there is too little memory; {REMEDY}; what is stored is not trained again"
