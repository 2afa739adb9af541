"""Trains one run, prints a row an epoch, and draws it: `python -m experiments.train deficit=blur deficit.end=10`.

The run goes through the store like those of the figures: what is stored is not trained again, and
its record lies in `results/runs/runs/<run id>/`. For an agent of a sweep, the sweep's runs and refusals are noted too.
"""

from __future__ import annotations

import contextlib
import sys

from experiments import opening

if __name__ == "__main__":
    opening.say(opening.train(sys.argv[1:]))

from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from critical.core import environment
from critical.core.spec import SpecError
from critical.core.terminal import on_terminal
from critical.execution.plan import plan
from critical.execution.progress import progress
from critical.execution.store import RunStore
from critical.execution.workers import work
from critical.training.runs import RunSpec
from critical.training.timeline import Timeline
from experiments.design import command_line
from experiments.design import config as configuration
from experiments.design.command import by_settings, given, one_line
from experiments.design.command_line import overrides
from experiments.design.effects import RunEffect, effects_of
from experiments.output import effect_values
from experiments.output.run_lines import Rows, next_settings, picture, title_of
from experiments.output.sweep_record import current_sweep, remember, remember_begun, remember_refused
from experiments.tracking.mirror import logger


def run_spec(config: DictConfig) -> RunSpec:
    """Builds the run that a configuration describes.

    Raises:
        SpecError: Something unknown or impossible, in one line.
    """
    windows = configuration.windows(configuration.plain(config.deficit))
    removal = max((window.end for window in windows), default=0)
    recovery = configuration.whole(config.recovery, "recovery")
    if config.epochs is None and recovery < 0:
        raise SpecError(f"recovery={recovery}: cannot be negative")
    end = removal + recovery if config.epochs is None else configuration.whole(config.epochs, "epochs")
    parts = configuration.parts(config)
    configuration.try_on_data(parts, (window.deficit for window in windows))
    made = parts.run(
        seed=configuration.whole(config.seed, "seed"),
        schedule=configuration.schedule(configuration.plain(config.schedule)),
        timeline=Timeline(end, windows),
        stabilizers=configuration.stabilizer_windows(configuration.plain(config.stabilizer)),
    )
    configuration.try_stabilizers(parts, made.stabilizers)
    return made


def run_effects(config: DictConfig, spec: RunSpec) -> tuple[RunEffect, ...]:
    """Returns the effects that a configuration asks of its run.

    Raises:
        SpecError: The run cannot have one of them, in one line.
    """
    factor = config.slow_trunk_factor
    if not isinstance(factor, (int, float)) or isinstance(factor, bool):
        raise SpecError(f"slow_trunk_factor={factor!r}: a number in [0, 1] is wanted")
    return effects_of(configuration.plain(config.effect), spec, factor)


@by_settings("train")
def main(config: DictConfig) -> None:
    """Trains the run, unless it is stored already; prints its epochs, and where its record and picture are."""
    spec = run_spec(config)
    effects = run_effects(config, spec)
    spec.arithmetic.check()
    mirror = logger(configuration.plain(config.logger), Path(config.results))
    place = {"notes": title_of(spec)}
    mirror.announce([(spec, place)])
    store = RunStore(Path(config.results) / "runs")
    store.check()
    remember_begun(Path(config.results), spec.run_id, given())
    effect_values.train_references(effects, store)
    live = mirror.live(lambda _, row: effect_values.series(effects, store, row["epoch"]))
    shown = Rows(spec, store)
    store.refresh()
    shown.show()
    if effects and live is not None and (stored := store.rows(spec)):
        # Else it would be sent as a whole, without effects by epoch.
        live.begins(spec, stored)
        live.ends(spec)
    # Rows are progress enough where there is no terminal.
    bar = progress("train", spec.timeline.end, 1) if on_terminal() else contextlib.nullcontext()
    with bar as display:

        def after_epoch(_: RunSpec, epoch: int) -> None:
            shown.show()
            if display is not None:
                display.update(epoch, int(epoch < spec.timeline.end))

        work(plan([spec]), store, after_epoch=after_epoch, listener=live)
    folder = store.publish(spec, environment.describe())
    rows = store.rows(spec) or []
    shown.show()
    remember(Path(config.results), spec.run_id, given())
    lines = [] if "failure" in rows[-1] else [effect_values.line(effect, store) for effect in effects]
    try:
        say(spec, rows, folder, lines, by_epochs=config.epochs is not None)
    finally:
        # Last: a service that does not answer is waited for.
        if live is not None:
            live.close()
        mirror.log_run(folder, place, effect_values.known(effects, store))
        mirror.close()


def say(spec: RunSpec, rows: list[dict[str, Any]], folder: Path, effects: list[str], by_epochs: bool) -> None:
    """Says where the run's record and picture are, its effects, what one would do next; ends it where it failed."""
    last = rows[-1]
    if "failure" in last:
        raise SystemExit(f"run {spec.run_id} failed: {last['failure']}; its record: {folder}")
    said = f"test accuracy {last['test_accuracy']:.2f} %; " if "test_accuracy" in last else ""
    print(f"run {spec.run_id}: {said}its record: {folder}")
    for line in effects:
        print(line)
    print(f"picture: {picture(spec, rows, folder)}")
    print("next, one of:")
    for setting, question in next_settings(spec, by_epochs=by_epochs):
        print(f"  {setting:<34}  {question}", flush=True)


def note_refusal(error: Exception) -> None:
    """Notes for the sweep of this process why its settings cannot be."""
    written = overrides(sys.argv[1:])
    # Where the command line cannot be read, its words are noted as they are.
    with contextlib.suppress(SpecError):
        written = list(command_line.read(sys.argv[1:], of_a_sweep=True).overrides)
    # Where the folder of results is itself what cannot be, there is none to note it in.
    with contextlib.suppress(HydraException, OmegaConfBaseException):
        with initialize_config_dir(str(configuration.CONF), version_base="1.3"):
            config = compose("train", overrides=[text for text in written if text.startswith("results=")])
        remember_refused(Path(config.results), written, one_line(error))


def command() -> None:
    """Entry point: impossible settings end it with one line, which is noted where a sweep gave them."""
    try:
        main()
    except SystemExit as stop:
        # The error that was told in one line is hidden from a traceback only.
        if current_sweep() and stop.code == 2 and isinstance(stop.__context__, Exception):
            note_refusal(stop.__context__)
        raise


if __name__ == "__main__":
    command()
