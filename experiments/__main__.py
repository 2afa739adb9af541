"""Makes figures: trains what is missing, draws, judges, writes the report. `make figures` calls it."""

from __future__ import annotations

import sys

from experiments import opening

if __name__ == "__main__":
    opening.say(opening.figures(sys.argv[1:]))

import contextlib
import time
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from critical.core.spec import SpecError
from critical.data.sources import no_downloads
from critical.execution.plan import plan
from critical.execution.pool import Workers, default_jobs
from critical.execution.store import RunStore
from experiments.design import command, profile, registry
from experiments.design import config as configuration
from experiments.design.help import help_text
from experiments.design.unread import refuse_strangers, refuse_unreached
from experiments.output import estimate, naming, pipeline, tables
from experiments.output.loggers import logger
from experiments.output.reference import refuse_reference
from experiments.output.report import build_report
from experiments.output.report_text import duration
from experiments.output.verdict_lines import verdict_lines


def figures_help() -> str:
    """Returns what `--help` prints: the figures too."""
    figures = [f"{name:<32}{figure.question}" for name, figure in registry.FIGURES.items()]
    return help_text("figures", __doc__ or "", {"Figures": figures})


@command.by_settings("figures", help=figures_help)
def main(config: DictConfig) -> None:
    """Makes the figures asked for, or says what that would take."""
    asked = configuration.plain(config.figure) if OmegaConf.is_list(config.figure) else config.figure
    figures = registry.chosen(asked, configuration.plain(config.headline))
    refuse_strangers(config, registry.FIGURES)
    notes = refuse_unreached(config, command.given(), figures)
    needed = dict.fromkeys(figure.family for figure in figures)
    absent = estimate.Absent()
    with no_downloads() if config.dry else contextlib.nullcontext():
        instead = absent if config.dry else None
        families = {family: profile.protocol(config, family, instead) for family in needed}
    settings = {figure.name: profile.figure_settings(config, figure, families[figure.family]) for figure in figures}
    arithmetic = next(iter(families.values())).parts.arithmetic
    if config.reference:
        refuse_reference(arithmetic.device, arithmetic.instructions)
    jobs = default_jobs(arithmetic) if config.jobs is None else configuration.whole(config.jobs, "jobs")
    if jobs < 1:
        raise SpecError(f"jobs={jobs}: at least one worker")
    arithmetic.check()
    overrides = [*command.given(), f"device={arithmetic.device}"]
    name = naming.chosen(config.name, config.profile, overrides, config.reference, profile.names())
    results = Path(config.results)
    workers = Workers(RunStore(results / "runs"), jobs, results / "logs")
    setting = pipeline.Setting(
        profile=config.profile,
        results=results,
        train=workers.run,
        logger=logger(configuration.plain(config.logger)),
        reference=config.reference,
        seeds=None if config.seeds is None else profile.seeds(configuration.plain(config.seeds), "seeds"),
        name=name,
        changed=tuple(naming.changes(overrides, config.reference)),
    )
    plans = {}
    for figure in figures:
        protocol, parameters = settings[figure.name]
        design = pipeline.designed(figure, protocol, parameters)
        items = tables.planned(design, pipeline.seeds_now(design, protocol, setting))
        plans[figure.name] = plan(item.spec for item in items)
        pipeline.refuse_other_settings(figure, protocol, setting)
    whole = pipeline.merged(list(plans.values()))
    for line in notes:
        print(f"note: {line}", flush=True)
    if config.dry:
        print("measuring what an epoch costs here, for up to a minute", flush=True)
        print(estimate.report(plans, setting.store, jobs, absent.named))
        return
    print(
        f"{len(whole.runs)} runs: {whole.epochs_needed} epochs needed, "
        f"{whole.epochs_separate} if each were trained by itself",
        flush=True,
    )
    start = time.monotonic()
    with workers, workers.watching(whole):
        for figure in figures:
            made = pipeline.make_reference if setting.reference else pipeline.make
            record = made(figure, *settings[figure.name], setting)
            folder = results / ("report" if setting.reference else "figures") / name
            picture = folder / ("figures" if setting.reference else "") / f"{figure.name}.png"
            said = [f"{figure.name}, after {duration(time.monotonic() - start)}"]
            said += [f"  {line}" for line in (*verdict_lines(record.verdicts), f"picture: {picture}")]
            print("\n".join(said), flush=True)
    print(f"report: {build_report(results, name, drawing=True, jobs=jobs)}")


if __name__ == "__main__":
    main()
