"""How a command ends: what a person can mend is one line on standard error and a status, never a traceback.

Status 2: settings that cannot be. Status 1: something stopped. Every command's entry point is wrapped in `in_one_line`;
one that Hydra composes is made of its job by `by_settings`.
"""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import hydra
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from critical.core import instructions, memory
from critical.core.arithmetic import WrongInstructions
from critical.core.files import REMEDIES, WriteError, remedy
from critical.core.memory import LackOfMemory
from critical.core.spec import SpecError
from critical.core.terminal import end_output, open_streams, output_is_gone
from critical.execution.pool import RunError
from experiments.design import command_line, messages
from experiments.design.command_line import CommandLine
from experiments.design.config import CONF
from experiments.design.groups import refuse_unnamed, refuse_values
from experiments.design.help import help_text
from experiments.design.points import expand
from experiments.design.unread import known_keys, refuse_missing_choice, refuse_unread
from experiments.design.warned import plain_warnings

STOPPED = "stopped; the same command goes on from here"


def in_one_line(command: Callable[..., int | None]) -> Callable[..., None]:
    """Wraps a command, or a part of one whose caller prints tracebacks, such as Hydra's.

    Args:
        command: Returns the exit status; None counts as 0.

    Returns:
        The command. It raises SystemExit: 2 where settings cannot be, 1 where workers stopped, or the status.
    """

    @functools.wraps(command)
    def wrapped(*arguments: Any, **named: Any) -> None:
        open_streams()
        try:
            with plain_warnings():
                status = command(*arguments, **named)
            sys.stdout.flush()
        except (SpecError, HydraException, OmegaConfBaseException) as error:
            if isinstance(error, WrongInstructions) and _may_start_again():
                _start_again()
            print(f"error: {one_line(error)}", file=sys.stderr)
            raise SystemExit(2) from None
        except KeyboardInterrupt:
            raise SystemExit(STOPPED) from None
        except (OSError, RuntimeError, MemoryError) as error:
            if isinstance(error, OSError) and output_is_gone(error):
                raise SystemExit(end_output(error)) from None
            line = surroundings(error)
            if not line:
                raise
            print(f"error: {line}", file=sys.stderr)
            raise SystemExit(1) from None
        if status:
            raise SystemExit(status)

    return wrapped


def by_settings(
    config_name: str, help: Callable[[], str] | None = None
) -> Callable[[Callable[[DictConfig], None]], Callable[[], None]]:
    """Makes a command of a job: its settings are composed from the command line.

    Args:
        config_name: The primary configuration in `conf/`.
        help: What `--help` prints; made from the primary configuration when left out.

    Returns:
        A decorator of the job, which gets the configuration.
    """

    def decorate(job: Callable[[DictConfig], None]) -> Callable[[], None]:
        @functools.wraps(job)
        def main() -> None:
            line = command_line.read(sys.argv[1:], of_a_sweep=bool(os.environ.get("WANDB_SWEEP_ID")))
            if line.help:
                print(help() if help else help_text(config_name, sys.modules[job.__module__].__doc__ or ""))
            elif line.options:
                messages.refuse_by_name(line.overrides, config_name)
                refuse_unnamed(line.overrides)
                # Hydra tells in paragraphs what cannot be.
                for point in expand(line.overrides, line.folder) if line.multirun else [line.overrides]:
                    composed(config_name, CommandLine(tuple(point), (), line.folder))
                # Hydra would print a traceback of what the job raises.
                call_hydra(config_name, line, in_one_line(functools.partial(_checked, job, config_name)))
            else:
                job(composed(config_name, line))

        return in_one_line(main)

    return decorate


def composed(config_name: str, line: CommandLine) -> DictConfig:
    """Composes the settings of a command line, and refuses those that nothing would read.

    What Hydra knows of it is there for `given`.

    Raises:
        SpecError: A setting that cannot be, in one line.
    """
    messages.refuse_by_name(line.overrides, config_name)
    refuse_unnamed(line.overrides)
    with initialize_config_dir(str(CONF), version_base="1.3"):
        try:
            config = compose(config_name, overrides=[*line.search, *line.overrides], return_hydra_config=True)
        except (HydraException, OmegaConfBaseException, ValueError) as error:
            raise SpecError(messages.one_line(error, config_name, _known(config_name, line))) from error
        HydraConfig.instance().set_config(config)
        with open_dict(config):
            del config["hydra"]
        _refuse(config, line.overrides, config_name, own_folder=line.folder is not None)
    return config


def given() -> list[str]:
    """Returns the settings of the command line as they were written, for the job that is under way."""
    held: Any = OmegaConf.to_container(HydraConfig.get().overrides.task, resolve=False)
    return list(held)


def call_hydra(config_name: str, line: CommandLine, job: Callable[[DictConfig], None]) -> None:
    """Lets Hydra's own main call a job: for its options, and for several runs (`-m`)."""
    before = sys.argv
    sys.argv = [before[0], *line.options, *line.search, *line.overrides]
    try:
        hydra.main(config_path=str(CONF), config_name=config_name, version_base="1.3")(job)()
    finally:
        sys.argv = before


def _checked(job: Callable[[DictConfig], None], config_name: str, config: DictConfig) -> None:
    """Calls a job where Hydra composed its settings."""
    _refuse(config, given(), config_name)
    job(config)


def _refuse(config: DictConfig, overrides: Sequence[str], config_name: str, own_folder: bool = False) -> None:
    refuse_values(config)
    if own_folder or any(text.startswith("+") for text in overrides):
        refuse_unread(config, overrides, config_name)
    if config_name == "train":
        refuse_missing_choice(config, overrides)


def _known(config_name: str, line: CommandLine) -> set[str]:
    """Returns the keys that there are: with the choices of a command line, where they can be."""
    choices = [text for text in line.overrides if "." not in text.partition("=")[0].partition("@")[0]]
    for overrides in (choices, []):
        with contextlib.suppress(Exception):
            return known_keys(compose(config_name, overrides=[*line.search, *overrides]))
    return set()


def surroundings(error: BaseException) -> str:
    """Returns in one line what a person mends about what a command meets; nothing where it is no such error."""
    if isinstance(error, (RunError, LackOfMemory, WriteError)):
        return str(error)
    if memory.lacking(error):
        return memory.said("this command")
    if isinstance(error, OSError) and error.errno in REMEDIES:
        return f"{error.filename or 'the system'}: {remedy(error)}"
    return ""


def one_line(error: Exception) -> str:
    """Folds a message of Hydra or OmegaConf into one line."""
    return messages.one_line(error)


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
