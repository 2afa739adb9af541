"""Figures by Hydra: `python -m experiments figure=iclr2019/deficit_removal profile=quick`."""

from __future__ import annotations

import time
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from critical.core.spec import SpecError
from critical.execution.plan import plan
from critical.execution.pool import Workers, default_jobs
from critical.execution.store import RunStore
from critical.inference.claims import BATCHES
from experiments.design import command, profile, registry
from experiments.design import config as configuration
from experiments.output import estimate, pipeline, tables
from experiments.output.loggers import logger
from experiments.output.reference import refuse_reference


@command.by_settings("figures")
def main(config: DictConfig) -> None:
    """Makes the figures asked for, or says what that would take."""
    asked = configuration.plain(config.figure) if OmegaConf.is_list(config.figure) else config.figure
    figures = registry.chosen(asked, configuration.plain(config.headline))
    needed = dict.fromkeys(figure.family for figure in figures)
    families = {family: profile.protocol(config, family) for family in needed}
    settings = {figure.name: profile.figure_settings(config, figure, families[figure.family]) for figure in figures}
    arithmetic = next(iter(families.values())).parts.arithmetic
    if config.reference:
        refuse_reference(arithmetic.device, arithmetic.instructions, str(config.device))
    jobs = default_jobs(arithmetic) if config.jobs is None else configuration.whole(config.jobs, "jobs")
    if jobs < 1:
        raise SpecError(f"jobs={jobs}: at least one worker")
    arithmetic.check()
    results = Path(config.results)
    workers = Workers(RunStore(results / "runs"), jobs, results / "logs")
    name = config.name or config.profile
    setting = pipeline.Setting(
        profile=name,
        results=results,
        train=workers.run,
        command=pipeline.command_line(),
        logger=logger(configuration.plain(config.logger)),
        reference=config.reference,
        seeds=None if config.seeds is None else profile.seeds(configuration.plain(config.seeds), "seeds"),
        seeds_at_once=1 if arithmetic.device == "cpu" else len(BATCHES[0]),
    )
    plans = {}
    for figure in figures:
        protocol, parameters = settings[figure.name]
        design = pipeline.designed(figure, protocol, parameters)
        items = tables.planned(design, pipeline.seeds_now(design, protocol, setting))
        plans[figure.name] = plan(item.spec for item in items)
    whole = pipeline.merged(list(plans.values()))
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
            made = pipeline.make_reference if setting.reference else pipeline.make
            record = made(figure, *settings[figure.name], setting)
            picture = results / "figures" / name / f"{figure.name}.png"
            print(f"{figure.name}: {picture} made after {time.monotonic() - start:.0f} s")
            for verdict in record.verdicts:
                print(f"  {verdict['verdict']}: {verdict['sentence']}")
    print(f"report: {results / 'report' / name / 'index.html'}")


if __name__ == "__main__":
    main()
