"""Figures by Hydra: `python -m experiments figure=iclr2019/deficit_removal profile=quick`."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from critical.core.spec import SpecError, closest, from_settings
from critical.execution.plan import plan
from critical.execution.pool import Workers, default_jobs
from critical.execution.store import RunStore
from critical.training.schedules import Continue
from experiments.design import command
from experiments.design import config as configuration
from experiments.design.figure import Figure
from experiments.design.protocol import Protocol, refuse_unmeasured
from experiments.design.registry import chosen
from experiments.output import estimate, pipeline
from experiments.output.loggers import logger


def protocol(config: DictConfig, family: str = "vision") -> Protocol:
    """Builds the protocol that a profile describes for a family of figures.

    Args:
        config: The whole configuration.
        family: `vision` (the settings at its top), or the key under which others stand.

    Raises:
        SpecError: Something unknown or impossible, in one line.
    """
    node = config if family == "vision" else config[family]
    given: dict[str, Any] = configuration.plain(node.protocol)
    known = {field.name for field in dataclasses.fields(Protocol)} - {"parts", "deficit"}
    for key in given:
        if key not in known:
            raise SpecError(f"protocol.{key}: there is no such setting; {closest(key, known)}")
    parts = configuration.parts(node, config.arithmetic)
    if not isinstance(given["seeds"], list):
        raise SpecError(f"protocol.seeds={given['seeds']!r}: a list of whole numbers is wanted, e.g. [0,1,2]")
    for seed in given["seeds"]:
        configuration.whole(seed, "protocol.seeds")
    if len(set(given["seeds"])) < len(given["seeds"]) or not given["seeds"]:
        raise SpecError(f"protocol.seeds={given['seeds']}: at least one seed, each once")
    if configuration.whole(given["recovery"], "protocol.recovery") < 1:
        raise SpecError(f"protocol.recovery={given['recovery']}: at least one epoch")
    # Refuses an impossible rate or decay now.
    rates = {key: given[key] for key in ("rate", "decay", "reset_optimizer")}
    from_settings({Continue.name: Continue}, {"name": Continue.name, **rates}, "protocol")
    made = Protocol(
        parts=parts,
        deficit=configuration.deficit(configuration.plain(node.deficit)),
        **{**given, "seeds": tuple(given["seeds"])},
    )
    configuration.try_on_data(parts, [made.deficit])
    return made


def numbers(config: DictConfig, figure: Figure) -> Any:
    """Builds the numbers of a figure from the profile.

    Raises:
        SpecError: The profile has none for it, or they are impossible.
    """
    if figure.name not in config.figures:
        raise SpecError(f"figure={figure.name}: profile {config.profile} has no numbers for it (figures.…)")
    return configuration.numbers(figure.numbers, configuration.plain(config.figures[figure.name]), figure.name)


@command.by_settings("figures")
def main(config: DictConfig) -> None:
    """Makes the figures asked for, or says what that would take."""
    asked = configuration.plain(config.figure) if OmegaConf.is_list(config.figure) else config.figure
    figures, everything = chosen(asked), asked in ("all", ["all"])
    made = {family: protocol(config, family) for family in dict.fromkeys(figure.family for figure in figures)}
    given = {figure.name: numbers(config, figure) for figure in figures}
    arithmetic = next(iter(made.values())).parts.arithmetic
    jobs = default_jobs(arithmetic) if config.jobs is None else configuration.whole(config.jobs, "jobs")
    if jobs < 1:
        raise SpecError(f"jobs={jobs}: at least one worker")
    arithmetic.check()
    results = Path(config.results)
    workers = Workers(RunStore(results / "runs"), jobs, results / "logs")
    setting = pipeline.Setting(
        profile=config.profile,
        results=results,
        train=workers.run,
        command=pipeline.command_line(),
        logger=logger(configuration.plain(config.logger)),
    )
    planned = {figure.name: figure.runs(made[figure.family], given[figure.name]) for figure in figures}
    for items in planned.values():
        refuse_unmeasured(items)
    # What is asked for by its name is made, whatever lies there.
    shown = {
        figure.name for figure in figures if everything and pipeline.calibrated(figure, planned[figure.name], setting)
    }
    whole = pipeline.merged([plan(item.spec for item in items) for name, items in planned.items() if name not in shown])
    if config.dry:
        print(estimate.report(whole, setting.store, jobs))
        return
    print(
        f"{len(whole.runs)} runs: {whole.epochs_needed} epochs needed, "
        f"{whole.epochs_separate} if each were trained by itself"
    )
    start = time.monotonic()
    with workers:
        for figure in figures:
            kept = figure.name in shown
            record = (pipeline.show if kept else pipeline.make)(
                figure, made[figure.family], given[figure.name], setting
            )
            picture = results / "figures" / config.profile / f"{figure.name}.png"
            how = f"from the table of {record.created}, {record.machine}" if kept else "made"
            print(f"{figure.name}: {picture} {how} after {time.monotonic() - start:.0f} s")
            for verdict in record.verdicts:
                print(f"  {verdict['verdict']}: {verdict['sentence']}")
    print(f"report: {results / 'report' / config.profile / 'index.html'}")


if __name__ == "__main__":
    main()
