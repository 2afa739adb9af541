"""Makes figures: trains what is missing, draws, judges, writes the report. `make figures` calls it."""

from __future__ import annotations

import sys

from experiments import opening

if __name__ == "__main__":
    opening.say(opening.figures(sys.argv[1:]))

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from critical.core.spec import SpecError
from critical.data.sources import no_downloads
from critical.execution.plan import Plan, plan
from critical.execution.pool import Workers, default_jobs
from critical.execution.store import RunStore
from critical.inference.claims import BATCHES
from experiments.design import command, profile, registry
from experiments.design import config as configuration
from experiments.design.figure import Figure
from experiments.design.help import help_text
from experiments.design.protocol import Protocol
from experiments.design.unread import refuse_strangers, refuse_unreached
from experiments.output import estimate, naming, pictures, pipeline, tables
from experiments.output.composing import designed
from experiments.output.reference import refuse_reference
from experiments.output.report import build_report
from experiments.output.report_text import duration
from experiments.output.verdict_lines import verdict_lines
from experiments.runs.printing import counted
from experiments.tracking.logger import Logger
from experiments.tracking.mirror import logger


def figures_help() -> str:
    """Returns what `--help` prints: the figures too."""
    width = max(map(len, registry.FIGURES)) + 2
    lines = [f"{name:<{width}}{figure.question} ({', '.join(figure.parameters.names()) or 'no settings of its own'})"
             for name, figure in registry.FIGURES.items()]  # fmt: skip
    title = "Figures (with the settings that each has of its own, as in figures.controls/permanence.length=5)"
    return help_text("figures", __doc__ or "", {title: lines})


@command.by_settings("figures", help=figures_help)
def main(config: DictConfig) -> None:
    """Makes the figures asked for, or says what that would take."""
    asked = configuration.plain(config.figure) if OmegaConf.is_list(config.figure) else config.figure
    figures = registry.chosen(asked, configuration.plain(config.headline))
    refuse_strangers(config, registry.FIGURES)
    notes = refuse_unreached(config, command.given(), figures)
    absent = estimate.Absent()
    settings = settings_of(config, figures, absent)
    arithmetic = settings[figures[0].name][0].parts.arithmetic
    if config.reference:
        refuse_reference(arithmetic.device, arithmetic.instructions, str(config.device))
    jobs = default_jobs(arithmetic) if config.jobs is None else configuration.whole(config.jobs, "jobs")
    if jobs < 1:
        raise SpecError(f"jobs={jobs}: at least one worker")
    arithmetic.check()
    results = Path(config.results)
    mirror = logger(configuration.plain(config.logger), results)
    listener = None if config.dry else mirror.listener()
    workers = Workers(RunStore(results / "runs"), jobs, results / "logs", listener)
    setting = setting_of(config, arithmetic.device, workers, mirror)
    plans = {figure.name: planned(figure, settings[figure.name], setting) for figure in figures}
    for line in notes:
        print(f"note: {line}", flush=True)
    whole = pipeline.merged(list(plans.values()))
    if not config.dry:
        setting.check_folders(plans)
    needed = (f"{counted(len(whole.runs), 'runs')}: {counted(whole.epochs_needed, 'epochs needed')}, "
              f"{whole.epochs_separate} if each were trained by itself")  # fmt: skip
    print(needed if whole.runs else "computed; nothing is trained", flush=True)
    if config.dry:
        if whole.runs:
            print("measuring what an epoch costs here; it takes a minute or a few", flush=True)
        print(estimate.report(plans, setting.store, jobs, absent.named))
        return
    start = time.monotonic()
    with contextlib.closing(mirror), workers, workers.watching(whole):
        for figure in figures:
            made = pipeline.make_reference if setting.reference else pipeline.make
            record = made(figure, *settings[figure.name], setting)
            said = [f"{figure.name}, after {duration(time.monotonic() - start)}"]
            said += [f"  {line}" for line in verdict_lines(record.verdicts)]
            said.append(f"  picture: {pictures.path(setting.pictures, figure.name, 'png')}")
            print("\n".join(said), flush=True)
    print(f"report: {build_report(results, setting.folder, drawing=True, jobs=jobs)}")


def settings_of(
    config: DictConfig, figures: Sequence[Figure], absent: estimate.Absent
) -> dict[str, tuple[Protocol, Any]]:
    """Returns protocol and parameters of each figure.

    Args:
        config: Where it is dry, nothing is downloaded.
        figures: What is asked for.
        absent: Stands in, where it is dry, for data that are not here.
    """
    with no_downloads() if config.dry else contextlib.nullcontext():
        families = {family: profile.protocol(config, family, absent if config.dry else None)
                    for family in dict.fromkeys(figure.family for figure in figures)}  # fmt: skip
    return {figure.name: profile.figure_settings(config, figure, families[figure.family]) for figure in figures}


def setting_of(config: DictConfig, device: str, workers: Workers, mirror: Logger) -> pipeline.Setting:
    """Returns what the command decides besides the protocols.

    Args:
        config: The whole configuration.
        device: The one that was found.
        workers: Who trains.
        mirror: Where runs are logged.
    """
    overrides = [*command.given(), f"device={device}"]
    return pipeline.Setting(
        profile=config.profile,
        results=Path(config.results),
        train=workers.run,
        logger=mirror,
        reference=config.reference,
        seeds=None if config.seeds is None else profile.seeds(configuration.plain(config.seeds), "seeds"),
        seeds_at_once=1 if device == "cpu" else len(BATCHES[0]),
        name=naming.chosen(config.name, config.profile, overrides, config.reference, profile.names()),
        changed=tuple(naming.changes(overrides, config.reference)),
    )


def planned(figure: Figure, settings: tuple[Protocol, Any], setting: pipeline.Setting) -> Plan:
    """Returns the runs of a figure; refuses those that would be written over results of other settings."""
    protocol, parameters = settings
    design = designed(figure, protocol, parameters)
    items = tables.planned(design, pipeline.seeds_now(design, protocol, setting))
    pipeline.refuse_other_settings(figure, protocol, setting)
    return plan(item.spec for item in items)


if __name__ == "__main__":
    main()
