"""How a command ends: what a person can mend is one line on standard error and a status, never a traceback.

Status 2: settings that cannot be. Status 1: something stopped. Every command's entry point is wrapped in `in_one_line`;
one that Hydra composes is made of its job by `by_settings`.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import hydra
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from critical.core import instructions
from critical.core.arithmetic import WrongInstructions
from critical.core.files import WriteError
from critical.core.spec import SpecError, closest
from critical.execution.pool import RunError
from experiments.design.config import CONF
from experiments.design.warned import plain_warnings

STOPPED = "stopped; the same command goes on from here"
OPTIONS_WITH_A_WORD = ("--cfg", "-c", "--package", "-p", "--info", "-i", "--config-name", "-cn")
"""Hydra's own, which are followed by a word that is no setting."""


def in_one_line(command: Callable[..., int | None]) -> Callable[..., None]:
    """Wraps a command, or a part of one whose caller prints tracebacks, such as Hydra's.

    Args:
        command: Returns the exit status; None counts as 0.

    Returns:
        The command. It raises SystemExit: 2 where settings cannot be, 1 where workers stopped, or the status.
    """

    @functools.wraps(command)
    def wrapped(*arguments: Any, **named: Any) -> None:
        try:
            with plain_warnings():
                status = command(*arguments, **named)
        except (SpecError, HydraException, OmegaConfBaseException) as error:
            if isinstance(error, WrongInstructions) and _may_start_again():
                _start_again()
            print(f"error: {one_line(error)}", file=sys.stderr)
            raise SystemExit(2) from None
        except (RunError, WriteError) as error:
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(1) from None
        except KeyboardInterrupt:
            raise SystemExit(STOPPED) from None
        if status:
            raise SystemExit(status)

    return wrapped


def by_settings(config_name: str) -> Callable[[Callable[[DictConfig], None]], Callable[[], None]]:
    """Makes a command of a job: Hydra composes its settings from the command line.

    Args:
        config_name: The primary configuration in `conf/`.

    Returns:
        A decorator of the job, which gets the configuration.
    """

    def decorate(job: Callable[[DictConfig], None]) -> Callable[[], None]:
        @functools.wraps(job)
        def main() -> None:
            try_settings(config_name, sys.argv[1:])
            # Hydra would print a traceback of what the job raises.
            call_hydra(config_name, in_one_line(job))

        return in_one_line(main)

    return decorate


def try_settings(config_name: str, arguments: Sequence[str]) -> None:
    """Composes the settings of a command line, whose errors Hydra's own main tells in paragraphs.

    Raises:
        SpecError: A word that is no setting.
        HydraException, OmegaConfBaseException: An override that cannot be.
    """
    stray = [text for text in arguments if not text.startswith("-") and text not in overrides(arguments)]
    for text in stray:
        if arguments[arguments.index(text) - 1] not in OPTIONS_WITH_A_WORD:
            raise SpecError(f"'{text}' is no setting; write key=value, e.g. seed=0")
    if not {"-m", "--multirun"} & set(arguments):
        with initialize_config_dir(str(CONF), version_base="1.3"):
            compose(config_name, overrides=overrides(arguments))


def call_hydra(config_name: str, job: Callable[[DictConfig], None]) -> None:
    """Calls a job with the settings of the command line."""
    hydra.main(config_path=str(CONF), config_name=config_name, version_base="1.3")(job)()


def overrides(arguments: Sequence[str]) -> list[str]:
    """Returns the overrides among a command's arguments (`a.b=c`, `+a=b`, `~a`)."""
    return [text for text in arguments if not text.startswith("-") and ("=" in text or text.startswith("~"))]


def one_line(error: Exception) -> str:
    """Folds a message of Hydra or OmegaConf into one line."""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options:
        group, _, choice = error.missing_cfg_file.rpartition("/")
        return f"{group}={choice}: there is no such choice; {closest(choice, error.options)}"
    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key or error.key}: has no value; give one on the command line"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith(("full_key", "object_type", "Available options"))]
    return "; ".join(kept[:3])


def _may_start_again() -> bool:
    """Returns whether this process is a command of the suite, not a test of one, and has not been started again yet."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    ours = spec is not None and spec.name.partition(".")[0] == __name__.partition(".")[0]
    return ours and not os.environ.get(instructions.SWITCH)


def _start_again() -> NoReturn:
    """Replaces this process by the same command with native instructions: they are chosen before torch is imported."""
    command, variables = [sys.executable, *sys.orig_argv[1:]], instructions.variables("native")
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "nt":
        # There, a replaced process is over for whoever waits for it.
        raise SystemExit(subprocess.run(command, env=variables, check=False).returncode)
    os.execve(command[0], command, variables)
